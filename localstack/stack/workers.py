"""Several fetch functions at the same time, which LocalStack by itself does not do.

Its event source mapping takes one batch at a time. So each further worker is an alias of the function
with a mapping of its own, of the same queue. On AWS there are none: one mapping scales by itself.
"""

import time

from .cloud import Refused
from .places import Trouble

MAPPINGS = "/2015-03-31/event-source-mappings/"


def functions(name):
    return f"/2015-03-31/functions/{name}"


def alias_of(mapping):
    """`worker1` of a mapping of ours, else nothing."""
    last = mapping["FunctionArn"].rpartition(":")[2]
    return last if last.startswith("worker") and last[6:].isdigit() else None


def adjust(cloud, function, count):
    """So many workers of the function's code as it is now; those that are too many go."""
    listed = cloud.functions("GET", f"{MAPPINGS}?FunctionName={function}")["EventSourceMappings"]
    mappings = {alias: mapping for mapping in listed if (alias := alias_of(mapping))}
    aliases = {
        alias["Name"]: alias
        for alias in cloud.functions("GET", functions(function) + "/aliases")["Aliases"]
        if alias["Name"].startswith("worker")
    }
    wanted = [f"worker{number}" for number in range(1, count + 1)]
    for alias, mapping in mappings.items():
        if alias not in wanted:
            cloud.functions("DELETE", MAPPINGS + mapping["UUID"])
    for alias in aliases:
        if alias not in wanted:
            cloud.functions("DELETE", functions(function) + f"/aliases/{alias}")
    if not wanted:
        return
    pattern = next((mapping for mapping in listed if alias_of(mapping) is None), None)
    if pattern is None:
        raise Trouble(f"{function} is triggered by no queue, so there is nothing that workers could share.")
    version = published(cloud, function)
    for alias in wanted:
        place = functions(function) + "/aliases"
        if alias in aliases:
            cloud.functions("PUT", f"{place}/{alias}", {"FunctionVersion": version})
        else:
            cloud.functions("POST", place, {"Name": alias, "FunctionVersion": version})
        if alias not in mappings:
            copied = (
                "EventSourceArn",
                "BatchSize",
                "MaximumBatchingWindowInSeconds",
                "FunctionResponseTypes",
            )
            mapping = {key: pattern[key] for key in copied if key in pattern}
            cloud.functions("POST", MAPPINGS, {"FunctionName": f"{function}:{alias}", **mapping})


def published(cloud, function):
    """The number of the version that is the present code, once it can be invoked."""
    version = cloud.functions("POST", functions(function) + "/versions", {})["Version"]
    place = functions(function) + f"/configuration?Qualifier={version}"
    deadline = time.monotonic() + 30
    while (state := cloud.functions("GET", place).get("State")) != "Active":
        if state == "Failed" or time.monotonic() > deadline:
            raise Trouble(f"version {version} of {function} does not become active: {state}.")
        time.sleep(0.2)
    return version


def remove(cloud, function):
    try:
        adjust(cloud, function, 0)
    except Refused:
        # The function is gone, and its mappings with it.
        pass
