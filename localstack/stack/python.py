"""Python packages in virtual environments: LocalStack's here, the tools' in `tools.py`."""

import sys

from .places import HERE, Trouble
from .run import run


def check(who="LocalStack needs", otherwise=", or start a Docker daemon"):
    """On 3.12 LocalStack ends with a TypeError, whatever its metadata says; for 3.14 moto wants other packages."""
    if sys.version_info[:2] != (3, 13):
        raise Trouble(
            f"{who} Python 3.13, which was not found: install it (python3.13 and python3.13-venv in"
            f" Debian's and Ubuntu's words){otherwise}."
        )


def install(folder):
    environment(folder, ("requirements.txt", "sources.txt"), "pip could not install LocalStack")


def environment(folder, lists, sentence):
    """pip as the user has set it up: its index, its certificates. Every file is held to its checksum."""
    log = folder.with_suffix(".log")
    run([sys.executable, "-m", "venv", folder], log, "a virtual environment could not be made")
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    # All packages are listed, so there is nothing to resolve; Python compiles what it uses by itself.
    exact = [*pip, "--progress-bar=off", "--no-deps", "--no-compile", "--require-hashes"]
    for file in lists:
        kind = "--no-build-isolation" if file == "sources.txt" else "--only-binary=:all:"
        run([*exact, kind, "-r", HERE / "packages" / file], log, sentence)
