"""What each program is made of, in CycloneDX."""

import os
import subprocess
import tomllib

from .project import EPOCH, ROOT, VERSION

TOOL = ROOT / "target" / "tools" / "bin" / "cargo-cyclonedx"
FOLDERS = {"canter": "cli", "canter-fetch": "functions/fetch", "canter-search": "functions/search"}
# ARM needs no other crate.
TARGET = "x86_64-unknown-linux-gnu"
WRITTEN = "canter-sbom"


def write(destination):
    """The tool writes beside each Cargo.toml of the workspace: what is not wanted there goes again."""
    members = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["members"]
    command = [TOOL, "cyclonedx", "--quiet", "--format", "json", "--spec-version", "1.5"]
    command += ["--target", TARGET, "--override-filename", WRITTEN]
    try:
        subprocess.run(command, cwd=ROOT, env={**os.environ, "SOURCE_DATE_EPOCH": str(EPOCH)}, check=True)
        for program, folder in FOLDERS.items():
            # Its references are paths of this machine.
            told = (ROOT / folder / f"{WRITTEN}.json").read_text().replace(f"file://{ROOT}/", "file:///")
            (destination / f"{program}-{VERSION}.cdx.json").write_text(told)
    finally:
        for member in members:
            (ROOT / member / f"{WRITTEN}.json").unlink(missing_ok=True)
