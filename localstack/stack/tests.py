"""Runs pytest with the tools' Python, in place of this program."""

import os
from pathlib import Path

from . import installation
from .places import HERE


def run(words):
    """All tests, unless the words name a file or a folder."""
    tests = HERE / "tests"
    named = any(Path(word.partition("::")[0]).exists() for word in words if not word.startswith("-"))
    command = [
        str(installation.ready_tools() / "python"),
        "-B",
        "-m",
        "pytest",
        "-c",
        str(tests / "pytest.ini"),
        *words,
        *([] if named else [str(tests)]),
    ]
    os.execv(command[0], command)
