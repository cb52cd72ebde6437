"""The three places of an index: Elasticsearch, OpenSearch that takes signed requests only, and the stack's bucket."""

import json
import os
import subprocess
import time
import urllib.parse

import pytest
from deployment import DIRECT, ROOT
from signed import SignedProxy

REGION = "eu-central-1"
ENGINE = "opensearch-2.19.6"
WITHOUT = {"IndexUrl": "", "IndexSignedFor": ""}
# Searches look for a new index of the bucket that often.
SOON_SECONDS = 10


@pytest.fixture(scope="module")
def opensearch():
    """A server of its own, behind a proxy that computes each signature anew."""
    stack = f"stores-{os.getpid()}"
    up = [ROOT / "localstack" / "up", "--stack", stack, "--engine", ENGINE, "--without-docker"]
    ports = [word for server in ("localstack", "dynamodb", "elasticsearch") for word in (f"--{server}-port", "0")]
    subprocess.run([*up, *ports], check=True, timeout=300)
    home = os.environ.get("CANTER_LOCALSTACK_DIR", ROOT / "target" / "localstack")
    lines = (ROOT / home / stack / "endpoints").read_text().splitlines()
    ends = dict(line.split("=", 1) for line in lines)
    proxy = SignedProxy(int(ends["ELASTICSEARCH_URL"].rpartition(":")[2]), "es", REGION, {})
    yield proxy
    proxy.close()
    subprocess.run([ROOT / "localstack" / "down", "--stack", stack], check=True, timeout=120)


@pytest.fixture
def deployed(system):
    """Deploys with other parameters; afterwards with those of the other tests again."""

    def deploy(parameters):
        words = [word for key, value in parameters.items() for word in ("--parameter", f"{key}={value}")]
        system.redeploy(*words)

    yield deploy
    deploy({"IndexSignedFor": ""})


@pytest.fixture
def use(system, site, canter):
    """Crawls a site of 20 pages beside its start page, and searches it through API Gateway."""

    def crawl(url, name, *words):
        options = ["--aws", system.name, "--allow-private", "--rps", 20, "--site", name, "--json", *words]
        return json.loads(canter("crawl", url, *options, seconds=120).splitlines()[-1])

    def found(name):
        query = urllib.parse.urlencode({"q": "p", "site": name})
        with DIRECT.open(f"{system.search_url}api/v1/search?{query}", timeout=30) as answer:
            return json.load(answer)["total"]["value"]

    def run(name):
        served = site("--web", 20)
        first = crawl(served.url, name)
        assert first["pages"] == 21
        wait_for(lambda: found(name) == 21)
        return served, lambda *words: crawl(served.url, name, *words), lambda: found(name)

    return run


def wait_for(condition):
    until = time.monotonic() + SOON_SECONDS
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.5)


def test_elasticsearch(use):
    use(f"elasticsearch-{os.getpid()}")


def test_opensearch_with_signed_requests(deployed, opensearch, use):
    name = f"opensearch-{os.getpid()}"
    url = f"http://127.0.0.1:{opensearch.port}/{name}"
    deployed({"IndexUrl": url, "IndexSignedFor": f"es/{REGION}"})
    use(name)
    assert opensearch.refused == []
    # The crawling function, the one of errands, and the search function, each with its own key.
    assert len(opensearch.passed) >= 3


def test_the_bucket(deployed, system, use, canter, parts, client):
    deployed(WITHOUT)
    name = f"bucket-{os.getpid()}"
    _, crawl, found = use(name)
    assert crawl()["unchanged"] == 21
    assert found() == 21
    # What a refresh has taken out is back after a rollback, until that is taken back.
    fewer = 11
    assert crawl("--exclude", "/p/1?", "--change-scope", "--max-loss", 100)["pages"] == fewer
    wait_for(lambda: found() == fewer)
    canter("rollback", name, "--aws", system.name)
    wait_for(lambda: found() == 21)
    canter("rollback", name, "--aws", system.name)
    wait_for(lambda: found() == fewer)
    # The state of the crawls is there, and no server is named.
    status = json.loads(canter("status", name, "--aws", system.name, "--json"))
    assert status["state"] == "complete" and status.get("server") is None
    said = canter("rollback", "nothing", "--aws", system.name, expect=2)
    assert "nothing" in said
    # Lost files are told, and made anew from the archive.
    s3 = client("s3")
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=parts["ArchiveBucket"], Prefix="index/")["Contents"]]
    assert keys
    for key in keys:
        s3.delete_object(Bucket=parts["ArchiveBucket"], Key=key)
    canter("reindex", name, "--aws", system.name)
    wait_for(lambda: found() == fewer)
