# Scrapy doing what it can of canter's work: title, text and links of each page, a JSON line each.
# It asks the tree that Scrapy has parsed anyway, by compiled paths: selectors and link extractors
# would cost several times as much. Strings that know their parents (lxml's default) have Python
# collect its garbage more often: half the memory, and half as much CPU time again.
import json
from urllib.parse import urldefrag, urljoin

import scrapy
from lxml.etree import XPath

HREFS = XPath("//a/@href", smart_strings=False)
TITLE = XPath("string(//title)", smart_strings=False)
TEXTS = XPath(
    "//body//text()[not(parent::script or parent::style or parent::noscript or parent::template)]",
    smart_strings=False,
)


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
        hrefs = HREFS(tree)
        page = {
            "url": response.url,
            "title": TITLE(tree).strip(),
            "text": " ".join("".join(TEXTS(tree)).split()),
            "links": len(hrefs),
        }
        self.lines.write(json.dumps(page, ensure_ascii=False) + "\n")
        # One request a page, not one a fragment.
        for url in {urljoin(response.url, target) for target in {urldefrag(href).url for href in hrefs}}:
            if url.startswith(self.below):
                yield scrapy.Request(url)
