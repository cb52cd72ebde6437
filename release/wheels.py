"""The wheel: the program as a script of a distribution that has no Python in it, as ruff's and uv's are."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.version import Version

from .programs import GLIBC
from .project import DESCRIPTION, EPOCH, HOMEPAGE, LICENSE, LICENSE_FILE, README_FILE, VERSION

# The same version in Python's spelling: 1.0.0-rc.1 is 1.0.0rc1.
NAME = f"canter-{Version(VERSION)}"


def pack(programs, destination):
    with TemporaryDirectory() as folder:
        info = Path(folder, f"{NAME}.dist-info")
        scripts = Path(folder, f"{NAME}.data", "scripts")
        scripts.mkdir(parents=True)
        shutil.copyfile(programs.canter, scripts / "canter")
        (scripts / "canter").chmod(0o755)
        (info / "licenses").mkdir(parents=True)
        shutil.copyfile(LICENSE_FILE, info / "licenses" / LICENSE_FILE.name)
        (info / "METADATA").write_text(metadata())
        (info / "WHEEL").write_text(compatibility(programs.processor))
        subprocess.run(
            [sys.executable, "-m", "wheel", "pack", folder, "--dest-dir", destination],
            env={**os.environ, "SOURCE_DATE_EPOCH": str(EPOCH)},
            stdout=subprocess.DEVNULL,
            check=True,
        )


def metadata():
    """Core metadata as PyPA's specification has them."""
    return f"""\
Metadata-Version: 2.4
Name: canter
Version: {Version(VERSION)}
Summary: {DESCRIPTION}
Project-URL: Homepage, {HOMEPAGE}
License-Expression: {LICENSE}
License-File: {LICENSE_FILE.name}
Description-Content-Type: text/markdown

{README_FILE.read_text()}"""


def compatibility(processor):
    major, minor = GLIBC
    return f"""\
Wheel-Version: 1.0
Generator: canter-release
Root-Is-Purelib: false
Tag: py3-none-manylinux_{major}_{minor}_{processor.rust}
"""
