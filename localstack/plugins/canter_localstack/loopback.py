"""LocalStack listens on the address of GATEWAY_LISTEN.

By itself it takes no more than the port from that variable when the address is an IPv4 one, and
listens on all interfaces (`TwistedRuntimeServer.register`), whatever its documentation says.
"""

from functools import partial
from types import SimpleNamespace

from localstack.runtime import hooks


@hooks.on_infra_start()
def listen_where_told():
    """Runs before the server opens its port."""
    from localstack import config
    from localstack.runtime.server import twisted

    # The name in that one module, not Twisted's own class.
    twisted.endpoints = SimpleNamespace(
        TCP4ServerEndpoint=partial(
            twisted.endpoints.TCP4ServerEndpoint, interface=config.GATEWAY_LISTEN[0].host
        ),
        TCP6ServerEndpoint=twisted.endpoints.TCP6ServerEndpoint,
    )
