"""What the executor and the function's process hand each other, one invocation at a time.

The server's threads call `next`, `answer` and `init_failed` for the process; the executor calls
`wait_for_process` and `ask`; whoever sees the process end calls `close`, which ends every wait.
"""

import threading
import time
from dataclasses import dataclass, field

from .failure import Failure, timed_out


@dataclass
class Invocation:
    request_id: str
    function_arn: str
    trace_id: str
    payload: bytes
    # Milliseconds since 1970, as the function is told.
    deadline_ms: int = 0


@dataclass
class Answer:
    """`error_type` is nothing for a success."""

    payload: bytes
    error_type: str | None = None


class Refused(Exception):
    """The process said something that does not fit the state: a wrong request, or a second answer."""


@dataclass
class Exchange:
    changed: threading.Condition = field(default_factory=threading.Condition)
    # The process waits for an invocation.
    idle: bool = False
    # Handed over by `ask`, not yet taken by `next`.
    offered: Invocation | None = None
    # Taken by `next`, not yet answered.
    running: Invocation | None = None
    answered: Answer | None = None
    # Why nothing more can be had from this process.
    closed: Failure | None = None

    def next(self):
        """Blocks until there is an invocation. Nothing once the exchange is closed."""
        with self.changed:
            if self.running or self.idle:
                raise Refused("invocation/next before the invocation was answered")
            self.idle = True
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.offered or self.closed)
            self.idle = False
            self.running, self.offered = self.offered, None
            return self.running

    def answer(self, request_id, answer):
        with self.changed:
            if self.running is None or self.running.request_id != request_id:
                raise Refused(f"no invocation {request_id} waits for an answer")
            self.running = None
            self.answered = answer
            self.changed.notify_all()

    def init_failed(self, error_type, payload):
        """What the process says of itself goes before how it ends afterwards."""
        self.close(Failure(error_type, "Init failed", payload))

    def close(self, failure):
        """The first reason stays."""
        with self.changed:
            self.closed = self.closed or failure
            self.changed.notify_all()

    def wait_for_process(self, seconds):
        """Until the process asks for work; raises the failure if it never will."""
        with self.changed:
            in_time = self.changed.wait_for(lambda: self.idle or self.closed, seconds)
            if self.closed:
                raise self.closed
            if not in_time:
                raise timed_out(seconds)

    def ask(self, invocation, seconds):
        """Hands over the invocation and returns the answer to it, or raises why there is none."""
        with self.changed:
            invocation.deadline_ms = int((time.time() + seconds) * 1000)
            self.answered = None
            self.offered = invocation
            self.changed.notify_all()
            in_time = self.changed.wait_for(lambda: self.answered or self.closed, seconds)
            if self.answered:
                return self.answered
            if self.closed:
                raise self.closed
            assert not in_time
            raise timed_out(seconds)
