"""Which ports a stack gets."""

import socket

from .places import Trouble


def free():
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def choose(asked, before, defaults):
    """What was asked for, else what the stack had before, else the default; 0 becomes a free one."""
    chosen = {}
    for server, default in defaults.items():
        if asked[server] is None:
            chosen[server] = int(before.get(server, default))
        else:
            chosen[server] = asked[server] or free()
    return chosen


def check(ports):
    """Nobody else may listen where a server is to listen: it would be taken for ours."""
    for server, port in ports.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                raise Trouble(
                    f"port {port} is in use by another program: choose another by --{server}-port,"
                    " or 0 for any free one."
                ) from None
