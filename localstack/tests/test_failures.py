"""A function that fails, as Lambda tells it, and that the next invocation finds a fresh process."""

import os
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from invoking import invoke, log_lines, state, wait_for
from programs import archive, program


def told(outcome):
    """The error without the request's identifier."""
    assert outcome.failed, outcome.value
    message = re.sub(r"RequestId: [0-9a-f-]{36} ", "RequestId: … ", outcome.value["errorMessage"])
    return outcome.value["errorType"], message


ERRATIC = """
print(os.getpid(), flush=True)
if event.get('sleep'):
    time.sleep(event['sleep'])
if 'exit' in event:
    os._exit(event['exit'])
return os.getpid()
"""


def test_a_timeout(function, lambdas, stack):
    name = function(program(ERRATIC), timeout=1)
    before = invoke(lambdas, name).value
    began = time.monotonic()
    outcome = invoke(lambdas, name, {"sleep": 30})
    assert 1 <= time.monotonic() - began < 5
    assert told(outcome) == ("Sandbox.Timedout", "RequestId: … Error: Task timed out after 1.00 seconds")
    assert re.search(
        r"Z \S+ Task timed out after 1.00 seconds\nEND .*\nREPORT .*\tStatus: timeout", outcome.log
    )
    assert state(before) is None
    after = invoke(lambdas, name)
    assert not after.failed and after.value != before
    assert "Init Duration" in after.log


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (0, "Runtime exited without providing a reason"),
        (1, "Runtime exited with error: exit status 1"),
        (101, "Runtime exited with error: exit status 101"),
    ],
)
def test_a_process_that_exits(function, lambdas, code, reason):
    name = function(program(ERRATIC))
    before = invoke(lambdas, name).value
    outcome = invoke(lambdas, name, {"exit": code})
    assert told(outcome) == ("Runtime.ExitError", f"RequestId: … Error: {reason}")
    assert f"Error: {reason}\nRuntime.ExitError\nEND " in outcome.log
    assert str(before) in outcome.log, "what it said before its end"
    assert int(re.search(r"Max Memory Used: (\d+) MB", outcome.log)[1]) > 1
    assert state(before) is None
    assert invoke(lambdas, name).value != before


def test_a_process_that_is_killed(function, lambdas, stack):
    name = function(program(ERRATIC))
    with ThreadPoolExecutor() as pool:
        running = pool.submit(invoke, lambdas, name, {"sleep": 30})
        begun = wait_for(lambda: [line for line in log_lines(stack, name) if line[2].isdigit()])
        _, process, said = begun[0]
        assert int(said) == process
        os.kill(process, signal.SIGKILL)
        outcome = running.result(timeout=5)
    expected = "RequestId: … Error: Runtime exited with error: signal: killed"
    assert told(outcome) == ("Runtime.ExitError", expected)
    assert state(process) is None
    assert not invoke(lambdas, name).failed


def test_a_process_that_is_killed_between_invocations(function, lambdas):
    """On AWS it cannot be: it is frozen. Here the next invocation is not to suffer from it."""
    name = function(program(ERRATIC))
    before = invoke(lambdas, name).value
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: state(before) is None)
    after = invoke(lambdas, name)
    assert not after.failed and after.value != before


def test_what_the_function_has_started_ends_with_it(function, lambdas):
    body = (
        "import subprocess\nprint('child', subprocess.Popen(['sleep', '300']).pid, flush=True)\nos._exit(3)"
    )
    outcome = invoke(lambdas, function(program(body)))
    child = int(re.search(r"child (\d+)", outcome.log)[1])
    assert told(outcome)[1].endswith("exit status 3")
    wait_for(lambda: state(child) is None)


def test_an_init_that_exits(function, lambdas):
    name = function(program("return 1", start="print('no table', flush=True); sys.exit(7)"))
    for _ in range(2):
        outcome = invoke(lambdas, name)
        assert told(outcome) == (
            "Runtime.ExitError",
            "RequestId: … Error: Runtime exited with error: exit status 7",
        )
        assert "no table\n" in outcome.log
        assert outcome.log.count("START RequestId") == 1


