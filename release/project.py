"""What Cargo.toml says of the project: nothing of it is written down a second time."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHARED = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]
VERSION = SHARED["version"]
LICENSE = SHARED["license"]
HOMEPAGE = SHARED["homepage"]
DESCRIPTION = tomllib.loads((ROOT / "cli" / "Cargo.toml").read_text())["package"]["description"]
# What every package carries beside the program.
LICENSE_FILE = ROOT / "LICENSE"
README_FILE = ROOT / "README.md"
# In archives, so that the same programs make the same files: the oldest time that a zip can tell.
EPOCH = 315532800
