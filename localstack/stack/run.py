"""Runs an installer's or a builder's command to its end."""

import subprocess

from .places import Trouble, tail


def run(command, log, sentence, environment=None, folder=None, seconds=None):
    """Its output goes to the end of `log`, which `Trouble` shows together with the sentence if it fails."""
    with open(log, "ab") as output:
        try:
            done = subprocess.run(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=folder,
                timeout=seconds,
                # If this process is killed, the command goes on; with the lock of the installation
                # among its files, nobody else installs until it has ended.
                close_fds=False,
            )
        except subprocess.TimeoutExpired:
            raise Trouble(f"{sentence} within {seconds} s:" + tail(log)) from None
    if done.returncode:
        raise Trouble(f"{sentence}:" + tail(log))
