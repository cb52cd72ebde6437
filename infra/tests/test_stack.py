"""What other programs rely on, what an upgrade keeps, and what is watched."""

import json
import re
import tomllib

import pytest
from stack import (
    ALARM,
    BUCKET,
    FILTER,
    FUNCTION,
    LOGS,
    NAMESPACE,
    OUTPUTS,
    PARAMETERS,
    QUEUE,
    RESOURCES,
    ROLE,
    ROOT,
    SCHEDULE,
    TABLE,
    event_queues,
    listed,
    of_type,
    role_of,
    statements,
)

FUNCTIONS = of_type(FUNCTION)


# ---- What other programs rely on


@pytest.mark.parametrize(
    ("output", "value"),
    [
        ("QueueUrl", {"Ref": "TasksQueue"}),
        ("ErrandsQueueUrl", {"Ref": "ErrandsQueue"}),
        ("DeadLettersUrl", {"Ref": "DeadLetters"}),
        ("PagesTable", {"Ref": "PagesTable"}),
        ("StateTable", {"Ref": "StateTable"}),
        ("ArchiveBucket", {"Ref": "ArchiveBucket"}),
        ("FetchFunction", {"Ref": "FetchFunction"}),
        ("SweepFunction", {"Ref": "SweepFunction"}),
        ("SearchFunction", {"Ref": "SearchFunction"}),
        ("AllowPrivate", {"Ref": "AllowPrivate"}),
        ("IndexUrl", {"Ref": "IndexUrl"}),
    ],
)
def test_an_output_is_there(output, value):
    assert OUTPUTS[output]["Value"] == value
    assert "Condition" not in OUTPUTS[output]


def test_the_search_url_ends_in_a_slash_behind_the_stage():
    url = OUTPUTS["SearchUrl"]["Value"]["Fn::Sub"]
    stage = RESOURCES["SearchApi"]["Properties"]["StageName"]
    assert url.startswith("https://${SearchApi}.execute-api.${AWS::Region}.")
    assert url.endswith(f"/{stage}/")


def test_the_api_has_the_paths_and_methods_of_the_program():
    events = FUNCTIONS["SearchFunction"]["Events"].values()
    found = {(event["Properties"]["Path"], event["Properties"]["Method"]) for event in events}
    assert found == {(path, method) for path in ("/", "/{proxy+}") for method in ("GET", "HEAD", "OPTIONS")}
    assert all(event["Properties"]["RestApiId"] == {"Ref": "SearchApi"} for event in events)


@pytest.mark.parametrize(("schedule", "errand"), [("RefreshSchedule", "refresh"), ("DueSchedule", "refresh_due")])
def test_an_errand_of_a_schedule_is_the_message_that_the_program_reads(schedule, errand):
    target = of_type(SCHEDULE)[schedule]["Target"]
    assert json.loads(target["Input"]) == {"canter": 1, "errand": errand}
    assert target["Arn"] == {"Fn::GetAtt": ["ErrandsQueue", "Arn"]}


def test_what_is_due_is_looked_for_as_often_as_the_program_thinks():
    source = (ROOT / "crates/aws/src/steering.rs").read_text()
    assert "pub const TICK: Duration = Duration::from_secs(3600);" in source
    assert of_type(SCHEDULE)["DueSchedule"]["ScheduleExpression"] == "rate(1 hour)"
    assert "Condition" not in RESOURCES["DueSchedule"]


def test_the_canary_searches_once_in_each_period_of_its_alarm():
    schedule, alarm = of_type(SCHEDULE)["CanarySchedule"], of_type(ALARM)["CanaryAlarm"]
    assert schedule["ScheduleExpression"] == "cron(0/5 * * * ? *)" and alarm["Period"] == 300
    assert alarm["TreatMissingData"] == "breaching"
    assert schedule["Target"]["RetryPolicy"]["MaximumRetryAttempts"] == 0
    event = json.loads(schedule["Target"]["Input"]["Fn::Sub"].replace("${CanaryQuery}", "two words"))
    assert event["queryStringParameters"] == {"q": "two words"}
    (identity,) = re.findall(r'CANARY: &str = "(\w+)"', (ROOT / "functions/search/src/latency.rs").read_text())
    assert event["requestContext"]["requestId"] == identity
    assert RESOURCES["CanarySchedule"]["Condition"] == RESOURCES["CanaryAlarm"]["Condition"] == "HasCanary"


