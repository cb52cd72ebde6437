"""The system of these tests: where its parts come from, and how it is deployed."""

import os
import subprocess
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
STACK = os.environ.get("CANTER_TEST_STACK", "test")
NAME = "canter-system"
WORKERS = 4
# Of this run's own: Elasticsearch keeps what earlier ones have put into it.
INDEX = f"system-{os.getpid()}"
# Where `cargo test --workspace` has built the command line, the site and the functions' programs.
BUILT = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "debug"
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def built(path):
    """A program; a missing one fails the tests."""
    program = BUILT / path
    assert program.exists(), f"{program} is not there: run `cargo test --workspace --no-run`"
    return program


def deploy(*options):
    """Runs the command as a person does; gives what it says."""
    command = [ROOT / "localstack" / "deploy", "--stack", STACK, "--name", NAME, "--built", BUILT, *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout


def options(relay):
    given = {
        "FunctionTimeout": 10,
        "VisibilityTimeout": 60,
        "MaximumConcurrency": 10,
        "CanaryQuery": "checkpoint",
        "IndexUrl": f"http://127.0.0.1:{relay.port}/{INDEX}",
    }
    words = ["--workers", str(WORKERS)]
    for key, value in given.items():
        words += ["--parameter", f"{key}={value}"]
    return words
