"""What is in Elasticsearch, asked of itself."""

import json
import urllib.parse
import urllib.request

from deployment import DIRECT, INDEX


def indexed(system, site):
    """The URLs of all documents of a site, each as often as it is there."""
    body = {"size": 10_000, "query": {"term": {"site": site}}, "_source": ["page.url"]}
    base = f"{system.elasticsearch}/{INDEX}*"
    DIRECT.open(urllib.request.Request(f"{base}/_refresh", method="POST"), timeout=30).close()
    request = urllib.request.Request(
        f"{base}/_search", data=json.dumps(body).encode(), headers={"Content-Type": "application/json"}
    )
    with DIRECT.open(request, timeout=30) as answer:
        hits = json.load(answer)["hits"]
    assert hits["total"]["relation"] == "eq" and hits["total"]["value"] <= 10_000
    return [hit["_source"]["page"]["url"] for hit in hits["hits"]]


def paths_of(urls):
    return sorted(urllib.parse.urlsplit(url).path for url in urls)
