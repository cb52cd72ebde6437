//! Sitemaps in XML: `urlset`, `sitemapindex`, and feeds.
//!
//! An element is known by its local name, whatever its prefix, and by its parent: the `loc` of an
//! image is not that of a page. Only the five entities of XML are known; nothing is expanded.

use std::io::BufRead;

use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};
use url::Url;

use super::{Collector, Contents, MAX_TEXT};
use crate::task::Kind;

/// An element that has a meaning here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    UrlSet,
    Index,
    Rss,
    Feed,
    /// Entry of a page.
    Url,
    /// Entry of a sitemap.
    Sitemap,
    /// Entry of an RSS feed.
    Item,
    /// Entry of an Atom feed.
    Entry,
    Loc,
    LastMod,
    Other,
}

/// An entry that is being read.
#[derive(Default)]
struct Draft {
    loc: Option<String>,
    lastmod: Option<String>,
    alternates: Vec<String>,
}

/// Reads the file; see [`super::read`].
pub(super) fn read(
    file: impl BufRead,
    collector: &mut Collector<impl Fn(&Url, Kind) -> bool>,
) -> Contents {
    let mut reader = Reader::from_reader(file);
    let config = reader.config_mut();
    // `?a=1&b=2` often lacks its escapes.
    config.allow_dangling_amp = true;
    config.expand_empty_elements = true;
    let mut buffer = Vec::new();
    let mut walk = Walk {
        open: Vec::new(),
        draft: Draft::default(),
        text: String::new(),
        collector,
    };
    let mut known = false;
    let whole = loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(element)) if !known => match root(&element) {
                Ok(place) => {
                    known = true;
                    walk.open.push(place);
                }
                Err(contents) => return contents,
            },
            Ok(Event::DocType(name)) if !known => {
                let word = name.trim_ascii_start().get(..4).unwrap_or_default();
                if word.eq_ignore_ascii_case("html") {
                    return Contents::Html;
                }
            }
            Ok(Event::Start(element)) => walk.enter(&element),
            Ok(Event::End(_)) if !walk.leave() => break false,
            Ok(Event::Text(text)) => walk.text(&text),
            Ok(Event::CData(text)) => walk.text(&text),
            Ok(Event::GeneralRef(entity)) => walk.text(&resolved(&entity)),
            Ok(Event::Eof) => break walk.open.is_empty(),
            Ok(_) => {}
            Err(error) if !known => return Contents::Other(format!("it is broken XML: {error}")),
            Err(_) => break false,
        }
    };
    if !whole {
        walk.end_entry();
    }
    if known {
        walk.collector.end(whole)
    } else {
        Contents::Other("it is XML without an element".to_owned())
    }
}

/// What the root element tells of the file.
fn root(element: &BytesStart<'_>) -> Result<Place, Contents> {
    let name = element.local_name();
    Ok(match name.as_ref() {
        "urlset" => Place::UrlSet,
        "sitemapindex" => Place::Index,
        "rss" | "RDF" => Place::Rss,
        "feed" => Place::Feed,
        name if name.eq_ignore_ascii_case("html") => return Err(Contents::Html),
        name => {
            let name: String = name.chars().take(40).collect();
            return Err(Contents::Other(format!(
                "it is no sitemap but XML with the root {name:?}"
            )));
        }
    })
}

struct Walk<'c, F> {
    open: Vec<Place>,
    draft: Draft,
    /// Text of the innermost element.
    text: String,
    collector: &'c mut Collector<F>,
}

impl<F: Fn(&Url, Kind) -> bool> Walk<'_, F> {
    fn enter(&mut self, element: &BytesStart<'_>) {
        let parent = self.open.last().copied().unwrap_or(Place::Other);
        let name = element.local_name();
        let place = match (parent, name.as_ref()) {
            (Place::UrlSet, "url") => Place::Url,
            (Place::Index, "sitemap") => Place::Sitemap,
            (_, "item") if self.open.first() == Some(&Place::Rss) => Place::Item,
            (Place::Feed, "entry") => Place::Entry,
            (Place::Url | Place::Sitemap, "loc") | (Place::Item, "link") => Place::Loc,
            (Place::Url | Place::Sitemap, "lastmod")
            | (Place::Item, "pubDate" | "date")
            | (Place::Entry, "updated" | "modified") => Place::LastMod,
            (Place::Url | Place::Entry, "link") => {
                self.link(element, parent);
                Place::Other
            }
            _ => Place::Other,
        };
        if matches!(
            place,
            Place::Url | Place::Sitemap | Place::Item | Place::Entry
        ) {
            self.draft = Draft::default();
        }
        self.text.clear();
        self.open.push(place);
    }

    /// Reads `<xhtml:link rel="alternate" hreflang="de" href="…"/>`, or the link of an Atom entry.
    fn link(&mut self, element: &BytesStart<'_>, parent: Place) {
        let (mut href, mut is_alternate) = (None, parent == Place::Entry);
        for attribute in element.attributes().with_checks(false).flatten() {
            match attribute.key.local_name().as_ref() {
                "href" => href = Some(unescaped(&attribute.value)),
                "rel" => is_alternate = attribute.value.eq_ignore_ascii_case("alternate"),
                _ => {}
            }
        }
        let Some(href) = href.filter(|_| is_alternate) else {
            return;
        };
        if parent == Place::Entry {
            self.draft.loc.get_or_insert(href);
        } else {
            self.draft.alternates.push(href);
        }
    }

    fn text(&mut self, text: &str) {
        let counts = matches!(self.open.last(), Some(Place::Loc | Place::LastMod));
        if counts && self.text.len() <= MAX_TEXT {
            self.text += text;
        }
    }

    /// Ends an element, and returns whether more entries may follow.
    fn leave(&mut self) -> bool {
        match self.open.pop() {
            Some(Place::Loc) if !self.text.trim().is_empty() => {
                self.draft.loc.get_or_insert(std::mem::take(&mut self.text));
            }
            Some(Place::LastMod) => self.draft.lastmod = Some(std::mem::take(&mut self.text)),
            Some(Place::Url | Place::Item | Place::Entry) => return self.add(Kind::Page),
            Some(Place::Sitemap) => return self.add(Kind::Sitemap),
            _ => {}
        }
        true
    }

    /// Ends the entry that the break of the file cut off: it may have its URL already.
    fn end_entry(&mut self) {
        while !self.open.is_empty() {
            if matches!(self.open.last(), Some(Place::Loc | Place::LastMod)) {
                // Its text may have been cut.
                self.open.pop();
            } else {
                self.leave();
            }
        }
    }

    fn add(&mut self, kind: Kind) -> bool {
        let draft = std::mem::take(&mut self.draft);
        let more = match draft.loc {
            Some(loc) => self.collector.add(&loc, draft.lastmod.as_deref(), kind),
            None => true,
        };
        for alternate in draft.alternates {
            self.collector.keep(&alternate, None, Kind::Page);
        }
        more
    }
}

/// The text of an entity. An unknown entity stays as it is written (`&b;`).
fn resolved(entity: &BytesRef<'_>) -> String {
    let name: &str = entity;
    match (
        entity.resolve_char_ref(),
        quick_xml::escape::resolve_predefined_entity(name),
    ) {
        (Ok(Some(sign)), _) => sign.to_string(),
        (_, Some(text)) => text.to_owned(),
        _ => format!("&{name};"),
    }
}

/// The value of an attribute. If an entity is unknown, the value stays as it is written.
fn unescaped(value: &str) -> String {
    match quick_xml::escape::unescape(value) {
        Ok(text) => text.into_owned(),
        Err(_) => value.to_owned(),
    }
}
