"""Invocations as tests make them, and what the function's log says of them."""

import base64
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Outcome:
    value: object
    failed: bool
    log: str
    request_id: str


def invoke(lambdas, name, event=None):
    answer = lambdas.invoke(FunctionName=name, Payload=json.dumps(event or {}), LogType="Tail")
    log = base64.b64decode(answer["LogResult"]).decode()
    request_id = answer["ResponseMetadata"]["RequestId"]
    return Outcome(json.load(answer["Payload"]), "FunctionError" in answer, log, request_id)


def invoke_together(lambdas, name, count, event=None):
    """Results in any order."""
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda _: invoke(lambdas, name, event), range(count)))


def wait_for(what, seconds=20):
    """The first true value of `what`; fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (value := what()):
        assert time.monotonic() < deadline, f"{what.__name__} did not come true within {seconds} s"
        time.sleep(0.02)
    return value


def log_lines(stack, name):
    """Triples of time, process identifier and text from the function's file."""
    try:
        text = (stack / "logs" / "functions" / f"{name}.log").read_text()
    except FileNotFoundError:
        return []
    found = [re.fullmatch(r"(\S+Z) (\d+) (.*)", line) for line in text.splitlines()]
    return [(line[1], int(line[2]), line[3]) for line in found if line]


def measured(stack, name, metric):
    """The lines of a function's log that have values of a metric."""
    texts = [text for _, _, text in log_lines(stack, name) if text.startswith("{") and '"_aws":' in text]
    return [line for line in map(json.loads, texts) if metric in line]


def state(process):
    """The kernel's letter for a process, Z being a zombie; nothing once it is gone."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][0]
    except OSError:
        return None
