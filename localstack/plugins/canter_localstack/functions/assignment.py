"""How LocalStack gives an invocation an environment, without two races of its own.

`AssignmentService.get_environment` iterates over a dictionary that other threads add to, and makes a
new environment known before it is reserved, so that another invocation may take it first. Either
fails an invocation that did nothing wrong. Both are seldom: they were found by reading, and the second
is made to happen in `tests/test_assignment.py`.
"""

import contextlib
import logging

from localstack.services.lambda_.invocation.assignment import AssignmentService
from localstack.services.lambda_.invocation.execution_environment import InvalidStatusException
from localstack.services.lambda_.invocation.lambda_models import InitializationType

LOG = logging.getLogger(__name__)
ORIGINAL = AssignmentService.get_environment


def repair():
    AssignmentService.get_environment = get_environment


@contextlib.contextmanager
def get_environment(self, version_manager_id, function_version, provisioning_type):
    if provisioning_type != InitializationType.on_demand:
        with ORIGINAL(self, version_manager_id, function_version, provisioning_type) as environment:
            yield environment
        return
    environments = self.environments[version_manager_id]
    environment = reserved(list(environments.values()))
    if environment is None:
        environment = self.start_environment(version_manager_id, function_version)
        environment.reserve()
        environments[environment.id] = environment
    try:
        yield environment
        environment.release()
    except InvalidStatusException:
        # It was stopped while it worked, because the function was updated or deleted.
        LOG.debug("Environment %s ended its last invocation.", environment.id)
    except Exception:
        self.stop_environment(environment)
        raise


def reserved(environments):
    """The first that is free, or nothing."""
    for environment in environments:
        if environment.initialization_type == InitializationType.on_demand:
            with contextlib.suppress(InvalidStatusException):
                environment.reserve()
                return environment
    return None
