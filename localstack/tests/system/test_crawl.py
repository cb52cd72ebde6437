"""A real documentation site, from `canter crawl --aws` to a search through API Gateway."""

import gzip
import json
import tarfile
import urllib.error
import urllib.parse

import pytest
from deployment import DIRECT, ROOT
from indexed import indexed, paths_of
from invoking import invoke, measured, wait_for


@pytest.fixture(scope="module")
def documentation(tmp_path_factory):
    """The site that ships with canter: a part of SQLite's documentation."""
    folder = tmp_path_factory.mktemp("documentation")
    with tarfile.open(ROOT / "cli" / "demo" / "site.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return folder


def ask(url, **query):
    if query:
        url += "?" + urllib.parse.urlencode(query)
    with DIRECT.open(url, timeout=30) as answer:
        return answer.read().decode()


def test_the_errand_of_the_schedule_asks_again_for_every_page(system, parts, client, site, canter):
    """LocalStack runs no schedules: the test sends what the schedule does (infra/tests/test_stack.py). The
    first of these tests, since sites of others are gone."""
    served = site("--web", 20)
    words = ["--aws", system.name, "--allow-private", "--rps", 20, "--site", "scheduled"]
    canter("crawl", served.url, *words, "--json")
    pages = set(served.counted())
    assert len(pages) == 21
    served.log("clear")
    errand = {"canter": 1, "errand": "refresh"}
    client("sqs").send_message(QueueUrl=parts["ErrandsQueue"], MessageBody=json.dumps(errand))

    def refreshed():
        if set(served.counted()) != pages:
            return None
        status = json.loads(canter("status", "scheduled", "--aws", system.name, "--json"))
        return status if status["state"] == "complete" else None

    assert wait_for(refreshed, seconds=120)["pages"] == 21


def test_a_site_is_refreshed_at_its_own_interval(system, parts, client, site, canter):
    """No test waits for an hour: the interval is made shorter than one looks for."""
    served = site("--web", 20)
    words = ["--aws", system.name, "--allow-private", "--rps", 20, "--site", "due", "--every", "1h"]
    canter("crawl", served.url, *words, "--json")
    pages = set(served.counted())
    served.log("clear")
    queue = parts["ErrandsQueue"]

    def send(schedule):
        target = client("scheduler").get_schedule(Name=parts[schedule])["Target"]
        client("sqs").send_message(QueueUrl=queue, MessageBody=target["Input"])

    tables, key = client("dynamodb"), {"key": {"S": "site#due"}}
    plan = tables.get_item(TableName=parts["StateTable"], Key=key)["Item"]["plan"]["B"]
    spec = json.loads(gzip.decompress(plan))
    assert spec["every"] == {"secs": 3600, "nanos": 0}
    send("DueSchedule")
    wait_for(lambda: depth(client, queue) == 0, seconds=60)
    assert not served.counted(), "it is not due"

    spec["every"]["secs"] = 1
    tables.update_item(
        TableName=parts["StateTable"],
        Key=key,
        UpdateExpression="SET #plan = :plan",
        ExpressionAttributeNames={"#plan": "plan"},
        ExpressionAttributeValues={":plan": {"B": gzip.compress(json.dumps(spec).encode())}},
    )
    send("DueSchedule")

    def refreshed():
        return set(served.counted()) == pages

    wait_for(refreshed, seconds=120)
    canter("stop", "due", "--aws", system.name)


def depth(client, queue):
    """Messages that wait, or are worked on."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)


def test_crawl_search_and_refresh(system, parts, stack, client, lambdas, site, canter, documentation, tmp_path):
    served = site(documentation)
    canter("crawl", served.url, "--allow-private", "--rps", 50, "--data", tmp_path, "--site", "local")
    exported = canter("export", "local", "--data", tmp_path)
    expected = sorted(urllib.parse.urlsplit(json.loads(line)["url"]).path for line in exported.splitlines())
    assert len(expected) > 60
    once = served.counted()
    served.log("clear")

    words = ["--aws", system.name, "--allow-private", "--rps", 50, "--site", "sqlite"]
    said = canter("crawl", served.url, *words, "--json")
    events = [json.loads(line) for line in said.splitlines()]
    assert {event["event"] for event in events[:-1]} == {"progress"}
    summary = events[-1]
    assert summary["event"] == "summary" and summary["complete"] is True
    assert summary["failed"] == 0 and summary["site"] == "sqlite"
    assert summary["pages"] == len(expected)
    assert summary["rps_peak"] <= 50
    # The same pages as on one machine. A function that runs out of time leaves a page to be asked for
    # again, so that none is counted here but by its name.
    assert set(served.counted()) == set(once)
    assert paths_of(indexed(system, "sqlite")) == expected

    assert summary["bill"]["dollars_per_million_pages"] > 0
    fetched = [line for line in measured(stack, parts["FetchFunction"], "Pages") if line["Site"] == "sqlite"]
    assert sum(line["Pages"] for line in fetched) >= len(expected)
    assert {line["RateLimit"] for line in fetched} == {50.0}
    assert measured(stack, parts["FetchFunction"], "QueueAge")

    status = json.loads(canter("status", "sqlite", "--aws", system.name, "--json"))
    assert (status["state"], status["pages"], status["waiting"]) == ("complete", len(expected), 0)

    answer = json.loads(ask(system.search_url + "api/v1/search", q="write-ahead log", site="sqlite", limit=10))
    found = {result["url"]: result for result in answer["results"]}
    assert found[f"{served.url}wal.html"]["sections"], answer
    assert measured(stack, parts["SearchFunction"], "SearchLatency")
    page = ask(system.search_url, q="write-ahead log")
    assert f'href="{served.url}wal.html' in page and "<mark>" in page
    assert "canter" in ask(system.search_url)
    # What the page names is below the stage, and there.
    style = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
    assert "{" in ask(urllib.parse.urljoin(system.search_url, style))
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(system.search_url + "api/v1/search")
    assert refused.value.code == 400
    assert refused.value.headers["content-type"].startswith("application/problem+json")
    crawls = json.loads(ask(system.search_url + "api/v1/status"))["crawls"]
    told = next(crawl for crawl in crawls if crawl["site"] == "sqlite")
    assert (told["state"], told["searchable"]) == ("complete", len(expected))

    # LocalStack runs no schedules: the test calls the function as the canary's does.
    canary = client("scheduler").get_schedule(Name=parts["CanarySchedule"])["Target"]["Input"]
    answer = invoke(lambdas, parts["SearchFunction"], json.loads(canary)).value
    assert answer["statusCode"] == 200 and "checkpoint" in answer["body"], answer
    assert len(measured(stack, parts["SearchFunction"], "CanaryLatency")) == 1

    # Again: every page is asked for whether it has changed.
    served.log("clear")
    summary = json.loads(canter("crawl", served.url, *words, "--json").splitlines()[-1])
    assert (summary["pages"], summary["complete"]) == (len(expected), True)
    assert set(served.counted()) == set(once)
    assert paths_of(indexed(system, "sqlite")) == expected


def test_stop_and_go_on(system, site, canter):
    served = site("--web", 120)
    words = ["--aws", system.name, "--allow-private", "--rps", 10, "--site", "stopped"]
    begun = canter.begin("crawl", served.url, *words, "--json")
    first = json.loads(begun.stdout.readline())
    assert first["event"] == "progress"
    while json.loads(begun.stdout.readline())["pages"] < 10:
        pass
    canter("stop", "stopped", "--aws", system.name)
    rest = begun.communicate(timeout=60)[0]
    summary = json.loads(rest.splitlines()[-1])
    assert (summary["complete"], summary["rest"]) == (False, "stopped")
    status = json.loads(canter("status", "stopped", "--aws", system.name, "--json"))
    assert status["state"] == "stopped" and status["waiting"] > 0
    summary = json.loads(canter("crawl", served.url, *words, "--json").splitlines()[-1])
    assert (summary["pages"], summary["complete"]) == (121, True)
    assert served.counted().total() <= 121 + 12, "what was under way at the stop may come twice"
    assert len(indexed(system, "stopped")) == 121


def test_what_is_wrong_is_said_in_a_sentence(system, canter):
    said = canter("status", "--aws", "nowhere", expect=1)
    assert "nowhere" in said and len(said.splitlines()) == 1
    said = canter("stop", "unknown", "--aws", system.name, expect=2)
    assert "unknown" in said
    said = canter("crawl", "http://127.0.0.1:1/", "--aws", system.name, expect=1)
    assert "--allow-private" in said
