"""Small functions for tests: a `bootstrap` in Python around the body of `handle(event, request_id)`."""

import io
import sys
import zipfile

LOOP = """#!{python} -ISB
import json, os, sys, time, urllib.request

API = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/"
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({{}}))

def post(path, value, headers={{}}):
    DIRECT.open(urllib.request.Request(API + path, json.dumps(value).encode(), headers)).close()

{start}

def handle(event, request_id, headers):
{body}

while True:
    with DIRECT.open(API + "invocation/next") as invocation:
        request_id = invocation.headers["Lambda-Runtime-Aws-Request-Id"]
        event = json.load(invocation)
    try:
        answer = handle(event, request_id, invocation.headers)
    except Exception as error:
        told = {{"errorType": type(error).__name__, "errorMessage": str(error)}}
        post("invocation/" + request_id + "/error", told)
    else:
        post("invocation/" + request_id + "/response", answer)
"""


def program(body, start=""):
    """`start` runs before the first invocation, `body` for each."""
    indented = "\n".join("    " + line for line in body.splitlines())
    return LOOP.format(python=sys.executable, body=indented, start=start)


def archive(text):
    """What Lambda takes as code: a zip with an executable `bootstrap`."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        file.writestr(entry, text)
    return packed.getvalue()
