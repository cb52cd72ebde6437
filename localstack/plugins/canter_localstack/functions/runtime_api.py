"""The Lambda Runtime API, version 2018-06-01, for one process: what its `bootstrap` asks for work.

Written from "Using the Lambda runtime API for custom runtimes" and "Building a custom runtime"
(response streaming) of the AWS Lambda Developer Guide.
"""

import base64
import binascii
import contextlib
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from . import failure
from .exchange import Answer, Refused

VERSION = "/2018-06-01/runtime/"
# Of a response that is not streamed, by "Lambda quotas": 6 MB and what is around the body.
LARGEST_RESPONSE = 6 * 1024 * 1024 + 100
ERROR_TYPE = "Lambda-Runtime-Function-Error-Type"
ERROR_BODY = "Lambda-Runtime-Function-Error-Body"


class RuntimeApi(ThreadingHTTPServer):
    """Listens from its making; `close` ends it with all that wait."""

    daemon_threads = True

    def __init__(self, exchange):
        super().__init__(("127.0.0.1", 0), _Request)
        self.exchange = exchange
        self.address = f"127.0.0.1:{self.server_port}"
        threading.Thread(target=self._serve, name="lambda-runtime-api", daemon=True).start()

    def close(self):
        # Wakes `accept`; the server's own way is a look twice a second.
        self.socket.shutdown(socket.SHUT_RDWR)
        self.server_close()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                self.process_request(*self.get_request())

    def handle_error(self, request, client_address):
        """A process that was killed while it asked is no news: the sandbox tells of it."""


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body leave in one packet: waiting for an acknowledgement between them takes 40 ms.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self):
        if self.path != VERSION + "invocation/next":
            return self._refuse(404, "there is nothing of this name")
        try:
            invocation = self.server.exchange.next()
        except Refused as reason:
            return self._refuse(403, str(reason))
        if invocation is None:
            # The process is being ended: there is nothing to tell it.
            self.close_connection = True
            return None
        return self._send(
            200,
            invocation.payload,
            {
                "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
                "Lambda-Runtime-Deadline-Ms": str(invocation.deadline_ms),
                "Lambda-Runtime-Invoked-Function-Arn": invocation.function_arn,
                "Lambda-Runtime-Trace-Id": invocation.trace_id,
            },
        )

    def do_POST(self):
        body, trailers = self._body()
        match self.path.removeprefix(VERSION).split("/"):
            case ["invocation", request_id, "response"]:
                answer = self._response(request_id, body, trailers)
            case ["invocation", request_id, "error"]:
                answer = Answer(body, self.headers.get(ERROR_TYPE) or "Unhandled")
            case ["init", "error"]:
                self.server.exchange.init_failed(self.headers.get(ERROR_TYPE) or "Runtime.InitError", body)
                return self._send(202, b'{"status":"OK"}')
            case _:
                return self._refuse(404, "there is nothing of this name")
        try:
            self.server.exchange.answer(request_id, answer)
        except Refused as reason:
            return self._refuse(400, str(reason))
        if answer.error_type == "Function.ResponseSizeTooLarge":
            return self._refuse(413, "the response is too large")
        return self._send(202, b'{"status":"OK"}')

    def _response(self, request_id, body, trailers):
        if error := trailers.get(ERROR_TYPE.lower()):
            # A stream that failed half-way: what it has sent is worth nothing to who did not ask for a stream.
            try:
                told = base64.b64decode(trailers.get(ERROR_BODY.lower(), ""), validate=True)
            except binascii.Error:
                told = b""
            return Answer(told or json.dumps({"errorType": error}).encode(), error)
        streamed = self.headers.get("Lambda-Runtime-Function-Response-Mode", "").lower() == "streaming"
        if len(body) > LARGEST_RESPONSE and not streamed:
            refused = failure.too_large(len(body), LARGEST_RESPONSE)
            return Answer(refused.answer(request_id), refused.error_type)
        return Answer(body)

    def _body(self):
        """The body, and the trailers by their names in small letters."""
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            return self.rfile.read(int(self.headers.get("Content-Length") or 0)), {}
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        trailers = {}
        while line := self.rfile.readline().strip():
            name, _, value = line.decode("latin-1").partition(":")
            trailers[name.strip().lower()] = value.strip()
        return b"".join(chunks), trailers

    def _send(self, status, body, headers=None):
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _refuse(self, status, reason):
        kind = {404: "NotFound", 403: "InvalidStateTransition", 413: "RequestEntityTooLarge"}
        error = {"errorType": kind.get(status, "InvalidRequestID"), "errorMessage": reason}
        self._send(status, json.dumps(error).encode())

    def log_message(self, *_):
        """Nobody reads it."""
