"""What a function says goes to the log group that it names, as its LoggingConfig, and so to that one's filters.

LocalStack by itself keeps the name and writes to /aws/lambda/FUNCTION all the same.
"""

from localstack.services.lambda_.invocation.execution_environment import ExecutionEnvironment

ORIGINAL = ExecutionEnvironment.get_log_group_name


def repair():
    ExecutionEnvironment.get_log_group_name = get_log_group_name


def get_log_group_name(self):
    return self.function_version.config.logging_config.get("LogGroup") or ORIGINAL(self)
