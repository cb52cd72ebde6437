"""A site in a process of its own, whose log is as exact as the machine lets it be: `tests/examples/site.rs`."""

import json
import subprocess
from collections import Counter

from deployment import built
from relay import Relay


class Served:
    """At a loopback address of its own, if one is named: sites of one host share a pace."""

    def __init__(self, *words, host=None):
        command = [built("examples/site"), *map(str, words)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        assert self.url, "the site did not start"
        self.port = int(self.url.rstrip("/").rpartition(":")[2])
        self.relay = None
        if host:
            self.relay = Relay(self.port, host)
            self.url = f"http://{host}:{self.relay.port}/"

    def log(self, order="log"):
        """Visits so far, pairs of milliseconds and path; and how often the machine stalled."""
        self.process.stdin.write(order + "\n")
        self.process.stdin.flush()
        told = json.loads(self.process.stdout.readline())
        return told["visits"], told["stalls"]

    def counted(self):
        """How often each path was asked for, robots.txt and sitemaps left out."""
        visits, _ = self.log()
        return Counter(path for _, path in visits if path not in ("/robots.txt", "/sitemap.xml"))

    def end(self):
        if self.relay:
            self.relay.close()
        self.process.stdin.close()
        self.process.wait(10)


def most_in_a_second(visits):
    """The most requests in any sliding second."""
    times = [at for at, _ in visits]
    most = first = 0
    for last, at in enumerate(times):
        while times[first] + 1000 <= at:
            first += 1
        most = max(most, last - first + 1)
    return most


def delivered(visits, rate):
    """The share of a rate that was delivered, from the first request to the last."""
    times = [at for at, _ in visits]
    return (len(times) - 1) * 1000 / (times[-1] - times[0]) / rate
