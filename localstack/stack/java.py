"""The Java servers from Maven Central: DynamoDB Local, and the index server that a stack asks for."""

import glob
import hashlib
import os
import platform
import re
import shutil
import subprocess

from .places import HERE, Trouble
from .processes import UNPRIVILEGED
from .run import run


def check_platform():
    """DynamoDB Local's SQLite library, and how processes are found, are Linux's on x86-64 alone."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise Trouble("without Docker the stack runs on Linux on x86-64 only: start a Docker daemon.")


def find(wanted):
    """The path of a `java` that the index server's user can run and that is neither too old nor too new."""
    candidates = [os.path.join(os.environ["JAVA_HOME"], "bin", "java")] if os.environ.get("JAVA_HOME") else []
    candidates += [shutil.which("java") or "", *sorted(glob.glob("/usr/lib/jvm/*/bin/java"))]
    for candidate in filter(None, candidates):
        try:
            asked = [candidate, "-version"]
            said = subprocess.run(asked, cwd="/", capture_output=True, text=True, **UNPRIVILEGED).stderr
        except OSError:
            continue
        version = re.search(r'version "(\d+)', said)
        if version and int(version[1]) in wanted:
            return candidate
    whose = " that every user can run" if UNPRIVILEGED else ""
    versions = f"{wanted.start} to {wanted.stop - 1}" if wanted.stop < 99 else f"{wanted.start} or newer"
    raise Trouble(
        f"no Java {versions}{whose} was found: install it (openjdk-{wanted.start}-jre-headless in Debian's and"
        " Ubuntu's words)."
    )


def find_maven():
    maven = shutil.which("mvn")
    if maven is None:
        raise Trouble(
            "Maven was not found: install it, so that mvn is on PATH (maven in Debian's and Ubuntu's words)."
        )
    return maven


def install_dynamodb(folder):
    fetch(folder, HERE / "packages")


def install_engine(engine, folder):
    fetch(folder, HERE / "engines" / engine.name)
    engine.complete(folder)


def fetch(folder, packages):
    """Maven as the user has set it up: its mirrors, its local repository. Every file is held to its checksum."""
    maven = [find_maven(), "--batch-mode", "--no-transfer-progress", "--file", packages / "pom.xml"]
    log = folder.with_suffix(".log")
    run([*maven, f"-Ddestination={folder}", "generate-resources"], log, "Maven could not fetch the servers")
    compare(folder, packages / "SHA256SUMS")


def compare(folder, checksums):
    """Each file and no other is there, with the content that was once tried."""
    expected = {}
    for line in checksums.read_text().splitlines():
        checksum, name = line.split(maxsplit=1)
        expected[name] = checksum
    found = {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.rglob("*")
        if file.is_file()
    }
    if wrong := sorted(name for name in {*expected, *found} if expected.get(name) != found.get(name)):
        raise Trouble(
            f"Maven fetched files that are not those of {checksums.relative_to(HERE)}: {', '.join(wrong[:5])}"
        )
