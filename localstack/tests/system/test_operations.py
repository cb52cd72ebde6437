"""What the functions asked of AWS in the crawls of these tests, against what their roles may do."""

import json

# What AWS's own list of actions calls an operation of the SDK.
ACTIONS = {
    "SQS:SendMessageBatch": "sqs:SendMessage",
    "SQS:DeleteMessageBatch": "sqs:DeleteMessage",
    "S3:ListObjectsV2": "s3:ListBucket",
    "S3:DeleteObjects": "s3:DeleteObject",
}
# What the event source asks for by the function's role, and no bill of ours shows.
EVENT_SOURCE = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
# What Lambda itself asks for.
RUNTIME = {"logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTraceSegments", "xray:PutTelemetryRecords"}
# What no crawl of these tests needs: pages that only older crawls came to are deleted, and so are objects
# of the archive, whose pages move, if they are older than a quarter of an hour. The site of these tests never
# answers 304, for which the fetch function reads the links that it knows; without the right to list a bucket,
# S3 would refuse a read of what is not there.
RARE = {
    "fetch": {"s3:GetObject", "s3:ListBucket"},
    "sweep": {"dynamodb:DeleteItem", "s3:DeleteObject", "s3:PutObject"},
}


def allowed(client, role):
    iam = client("iam")
    actions = set()
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for statement in document["Statement"]:
            listed = statement["Action"]
            actions |= {listed} if isinstance(listed, str) else set(listed)
    return actions


def asked(canter, system, who):
    """By all crawls that these tests have made so far."""
    actions = set()
    for line in canter("status", "--aws", system.name, "--json").splitlines():
        for row in json.loads(line)["bill"]["lines"]:
            if row["who"] == who and row["service"] in ("DynamoDB", "SQS", "S3"):
                service, operation = row["service"], row["operation"]
                action = ACTIONS.get(f"{service}:{operation}", f"{service.lower()}:{operation}")
                actions.add(action)
    return actions


def test_roles_allow_what_functions_ask_for_and_no_more(system, parts, client, canter):
    for who, role in (("fetch", "FetchRole"), ("sweep", "SweepRole")):
        may, did = allowed(client, parts[role]), asked(canter, system, who)
        assert did, f"{who} asked for nothing"
        assert did <= may, f"{who} may not do {did - may}"
        never = may - did - EVENT_SOURCE - RUNTIME - RARE[who]
        assert not never, f"{who} never did {never}"
