"""A refresh that saw an outage: it is held, this is told, and a person may publish it all the same."""

import json

from deployment import DIRECT
from indexed import indexed
from invoking import measured, wait_for
from sites import Served

PAGES = 50


def write(folder, page):
    """A site of a start page and pages that it links to."""
    (folder / "p").mkdir(parents=True)
    links = "".join(f"<li><a href='/p/{number}.html'>{number}</a>" for number in range(PAGES))
    (folder / "index.html").write_text(f"<title>Start</title><main><ul>{links}</ul></main>")
    for number in range(PAGES):
        (folder / "p" / f"{number}.html").write_text(page(number))
    return folder


def own_words(number):
    words = " ".join(f"w{number}x{word}" for word in range(60))
    return f"<title>Page {number}</title><main><p>{words}</main>"


def test_a_refresh_that_saw_an_outage_is_held(system, parts, stack, canter, tmp_path):
    sorry = "<title>Back soon</title><main><p>We are working on this site. Please come again later.</main>"
    served = Served(write(tmp_path / "site", own_words), host="127.0.0.7")
    outage = Served(write(tmp_path / "outage", lambda _: sorry))
    words = ["--aws", system.name, "--allow-private", "--rps", 50, "--site", "held"]
    try:
        canter("crawl", served.url, *words)
        urls = sorted(indexed(system, "held"))
        assert len(urls) == PAGES + 1

        served.relay.target = outage.port
        said = canter("crawl", served.url, *words, expect=3)
        command = f"canter publish held --aws {system.name}"
        assert command in said and "98 %" in said
        assert sorted(indexed(system, "held")) == urls
        status = json.loads(canter("status", "held", "--aws", system.name, "--json"))
        assert (status["held"]["pages"], len(status["held"]["examples"])) == (PAGES, 10)
        assert command in canter("status", "held", "--aws", system.name)
        with DIRECT.open(system.search_url + "api/v1/status", timeout=30) as answer:
            crawls = json.load(answer)["crawls"]
        (told,) = [crawl for crawl in crawls if crawl["site"] == "held"]
        assert told["held"]["pages"] == PAGES
        # What the alarm sums.
        assert [line["CrawlsHeld"] for line in measured(stack, parts["SweepFunction"], "CrawlsHeld")] == [1.0]

        canter("publish", "held", "--aws", system.name)

        def published():
            status = json.loads(canter("status", "held", "--aws", system.name, "--json"))
            return status["held"] is None

        wait_for(published, seconds=60)
        assert len(indexed(system, "held")) == 2

        # The site is itself again.
        served.relay.target = served.port
        canter("crawl", served.url, *words, "--max-loss", 100)
        assert sorted(indexed(system, "held")) == urls
    finally:
        served.end()
        outage.end()
