"""The pace that many functions share: by the site's own log."""

import json

import pytest
from invoking import log_lines
from sites import delivered, most_in_a_second


def overlapping(stack, function, since):
    """The most processes of a function that were at work at the same time, by its log."""
    at_work, most = set(), 0
    for at, process, text in log_lines(stack, function):
        if at < since:
            continue
        if text.startswith("START"):
            at_work.add(process)
        elif text.startswith(("REPORT", "END")):
            at_work.discard(process)
        most = max(most, len(at_work))
    return most


@pytest.mark.parametrize(("rate", "pages"), [(10, 260), (50, 1000)])
def test_functions_at_work_together_keep_the_pace(rate, pages, system, parts, site, canter, stack):
    """Every crawl keeps it; and four functions were at work together in one of three at the latest.

    How soon a message finds a function is LocalStack's, and takes longer on a machine under load.
    """
    for attempt in range(3):
        served = site("--web", pages)
        lines = log_lines(stack, parts["FetchFunction"])
        since = lines[-1][0] if lines else ""
        words = ["--aws", system.name, "--allow-private", "--rps", rate, "--site", f"pace-{rate}-{attempt}"]
        summary = json.loads(canter("crawl", served.url, *words, "--json").splitlines()[-1])
        visits, stalls = served.log()
        most, share = most_in_a_second(visits), delivered(visits, rate)
        together = overlapping(stack, parts["FetchFunction"], since)
        print(f"{rate} a second: {most} at most, {share:.1%}, {together} functions, {stalls} stalls")
        bill = {name: figure for name, figure in summary["bill"].items() if name.endswith("_per_page")}
        print(bill)
        assert summary["pages"] == pages + 1
        # A machine that let nobody run for a while saw requests later than they came.
        assert most <= rate + stalls
        if together >= 4:
            return
    pytest.fail("nothing is shown by functions one after the other")
