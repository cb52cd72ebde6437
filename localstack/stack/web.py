"""Plain HTTP to the loopback interface, past any proxy of the environment."""

import json
import urllib.error
import urllib.request

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ask(url, headers=None, body=None, timeout=10):
    """The JSON of a good answer. None when there is no answer yet or it is not a good one."""
    request = urllib.request.Request(url, data=body, headers=headers or {})
    try:
        with DIRECT.open(request, timeout=timeout) as answer:
            return json.load(answer)
    except (OSError, ValueError):
        # URLError and timeouts are an OSError, broken JSON is a ValueError.
        return None


def answers(url, headers, timeout=10):
    """Whether there is a good answer, in whatever form."""
    try:
        with DIRECT.open(urllib.request.Request(url, headers=headers), timeout=timeout):
            return True
    except OSError:
        return False


def ask_aws(endpoint, service, target, timeout=10):
    """One AWS JSON call without arguments."""
    headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.0", **signature(service)}
    return ask(endpoint, headers, b"{}", timeout)


def signature(service, region="us-east-1"):
    """Headers with made-up credentials: neither LocalStack nor DynamoDB Local checks them."""
    scope = f"test/20260101/{region}/{service}/aws4_request"
    return {
        "X-Amz-Date": "20260101T000000Z",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
    }
