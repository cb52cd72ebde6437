"""The same stack by Docker Compose."""

import hashlib
import os
import subprocess

from .places import HERE, HOME, Trouble, tell


def answers():
    """A daemon, and Compose."""
    for command in (["docker", "info"], ["docker", "compose", "version"]):
        try:
            if subprocess.run(command, capture_output=True, timeout=20).returncode:
                return False
        except (OSError, subprocess.TimeoutExpired):
            return False
    return True


def compose(stack):
    # Docker's names are the machine's, so two checkouts must not have the same.
    project = f"canter-{stack.name}-{hashlib.sha256(str(HOME).encode()).hexdigest()[:6]}"
    return [
        "docker",
        "compose",
        "--file",
        str(HERE / "compose.yaml"),
        "--project-name",
        project,
    ]


def logs_command(stack):
    return " ".join([*compose(stack), "logs"])


def up(stack, ports):
    variables = {f"{server.upper()}_PORT": str(port) for server, port in ports.items()}
    environment = {**os.environ, **variables, "CLUSTER_NAME": f"canter-{stack.name}"}
    tell("Docker starts the stack; the first time it downloads the images.")
    if subprocess.run([*compose(stack), "up", "--detach", "--quiet-pull"], env=environment).returncode:
        raise Trouble("Docker could not start the stack: its message is above.")


def down(stack):
    done = subprocess.run([*compose(stack), "down", "--volumes"], capture_output=True, text=True)
    if done.returncode:
        raise Trouble(f"Docker could not stop the stack: {done.stderr.strip()}")


def tail(stack):
    """The end of the containers' logs, as a part of a `Trouble`."""
    done = subprocess.run([*compose(stack), "logs", "--tail", "15"], capture_output=True, text=True)
    return f"\n{done.stdout}\nThe whole log: {logs_command(stack)}"
