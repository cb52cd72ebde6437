"""The packages of npm: one with the program for each processor, of which npm installs the one that fits,
and one that depends on them and starts it, as esbuild's are."""

import json
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from .programs import PROCESSORS
from .project import DESCRIPTION, HOMEPAGE, LICENSE, LICENSE_FILE, README_FILE, VERSION

LAUNCHER = Path(__file__).with_name("launcher.js")
ABOUT = {"version": VERSION, "description": DESCRIPTION, "homepage": HOMEPAGE, "license": LICENSE}


def name(processor):
    """The launcher puts it together in the same way."""
    return f"@canter/linux-{processor.node}"


def pack_program(programs, destination):
    package = {
        "name": name(programs.processor),
        **ABOUT,
        "description": f"The program of canter for Linux on {programs.processor.node}: install canter.",
        "os": ["linux"],
        "cpu": [programs.processor.node],
        "libc": ["glibc"],
    }
    pack(package, {programs.canter: "canter"}, destination)


def pack_launcher(destination):
    package = {
        "name": "canter",
        **ABOUT,
        "bin": {"canter": LAUNCHER.name},
        "engines": {"node": ">=20"},
        "optionalDependencies": {name(processor): VERSION for processor in PROCESSORS},
    }
    pack(package, {LAUNCHER: LAUNCHER.name}, destination)


def pack(package, programs, destination):
    """`npm pack` gives every file a time of its own choice, always the same."""
    with TemporaryDirectory() as folder:
        Path(folder, "package.json").write_text(json.dumps(package, indent=2) + "\n")
        for path in (LICENSE_FILE, README_FILE):
            shutil.copyfile(path, Path(folder, path.name))
        for path, called in programs.items():
            shutil.copyfile(path, Path(folder, called))
            Path(folder, called).chmod(0o755)
        command = ["npm", "pack", "--silent", "--pack-destination", destination]
        subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=True)
