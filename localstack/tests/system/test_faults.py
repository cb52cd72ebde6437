"""What may happen to functions, messages and the index: nothing is lost, and nothing is there twice."""

import json
import os
import random
import signal
import time
from types import SimpleNamespace

import pytest
from crawling import Crawl
from invoking import log_lines, state, wait_for


@pytest.fixture(scope="module")
def troubled(request, system, parts, client, canter, stack):
    """Four crawls, each with a trouble of its own, and what was seen meanwhile.

    They wait together for a minute of the clock: that after which tasks look for the index again, and that after
    which the queue gives what a dead function had once more."""

    def begin(name, host, pages=600, rate=20):
        crawl = Crawl(canter, system, name, host, pages, rate)
        request.addfinalizer(crawl.end)
        return crawl

    outage = begin("outage", "127.0.0.2", pages=300)
    wait_for(lambda: outage.asked() > 60, seconds=60)
    request.addfinalizer(system.relay.mend)
    system.relay.cut()
    # Longer than a function has: none that works now was there before.
    time.sleep(15)
    before = outage.asked()
    time.sleep(5)
    asked_for_nothing = outage.asked() - before
    system.relay.mend()

    killed = begin("killed", "127.0.0.3", pages=400)
    wait_for(lambda: killed.asked() > 40, seconds=60)
    kills = kill(killed, stack, [parts["FetchFunction"], parts["SweepFunction"]])

    upgraded = begin("upgraded", "127.0.0.4", rate=10)
    redriven = begin("redriven", "127.0.0.5", pages=30, rate=2)
    wait_for(lambda: redriven.asked() > 3, seconds=60)
    redrive(client("sqs"), parts, "redriven")
    wait_for(lambda: upgraded.asked() > 50, seconds=60)
    system.redeploy("--parameter", "FetchMemory=640")
    upgraded_meanwhile = upgraded.begun.poll() is None
    return SimpleNamespace(
        outage=outage,
        asked_for_nothing=asked_for_nothing,
        killed=killed,
        kills=kills,
        upgraded=upgraded,
        upgraded_meanwhile=upgraded_meanwhile,
        redriven=redriven,
    )


def kill(crawl, stack, functions):
    """Ends ten processes of functions, as a machine that fails does; says how many there were in time."""
    kills = 0
    moments = random.Random(0)
    while kills < 10 and crawl.begun.poll() is None:
        time.sleep(moments.uniform(0.3, 1.3))
        processes = {process for name in functions for _, process, _ in log_lines(stack, name)}
        alive = sorted(process for process in processes if state(process) not in (None, "Z"))
        if alive:
            os.kill(moments.choice(alive), signal.SIGKILL)
            kills += 1
    return kills


def redrive(sqs, parts, site):
    """Takes tasks of a site out of the queue as dead letters, and has SQS send them back."""
    tasks, dead = parts["TasksQueue"], parts["DeadLetters"]

    def taken():
        for message in sqs.receive_message(QueueUrl=tasks, WaitTimeSeconds=1).get("Messages", []):
            if json.loads(message["Body"])["site"] == site:
                return message
            sqs.change_message_visibility(
                QueueUrl=tasks, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
            )
        return None

    message = wait_for(taken)
    sqs.send_message(QueueUrl=dead, MessageBody=message["Body"])
    sqs.delete_message(QueueUrl=tasks, ReceiptHandle=message["ReceiptHandle"])
    arn = {
        url: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        for url in (tasks, dead)
    }
    sqs.start_message_move_task(SourceArn=arn[dead], DestinationArn=arn[tasks])


def test_functions_that_are_killed_lose_nothing(troubled):
    assert troubled.kills == 10
    troubled.killed.assert_whole()
    print(f"{troubled.killed.asked()} requests for {troubled.killed.pages + 1} pages")


def test_an_index_that_is_gone_for_a_while_loses_nothing(troubled):
    # What cannot be put anywhere is not asked for.
    assert troubled.asked_for_nothing <= 5
    troubled.outage.assert_whole()


def test_an_upgrade_keeps_a_crawl_going(troubled):
    assert troubled.upgraded_meanwhile, "it has ended before the upgrade"
    troubled.upgraded.assert_whole()


def test_tasks_from_among_the_dead_letters_are_worked_on_when_they_are_redriven(troubled):
    troubled.redriven.assert_whole()


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
