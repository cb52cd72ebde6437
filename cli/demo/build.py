#!/usr/bin/env python3
"""Builds the demo site: python3 cli/demo/build.py DOCUMENTATION-FOLDER

Takes SQLite's documentation (public domain) as it is unpacked from its release, keeps the pages
listed below with the images and the style they need, and writes site.tar.gz beside this script.
Links to pages that are left out lead to sqlite.org; links to fragments that no page has lose
them; so nothing inside the demo is dead. The same folder and zlib give the same archive, byte for
byte.
"""

import gzip
import io
import os
import posixpath
import re
import sys
import tarfile
from html import unescape
from urllib.parse import unquote

# The one address of the first page is "/": links to index.html are written so.
PAGES = """
    index about appfileformat arch atomiccommit autoinc backup cintro cli compile copyright
    datatype3 different docs eqp errlog expridx faq features fileformat floatingpoint foreignkeys
    fts5 gencol howtocorrupt inmemorydb isolation json1 lang lang_aggfunc lang_analyze lang_attach
    lang_conflict lang_corefunc lang_createindex lang_createtable lang_datefunc lang_delete
    lang_explain lang_expr lang_insert lang_keywords lang_mathfunc lang_replace lang_savepoint
    lang_select lang_transaction lang_update lang_upsert lang_vacuum lang_with limits loadext
    nulls onefile optoverview partialindex pragma printf queryplanner quickstart quirks
    rescode rowidtable rowvalue schematab selfcontained serverless sharedcache stricttables
    tempfiles testing threadsafe transactional uri vtab wal whentouse windowfunctions withoutrowid
    zeroconf
""".split()

HOME = "https://sqlite.org/"
# Bytes; a larger image is left out.
LARGEST_IMAGE = 40_000

# A link or an image: name of the attribute, quote if any, value.
REFERENCE = re.compile(r"""(\b(?:href|src)\s*=\s*)("[^"]*"|'[^']*'|[^\s>"']+)""", re.IGNORECASE)
ANCHOR = re.compile(r"""\b(?:id|name)\s*=\s*("[^"]*"|'[^']*'|[^\s>"']+)""", re.IGNORECASE)
SCRIPT = re.compile(r"<script\b.*?</script>", re.IGNORECASE | re.DOTALL)
SEARCH = re.compile(r'<div class="searchmenu".*?</form>\s*</div>', re.IGNORECASE | re.DOTALL)
# Entries of menus that only work with a script.
SCRIPTED = re.compile(r"""<li[^>]*>\s*<a href=["']?javascript:.*?</a>\s*""", re.IGNORECASE | re.DOTALL)
HANDLER = re.compile(r"""\son[a-z]+=("[^"]*"|'[^']*')""", re.IGNORECASE)
# The date at a page's foot leads to a trap for robots.
DATE = re.compile(r"""<a [^>]*id=["']?mtimelink.*?>(.*?)</a>""", re.IGNORECASE | re.DOTALL)
# Syntax diagrams: the drawing, which is most of a page's bytes, and the button that hides it;
# then what is left, its name and containers that hold nothing more.
DIAGRAM = re.compile(r"<svg\b.*?</svg>", re.IGNORECASE | re.DOTALL)
BUTTON = re.compile(r"<button\b.*?</button>", re.IGNORECASE | re.DOTALL)
LABEL = re.compile(r"""<p><b><a href=["']?syntax/[^>]*>[^<]*:</a></b>\s*</p>""", re.IGNORECASE)
EMPTY = re.compile(r"""<div [^>]*(?:imgcontainer|max-width:\d+px)[^>]*>\s*</div>\s*""", re.IGNORECASE)
IMAGE = re.compile(r"<img\b[^>]*>", re.IGNORECASE)


def main(source):
    here = os.path.dirname(os.path.abspath(__file__))
    pages = {name + ".html": read_page(source, name + ".html") for name in PAGES}
    anchors = {name: {unescape(m.strip("\"'")) for m in ANCHOR.findall(text)} for name, text in pages.items()}
    files = {}
    for name, text in pages.items():
        wanted = []
        files[name] = rewrite(source, text, anchors, name, wanted).encode()
        for image in wanted:
            files[image] = read(source, image)
    for name in ["sqlite.css", "favicon.ico"]:
        files[name] = read(source, name)
    files["NOTICE"] = read(here, "NOTICE")
    check(files, anchors)
    target = os.path.join(here, "site.tar.gz")
    write(target, files)
    print(f"{target}: {len(pages)} pages, {len(files)} files, {os.path.getsize(target):,} bytes")


def read(source, name):
    with open(os.path.join(source, name), "rb") as file:
        return file.read()


def read_page(source, name):
    text = read(source, name).decode("utf-8", "replace")
    for part in (SCRIPT, SEARCH, SCRIPTED, BUTTON, DIAGRAM, LABEL):
        text = part.sub("", text)
    found = 1
    while found:
        text, found = EMPTY.subn("", text)
    return HANDLER.sub("", DATE.sub(r"\1", text))


def rewrite(source, text, anchors, page, wanted):
    def reference(match):
        attribute, value = match.group(1), match.group(2).strip("\"'")
        return f'{attribute}"{target(value)}"'

    def target(value):
        if re.match(r"[a-z][a-z0-9+.-]*:|//", value, re.IGNORECASE):
            return value
        path, _, fragment = value.partition("#")
        name = posixpath.normpath(unquote(path)) if path else page
        if name in anchors:
            known = unescape(unquote(fragment)) in anchors[name]
            path = "./" if name == "index.html" else path
            return path + ("#" + fragment if fragment and known else "") or "#"
        if name in ("sqlite.css", "favicon.ico"):
            return name
        if name.startswith("images/"):
            file = os.path.join(source, name)
            if os.path.isfile(file) and os.path.getsize(file) <= LARGEST_IMAGE:
                wanted.append(name)
                return name
        return HOME + value.lstrip("./")

    def image(match):
        return match.group() if f'src="{HOME}' not in match.group() else ""

    return IMAGE.sub(image, REFERENCE.sub(reference, text))


def check(files, anchors):
    """Every page can be reached from the first, and no link inside the demo is dead."""
    seen, ahead = set(), ["index.html"]
    while ahead:
        page = ahead.pop()
        if page in seen:
            continue
        seen.add(page)
        for _, value in REFERENCE.findall(files[page].decode()):
            path, _, fragment = value.strip('"').partition("#")
            if ":" in path or path.startswith("//"):
                continue
            name = {"": page, "./": "index.html"}.get(path, posixpath.normpath(unquote(path)))
            assert name in files, f"{page}: {value}"
            if name in anchors:
                assert not fragment or unescape(unquote(fragment)) in anchors[name], f"{page}: {value}"
                ahead.append(name)
    left = sorted(set(anchors) - seen)
    assert not left, f"no link leads to {left}"


def write(target, files):
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(files):
            entry = tarfile.TarInfo(name)
            entry.size = len(files[name])
            entry.mode = 0o644
            archive.addfile(entry, io.BytesIO(files[name]))
    with open(target, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(tar.getvalue())


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
