"""The whole system, deployed once for all tests of this folder by `localstack/deploy`, from the sources.

Its timeouts are the shortest that the template knows, so that what was killed comes again within a
minute; its index is behind a relay that can be closed; five functions may work on one queue at once.
"""

import os
import re
import subprocess
import urllib.request
from types import SimpleNamespace

import pytest
from conftest import HERE, STACK
from relay import Relay
from sites import Served

ROOT = HERE.parents[2]
NAME = "canter-system"
WORKERS = 4
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def built(path):
    """A program that `cargo test` builds."""
    program = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "debug" / path
    if not program.exists():
        pytest.fail(f"{program} is not there: run `cargo build --package canter --package canter-tests --examples`")
    return program


def deploy(*options):
    """Runs the command as a person does; gives what it says."""
    command = [ROOT / "localstack" / "deploy", "--stack", STACK, "--name", NAME, *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3600)
    assert done.returncode == 0, done.stderr
    return done.stdout


def options(relay):
    given = {
        "FunctionTimeout": 10,
        "VisibilityTimeout": 60,
        "MaximumConcurrency": 10,
        "IndexUrl": f"http://127.0.0.1:{relay.port}/system",
    }
    words = ["--workers", str(WORKERS)]
    for key, value in given.items():
        words += ["--parameter", f"{key}={value}"]
    return words


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
        made.append(Served(built("examples/site"), *words))
        return made[-1]

    yield serve
    for served in made:
        served.end()


@pytest.fixture
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


def paths(text):
    """All that a site's pages lead to, as `canter export` tells them."""
    return sorted(re.findall(r'"url":"https?://[^/]+(/[^"]*)"', text))
