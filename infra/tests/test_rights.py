"""Who may do what: named actions, on named resources, for the service that needs it."""

import re

import pytest
from stack import (
    BUCKET,
    FUNCTION,
    LOGS,
    QUEUE,
    RESOURCES,
    ROLE,
    SCHEDULE,
    TABLE,
    TEMPLATE,
    event_queues,
    listed,
    of_type,
    role_of,
    statements,
    type_of,
)

# Actions that no resource can be named for, with why.
NETWORK = {
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
}
WITHOUT_RESOURCE = {
    **dict.fromkeys(NETWORK, "Lambda needs them on all interfaces and subnets"),
    "xray:PutTraceSegments": "X-Ray has no resources",
    "xray:PutTelemetryRecords": "X-Ray has no resources",
}
# What an action may be allowed on: a type of resource, or a parameter.
ON = {
    "dynamodb": {TABLE},
    "s3": {BUCKET},
    "sqs": {QUEUE},
    "logs": {LOGS},
    "lambda": {FUNCTION},
    "secretsmanager": {"IndexSecretArn", "SearchSecretArn"},
}
ROLES = of_type(ROLE)
FUNCTIONS = of_type(FUNCTION)
# A policy of AWS's own, and the one role that has it, with why.
MANAGED = {
    "ApiGatewayAccountRole": "API Gateway refuses a role for logs that lacks any of its rights",
}


@pytest.mark.parametrize("role", ROLES)
def test_actions_are_named(role):
    for statement in statements(ROLES[role]):
        assert set(statement) <= {"Effect", "Action", "Resource"}
        assert statement["Effect"] == "Allow"
        for action in listed(statement["Action"]):
            assert "*" not in action and "?" not in action, action


@pytest.mark.parametrize("role", ROLES)
def test_resources_are_named(role):
    for statement in statements(ROLES[role]):
        actions = listed(statement["Action"])
        if statement["Resource"] == ["*"]:
            assert set(actions) <= set(WITHOUT_RESOURCE), actions
            continue
        for resource in listed(statement["Resource"]):
            ((function, argument),) = resource.items()
            if function == "Fn::GetAtt":
                name, attribute = argument
                assert attribute == "Arn"
                kind = type_of(name)
            elif function == "Fn::Sub":
                # The objects of a bucket.
                assert argument.startswith("${"), resource
                if argument == "${IndexDomainArn}/*":
                    assert {action.split(":")[0] for action in actions} == {"es"}
                    continue
                objects = re.fullmatch(r"\$\{(\w+)\.Arn\}/(index/)?\*", argument)
                assert objects, resource
                kind = type_of(objects[1])
                assert kind == BUCKET
            else:
                assert function == "Ref", resource
                assert type_of(argument) is None
                kind = argument
            for action in actions:
                assert kind in ON[action.split(":")[0]], f"{action} on {resource}"


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_of_one_service(role):
    (statement,) = ROLES[role]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Action"] == "sts:AssumeRole"
    assert list(statement["Principal"]) == ["Service"]
    assert statement["Principal"]["Service"].endswith(".amazonaws.com")


def test_policies_of_aws_are_only_where_nothing_else_will_do():
    assert {name for name, role in ROLES.items() if "ManagedPolicyArns" in role} == set(MANAGED)


def test_each_function_has_a_role_of_its_own_and_sam_adds_none():
    roles = [function["Role"]["Fn::GetAtt"][0] for function in FUNCTIONS.values()]
    assert len(set(roles)) == len(FUNCTIONS)
    for function in FUNCTIONS.values():
        assert not {"Policies", "DeadLetterQueue", "EventInvokeConfig"} & set(function)


def allowed(role, resource):
    """The actions that a role has on a resource."""
    return {
        action
        for statement in statements(role)
        if {"Fn::GetAtt": [resource, "Arn"]} in listed(statement["Resource"])
        for action in listed(statement["Action"])
    }


