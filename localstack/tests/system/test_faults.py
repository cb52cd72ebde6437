"""What may happen to functions, messages and the index: nothing is lost, and nothing is there twice."""

import json
import os
import random
import signal
import subprocess
import time

from indexed import indexed, paths_of
from invoking import log_lines, state, wait_for

PAGES = 600


def crawling(canter, system, served, name, rate=20):
    words = ["--aws", system.name, "--allow-private", "--rps", rate, "--site", name, "--json"]
    return canter.begin("crawl", served.url, *words)


def summary_of(begun, seconds=400):
    try:
        out, error = begun.communicate(timeout=seconds)
    except subprocess.TimeoutExpired as late:
        begun.kill()
        out, _ = begun.communicate()
        raise AssertionError(f"no end within {late.timeout} s; its last line: {out.splitlines()[-1:]}") from None
    assert begun.returncode == 0, error
    return json.loads(out.splitlines()[-1])


def assert_whole(system, served, summary, name, pages=PAGES):
    expected = sorted(["/", *(f"/p/{number}" for number in range(pages))])
    assert summary["complete"] is True and summary["failed"] == 0, summary
    assert (summary["pages"], summary["waiting"]) == (pages + 1, 0)
    assert paths_of(indexed(system, name)) == expected
    assert sorted(served.counted()) == expected


def test_functions_that_are_killed_lose_nothing(system, parts, site, canter, stack):
    served = site("--web", PAGES)
    begun = crawling(canter, system, served, "killed")
    functions = [parts["FetchFunction"], parts["SweepFunction"]]
    killed = 0
    moments = random.Random(0)
    while killed < 10 and begun.poll() is None:
        time.sleep(moments.uniform(0.5, 2.5))
        processes = {process for name in functions for _, process, _ in log_lines(stack, name)}
        alive = sorted(process for process in processes if state(process) not in (None, "Z"))
        if alive:
            os.kill(moments.choice(alive), signal.SIGKILL)
            killed += 1
    summary = summary_of(begun)
    print(f"{killed} killed, {served.counted().total()} requests for {PAGES + 1} pages")
    assert killed == 10
    assert_whole(system, served, summary, "killed")


def test_an_index_that_is_gone_for_a_while_loses_nothing(system, site, canter):
    served = site("--web", 300)
    begun = crawling(canter, system, served, "outage")
    wait_for(lambda: len(served.log()[0]) > 60, seconds=60)
    system.relay.cut()
    time.sleep(25)
    asked = len(served.log()[0])
    time.sleep(5)
    # What cannot be put anywhere is not asked for.
    assert len(served.log()[0]) - asked <= 5
    system.relay.mend()
    assert_whole(system, served, summary_of(begun), "outage", pages=300)


def test_an_upgrade_keeps_a_crawl_going(system, site, canter):
    served = site("--web", PAGES)
    begun = crawling(canter, system, served, "upgraded", rate=10)
    wait_for(lambda: len(served.log()[0]) > 50, seconds=60)
    system.redeploy("--parameter", "FetchMemory=640")
    assert begun.poll() is None, "it has ended before the upgrade"
    assert_whole(system, served, summary_of(begun), "upgraded")


def test_a_message_that_is_not_ours_is_a_dead_letter_with_its_reason(parts, client):
    sqs = client("sqs")
    tasks, dead = parts["TasksQueue"], parts["DeadLetters"]
    sqs.send_message(QueueUrl=tasks, MessageBody="a stranger's")

    def letters():
        answer = sqs.receive_message(
            QueueUrl=dead, MessageAttributeNames=["reason"], WaitTimeSeconds=1, VisibilityTimeout=1
        )
        return answer.get("Messages")

    letter = wait_for(letters, seconds=60)[0]
    assert letter["Body"] == "a stranger's"
    assert "not canter's" in letter["MessageAttributes"]["reason"]["StringValue"]
    sqs.delete_message(QueueUrl=dead, ReceiptHandle=letter["ReceiptHandle"])


def test_tasks_from_among_the_dead_letters_are_worked_on_when_they_are_redriven(system, parts, client, site, canter):
    """Tasks of a crawl that goes on, taken out of the queue as dead letters, and sent back by SQS."""
    sqs = client("sqs")
    tasks, dead = parts["TasksQueue"], parts["DeadLetters"]
    served = site("--web", 30)
    begun = crawling(canter, system, served, "redriven", rate=2)
    wait_for(lambda: len(served.log()[0]) > 3, seconds=60)
    taken = []
    deadline = time.monotonic() + 20
    while not taken and time.monotonic() < deadline:
        taken = sqs.receive_message(QueueUrl=tasks, MaxNumberOfMessages=1, WaitTimeSeconds=1).get("Messages", [])
    assert taken, "no task waited"
    for message in taken:
        sqs.send_message(QueueUrl=dead, MessageBody=message["Body"])
        sqs.delete_message(QueueUrl=tasks, ReceiptHandle=message["ReceiptHandle"])
    arn = {
        url: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        for url in (tasks, dead)
    }
    sqs.start_message_move_task(SourceArn=arn[dead], DestinationArn=arn[tasks])
    assert_whole(system, served, summary_of(begun), "redriven", pages=30)
