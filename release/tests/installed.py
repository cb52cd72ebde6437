"""The command line, installed from the files as a person does it; each is the start of a command."""

import os
import subprocess
import sys
import tarfile

from conftest import HERE

from release.project import VERSION


def run(*words, **options):
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, timeout=300, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def the_one(folder, pattern):
    (found,) = folder.glob(pattern)
    return found


def by_pip(files, folder):
    run(sys.executable, "-m", "venv", folder)
    wheel = the_one(files, f"*_{HERE.rust}.whl")
    run(folder / "bin" / "pip", "install", "--no-index", wheel)
    return [folder / "bin" / "canter"]


def by_npm(files, folder):
    """The tarballs of this machine's program and of the launcher; no registry is asked."""
    folder.mkdir()
    packages = [files / f"canter-linux-{HERE.node}-{VERSION}.tgz", files / f"canter-{VERSION}.tgz"]
    environment = {**os.environ, "npm_config_cache": str(folder / "cache")}
    run("npm", "install", "--offline", "--no-audit", "--no-fund", *packages, cwd=folder, env=environment)
    return ["npx", "--prefix", folder, "canter"]


def by_tar(files, folder):
    name = f"canter-{VERSION}-{HERE.rust}-linux"
    with tarfile.open(files / f"{name}.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return [folder / name / "canter"]
