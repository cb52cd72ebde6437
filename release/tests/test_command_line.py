"""The command line does its work, whichever package it comes from."""

import json
import os
import signal
import subprocess

import pytest
from installed import by_npm, by_pip, by_tar, run

from release.project import VERSION


@pytest.fixture(scope="module", params=[by_pip, by_npm, by_tar])
def canter(request, files, tmp_path_factory):
    return request.param(files, tmp_path_factory.mktemp("installed") / "folder")


@pytest.fixture(scope="module")
def launcher(files, tmp_path_factory):
    """The launcher of the npm packages, without npx around it."""
    folder = tmp_path_factory.mktemp("launched") / "folder"
    by_npm(files, folder)
    return folder / "node_modules" / ".bin" / "canter"


def test_it_crawls_and_searches(canter, site, tmp_path):
    assert run(*canter, "--version").startswith(f"canter {VERSION} ")
    data = tmp_path / "data"
    said = run(*canter, "crawl", site, "--allow-private", "--rps", 50, "--data", data, "--json")
    assert json.loads(said.splitlines()[-1])["pages"] == 2
    found = json.loads(run(*canter, "search", "cellar", "--data", data, "--json"))
    assert [result["title"] for result in found["results"]] == ["Pears"]


def test_the_launcher_hands_on_words_and_status(launcher):
    done = subprocess.run([launcher, "explain", "no URL"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 2 and "no URL" in done.stderr


@pytest.mark.parametrize(
    ("send", "number"),
    [(os.killpg, signal.SIGINT), (os.kill, signal.SIGINT), (os.kill, signal.SIGTERM)],
    ids=["Ctrl-C", "SIGINT", "SIGTERM"],
)
def test_a_crawl_under_the_launcher_ends_as_it_does_alone(launcher, site, tmp_path, send, number):
    words = ["crawl", site, "--allow-private", "--rps", "0.1", "--data", tmp_path / "data", "--json"]
    begun = subprocess.Popen([launcher, *words], stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert json.loads(begun.stdout.readline())["event"] == "progress"
    send(begun.pid, number)
    summary = json.loads(begun.communicate(timeout=30)[0].splitlines()[-1])
    assert (summary["event"], summary["complete"], begun.returncode) == ("summary", False, 0)


def test_the_launcher_says_which_package_is_missing(launcher, tmp_path):
    copied = tmp_path / "launcher.js"
    copied.write_text(launcher.read_text())
    done = subprocess.run(["node", copied], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and "@canter/linux-" in done.stderr and len(done.stderr.splitlines()) == 1
