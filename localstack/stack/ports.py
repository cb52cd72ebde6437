"""Which ports a stack gets."""

import contextlib
import socket

from .places import Trouble


def choose(asked, before, defaults):
    """What was asked for, else what the stack had before, else the default; 0 becomes a free one."""
    chosen = {}
    # Free ports are held until all are chosen, so that none is given out twice.
    with contextlib.ExitStack() as probes:
        for server, default in defaults.items():
            chosen[server] = before.get(server, default) if asked[server] is None else asked[server]
            if chosen[server] == 0:
                probe = probes.enter_context(socket.socket())
                probe.bind(("127.0.0.1", 0))
                chosen[server] = probe.getsockname()[1]
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
