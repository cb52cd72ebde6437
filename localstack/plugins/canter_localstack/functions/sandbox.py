"""One process of a function, from its start to its end, and the invocations that it handles in between."""

import math
import os
import re
import select
import signal
import subprocess
import threading
import time
from pathlib import Path

from localstack.services.lambda_.invocation.lambda_models import InvocationResult

from . import failure
from .exchange import Exchange
from .function_log import FunctionLog, now
from .runtime_api import RuntimeApi

# How long a process may take until it first asks for work ("Lambda execution environment lifecycle").
INIT_SECONDS = 10


class Sandbox:
    """Never raises for what is the function's fault: that is in the results of `invoke`."""

    def __init__(self, code, environment, log_file, memory_mb, timeout_seconds):
        self.memory_mb = memory_mb
        self.timeout_seconds = timeout_seconds
        self.peak_mb = 0
        self.started = time.monotonic()
        self.cold = True
        self.exchange = Exchange()
        self.over = threading.Event()
        self.process = None
        output, child = os.pipe()
        self.log = FunctionLog(log_file, output)
        self.api = RuntimeApi(self.exchange)
        try:
            self.process = subprocess.Popen(
                [code / "bootstrap"],
                stdin=subprocess.DEVNULL,
                stdout=child,
                stderr=child,
                cwd=code,
                env={**environment, "AWS_LAMBDA_RUNTIME_API": self.api.address},
                # A group of its own, so that what the function has started ends with it.
                start_new_session=True,
            )
        except OSError as error:
            self.exchange.close(failure.not_started(f"{error.strerror}: bootstrap"))
            self.over.set()
            return
        finally:
            os.close(child)
        self.log.process_id = self.process.pid
        self.log.say(f"INIT_START Runtime Version: {environment.get('AWS_EXECUTION_ENV', 'provided')}")
        threading.Thread(target=self._watch, name="lambda-sandbox", daemon=True).start()

    def alive(self):
        return self.exchange.closed is None

    def invoke(self, invocation, version):
        """Waits for the answer, for the end of the process, or for the time to be up."""
        request_id = invocation.request_id
        cold, self.cold = self.cold, False
        begun = None
        error_type = None
        ready = self.started
        try:
            try:
                self.exchange.wait_for_process(INIT_SECONDS)
            finally:
                ready = begun = time.monotonic()
                # Now, since a process that crashes has nothing left to measure.
                self._measure()
                self.log.say(f"START RequestId: {request_id} Version: {version}")
            answer = self.exchange.ask(invocation, self.timeout_seconds)
            payload, error_type = answer.payload, answer.error_type
        except failure.Failure as reason:
            payload, error_type = reason.answer(request_id), reason.error_type
            self._measure()
            self.end()
            if error_type == "Sandbox.Timedout":
                self.log.say(f"{now()} {request_id} {reason.text}")
            elif reason.payload is None:
                self.log.say(f"RequestId: {request_id} Error: {reason.text}", error_type)
        taken_ms = (time.monotonic() - begun) * 1000
        self._measure()
        self.log.say(
            f"END RequestId: {request_id}",
            self._report(request_id, taken_ms, (ready - self.started) * 1000 if cold else None, error_type),
        )
        return InvocationResult(request_id, payload, error_type is not None, self.log.take())

    def end(self):
        """Kills the process with its group; once this returns, nothing of it is left."""
        self.exchange.close(failure.exited(-signal.SIGKILL))
        self._kill()
        self.over.wait()

    def close(self):
        """Ends the process, and gives up the server and the log as well."""
        self.end()
        self.api.close()
        self.log.close()

    def _kill(self):
        if self.process is not None and not self.over.is_set():
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def _watch(self):
        """Reads what the process says until it is gone; then collects it, so that it is no zombie."""
        gone = os.pidfd_open(self.process.pid)
        waits = select.poll()
        waits.register(gone, select.POLLIN)
        waits.register(self.log.pipe, select.POLLIN)
        while True:
            events = dict(waits.poll())
            if self.log.pipe in events and not self.log.drain():
                waits.unregister(self.log.pipe)
            if gone in events:
                break
        os.close(gone)
        # Not yet collected, so its number is still its own: what it has started goes too.
        self._kill()
        self.exchange.close(failure.exited(self.process.wait()))
        self.over.set()

    def _measure(self):
        """The most memory that the process has had, as the kernel keeps it; what it has started is not in it."""
        if self.process is None:
            return
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text()
        except OSError:
            return
        if found := re.search(r"VmHWM:\s+(\d+) kB", status):
            self.peak_mb = max(self.peak_mb, math.ceil(int(found[1]) / 1024))

    def _report(self, request_id, taken_ms, init_ms, error_type):
        """The line from which AWS bills, field for field."""
        billed = math.ceil(taken_ms + (init_ms or 0))
        fields = [
            f"REPORT RequestId: {request_id}",
            f"Duration: {taken_ms:.2f} ms",
            f"Billed Duration: {billed} ms",
            f"Memory Size: {self.memory_mb} MB",
            f"Max Memory Used: {self.peak_mb} MB",
        ]
        if init_ms is not None:
            fields.append(f"Init Duration: {init_ms:.2f} ms")
        if error_type == "Sandbox.Timedout":
            fields.append("Status: timeout")
        elif error_type is not None:
            fields += ["Status: error", f"Error Type: {error_type}"]
        return "\t".join(fields) + "\t"
