"""The few calls of CloudFormation, Lambda and S3 that a deployment needs, to LocalStack, without an SDK."""

import json
import re
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as xml

from . import web

ACCOUNT, REGION = "000000000000", "us-east-1"


class Refused(Exception):
    """LocalStack's answer to a call that it does not do: its own words."""


class Cloud:
    def __init__(self, endpoint):
        self.endpoint = endpoint

    def _send(self, service, method, path, body, headers):
        request = urllib.request.Request(
            self.endpoint + path,
            data=body,
            method=method,
            headers={**web.signature(service, REGION), **headers},
        )
        try:
            with web.DIRECT.open(request, timeout=60) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            raise Refused(error.read().decode(errors="replace")) from None

    def functions(self, method, path, value=None):
        """Lambda's API: JSON both ways."""
        body = None if value is None else json.dumps(value).encode()
        answer = self._send("lambda", method, path, body, {"Content-Type": "application/json"})
        return json.loads(answer) if answer else {}

    def formation(self, action, **parameters):
        """CloudFormation's: the answer as XML whose names have no namespace."""
        form = {"Action": action, "Version": "2010-05-15", **parameters}
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = self._send("cloudformation", "POST", "/", urllib.parse.urlencode(form).encode(), kind)
        return xml.fromstring(re.sub(rb' xmlns="[^"]*"', b"", answer))

    def status(self, name):
        """Of a CloudFormation stack; nothing if there is none."""
        try:
            return self.formation("DescribeStacks", StackName=name).findtext(".//StackStatus")
        except Refused as answer:
            if "does not exist" in str(answer):
                return None
            raise

    def outputs(self, name):
        found = self.formation("DescribeStacks", StackName=name).iterfind(".//Outputs/member")
        return {output.findtext("OutputKey"): output.findtext("OutputValue") or "" for output in found}

    def empty(self, bucket):
        """Deletes all objects of a bucket; the names of its keys need no escaping."""
        query = "list-type=2"
        while True:
            listed = self._send("s3", "GET", f"/{bucket}?{query}", None, {})
            listed = xml.fromstring(re.sub(rb' xmlns="[^"]*"', b"", listed))
            for key in listed.iterfind("Contents/Key"):
                self._send("s3", "DELETE", f"/{bucket}/{key.text}", None, {})
            if listed.findtext("IsTruncated") != "true":
                return

    def failures(self, name):
        """Sentences about the resources that failed last, the first cause first."""
        try:
            events = self.formation("DescribeStackEvents", StackName=name).findall(".//StackEvents/member")
        except Refused:
            return []
        told = []
        # The newest event comes first; what is older than the start of the last attempt is past.
        for event in events:
            resource, status = event.findtext("LogicalResourceId"), event.findtext("ResourceStatus") or ""
            if resource == name and status in ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"):
                break
            if status.endswith("_FAILED"):
                reason = event.findtext("ResourceStatusReason") or "no reason given"
                told.append(f"{resource} ({event.findtext('ResourceType')}), {status}: {reason}")
        return list(dict.fromkeys(reversed(told)))

    def resource(self, name, logical):
        """The physical name of a resource; nothing if there is none."""
        try:
            answer = self.formation("DescribeStackResource", StackName=name, LogicalResourceId=logical)
        except Refused:
            return None
        return answer.findtext(".//PhysicalResourceId")
