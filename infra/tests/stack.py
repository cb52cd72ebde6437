"""The template as plain dictionaries, `!Ref X` being `{"Ref": "X"}`."""

from pathlib import Path

from cfnlint.decode import cfn_yaml

ROOT = Path(__file__).parents[2]
TEMPLATE = cfn_yaml.load(str(ROOT / "template.yaml"))
PARAMETERS = TEMPLATE["Parameters"]
RESOURCES = TEMPLATE["Resources"]
CONDITIONS = TEMPLATE["Conditions"]
OUTPUTS = TEMPLATE["Outputs"]

FUNCTION = "AWS::Serverless::Function"
QUEUE = "AWS::SQS::Queue"
TABLE = "AWS::DynamoDB::Table"
BUCKET = "AWS::S3::Bucket"
LOGS = "AWS::Logs::LogGroup"
ROLE = "AWS::IAM::Role"
ALARM = "AWS::CloudWatch::Alarm"
FILTER = "AWS::Logs::MetricFilter"
SCHEDULE = "AWS::Scheduler::Schedule"
# Of all metrics of a stack's own.
NAMESPACE = "canter/${AWS::StackName}"


def of_type(kind):
    """Names and properties of all resources of a type."""
    return {
        name: resource["Properties"]
        for name, resource in RESOURCES.items()
        if resource["Type"] == kind
    }


def type_of(name):
    """The type of a resource or, for a parameter, None; it must be one of the two."""
    return None if name in PARAMETERS else RESOURCES[name]["Type"]


def event_queues(function):
    """The queues that a function gets its messages from."""
    return [
        event["Properties"]["Queue"]["Fn::GetAtt"][0]
        for event in function["Events"].values()
        if event["Type"] == "SQS"
    ]


def role_of(function):
    """The role of a function."""
    name, attribute = function["Role"]["Fn::GetAtt"]
    assert attribute == "Arn"
    return RESOURCES[name]["Properties"]


def statements(role):
    """All statements of a role's own policies, whatever condition they hang on."""
    found = []
    for policy in role.get("Policies", []):
        for statement in policy["PolicyDocument"]["Statement"]:
            found += branches(statement)
    return found


def branches(value):
    """What a value is in any case of its conditions."""
    if isinstance(value, dict) and set(value) == {"Fn::If"}:
        _, yes, no = value["Fn::If"]
        return branches(yes) + branches(no)
    if value == {"Ref": "AWS::NoValue"}:
        return []
    return [value]


def listed(value):
    """One or many are many."""
    return value if isinstance(value, list) else [value]
