"""A proxy before the index that lets only requests pass that are signed as Amazon OpenSearch wants it.

botocore computes the signature that a request must have. LocalStack checks none.
"""

import datetime
import hashlib
import hmac
import http.client
import json
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

# AWS's own limit.
TOO_OLD = datetime.timedelta(minutes=5)


class Refused(Exception):
    """What AWS would say."""


class SignedProxy:
    """Before the server at a port; `keys` has the secret and the session token of each access key."""

    def __init__(self, target, service, region, keys):
        self.target, self.service, self.region, self.keys = target, service, region, dict(keys)
        self.passed, self.refused = Counter(), []
        # For so many seconds from its first request on a key is good.
        self.lives, self.began = float("inf"), {}
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_any(self):
                proxy.answer(self)

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_any

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, request):
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        try:
            key = self.check(request, body)
        except Refused as why:
            self.refused.append(str(why))
            return reply(request, 403, {"Content-Type": "application/json"}, json.dumps({"message": str(why)}).encode())
        self.passed[key] += 1
        connection = http.client.HTTPConnection("127.0.0.1", self.target, timeout=60)
        hidden = {"host", "authorization", "connection"}
        headers = {name: value for name, value in request.headers.items() if name.lower() not in hidden}
        connection.request(request.command, request.path, body, headers)
        answer = connection.getresponse()
        kept = {name: value for name, value in answer.getheaders() if name.lower() not in ("content-length", "transfer-encoding")}
        reply(request, answer.status, kept, answer.read())
        connection.close()

    def check(self, request, body):
        """The access key of a request whose signature is right."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        scheme, _, parts = headers.get("authorization", "").partition(" ")
        if scheme != "AWS4-HMAC-SHA256":
            raise Refused("Missing Authentication Token")
        part = dict(one.strip().split("=", 1) for one in parts.split(","))
        key, day, region, service, _ = part["Credential"].split("/")
        if (service, region) != (self.service, self.region):
            raise Refused(f"Credential should be scoped to a valid region, not '{region}'.")
        names = part["SignedHeaders"].split(";")
        stamp = headers["x-amz-date"]
        at = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.UTC)
        if not stamp.startswith(day) or abs(datetime.datetime.now(datetime.UTC) - at) > TOO_OLD:
            raise Refused("Signature expired")
        # botocore believes this header.
        sha = headers.get("x-amz-content-sha256")
        if sha not in (None, hashlib.sha256(body).hexdigest()) or not {"host", "x-amz-date"} <= set(names):
            raise Refused("The request signature we calculated does not match the signature you provided.")
        if service == "aoss" and "x-amz-content-sha256" not in names:
            raise Refused("x-amz-content-sha256 must be signed")
        if time.monotonic() - self.began.setdefault(key, time.monotonic()) > self.lives:
            raise Refused("The security token included in the request is expired")
        secret, token = self.keys.get(key) or given(key)
        if token and (headers.get("x-amz-security-token") != token or "x-amz-security-token" not in names):
            raise Refused("The security token included in the request is invalid.")
        url = f"http://{headers['host']}{request.path}"
        asked = AWSRequest(request.command, url, data=body, headers={name: headers[name] for name in names})
        asked.context["timestamp"] = stamp
        signer = SigV4Auth(Credentials(key, secret, token), service, region)
        text = signer.string_to_sign(asked, signer.canonical_request(asked))
        if not hmac.compare_digest(signer.signature(text, asked), part["Signature"]):
            raise Refused("The request signature we calculated does not match the signature you provided.")
        return key


def given(key):
    """The secret and the token that the process of a function was given with an access key."""
    for process in Path("/proc").iterdir():
        try:
            lines = (process / "environ").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        environment = dict(line.split("=", 1) for line in lines if "=" in line)
        if environment.get("AWS_ACCESS_KEY_ID") == key and "AWS_LAMBDA_FUNCTION_NAME" in environment:
            return environment["AWS_SECRET_ACCESS_KEY"], environment.get("AWS_SESSION_TOKEN")
    raise Refused("The security token included in the request is invalid.")


def reply(request, status, headers, body):
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(body)
