"""What an invocation ends with when the function did not answer it, in the words of AWS."""

import json
import signal


class Failure(Exception):
    """`text` is what follows the request's identifier; `payload`, if there is one, stands for all of it."""

    def __init__(self, error_type, text, payload=None):
        super().__init__(text)
        self.error_type = error_type
        self.text = text
        self.payload = payload

    def answer(self, request_id):
        if self.payload is not None:
            return self.payload
        message = f"RequestId: {request_id} Error: {self.text}"
        return json.dumps({"errorType": self.error_type, "errorMessage": message}).encode()


def exited(code):
    """The process is gone; `code` is what Python calls its return code, negative for a signal."""
    if code == 0:
        return Failure("Runtime.ExitError", "Runtime exited without providing a reason")
    if code > 0:
        return Failure("Runtime.ExitError", f"Runtime exited with error: exit status {code}")
    name = (signal.strsignal(-code) or str(-code)).lower()
    return Failure("Runtime.ExitError", f"Runtime exited with error: signal: {name}")


def timed_out(seconds):
    return Failure("Sandbox.Timedout", f"Task timed out after {seconds:.2f} seconds")


def not_started(reason):
    """There is no `bootstrap`, or the system refuses to run it."""
    return Failure("Runtime.InvalidEntrypoint", reason)


def too_large(size, limit):
    """`Function.ResponseSizeTooLarge` of a response that is not streamed."""
    return Failure(
        "Function.ResponseSizeTooLarge",
        f"Response payload size ({size} bytes) exceeded maximum allowed payload size ({limit} bytes).",
    )
