"""No process of a function outlives LocalStack, however long its invocation would go on.

A module of its own, so that a LocalStack that ran no function loads none of the others to shut down.
"""

import weakref

from localstack.runtime import hooks

executors = weakref.WeakSet()


@hooks.on_infra_shutdown()
def end_processes():
    """Before LocalStack stops its environments, which waits for invocations that run."""
    for executor in list(executors):
        if executor.sandbox is not None:
            executor.sandbox.end()
