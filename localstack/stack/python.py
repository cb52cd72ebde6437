"""LocalStack's Python packages, in a virtual environment of their own."""

import sys

from .places import HERE, Trouble
from .run import run


def check():
    """LocalStack's sources use 3.12's syntax, whatever its metadata says; its packages are pinned up to 3.13."""
    if not (3, 12) <= sys.version_info < (3, 14):
        raise Trouble(
            "LocalStack needs Python 3.12 or 3.13 and none was found: install python3.12 and python3.12-venv,"
            " or start a Docker daemon."
        )


def install(folder):
    """pip as the user has set it up: its index, its certificates. Every file is held to its checksum."""
    log = folder.with_suffix(".log")
    run([sys.executable, "-m", "venv", folder], log, "a virtual environment could not be made")
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    # All packages are listed, so there is nothing to resolve; Python compiles what it uses by itself.
    exact = ["--no-deps", "--no-compile", "--require-hashes"]
    requirements = HERE / "packages" / "requirements.txt"
    run([*pip, *exact, "-r", requirements], log, "pip could not install LocalStack")
