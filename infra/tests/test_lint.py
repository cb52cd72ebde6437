"""What the tools say."""

import os
import subprocess
import sys

import pytest
from cfnlint.api import lint_file
from stack import ROOT

# Linting asks no server, but SAM wants a region to have been said.
ENVIRONMENT = {**os.environ, "AWS_DEFAULT_REGION": "us-east-1", "SAM_CLI_TELEMETRY": "0"}


def test_sam_finds_no_fault():
    done = subprocess.run(
        [sys.executable, "-m", "samcli", "validate", "--lint"],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "is a valid SAM Template" in done.stdout


@pytest.mark.parametrize("path", sorted((ROOT / "infra").glob("*.yaml")), ids=lambda path: path.name)
def test_the_other_templates_have_no_fault(path):
    assert lint_file(path) == []
