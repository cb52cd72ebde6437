"""The last of these tests: what a removed stack leaves behind."""

from deployment import NAME, deploy


def test_a_removed_stack_leaves_nothing(system, client):
    deploy("--delete")
    left = {
        "queues": client("sqs").list_queues().get("QueueUrls", []),
        "tables": client("dynamodb").list_tables()["TableNames"],
        "buckets": [it["Name"] for it in client("s3").list_buckets()["Buckets"]],
        "functions": [it["FunctionName"] for it in client("lambda").list_functions()["Functions"]],
        "mappings": [
            it["FunctionArn"] for it in client("lambda").list_event_source_mappings()["EventSourceMappings"]
        ],
        "APIs": [it["name"] for it in client("apigateway").get_rest_apis()["items"]],
        "alarms": [it["AlarmName"] for it in client("cloudwatch").describe_alarms()["MetricAlarms"]],
        "roles": [it["RoleName"] for it in client("iam").list_roles()["Roles"]],
        "logs": [it["logGroupName"] for it in client("logs").describe_log_groups()["logGroups"]],
        "schedules": [it["Name"] for it in client("scheduler").list_schedules()["Schedules"]],
    }
    ours = {kind: [name for name in names if NAME in name] for kind, names in left.items()}
    assert not any(ours.values()), ours
