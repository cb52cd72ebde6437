"""`localstack/deploy` from end to end, with a small application."""

import json
import os
import subprocess
import urllib.request
import uuid

import application
import pytest
from conftest import HERE, STACK
from invoking import log_lines, state, wait_for

DEPLOY = HERE.parents[1] / "deploy"
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture
def deploy(stack, tmp_path):
    """Runs the command for an application in a folder of the test; takes the deployment away afterwards."""
    name = f"stacktest-{uuid.uuid4().hex[:8]}"
    command = [DEPLOY, "--stack", STACK, "--name", name]

    def run(*options):
        return subprocess.run(
            [*command, "--template", tmp_path / "template.yaml", *options],
            capture_output=True,
            text=True,
            timeout=300,
            # What a user may have set, and what must not matter.
            env={**os.environ, "AWS_PROFILE": "none", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
        )

    run.name = name
    run.folder = tmp_path
    run.environment = stack / f"environment-{name}"
    yield run
    run("--delete")


def good(done):
    assert done.returncode == 0, done.stderr
    return done.stdout


def variables(file):
    """As a shell reads them."""
    shell = subprocess.run(["sh", "-c", f". {file} && env -0"], capture_output=True, text=True, check=True)
    return dict(line.split("=", 1) for line in shell.stdout.split("\0") if line)


def ask(url):
    with DIRECT.open(url, timeout=20) as answer:
        return json.load(answer)


def test_deploy_search_update_and_delete(deploy, client):
    application.write(deploy.folder)
    first = good(deploy("--parameter", "Greeting=good 'day', all=1"))
    url = variables(deploy.environment)["CANTER_SEARCH_URL"]
    assert url in first

    answer = ask(url)
    assert answer["path"] == "/"
    assert answer["environment"]["GREETING"] == "good 'day', all=1"
    assert answer["environment"]["PRIVATE"] == "true"
    assert answer["environment"]["INDEX"].endswith(f"/{deploy.name}")
    answer = ask(f"{url}v1/sites?q=a%20b%26c&q=%C3%A9&n=2")
    assert (answer["path"], answer["stage"]) == ("/v1/sites", "search")
    assert answer["query"] == {"q": ["a b&c", "é"], "n": ["2"]}

    # Again without a change, and again with one.
    assert url in good(deploy("--parameter", "Greeting=good 'day', all=1"))
    application.write(deploy.folder, version=2)
    good(deploy())
    answer = ask(url)
    # As on AWS, a parameter that was given stays until it is given anew.
    assert (answer["version"], answer["environment"]["GREETING"]) == (2, "good 'day', all=1")

    # On AWS a bucket that holds something cannot be deleted; LocalStack would leave it behind.
    s3 = client("s3")
    buckets = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"] if deploy.name in bucket["Name"]]
    assert len(buckets) == 1
    s3.put_object(Bucket=buckets[0], Key="site/page", Body=b"text")
    assert "is gone" in good(deploy("--delete"))
    assert buckets[0] not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    assert not deploy.environment.exists()
    assert "There is no" in good(deploy("--delete"))


def test_workers_make_fetch_functions_overlap_and_go_again(deploy, client, stack):
    application.write(deploy.folder)
    good(deploy("--workers", "2"))
    formation, lambdas, sqs = client("cloudformation"), client("lambda"), client("sqs")
    resources = formation.describe_stack_resources(StackName=deploy.name)["StackResources"]
    physical = {part["LogicalResourceId"]: part["PhysicalResourceId"] for part in resources}
    function = physical["FetchFunction"]

    def aliases():
        return {alias["Name"] for alias in lambdas.list_aliases(FunctionName=function)["Aliases"]}

    def mappings():
        return len(lambdas.list_event_source_mappings(FunctionName=function)["EventSourceMappings"])

    assert aliases() == {"worker1", "worker2"} and mappings() == 3
    for body in ("1", "2", "3"):
        sqs.send_message(QueueUrl=physical["Tasks"], MessageBody=body)

    def steps():
        texts = [text for _, _, text in log_lines(stack, function) if text in ("begin", "end")]
        return texts if texts.count("end") == 3 else None

    assert wait_for(steps)[:3] == ["begin"] * 3

    good(deploy("--workers", "1"))
    wait_for(lambda: aliases() == {"worker1"} and mappings() == 2)
    good(deploy())
    wait_for(lambda: aliases() == set() and mappings() == 1)
    processes = {process for _, process, _ in log_lines(stack, function)}
    good(deploy("--delete"))
    wait_for(lambda: not any(state(process) for process in processes))


def test_a_failure_names_the_resource_and_the_next_deploy_recovers(deploy):
    table = "KeySchema: [{AttributeName: url, KeyType: HASH}]"
    wrong = application.TEMPLATE.replace(table, table.replace("url", "absent"))
    application.write(deploy.folder, template=wrong)
    failed = deploy()
    assert failed.returncode == 1
    assert "Pages (AWS::DynamoDB::Table), CREATE_FAILED" in failed.stderr
    application.write(deploy.folder)
    good(deploy())
    assert ask(variables(deploy.environment)["CANTER_SEARCH_URL"])["path"] == "/"


def test_a_function_that_cannot_run_here_is_told_and_can_be_deleted(deploy):
    application.write(deploy.folder)
    failed = deploy("--parameter", "Architecture=arm64")
    assert failed.returncode == 1
    assert "this machine runs functions for x86_64, not for arm64" in failed.stderr
    assert "is gone" in good(deploy("--delete"))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            ["--parameter", "Gretting=hi"],
            "has no parameter Gretting; it has AllowPrivate, Architecture, Greeting",
        ),
        (["--parameter", "Greeting"], "a parameter is KEY=VALUE"),
        (["--stack", "nowhere"], "the stack nowhere is not up: run localstack/up --stack nowhere first."),
        (["--template", "/nowhere/template.yaml"], "there is nothing to deploy"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(deploy, options, sentence):
    application.write(deploy.folder)
    done = deploy(*options)
    assert done.returncode != 0 and sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_build_that_fails_shows_why(deploy):
    application.write(deploy.folder)
    (deploy.folder / "search" / "Makefile").write_text(
        "build-SearchFunction:\n\t@echo no such crate >&2; false\n"
    )
    done = deploy()
    assert done.returncode == 1
    assert "the functions could not be built" in done.stderr and "no such crate" in done.stderr
