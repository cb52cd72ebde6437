"""The template and the functions, deployed by SAM alone: the stack that runs is `test`, or CANTER_TEST_STACK."""

import json
import os
import urllib.request

import pytest
from conftest import ROOT
from installed import by_tar, run

STACK = os.environ.get("CANTER_TEST_STACK", "test")
HOME = os.environ.get("CANTER_LOCALSTACK_DIR") or ROOT / "target" / "localstack"
NAME = "canter-release"
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture
def environment(files):
    """What the command line needs to find the deployment."""
    deploy = [ROOT / "localstack" / "deploy", "--stack", STACK, "--name", NAME]
    run(*deploy, "--package", files)
    said = run("sh", "-c", f". {HOME}/{STACK}/environment-{NAME} && env -0")
    yield dict(line.split("=", 1) for line in said.split("\0") if line)
    run(*deploy, "--delete")


def test_a_crawl_in_the_deployed_stack_can_be_searched(environment, files, site, tmp_path):
    canter = by_tar(files, tmp_path)
    words = ["crawl", site, "--aws", NAME, "--allow-private", "--rps", 20, "--json"]
    summary = json.loads(run(*canter, *words, env=environment).splitlines()[-1])
    assert (summary["pages"], summary["complete"]) == (2, True)
    with DIRECT.open(environment["CANTER_SEARCH_URL"] + "api/v1/search?q=cellar", timeout=30) as answer:
        assert [result["title"] for result in json.load(answer)["results"]] == ["Pears"]
