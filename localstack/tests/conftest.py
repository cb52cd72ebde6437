"""What the tests of the stack have in common: where it is, its clients, and functions made for one test."""

import os
import uuid
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from programs import archive

# The user's own settings of AWS are none of the tests' business.
for variable in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[variable]
os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull

STACK = os.environ.get("CANTER_TEST_STACK", "test")
HERE = Path(__file__).resolve()
HOME = Path(os.environ.get("CANTER_LOCALSTACK_DIR") or HERE.parents[2] / "target" / "localstack").absolute()


@pytest.fixture(scope="session")
def stack():
    """The folder of the stack that runs. A missing one fails the tests: they would show nothing."""
    folder = HOME / STACK
    if not (folder / "endpoints").exists():
        pytest.fail(f"no stack to test: run localstack/up --stack {STACK} first ({folder})", pytrace=False)
    return folder


@pytest.fixture(scope="session")
def client(stack):
    """Makes clients of AWS services."""
    lines = (stack / "endpoints").read_text().splitlines()
    endpoint = dict(line.split("=", 1) for line in lines)["AWS_ENDPOINT_URL"]
    # A second try would hide what the first one met.
    config = Config(retries={"total_max_attempts": 1}, read_timeout=60, max_pool_connections=20, proxies={})

    def make(service):
        return boto3.client(
            service,
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=config,
        )

    return make


@pytest.fixture(scope="session")
def lambdas(client):
    return client("lambda")


@pytest.fixture
def function(lambdas):
    """Makes functions of a program's text, and deletes them after the test."""
    made = []

    def make(program, timeout=10, **settings):
        name = f"stacktest-{uuid.uuid4().hex[:8]}"
        lambdas.create_function(
            FunctionName=name,
            Runtime="provided.al2023",
            Role="arn:aws:iam::000000000000:role/any",
            Handler="bootstrap",
            Code={"ZipFile": archive(program)},
            Timeout=timeout,
            MemorySize=256,
            **settings,
        )
        made.append(name)
        lambdas.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        return name

    yield make
    for name in made:
        try:
            lambdas.delete_function(FunctionName=name)
        except lambdas.exceptions.ResourceNotFoundException:
            pass