def test_an_init_that_tells_why(function, lambdas):
    start = """
post("init/error", {"errorType": "Config", "errorMessage": "TABLE is not set"},
     {"Lambda-Runtime-Function-Error-Type": "Runtime.Config"})
sys.exit(1)
"""
    outcome = invoke(lambdas, function(program("return 1", start=start)))
    assert outcome.failed
    assert outcome.value == {"errorType": "Config", "errorMessage": "TABLE is not set"}
    assert "Error Type: Runtime.Config" in outcome.log


def test_an_init_that_does_not_end(function, lambdas):
    name = function(program("return 1", start="print(os.getpid(), flush=True); time.sleep(300)"))
    outcome = invoke(lambdas, name)
    assert told(outcome) == ("Sandbox.Timedout", "RequestId: … Error: Task timed out after 10.00 seconds")
    assert state(int(outcome.log.splitlines()[1])) is None


def test_a_bootstrap_that_is_no_program(function, lambdas):
    outcome = invoke(lambdas, function("not a program"))
    assert told(outcome) == ("Runtime.InvalidEntrypoint", "RequestId: … Error: Exec format error: bootstrap")


def test_a_second_answer_is_refused(function, lambdas, stack):
    body = """
post("invocation/" + request_id + "/response", "first")
import urllib.error
try:
    post("invocation/" + request_id + "/response", "second")
except urllib.error.HTTPError as error:
    print("refused with", error.code, flush=True)
while True:
    time.sleep(60)
"""
    name = function(program(body))
    assert invoke(lambdas, name).value == "first"
    wait_for(lambda: any(text == "refused with 400" for _, _, text in log_lines(stack, name)))


def test_a_stream_that_fails_half_way(function, lambdas):
    body = """
import base64, http.client
told = base64.b64encode(b'{"errorType":"Cut","errorMessage":"half"}').decode()
link = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
link.putrequest("POST", "/2018-06-01/runtime/invocation/" + request_id + "/response")
for name, value in [("Transfer-Encoding", "chunked"), ("Lambda-Runtime-Function-Response-Mode", "streaming")]:
    link.putheader(name, value)
link.endheaders()
link.send(b'2\\r\\n"a\\r\\n1;extension\\r\\n"\\r\\n')
trailers = "Lambda-Runtime-Function-Error-Type: Cut\\r\\nLambda-Runtime-Function-Error-Body: " + told + "\\r\\n"
link.send(b"0\\r\\n" + (trailers if event["fail"] else "").encode() + b"\\r\\n")
print(link.getresponse().status, flush=True)
time.sleep(300)
"""
    assert invoke(lambdas, function(program(body)), {"fail": False}).value == "a"
    outcome = invoke(lambdas, function(program(body)), {"fail": True})
    assert outcome.failed and outcome.value == {"errorType": "Cut", "errorMessage": "half"}


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"Runtime": "python3.13"}, "only the runtimes provided.* run here, not python3.13"),
        ({"Architectures": ["arm64"]}, "this machine runs functions for x86_64, not for arm64"),
    ],
)
def test_what_cannot_run_says_so_when_it_is_made(lambdas, settings, reason):
    name = f"stacktest-refused-{reason[-4:].strip('.')}"
    made = {
        "Runtime": "provided.al2023",
        "Handler": "bootstrap",
        "Role": "arn:aws:iam::000000000000:role/any",
    }
    lambdas.create_function(FunctionName=name, Code={"ZipFile": archive("x")}, **{**made, **settings})

    def failed():
        state = lambdas.get_function_configuration(FunctionName=name)
        return state if state["State"] == "Failed" else None

    try:
        assert reason in wait_for(failed)["StateReason"]
    finally:
        lambdas.delete_function(FunctionName=name)
