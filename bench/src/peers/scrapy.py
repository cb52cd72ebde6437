# Scrapy doing what it can of canter's work: title, text and links of each page, a JSON line each.
# It reads the tree that Scrapy has parsed anyway; its selectors would cost several times as much.
import json
from urllib.parse import urldefrag, urljoin

import scrapy
from lxml import etree

UNSEEN = ("script", "style", "noscript", "template")


class Pages(scrapy.Spider):
    name = "pages"

    def __init__(self, first, **kwargs):
        super().__init__(**kwargs)
        self.first = first
        self.below = first.rsplit("/", 1)[0] + "/"
        self.lines = open("pages.jsonl", "w", encoding="utf-8")

    def closed(self, reason):
        self.lines.close()

    # Older versions of Scrapy know the one, newer ones the other.
    def start_requests(self):
        yield scrapy.Request(self.first)

    async def start(self):
        yield scrapy.Request(self.first)

    def parse(self, response):
        if not isinstance(response, scrapy.http.HtmlResponse):
            return
        tree = response.selector.root
        targets = [urljoin(response.url, link.get("href")) for link in tree.iter("a") if link.get("href")]
        etree.strip_elements(tree, *UNSEEN, with_tail=False)
        body = tree.find("body")
        page = {
            "url": response.url,
            "title": tree.findtext(".//title", "").strip(),
            "text": " ".join("".join(body.itertext("*")).split()) if body is not None else "",
            "links": len(targets),
        }
        self.lines.write(json.dumps(page, ensure_ascii=False) + "\n")
        # One request a page, not one a fragment.
        for url in {urldefrag(target).url for target in targets}:
            if url.startswith(self.below):
                yield scrapy.Request(url)