def test_who_pays_is_told_by_a_tag_of_the_stack():
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    assert config["default"]["deploy"]["parameters"]["tags"] == "application=canter"


def test_the_keys_of_the_tables_are_those_of_the_program():
    source = (ROOT / "crates/aws/src/tables.rs").read_text()
    names = dict(re.findall(r'const (\w+): &str = "(\w+)";', source))
    keys = {
        table: [(key["AttributeName"], key["KeyType"]) for key in properties["KeySchema"]]
        for table, properties in of_type(TABLE).items()
    }
    assert keys == {
        "PagesTable": [(names["SHARD"], "HASH"), (names["HASH"], "RANGE")],
        "StateTable": [(names["KEY"], "HASH")],
    }
    for properties in of_type(TABLE).values():
        assert properties["TimeToLiveSpecification"] == {"AttributeName": names["EXPIRES"], "Enabled": True}


def test_the_local_environment_chooses_what_there_is():
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    for command in ("build", "deploy"):
        for choice in config["local"][command]["parameters"]["parameter_overrides"].split():
            name, value = choice.split("=", 1)
            allowed = PARAMETERS[name].get("AllowedValues")
            assert allowed is None or value in [str(one) for one in allowed]
            pattern = PARAMETERS[name].get("AllowedPattern")
            assert pattern is None or re.fullmatch(pattern, value)


# ---- Functions


@pytest.mark.parametrize("function", FUNCTIONS)
def test_who_sends_to_its_own_queue_is_not_stopped_as_a_loop(function):
    properties = FUNCTIONS[function]
    sends = [
        resource["Fn::GetAtt"][0]
        for statement in statements(role_of(properties))
        if "sqs:SendMessage" in listed(statement["Action"])
        for resource in statement["Resource"]
    ]
    loops = bool(set(sends) & set(event_queues(properties)))
    assert loops == (function in ("FetchFunction", "SweepFunction"))
    assert properties.get("RecursiveLoop") == ("Allow" if loops else None)


def test_fetch_and_sweep_are_one_build():
    def build(name):
        properties = FUNCTIONS[name]
        return properties["CodeUri"], RESOURCES[name]["Metadata"], properties.get("Architectures")

    assert build("FetchFunction") == build("SweepFunction")


@pytest.mark.parametrize(
    ("function", "queue", "size", "concurrency"),
    [("FetchFunction", "TasksQueue", 8, {"Ref": "MaximumConcurrency"}), ("SweepFunction", "ErrandsQueue", 1, 2)],
)
def test_messages_come_in_batches_that_can_fail_in_part(function, queue, size, concurrency):
    (event,) = FUNCTIONS[function]["Events"].values()
    assert event["Properties"] == {
        "Queue": {"Fn::GetAtt": [queue, "Arn"]},
        "Enabled": True,
        "BatchSize": size,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": concurrency},
    }


# ---- What an upgrade keeps

# Properties that make CloudFormation replace a resource when they change.
REPLACING = {
    TABLE: {"TableName", "ImportSourceSpecification"},
    BUCKET: {"BucketName", "ObjectLockEnabled"},
    QUEUE: {"QueueName", "FifoQueue"},
    LOGS: {"LogGroupName", "LogGroupClass"},
    FUNCTION: {"FunctionName", "PackageType"},
    ROLE: {"RoleName", "Path"},
}
STATEFUL = [name for kind in (TABLE, BUCKET, QUEUE, LOGS) for name in of_type(kind)]


@pytest.mark.parametrize("kind", REPLACING)
def test_no_parameter_and_no_name_replaces_what_is_there(kind):
    for name, properties in of_type(kind).items():
        assert not REPLACING[kind] & set(properties), name


def test_the_keys_of_a_table_hang_on_no_parameter():
    for properties in of_type(TABLE).values():
        assert "Ref" not in str(properties["KeySchema"]) + str(properties["AttributeDefinitions"])


