"""The files that are tested, and a site to crawl."""

import functools
import http.server
import os
import platform
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from release import files as packing
from release.programs import PROCESSORS, Programs

# Where `cargo test --workspace` has built the programs.
BUILT = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "debug"
HERE = next(processor for processor in PROCESSORS if processor.rust == platform.machine())
PAGES = {
    "index.html": '<title>Fruit</title><h1>Fruit</h1><p><a href="pears.html">Pears</a></p>',
    "pears.html": "<title>Pears</title><h1>Pears</h1><p>A pear ripens best in a cool cellar.</p>",
}


def built(name):
    """A program; a missing one fails the tests."""
    program = BUILT / name
    assert program.exists(), f"{program} is not there: run `cargo test --workspace --no-run`"
    return program


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """The folder that CANTER_RELEASE_FILES names, or the same made of cargo's own programs for this machine."""
    if given := os.environ.get("CANTER_RELEASE_FILES"):
        return Path(given).resolve()
    folder = tmp_path_factory.mktemp("files")
    packing.pack([Programs(HERE, *map(built, ("canter", "canter-fetch", "canter-search")))], folder)
    packing.sum_up(folder)
    return folder


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def site(tmp_path):
    """The address of two pages on loopback."""
    for name, text in PAGES.items():
        (tmp_path / name).write_text(text)
    handler = functools.partial(Quiet, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
