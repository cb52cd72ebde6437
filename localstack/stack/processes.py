"""The servers' processes, found by their environment.

Each is started with the path of its stack's folder in its environment, and hands it down to its own
children. So what belongs to a stack is known even when every file about it is lost or stale, and a
process identifier that the system gave to somebody else is never taken for ours.
"""

import os
import signal
import subprocess
import time
from pathlib import Path

MARK = "CANTER_LOCALSTACK_STACK"

# For what must not or need not be root: the overflow user of every Linux kernel, whom most user
# tables call `nobody`. Nothing when this program is not root itself.
UNPRIVILEGED = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}

# All that a server gets of the caller's environment: a stray DEBUG, SERVICES, AWS_PROFILE or
# JAVA_TOOL_OPTIONS would change what it does.
ENVIRONMENT = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
ENVIRONMENT["LANG"] = "C.UTF-8"


def start(stack, command, log, environment, identity=None):
    """Starts a server in a session of its own, so that a terminal's Ctrl-C does not reach it later.

    `identity` is UNPRIVILEGED, or nothing for the user who runs this."""
    marked = {**ENVIRONMENT, **environment, MARK: str(stack.folder)}
    with open(log, "ab") as output:
        return subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=marked,
            start_new_session=True,
            **(identity or {}),
        )


def living(stack):
    """The identifiers of all processes of a stack."""
    mark = f"{MARK}={stack.folder}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                environment = (entry / "environ").read_bytes()
            except OSError:
                continue
            if mark in environment.split(b"\0"):
                found.append(int(entry.name))
    return found


def end(stack):
    """Ends all processes of a stack. At once: nothing that they hold is kept."""
    deadline = time.monotonic() + 20
    while (left := living(stack)) and time.monotonic() < deadline:
        for process in left:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.05)
    return left
