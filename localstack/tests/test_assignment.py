"""The race that `assignment.py` repairs, made to happen: seldom enough does it happen by itself."""

import subprocess

import pytest
from conftest import HERE, HOME

# Another invocation takes each environment in the moment that it is made known.
RACE = """
from localstack.services.lambda_.invocation.assignment import AssignmentService
from localstack.services.lambda_.invocation.execution_environment import InvalidStatusException
from localstack.services.lambda_.invocation.lambda_models import InitializationType
from canter_localstack.functions import assignment

class Environment:
    id, initialization_type, taken = "1", InitializationType.on_demand, False
    def reserve(self):
        if self.taken:
            raise InvalidStatusException("taken")
        self.taken = True
    def release(self):
        pass

class Known(dict):
    def __setitem__(self, key, environment):
        super().__setitem__(key, environment)
        try:
            environment.reserve()
        except InvalidStatusException:
            pass

if REPAIRED:
    assignment.repair()
service = AssignmentService()
service.environments = {"version": Known()}
service.start_environment = lambda *_: Environment()
with service.get_environment("version", None, InitializationType.on_demand):
    print("invoked")
"""


@pytest.mark.parametrize(("repaired", "said"), [(True, "invoked\n"), (False, "")])
def test_an_environment_belongs_to_the_invocation_that_it_was_started_for(stack, tmp_path, repaired, said):
    """If the second row fails, LocalStack has repaired it itself, and `assignment.py` can go."""
    installed = max((HOME / ".installed").glob("python-*/complete"), key=lambda file: file.stat().st_mtime)
    done = subprocess.run(
        [installed.parent / "bin" / "python", "-B", "-c", f"REPAIRED = {repaired}\n{RACE}"],
        env={
            "PYTHONPATH": str(HERE.parents[1] / "plugins"),
            "XDG_CACHE_HOME": str(tmp_path),
            "HOME": str(tmp_path),
        },
        capture_output=True,
        text=True,
    )
    assert done.stdout == said, done.stderr
    assert repaired or "InvalidStatusException: taken" in done.stderr
