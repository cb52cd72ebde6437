"""What LocalStack calls to run a function: one executor for each of its execution environments.

LocalStack itself decides how many environments there are, gives each one invocation at a time, and
stops the idle ones. As on AWS, an environment outlives its process: after a crash or a timeout the
next invocation gets a fresh one.
"""

import os
import platform
import shutil
import tempfile
import threading
from pathlib import Path

from localstack import config
from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin
from localstack.services.lambda_.invocation.runtime_executor import LambdaRuntimeException, RuntimeExecutor

from . import assignment, deletion, log_group, polling
from .exchange import Invocation
from .sandbox import Sandbox
from .shutdown import executors

# Set by `stack/localstack.py`.
LOGS = "CANTER_FUNCTION_LOGS"
# What every process of a stack is known by (`stack/processes.py`).
MARK = "CANTER_LOCALSTACK_STACK"

ARCHITECTURES = {"x86_64": "x86_64", "aarch64": "arm64"}


class ProcessExecutorPlugin(RuntimeExecutorPlugin):
    """Chosen by LAMBDA_RUNTIME_EXECUTOR=process."""

    name = "process"

    def load(self, *_, **__):
        assignment.repair()
        deletion.repair()
        log_group.repair()
        polling.quicken()
        return ProcessExecutor


class ProcessExecutor(RuntimeExecutor):
    def __init__(self, id, function_version):
        super().__init__(id=id, function_version=function_version)
        # Held while an invocation runs: `stop` lets it end, as AWS does when a function is updated or deleted.
        self.busy = threading.Lock()
        self.sandbox = None
        self.environment = {}
        self.temporary = None
        self.stopped = False
        executors.add(self)

    def start(self, env_vars):
        """The process starts now; that it may fail is seen by the first invocation, with its log."""
        self.temporary = tempfile.mkdtemp(prefix=f"{self.function_version.id.function_name}-")
        self.environment = self._environment(env_vars)
        self.sandbox = self._sandbox()

    def invoke(self, payload):
        invocation = Invocation(
            request_id=payload["invoke-id"],
            function_arn=payload["invoked-function-arn"],
            trace_id=payload["trace-id"],
            payload=payload["payload"].encode(),
        )
        with self.busy:
            if self.stopped:
                raise LambdaRuntimeException("the environment was stopped before its invocation began")
            # Not the first invocation's: what fails while it starts is told, and not tried again.
            if not self.sandbox.cold and not self.sandbox.alive():
                self.sandbox.close()
                self.sandbox = self._sandbox()
            return self.sandbox.invoke(invocation, self.function_version.id.qualifier)

    def stop(self):
        with self.busy:
            self.stopped = True
            if self.sandbox is not None:
                self.sandbox.close()
            if self.temporary is not None:
                shutil.rmtree(self.temporary, ignore_errors=True)

    def get_logs(self):
        return ""

    def get_address(self):
        return "127.0.0.1"

    def get_endpoint_from_executor(self):
        return config.GATEWAY_LISTEN[0].host

    def get_runtime_endpoint(self):
        """Of LocalStack's own runtime in a container, which is not here."""
        return ""

    @classmethod
    def prepare_version(cls, function_version):
        """What is raised here is the reason that the function's state gives."""
        wanted = function_version.config
        machine = ARCHITECTURES.get(platform.machine())
        if not (wanted.runtime or "").startswith("provided"):
            raise LambdaRuntimeException(
                f"without Docker only the runtimes provided.* run here, not {wanted.runtime}"
            )
        if wanted.layers:
            raise LambdaRuntimeException("layers are not there without Docker")
        if machine not in wanted.architectures:
            raise LambdaRuntimeException(
                f"this machine runs functions for {machine}, not for {', '.join(wanted.architectures)}"
            )
        wanted.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version):
        """LocalStack removes the code."""

    def _sandbox(self):
        wanted = self.function_version.config
        name = self.function_version.id.function_name
        return Sandbox(
            wanted.code.get_unzipped_code_location(),
            self.environment,
            Path(os.environ[LOGS]) / f"{name}.log",
            wanted.memory_size,
            wanted.timeout,
        )

    def _environment(self, env_vars):
        code = str(self.function_version.config.code.get_unzipped_code_location())
        given = {name: str(value) for name, value in env_vars.items()}
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin:/opt/bin",
            "LANG": "C.UTF-8",
            # Several times as fast as by LocalStack, and the same tables.
            "AWS_ENDPOINT_URL_DYNAMODB": f"http://127.0.0.1:{config.DYNAMODB_LOCAL_PORT}",
            **given,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{self.function_version.config.runtime}",
            "LAMBDA_TASK_ROOT": code,
            # On AWS each environment has a /tmp of its own.
            "TMPDIR": self.temporary,
            MARK: os.environ[MARK],
        }
