"""LocalStack's DynamoDB talks to the DynamoDB Local that `localstack/up` has started.

By itself LocalStack downloads DynamoDB Local when DynamoDB is first used, and runs it as its child.
Neither is wanted: the installation comes from Maven, and both start at the same time. The port comes
from LocalStack's own variable DYNAMODB_LOCAL_PORT, so all that is left is not to start anything.
"""

from localstack.runtime import hooks


@hooks.on_infra_start()
def use_running_dynamodb():
    """Runs before any service is loaded."""
    from localstack.services.dynamodb.server import DynamodbServer
    from localstack.utils.net import wait_for_port_open

    def wait_for_running(self):
        wait_for_port_open(self.port, http_path=None, retries=300, sleep_time=0.2)
        return True

    DynamodbServer.start_dynamodb = wait_for_running
    DynamodbServer.stop_dynamodb = lambda self: None
