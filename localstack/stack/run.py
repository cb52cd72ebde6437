"""Runs an installer's command to its end."""

import subprocess

from .places import Trouble, tail


def run(command, log, sentence):
    """Its output goes to the end of `log`, which `Trouble` shows together with the sentence if it fails."""
    with open(log, "ab") as output:
        done = subprocess.run(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # If this process is killed, the command goes on; with the lock of the installation
            # among its files, nobody else installs until it has ended.
            close_fds=False,
        )
    if done.returncode:
        raise Trouble(f"{sentence}:" + tail(log))
