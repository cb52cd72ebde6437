"""A function that does what it should: answers, logs, environment, reuse, concurrency, new code."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from invoking import invoke, invoke_together, log_lines, state, wait_for
from programs import archive, program


def test_an_answer(function, lambdas):
    name = function(program("return {'twice': event['number'] * 2}"))
    outcome = invoke(lambdas, name, {"number": 21})
    assert (outcome.value, outcome.failed) == ({"twice": 42}, False)


def test_an_error_of_the_handler_is_handed_on(function, lambdas):
    name = function(program("raise ValueError('no such page')"))
    outcome = invoke(lambdas, name)
    assert outcome.failed
    assert outcome.value == {"errorType": "ValueError", "errorMessage": "no such page"}
    assert "Status: error\tError Type: Unhandled" in outcome.log


def test_the_environment_of_a_function(function, lambdas, stack):
    settings = {"Environment": {"Variables": {"TABLE": "pages"}}}
    name = function(program("return {**os.environ, 'cwd': os.getcwd()}"), **settings)
    seen = invoke(lambdas, name).value
    endpoints = dict(line.split("=", 1) for line in (stack / "endpoints").read_text().splitlines())
    expected = {
        "TABLE": "pages",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoints["AWS_ENDPOINT_URL"],
        "AWS_ENDPOINT_URL_DYNAMODB": endpoints["DYNAMODB_ENDPOINT_URL"],
        "AWS_EXECUTION_ENV": "AWS_Lambda_provided.al2023",
        "_HANDLER": "bootstrap",
        "LAMBDA_TASK_ROOT": seen["cwd"],
        "CANTER_LOCALSTACK_STACK": str(stack),
    }
    assert {key: seen.get(key) for key in expected} == expected
    assert seen["AWS_ACCESS_KEY_ID"] and seen["AWS_SECRET_ACCESS_KEY"] and seen["AWS_SESSION_TOKEN"]
    assert seen["AWS_LAMBDA_LOG_STREAM_NAME"]


def test_a_functions_own_dynamodb_address_wins(function, lambdas):
    settings = {"Environment": {"Variables": {"AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:1"}}}
    name = function(program("return os.environ['AWS_ENDPOINT_URL_DYNAMODB']"), **settings)
    assert invoke(lambdas, name).value == "http://127.0.0.1:1"


def test_what_an_invocation_is_told(function, lambdas):
    name = function(program("return [dict(headers), request_id, time.time()]"), timeout=7)
    outcome = invoke(lambdas, name)
    headers, request_id, now = outcome.value
    assert request_id in outcome.log
    arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
    assert arn == f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    assert 6 < int(headers["Lambda-Runtime-Deadline-Ms"]) / 1000 - now <= 7
    assert headers["Lambda-Runtime-Trace-Id"].startswith("Root=1-")


def test_logs_are_in_the_answer_in_the_file_and_in_cloudwatch(function, lambdas, client, stack):
    body = """
