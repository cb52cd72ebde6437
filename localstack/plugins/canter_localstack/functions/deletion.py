"""A function that could not be made can be deleted.

LocalStack by itself answers that it finds no "version manager" of it, and no CloudFormation stack with
such a function can be deleted or rolled back any more.
"""

from localstack.services.lambda_.invocation.lambda_service import LambdaService

ORIGINAL = LambdaService.stop_version


def repair():
    LambdaService.stop_version = stop_version


def stop_version(self, qualified_arn):
    if qualified_arn in self.lambda_running_versions or qualified_arn in self.lambda_starting_versions:
        ORIGINAL(self, qualified_arn)