@pytest.mark.parametrize("function", FUNCTIONS)
def test_lambda_may_read_the_queues_of_a_function(function):
    for queue in event_queues(FUNCTIONS[function]):
        needed = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
        assert needed <= allowed(role_of(FUNCTIONS[function]), queue)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_function_takes_messages_from_another_queue(function):
    properties = FUNCTIONS[function]
    for queue in set(of_type(QUEUE)) - set(event_queues(properties)):
        assert not {"sqs:ReceiveMessage", "sqs:DeleteMessage"} & allowed(role_of(properties), queue)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_only_the_functions_that_crawl_see_the_archive(function):
    found = {
        (action, str(resource))
        for statement in statements(role_of(FUNCTIONS[function]))
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
        if action.startswith("s3:")
    }
    objects = str({"Fn::Sub": "${ArchiveBucket.Arn}/*"})
    lists = {("s3:ListBucket", str({"Fn::GetAtt": ["ArchiveBucket", "Arn"]}))}
    searches = {("s3:GetObject", str({"Fn::Sub": "${ArchiveBucket.Arn}/index/*"}))}
    crawls = {(action, objects) for action in ("s3:GetObject", "s3:PutObject")}
    deletes = {("s3:DeleteObject", objects)} if function == "SweepFunction" else set()
    assert found == lists | (searches if function == "SearchFunction" else crawls | deletes)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_writes_its_own_log_and_makes_none(function):
    properties = FUNCTIONS[function]
    own = properties["LoggingConfig"]["LogGroup"]["Ref"]
    for logs in of_type(LOGS):
        expected = {"logs:CreateLogStream", "logs:PutLogEvents"} if logs == own else set()
        assert allowed(role_of(properties), logs) == expected


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_read_the_secret_that_it_is_told_and_no_other(function):
    properties = FUNCTIONS[function]
    told = str(properties["Environment"]["Variables"]["CANTER_INDEX_SECRET"])
    readable = {
        resource["Ref"]
        for statement in statements(role_of(properties))
        if "secretsmanager:GetSecretValue" in listed(statement["Action"])
        for resource in statement["Resource"]
    }
    assert readable == {name for name in ON["secretsmanager"] if name in told}


# A search is a POST.
SEARCHING = {"es:ESHttpGet", "es:ESHttpPost"}


def test_the_search_function_changes_nothing():
    actions = {action for one in statements(role_of(FUNCTIONS["SearchFunction"])) for action in one["Action"]}
    actions -= {*SEARCHING, "s3:ListBucket"}
    writing = {action for action in actions if not action.split(":")[1].startswith(("Get", "BatchGet"))}
    assert {action.split(":")[0] for action in writing} == {"logs", "xray", "ec2"}
    assert not any(action.startswith("sqs:") for action in actions)


@pytest.mark.parametrize(
    ("schedule", "role", "action"),
    [
        ("RefreshSchedule", "RefreshRole", "sqs:SendMessage"),
        ("DueSchedule", "RefreshRole", "sqs:SendMessage"),
        ("CanarySchedule", "CanaryRole", "lambda:InvokeFunction"),
    ],
)
def test_a_schedule_may_do_one_thing_to_its_target(schedule, role, action):
    target = of_type(SCHEDULE)[schedule]["Target"]
    assert target["RoleArn"] == {"Fn::GetAtt": [role, "Arn"]}
    (statement,) = statements(ROLES[role])
    assert statement["Action"] == [action]
    assert statement["Resource"] == [target["Arn"]]


def test_functions_may_use_a_network_where_there_is_one_and_only_there():
    inside = {"SubnetIds": {"Ref": "VpcSubnetIds"}, "SecurityGroupIds": {"Ref": "VpcSecurityGroupIds"}}
    nowhere = {"Ref": "AWS::NoValue"}
    assert TEMPLATE["Globals"]["Function"]["VpcConfig"] == {"Fn::If": ["HasVpc", inside, nowhere]}
    for function in FUNCTIONS.values():
        (policy,) = role_of(function)["Policies"]
        found = [one for one in policy["PolicyDocument"]["Statement"] if "ec2:" in str(one)]
        (condition, statement, otherwise) = found[0]["Fn::If"]
        assert (condition, otherwise, len(found)) == ("HasVpc", nowhere, 1)
        assert set(statement["Action"]) == NETWORK
