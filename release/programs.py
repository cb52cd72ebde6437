"""The programs of a release: three for each processor."""

import re
from dataclasses import dataclass
from pathlib import Path

from .project import ROOT

# The newest glibc that the command line may ask for, of 2012: the Makefile has Zig link it so.
GLIBC = (2, 17)


class Unfit(Exception):
    """A sentence about a program that cannot be released."""


@dataclass(frozen=True)
class Processor:
    """The names of one: Rust's, which is also Python's; AWS's; and that of Node.js."""

    rust: str
    aws: str
    node: str


PROCESSORS = (Processor("x86_64", "x86_64", "x64"), Processor("aarch64", "arm64", "arm64"))


@dataclass(frozen=True)
class Programs:
    """What runs on one processor."""

    processor: Processor
    canter: Path
    fetch: Path
    search: Path


def released(processor):
    """What `make release` has built; raises `Unfit` if a program is missing or does not run everywhere."""
    # As `make sam-build` names them.
    functions = ROOT / "target" / "sam" / processor.aws
    programs = Programs(
        processor,
        ROOT / "target" / "zigbuild" / f"{processor.rust}-unknown-linux-gnu" / "release" / "canter",
        functions / "FetchFunction" / "bootstrap",
        functions / "SearchFunction" / "bootstrap",
    )
    for program in (programs.canter, programs.fetch, programs.search):
        if not program.exists():
            raise Unfit(f"{program} is not there: `make release` builds it.")
    check(programs.canter)
    return programs


def check(program):
    """Raises `Unfit` if a program asks for a newer C library than the packages promise."""
    # The names of symbol versions are in the file as they are.
    asked = re.findall(rb"\0GLIBC_(\d+)\.(\d+)", program.read_bytes())
    newest = max((int(major), int(minor)) for major, minor in asked)
    if newest > GLIBC:
        raise Unfit(f"{program} asks for glibc {newest[0]}.{newest[1]}, packages promise 2.{GLIBC[1]}.")
