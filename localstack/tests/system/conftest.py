"""The whole system, deployed once for all tests of this folder by `localstack/deploy`, from the sources.

Its timeouts are the shortest that the template knows, so that what was killed comes again within a
minute; its index is behind a relay that can be closed; five functions may work on one queue at once.
"""

import subprocess
from types import SimpleNamespace

import pytest
from deployment import NAME, built, deploy, options
from relay import Relay
from sites import Served


@pytest.fixture(scope="session")
def system(stack):
    lines = (stack / "endpoints").read_text().splitlines()
    ends = dict(line.split("=", 1) for line in lines)
    relay = Relay(int(ends["ELASTICSEARCH_URL"].rpartition(":")[2]))
    told = deploy(*options(relay))
    file = stack / f"environment-{NAME}"
    shell = subprocess.run(["sh", "-c", f". {file} && env -0"], capture_output=True, text=True, check=True)
    environment = dict(line.split("=", 1) for line in shell.stdout.split("\0") if line)
    yield SimpleNamespace(
        name=NAME,
        told=told,
        relay=relay,
        environment=environment,
        search_url=environment["CANTER_SEARCH_URL"],
        elasticsearch=ends["ELASTICSEARCH_URL"],
        redeploy=lambda *more: deploy(*options(relay), *more),
    )
    deploy("--delete")
    relay.close()


@pytest.fixture(scope="session")
def parts(system, client):
    """Physical names by logical ones."""
    resources = client("cloudformation").describe_stack_resources(StackName=NAME)["StackResources"]
    return {part["LogicalResourceId"]: part["PhysicalResourceId"] for part in resources}


@pytest.fixture
def site():
    """Makes sites with access logs, each at a port of its own; ends them after the test."""
    made = []

    def serve(*words):
        made.append(Served(*words))
        return made[-1]

    yield serve
    for served in made:
        served.end()


@pytest.fixture(scope="session")
def canter(system):
    """Runs the command line; gives its standard output, and standard error when it fails."""

    def run(*words, expect=0, seconds=600):
        done = subprocess.run(
            [built("canter"), *map(str, words)],
            capture_output=True,
            text=True,
            timeout=seconds,
            env=system.environment,
        )
        assert done.returncode == expect, done.stderr
        return done.stdout if expect == 0 else done.stderr

    run.begin = lambda *words: subprocess.Popen(
        [built("canter"), *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=system.environment,
    )
    return run