@pytest.mark.parametrize("name", STATEFUL)
def test_what_holds_data_goes_with_the_stack_but_not_by_an_upgrade(name):
    assert RESOURCES[name]["DeletionPolicy"] == "Delete"
    assert RESOURCES[name]["UpdateReplacePolicy"] == "Retain"
    assert "Condition" not in RESOURCES[name]


@pytest.mark.parametrize("name", of_type(TABLE))
def test_tables_are_paid_by_request_encrypted_and_backed_up(name):
    table = of_type(TABLE)[name]
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["SSESpecification"]["SSEEnabled"] is True
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True


@pytest.mark.parametrize("name", of_type(BUCKET))
def test_buckets_are_encrypted_and_nobody_else_s(name):
    bucket = of_type(BUCKET)[name]
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    blocked = bucket["PublicAccessBlockConfiguration"]
    names = {"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"}
    assert set(blocked) == names and all(value is True for value in blocked.values())
    assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    (rule,) = bucket["LifecycleConfiguration"]["Rules"]
    # Nothing else: a page that is not crawled for years is still searched for.
    assert set(rule) == {"Id", "Status", "AbortIncompleteMultipartUpload"}


@pytest.mark.parametrize("name", of_type(BUCKET))
def test_a_bucket_is_asked_over_tls_only(name):
    policies = [policy for policy in of_type("AWS::S3::BucketPolicy").values() if policy["Bucket"] == {"Ref": name}]
    (policy,) = policies
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Resource"] == [{"Fn::GetAtt": [name, "Arn"]}, {"Fn::Sub": "${" + name + ".Arn}/*"}]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.parametrize("name", of_type(QUEUE))
def test_queues_are_encrypted_and_keep_messages_as_long_as_can_be(name):
    queue = of_type(QUEUE)[name]
    assert queue["SqsManagedSseEnabled"] is True
    assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600


@pytest.mark.parametrize(
    ("queue", "receives", "dead"), [("TasksQueue", 4, "DeadLetters"), ("ErrandsQueue", 10, "ErrandsDeadLetters")]
)
def test_a_message_that_fails_again_and_again_is_put_aside(queue, receives, dead):
    assert of_type(QUEUE)[queue]["RedrivePolicy"] == {
        "deadLetterTargetArn": {"Fn::GetAtt": [dead, "Arn"]},
        "maxReceiveCount": receives,
    }


@pytest.mark.parametrize("name", of_type(LOGS))
def test_logs_are_deleted_after_a_time(name):
    assert of_type(LOGS)[name]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


# ---- What is watched


def metrics(alarm):
    """Namespace, name and what it is of, for each metric of an alarm."""
    for one in alarm.get("Metrics", [{"MetricStat": {"Metric": alarm}}]):
        if "MetricStat" in one:
            metric = one["MetricStat"]["Metric"]
            of = [dimension["Value"] for dimension in metric.get("Dimensions", [])]
            yield metric["Namespace"], metric["MetricName"], of


WATCHED = [
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", [{"Fn::GetAtt": ["DeadLetters", "QueueName"]}]),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", [{"Fn::GetAtt": ["ErrandsDeadLetters", "QueueName"]}]),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage", [{"Fn::GetAtt": ["TasksQueue", "QueueName"]}]),
    *[("AWS/Lambda", metric, [{"Ref": name}]) for metric in ("Errors", "Throttles") for name in FUNCTIONS],
    ("AWS/Lambda", "RecursiveInvocationsDropped", [{"Ref": "FetchFunction"}]),
    ("AWS/Lambda", "RecursiveInvocationsDropped", [{"Ref": "SweepFunction"}]),
    ({"Fn::Sub": NAMESPACE}, "IndexFailures", []),
    ({"Fn::Sub": NAMESPACE}, "ArchiveFailures", []),
    ({"Fn::Sub": NAMESPACE}, "CrawlsHeld", []),
    ({"Fn::Sub": NAMESPACE}, "CanaryLatency", []),
    ("AWS/ApiGateway", "5XXError", [RESOURCES["SearchApi"]["Properties"]["Name"]]),
]


def test_these_metrics_have_an_alarm_and_no_other():
    found = [metric for alarm in of_type(ALARM).values() for metric in metrics(alarm)]
    assert sorted(found, key=str) == sorted(WATCHED, key=str)


@pytest.mark.parametrize("name", of_type(ALARM))
def test_an_alarm_tells_the_topic_where_there_is_one(name):
    alarm = of_type(ALARM)[name]
    action = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}
    assert alarm["AlarmActions"] == action
    assert alarm["OKActions"] == action
    assert len(alarm["AlarmDescription"]) > 40


def counted(metric):
    """The filters that count a metric: the log that each reads, and its pattern."""
    found = []
    for filter in of_type(FILTER).values():
        (transformation,) = filter["MetricTransformations"]
        assert transformation["MetricNamespace"] == {"Fn::Sub": NAMESPACE}
        if transformation["MetricName"] == metric:
            found.append((filter["LogGroupName"], filter["FilterPattern"]))
    return sorted(found, key=str)


def test_index_failures_are_counted_where_the_index_is_written():
    written = [FUNCTIONS[name]["LoggingConfig"]["LogGroup"] for name in ("FetchFunction", "SweepFunction")]
    pattern = '{ $.event = "index_failure" }'
    assert counted("IndexFailures") == sorted([(log, pattern) for log in written], key=str)
    # A filter reads fields only where Lambda puts no text around a line.
    assert all(function["LoggingConfig"]["LogFormat"] == "JSON" for function in FUNCTIONS.values())


def test_pages_that_are_not_archived_are_counted_where_pages_are_read():
    assert counted("ArchiveFailures") == [({"Ref": "FetchLogs"}, '{ $.event = "archive_failure" }')]


def test_who_is_told_of_a_held_crawl_is_told_what_to_do():
    assert "canter publish SITE --aws STACK" in of_type(ALARM)["HeldAlarm"]["AlarmDescription"]


def dashboard():
    text = RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    return text, json.loads(text)["widgets"]


def test_the_dashboard_names_what_there_is():
    text, _ = dashboard()
    for name in re.findall(r"\$\{([^}]+)\}", text):
        assert name.split(".")[0] in RESOURCES or name in ("AWS::Region", "AWS::StackName"), name


def test_the_dashboard_shows_all_that_is_watched():
    _, widgets = dashboard()
    metrics = [metric for widget in widgets for metric in widget["properties"]["metrics"]]
    shown = {(metric[0], metric[1]) for metric in metrics if len(metric) > 1}
    for namespace, name, _ in WATCHED:
        assert (NAMESPACE if isinstance(namespace, dict) else namespace, name) in shown


# What the functions measure, of the stack and of each site.
MEASURED = ["QueueAge", "CrawlsHeld", "SearchLatency", "CanaryLatency"]
MEASURED_BY_SITE = ["Pages", "Requests", "RateLimit"]


@pytest.mark.parametrize("name", MEASURED + MEASURED_BY_SITE)
def test_the_dashboard_shows_what_the_functions_measure(name):
    programs = "".join(path.read_text() for path in (ROOT / "functions").glob("*/src/*.rs"))
    assert f'"{name}"' in programs
    _, widgets = dashboard()
    metrics = [metric for widget in widgets for metric in widget["properties"]["metrics"]]
    if name in MEASURED:
        assert any(metric[:2] == [NAMESPACE, name] for metric in metrics)
    else:
        search = "SEARCH('{\"" + NAMESPACE + "\",Site} MetricName=\"" + name + "\"'"
        assert any(search in metric[0]["expression"] for metric in metrics if len(metric) == 1)


def test_no_widget_covers_another():
    _, widgets = dashboard()
    cells = [
        (x, y)
        for widget in widgets
        for x in range(widget["x"], widget["x"] + widget["width"])
        for y in range(widget["y"], widget["y"] + widget["height"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


def test_the_access_log_is_json_and_tells_nobody_s_address_or_words():
    settings = RESOURCES["SearchApi"]["Properties"]["AccessLogSetting"]
    line = json.loads(settings["Format"])
    assert line["status"] == "$context.status"
    assert not any("identity" in value or "query" in value.lower() for value in line.values())
    assert settings["DestinationArn"] == {"Fn::GetAtt": ["SearchApiLogs", "Arn"]}
