"""Where everything lies: below target/localstack of the checkout unless CANTER_LOCALSTACK_DIR says otherwise."""

import contextlib
import fcntl
import os
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
HOME = Path(os.environ.get("CANTER_LOCALSTACK_DIR") or HERE.parent / "target" / "localstack").absolute()
# No stack can have this name, since a name starts with a letter or a digit.
INSTALLED = HOME / ".installed"


class Trouble(Exception):
    """A sentence for the person who ran the command: what is wrong and what to do."""


def tell(sentence):
    """Progress, to standard error."""
    print(sentence, file=sys.stderr, flush=True)


def tail(log, lines=15):
    """The end of a log and its path, as a part of a `Trouble`."""
    try:
        last = Path(log).read_text(errors="replace").splitlines()[-lines:]
    except OSError:
        last = []
    return "\n".join(["", *(f"    {line}" for line in last), f"The whole log: {log}"])


@contextlib.contextmanager
def held(lock, by_children=False, others="localstack/up or localstack/down"):
    """Only one process at a time goes on; the lock is gone with its process, however that ends.

    With `by_children`, those that `run` starts hold it too: they may outlive this process."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with open(lock, "w") as file:
        os.set_inheritable(file.fileno(), by_children)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell(f"Waiting for another {others} to end.")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Stack:
    """One stack's folder: its logs, its servers' data, and the two files that say what runs."""

    def __init__(self, name):
        self.name = name
        self.folder = HOME / name
        self.logs = self.folder / "logs"
        # Read by tests: KEY=VALUE lines that a shell can source. It is written once all servers answer.
        self.endpoints = self.folder / "endpoints"
        # KEY=VALUE lines for `up` and `down` alone: how the stack was started and on which ports.
        self.record = self.folder / "record"

    def held(self):
        return held(HOME / f".{self.name}.lock")

    def recorded(self):
        """What `write_record` wrote, or nothing."""
        try:
            lines = self.record.read_text().splitlines()
        except OSError:
            return {}
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def write_record(self, runner, engine, ports):
        lines = [f"runner={runner}", f"engine={engine}", *(f"{server}={port}" for server, port in ports.items())]
        self.record.write_text("\n".join(lines) + "\n")

    def write_endpoints(self, ports):
        """All at once, so that a reader never sees half of it."""
        written = self.endpoints.with_suffix(".new")
        written.write_text(
            f"AWS_ENDPOINT_URL=http://127.0.0.1:{ports['localstack']}\n"
            f"DYNAMODB_ENDPOINT_URL=http://127.0.0.1:{ports['dynamodb']}\n"
            + (f"ELASTICSEARCH_URL=http://127.0.0.1:{ports['elasticsearch']}\n" if "elasticsearch" in ports else "")
        )
        written.replace(self.endpoints)

    def remove(self):
        """The folder and all in it; fine if there is none."""
        try:
            shutil.rmtree(self.folder)
        except FileNotFoundError:
            pass
        except PermissionError as error:
            raise Trouble(
                f"{error.filename} belongs to another user: run this as whoever ran localstack/up."
            ) from error