print('to', event, flush=True)
print('errors', file=sys.stderr, flush=True)
sys.stdout.write('half')
sys.stdout.flush()
return os.getpid()
"""
    name = function(program(body, start="print('starting', flush=True)"))
    outcome = invoke(lambdas, name)
    lines = outcome.log.splitlines()
    init, starting, start, to, errors, half, end, report = lines
    assert init.startswith("INIT_START ")
    assert (starting, to, errors, half) == ("starting", "to {}", "errors", "half")
    assert start.startswith("START RequestId: ") and start.endswith(" Version: $LATEST")
    assert end.startswith("END RequestId: ")
    fields = dict(field.split(": ", 1) for field in report.rstrip("\t").split("\t"))
    assert fields["Memory Size"] == "256 MB"
    assert 1 <= int(fields["Max Memory Used"].removesuffix(" MB")) < 100
    assert 0 < float(fields["Duration"].removesuffix(" ms"))
    assert 0 < float(fields["Init Duration"].removesuffix(" ms"))

    assert [text for _, _, text in log_lines(stack, name)] == lines
    assert {process for _, process, _ in log_lines(stack, name)} == {outcome.value}

    def in_cloudwatch():
        logs = client("logs")
        try:
            events = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
        except logs.exceptions.ResourceNotFoundException:
            return None
        return [event["message"].rstrip("\n") for event in events]

    assert sorted(wait_for(in_cloudwatch)) == sorted(lines)


def test_logs_go_to_the_group_that_the_function_names(function, lambdas, client):
    logs = client("logs")
    group = f"stacktest-{uuid.uuid4().hex[:8]}"
    logs.create_log_group(logGroupName=group)
    try:
        body = "print('hello', flush=True); return os.environ['AWS_LAMBDA_LOG_GROUP_NAME']"
        assert invoke(lambdas, function(program(body), LoggingConfig={"LogGroup": group})).value == group

        def written():
            return [event["message"] for event in logs.filter_log_events(logGroupName=group)["events"]]

        assert "hello\n" in wait_for(written)
    finally:
        logs.delete_log_group(logGroupName=group)


def test_a_warm_environment_is_used_again(function, lambdas):
    name = function(program("return os.getpid()"))
    first, second = invoke(lambdas, name), invoke(lambdas, name)
    assert first.value == second.value
    assert "Init Duration" in first.log and "Init Duration" not in second.log
    # What the first has said is not said again.
    assert first.log.splitlines()[0] not in second.log


def test_four_invocations_at_once_have_four_processes(function, lambdas, stack):
    name = function(program("began = time.time(); time.sleep(1)\nreturn [os.getpid(), began, time.time()]"))
    outcomes = invoke_together(lambdas, name, 4)
    assert not any(outcome.failed for outcome in outcomes)
    processes, begins, ends = zip(*(outcome.value for outcome in outcomes), strict=True)
    assert len(set(processes)) == 4
    assert max(begins) < min(ends), "they did not overlap"
    assert {process for _, process, _ in log_lines(stack, name)} == set(processes)


def test_many_at_once_from_a_cold_start_all_succeed(function, lambdas):
    for _ in range(3):
        name = function(program("return os.getpid()"))
        for _ in range(4):
            outcomes = invoke_together(lambdas, name, 12)
            assert [outcome.value for outcome in outcomes if outcome.failed] == []


def test_each_environment_has_a_folder_for_temporary_files_and_takes_it_along(function, lambdas):
    name = function(program("import tempfile\nreturn tempfile.mkstemp()[1]"))
    left = Path(invoke(lambdas, name).value)
    assert left.exists()
    lambdas.delete_function(FunctionName=name)
    wait_for(lambda: not left.parent.exists())


def test_five_megabytes_both_ways(function, lambdas):
    name = function(program("return event"))
    event = {"page": "a" * 5 * 1024 * 1024}
    assert invoke(lambdas, name, event).value == event


def test_more_than_six_megabytes_are_refused(function, lambdas):
    body = "import urllib.error\nreturn 'a' * (event['size'])"
    name = function(program(body))
    outcome = invoke(lambdas, name, {"size": 7 * 1024 * 1024})
    assert outcome.failed and outcome.value["errorType"] == "Function.ResponseSizeTooLarge"


def test_new_code_takes_effect(function, lambdas):
    name = function(program("return 'old'"))
    assert invoke(lambdas, name).value == "old"
    lambdas.update_function_code(FunctionName=name, ZipFile=archive(program("return 'new'")))
    lambdas.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    assert invoke(lambdas, name).value == "new"


def test_an_update_lets_the_running_invocation_end(function, lambdas, stack):
    name = function(program("print('works', flush=True); time.sleep(2)\nreturn 'old'"))
    with ThreadPoolExecutor() as pool:
        running = pool.submit(invoke, lambdas, name)
        wait_for(lambda: any(text == "works" for _, _, text in log_lines(stack, name)))
        lambdas.update_function_code(FunctionName=name, ZipFile=archive(program("return 'new'")))
        lambdas.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        assert invoke(lambdas, name).value == "new"
        assert running.result().value == "old"


def test_nothing_is_left_of_a_deleted_function(function, lambdas):
    body = "import subprocess\nreturn [os.getpid(), subprocess.Popen(['sleep', '300']).pid]"
    name = function(program(body))
    processes = invoke(lambdas, name).value
    time.sleep(0.1)
    assert all(state(process) for process in processes)
    lambdas.delete_function(FunctionName=name)
    wait_for(lambda: not any(state(process) for process in processes))
