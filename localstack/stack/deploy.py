"""Deploys the functions to a stack that is up, and takes them away again."""

import platform
import re
import time

from . import installation, localstack, sam, workers
from .cloud import REGION, Cloud
from .places import HOME, Trouble, held, tell

# What workers are made of.
FETCH = "FetchFunction"
# What has to be empty before it can be deleted.
BUCKET = "ArchiveBucket"
DELETE_SECONDS = 120
# A stack that was never whole holds nothing to keep, and cannot be updated.
BROKEN = ("CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED", "REVIEW_IN_PROGRESS")


def bring(stack, name, template, given, count, built, package):
    """Deploys programs of the folder `built`, the files of the folder `package`, or what `sam build` makes."""
    with lock(stack):
        ends = endpoints(stack)
        cloud = Cloud(ends["AWS_ENDPOINT_URL"])
        tools = installation.ready_tools()
        architecture = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
        own = {
            "IndexUrl": f"{ends['ELASTICSEARCH_URL']}/{name}" if "ELASTICSEARCH_URL" in ends else "",
            "Architecture": architecture,
            "AllowPrivate": "true",
        }
        settings = template.parent
        if package is not None:
            template = package / f"template-{architecture}.yaml"
        overrides = sam.parameters(template, settings, own, given)
        environment = sam.environment(ends["AWS_ENDPOINT_URL"], tools)
        folder = HOME / ".sam" / stack.name / name
        log = stack.logs / "deploy.log"
        packed = folder / "template.yaml"
        if package is not None:
            packed = template
        elif built is None:
            tell(f"Building the functions; what is said is in {log}.")
            started = time.monotonic()
            sam.build(template, folder, log, environment, overrides)
            tell(f"  It took {time.monotonic() - started:.0f} s.")
        else:
            sam.take(template, folder, built)
        clear(cloud, name)
        tell(f"Deploying {name}.")
        started = time.monotonic()
        try:
            sam.deploy(packed, settings, log, environment, overrides, name)
        except Trouble as trouble:
            raise Trouble(because(cloud, name, trouble)) from None
        function = cloud.resource(name, FETCH)
        if function is not None:
            workers.adjust(cloud, function, count)
        elif count:
            raise Trouble(f"{template.name} has no {FETCH}, so there is nothing to make workers of.")
        tell(f"  It took {time.monotonic() - started:.0f} s.")
        describe(stack, name, ends, cloud.outputs(name), count)


def take(stack, name):
    with lock(stack):
        cloud = Cloud(endpoints(stack)["AWS_ENDPOINT_URL"])
        if cloud.status(name) is None:
            print(f"There is no {name} in the stack {stack.name}.")
            return
        delete(cloud, name)
        environment_file(stack, name).unlink(missing_ok=True)
        print(f"{name} is gone from the stack {stack.name}, with its queues, tables, functions and pages.")


def lock(stack):
    return held(HOME / f".{stack.name}.deploy.lock", others="localstack/deploy")


def endpoints(stack):
    """Where the stack's servers are, if it is up."""
    try:
        lines = stack.endpoints.read_text().splitlines()
        running = {"localstack": int(stack.recorded()["localstack"])}
    except (OSError, KeyError):
        running = None
    if running is None or not localstack.healthy(stack, running):
        option = "" if stack.name == "canter" else f" --stack {stack.name}"
        raise Trouble(f"the stack {stack.name} is not up: run localstack/up{option} first.")
    return dict(line.split("=", 1) for line in lines)


def clear(cloud, name):
    """What an earlier attempt has left half-way goes."""
    deadline = time.monotonic() + DELETE_SECONDS
    while (status := cloud.status(name)) and status.endswith("_IN_PROGRESS") and status not in BROKEN:
        if time.monotonic() > deadline:
            raise Trouble(f"{name} stays {status}: localstack/down ends it, with all that is in the stack.")
        time.sleep(0.5)
    if status in BROKEN:
        tell(f"{name} was left {status}: it is deleted first.")
        delete(cloud, name)


def delete(cloud, name):
    function = cloud.resource(name, FETCH)
    if function is not None:
        workers.remove(cloud, function)
    bucket = cloud.resource(name, BUCKET)
    if bucket is not None:
        cloud.empty(bucket)
    cloud.formation("DeleteStack", StackName=name)
    deadline = time.monotonic() + DELETE_SECONDS
    while (status := cloud.status(name)) not in (None, "DELETE_COMPLETE"):
        if status == "DELETE_FAILED" or time.monotonic() > deadline:
            raise Trouble(because(cloud, name, f"{name} could not be deleted, it is {status}."))
        time.sleep(0.3)


def because(cloud, name, trouble):
    """The sentence together with the resources that failed."""
    causes = [f"    {cause}" for cause in cloud.failures(name)]
    return "\n".join([str(trouble), *(["CloudFormation says:", *causes] if causes else [])])


def environment_file(stack, name):
    """`canter` needs no name in it, as it needs none elsewhere."""
    return stack.folder / ("environment" if name == "canter" else f"environment-{name}")


def local_url(endpoint, url):
    """The address of an API on AWS as LocalStack serves it; the names of AWS lead nowhere here."""
    found = re.fullmatch(r"https?://(\w+)\.execute-api\.[^/]+/(.*)", url)
    return f"{endpoint}/_aws/execute-api/{found[1]}/{found[2]}" if found else url


def describe(stack, name, ends, outputs, count):
    """Writes what a shell needs, and tells a person."""
    endpoint = ends["AWS_ENDPOINT_URL"]
    search = local_url(endpoint, outputs.get("SearchUrl", ""))
    variables = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ENDPOINT_URL_DYNAMODB": ends["DYNAMODB_ENDPOINT_URL"],
        "AWS_REGION": REGION,
        # Its older name, which SDKs of Python still ask for.
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        **({"CANTER_SEARCH_URL": search} if search else {}),
    }
    file = environment_file(stack, name)
    written = file.with_name(file.name + ".new")
    written.write_text("".join(f"export {key}={value}\n" for key, value in variables.items()))
    written.replace(file)
    rows = [("search", search)] if search else []
    rows += [(key, value) for key, value in outputs.items() if key != "SearchUrl"]
    if count:
        rows.append(("workers", f"{count} more fetch functions may run at once"))
    rows += [
        ("logs", stack.logs / "functions"),
        ("to steer it", f". {file}"),
        ("", f"canter crawl URL --aws {name} --allow-private"),
    ]
    width = max(len(title) for title, _ in rows)
    print(f"{name} is deployed to the stack {stack.name}.")
    for title, value in rows:
        print(f"  {title:<{width}}  {value}")
