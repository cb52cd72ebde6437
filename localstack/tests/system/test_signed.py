"""An index that takes signed requests only, as a domain of Amazon OpenSearch Service does."""

import json
import os
import subprocess
import sys

import pytest
from deployment import built
from signed import SignedProxy

REGION = "eu-central-1"
# The command line renews credentials five minutes before they end.
LASTS = 2
LOGINS = f"""
import datetime, json
now = datetime.datetime.now(datetime.UTC)
key = f"LOGIN{{now.second}}"
end = (now + datetime.timedelta(minutes=5, seconds={LASTS})).isoformat()
print(json.dumps({{"Version": 1, "AccessKeyId": key, "SecretAccessKey": "secret", "Expiration": end}}))
"""
KEYS = {"AKIAPERSON": ("a secret/of+a person", None), "ASIALOGIN": ("a secret of a login", "its=token")}


@pytest.fixture
def proxy(system):
    proxy = SignedProxy(int(system.elasticsearch.rpartition(":")[2]), "es", REGION, KEYS)
    yield proxy
    proxy.close()


@pytest.fixture
def signed(proxy, tmp_path):
    """Runs the command line with the credentials of a shell."""

    def run(*words, key="AKIAPERSON", secret=None, scope=f"es/{REGION}", expect=0, **more):
        kept, token = KEYS.get(key, (None, None))
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        environment |= {"CANTER_INDEX_SIGNED_FOR": scope, "AWS_EC2_METADATA_DISABLED": "true", **more}
        if key:
            environment |= {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret or kept}
        if token:
            environment["AWS_SESSION_TOKEN"] = token
        index = ["--index", f"http://127.0.0.1:{proxy.port}/signed-{os.getpid()}"]
        command = [built("canter"), *map(str, words), *index, "--data", tmp_path]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
        assert done.returncode == expect, done.stderr
        return done.stdout if expect == 0 else done.stderr

    return run


@pytest.mark.parametrize("key", KEYS)
def test_the_command_line_signs_each_request(proxy, signed, site, key):
    served = site("--web", 20)
    signed("crawl", served.url, "--allow-private", "--site", f"of-{key.lower()}", key=key)
    signed("crawl", served.url, "--allow-private", "--site", f"of-{key.lower()}", key=key)
    found = json.loads(signed("search", "p", "--json", key=key))
    assert found["results"]
    assert len(signed("export", f"of-{key.lower()}", key=key).splitlines()) == 21
    signed("forget", f"of-{key.lower()}", "--yes", key=key)
    assert proxy.refused == [] and set(proxy.passed) == {key}


def test_credentials_that_end_during_a_crawl_are_renewed(proxy, signed, site, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shell")
    logins = folder / "logins"
    logins.write_text(LOGINS)
    settings = folder / "settings"
    settings.write_text(f"[profile short]\ncredential_process = {sys.executable} {logins}\n")
    proxy.keys.update({f"LOGIN{second}": ("secret", None) for second in range(60)})
    proxy.lives = LASTS + 3
    served = site("--web", 80)
    signed("crawl", served.url, "--allow-private", key=None, AWS_PROFILE="short", AWS_CONFIG_FILE=str(settings))
    assert proxy.refused == [] and len(proxy.passed) > 1


def test_what_aws_refuses_is_told(proxy, signed, site):
    words = ["crawl", site("--web", 3).url, "--allow-private"]
    said = signed(*words, secret="another", expect=1)
    assert "refuses a request signed for es in eu-central-1 (403, The request signature" in said
    assert "es:ESHttpPost" in said
    said = signed(*words, scope="es/us-east-1", expect=1)
    assert "not 'us-east-1'" in said
    said = signed(*words, key=None, expect=1)
    assert "without a signature (403, Missing Authentication Token), and there are no credentials" in said
    assert "OpenSearch Serverless" in signed(*words, scope=f"aoss/{REGION}", expect=1)
    assert "as es/eu-central-1" in signed(*words, scope="s3/x", expect=1)
    assert not proxy.passed
