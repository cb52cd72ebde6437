"""What a function says: line by line into a file at once, and kept for the answer of the invocation.

The file has a line's time and the identifier of the process before it, so that one can see which
invocations overlapped, and tests find the process to kill. Sandboxes of one function share the file:
each line is one write at its end.
"""

import os
import threading
from datetime import UTC, datetime

# The most that is kept of what one invocation says, as AWS takes no more in one call of PutLogEvents.
KEPT_BYTES = 1024 * 1024


def now():
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class FunctionLog:
    """Reads the end of a pipe that the function's process writes to."""

    def __init__(self, path, pipe):
        os.set_blocking(pipe, False)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file = open(path, "ab", buffering=0)
        self.pipe = pipe
        self.process_id = 0
        self.lock = threading.RLock()
        self.unfinished = b""
        self.kept = []
        self.room = KEPT_BYTES

    def drain(self):
        """Takes all that is in the pipe. False once nobody can write to it any more."""
        with self.lock:
            while True:
                try:
                    data = os.read(self.pipe, 65536)
                except BlockingIOError:
                    return True
                if not data:
                    return False
                *lines, self.unfinished = (self.unfinished + data).split(b"\n")
                for line in lines:
                    self._write(line)

    def say(self, *lines):
        """Lines of ours, after all that the process has written until now."""
        with self.lock:
            self.drain()
            self._finish()
            for line in lines:
                self._write(line.encode())

    def take(self):
        """All since the last time, as LocalStack wants it."""
        with self.lock:
            taken = b"".join(line + b"\n" for line in self.kept).decode(errors="replace")
            self.kept, self.room = [], KEPT_BYTES
            return taken

    def close(self):
        with self.lock:
            self.drain()
            self._finish()
            self.file.close()
            os.close(self.pipe)

    def _finish(self):
        if self.unfinished:
            self._write(self.unfinished)
            self.unfinished = b""

    def _write(self, line):
        self.file.write(f"{now()} {self.process_id} ".encode() + line + b"\n")
        if self.room > 0:
            self.kept.append(line)
            self.room -= len(line) + 1
