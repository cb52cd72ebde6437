"""Takes a stack down: its processes or containers, then its data."""

from . import docker, elasticsearch, processes
from .places import Trouble


def take(stack):
    with stack.held():
        stop(stack)


def stop(stack):
    """The caller holds the stack's lock. Silent, and fine when nothing runs."""
    if stack.recorded().get("runner") == "docker":
        docker.down(stack)
    if left := processes.end(stack):
        raise Trouble(f"these processes did not end: {left}")
    elasticsearch.remove_data(stack)
    stack.remove()
