"""Functions that a queue triggers: what is tried again, what ends in the dead-letter queue, what overlaps."""

import json
import uuid

import pytest
from invoking import log_lines, wait_for
from programs import program


@pytest.fixture
def queues(client):
    """A queue whose messages come back after a second, and after two receipts go to a second queue."""
    sqs = client("sqs")
    name = f"stacktest-{uuid.uuid4().hex[:8]}"
    dead = sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    redrive = json.dumps({"deadLetterTargetArn": arn(sqs, dead), "maxReceiveCount": 2})
    attributes = {"VisibilityTimeout": "1", "RedrivePolicy": redrive}
    queue = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    yield sqs, queue, dead
    for url in (queue, dead):
        sqs.delete_queue(QueueUrl=url)


@pytest.fixture
def trigger(lambdas, queues):
    """Makes event source mappings of the queue, and deletes them after the test."""
    sqs, queue, _ = queues
    made = []

    def make(function, batch=10):
        mapping = lambdas.create_event_source_mapping(
            FunctionName=function,
            EventSourceArn=arn(sqs, queue),
            BatchSize=batch,
            FunctionResponseTypes=["ReportBatchItemFailures"],
        )
        made.append(mapping["UUID"])

        def enabled():
            return lambdas.get_event_source_mapping(UUID=mapping["UUID"])["State"] == "Enabled"

        wait_for(enabled)

    yield make
    for mapping in made:
        lambdas.delete_event_source_mapping(UUID=mapping)


def arn(sqs, queue):
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    return attributes["Attributes"]["QueueArn"]


def send(sqs, queue, bodies):
    entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies)]
    assert "Failed" not in sqs.send_message_batch(QueueUrl=queue, Entries=entries)


def received(sqs, queue, count):
    """The bodies of so many messages."""
    bodies = []

    def come():
        answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        for message in answer.get("Messages", []):
            bodies.append(message["Body"])
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return len(bodies) >= count

    wait_for(come, seconds=30)
    return sorted(bodies)


def remaining(sqs, queue):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    return sum(int(attributes[name]) for name in names)


def said(stack, name, word):
    """What follows the word in the lines of the function's log that begin with it."""
    lines = (text for _, _, text in log_lines(stack, name))
    return [line.removeprefix(word).strip() for line in lines if line.startswith(word)]


PARTLY = """
bodies = [record["body"] for record in event["Records"]]
for body in bodies: print("got", body, flush=True)
failed = [record["messageId"] for record in event["Records"] if record["body"].startswith("bad")]
return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in failed]}
"""


def test_only_what_failed_comes_again_and_then_goes_to_the_dead_letters(function, trigger, queues, stack):
    sqs, queue, dead = queues
    name = function(program(PARTLY))
    send(sqs, queue, ["good 1", "bad 1", "good 2", "bad 2"])
    trigger(name)
    assert received(sqs, dead, 2) == ["bad 1", "bad 2"]
    assert sorted(said(stack, name, "got")) == sorted(["good 1", "good 2", *["bad 1", "bad 2"] * 2])
    wait_for(lambda: remaining(sqs, queue) == 0)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("raise ValueError('all of it')", "an error"),
        ("os._exit(1)", "a crash"),
        ("return {'batchItemFailures': [{'itemIdentifier': ''}]}", "a wrong shape"),
    ],
)
def test_all_of_a_batch_comes_again_after(function, trigger, queues, body, why):
    sqs, queue, dead = queues
    send(sqs, queue, ["1", "2"])
    trigger(function(program(body)))
    assert received(sqs, dead, 2) == ["1", "2"], why


def test_a_batch_is_no_larger_than_the_mapping_says(function, trigger, queues, stack):
    sqs, queue, _ = queues
    name = function(program("print('size', len(event['Records']), flush=True)\nreturn {}"))
    send(sqs, queue, [str(number) for number in range(10)])
    trigger(name, batch=3)
    wait_for(lambda: sum(map(int, said(stack, name, "size"))) == 10)
    assert max(map(int, said(stack, name, "size"))) == 3


def test_a_body_is_the_same_json_but_not_the_same_bytes(function, trigger, queues, stack):
    """LocalStack's own: on AWS the bytes stay. Whoever signs or compares them is to know."""
    sqs, queue, _ = queues
    name = function(program("print('body', event['Records'][0]['body'], flush=True)\nreturn {}"))
    send(sqs, queue, ['{"a":1,  "b":"\\u00e9é"}'])
    trigger(name)
    (body,) = wait_for(lambda: said(stack, name, "body"))
    assert json.loads(body) == {"a": 1, "b": "éé"}


def test_two_mappings_of_one_queue_overlap(function, lambdas, trigger, queues, stack):
    """One mapping has one batch at a time, so functions overlap by more of them: an alias for each."""
    sqs, queue, _ = queues
    name = function(program("print('begin', flush=True); time.sleep(1); print('end', flush=True)\nreturn {}"))
    version = lambdas.publish_version(FunctionName=name)["Version"]
    lambdas.get_waiter("published_version_active").wait(FunctionName=name, Qualifier=version)
    send(sqs, queue, ["1", "2"])
    for alias in ("worker1", "worker2"):
        lambdas.create_alias(FunctionName=name, Name=alias, FunctionVersion=version)
        trigger(f"{name}:{alias}", batch=1)
    wait_for(lambda: len(said(stack, name, "end")) == 2)
    steps = [text for _, _, text in log_lines(stack, name) if text in ("begin", "end")]
    assert steps == ["begin", "begin", "end", "end"]
