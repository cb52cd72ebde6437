"""Crawls of made-up webs in the deployed system that go on while something else is done."""

import json
import subprocess

from indexed import indexed, paths_of
from sites import Served


class Crawl:
    """One that has begun, of a site at a host of its own: all sites of one host would share a pace."""

    def __init__(self, canter, system, name, host, pages, rate):
        self.system, self.name, self.pages = system, name, pages
        self.served = Served("--web", pages, host=host)
        words = ["--aws", system.name, "--allow-private", "--rps", rate, "--site", name, "--json"]
        self.begun = canter.begin("crawl", self.served.url, *words)

    def asked(self):
        """How many requests there were so far."""
        return len(self.served.log()[0])

    def summary(self):
        """Once it has ended."""
        try:
            out, error = self.begun.communicate(timeout=400)
        except subprocess.TimeoutExpired as late:
            self.begun.kill()
            out, _ = self.begun.communicate()
            last = out.splitlines()[-1:]
            raise AssertionError(f"no end within {late.timeout} s; its last line: {last}") from None
        assert self.begun.returncode == 0, error
        return json.loads(out.splitlines()[-1])

    def assert_whole(self):
        """It ended, and every page was asked for and is there, once."""
        summary = self.summary()
        expected = sorted(["/", *(f"/p/{number}" for number in range(self.pages))])
        assert summary["complete"] is True and summary["failed"] == 0, summary
        assert (summary["pages"], summary["waiting"]) == (self.pages + 1, 0)
        assert paths_of(indexed(self.system, self.name)) == expected
        assert sorted(self.served.counted()) == expected

    def end(self):
        self.begun.kill()
        self.begun.communicate()
        self.served.end()
