//! Reads a page: decodes it, parses it, and extracts what the page says.

use url::Url;

use super::boilerplate::Boilerplate;
use super::content::{Content, extract};
use super::events::{ElementId, Events};
use super::facts::Facts;
use super::item::Item;
use super::language::detected;
use super::list::is_list;
use super::sections::SectionWriter;
use super::{Page, encoding, parse};

/// Minimum length of main content that is not almost empty, in bytes.
const ALMOST_EMPTY: usize = 200;
/// Ratio of lengths beyond which the body replaces main content that is almost empty.
const MUCH_MORE: usize = 5;

/// Reads the page that was fetched from `url`, given its body and its `Content-Type`. Never fails:
/// a broken page gives less.
pub fn read(body: &[u8], content_type: Option<&str>, url: &Url) -> Page {
    read_html(&encoding::decode(body, content_type, url), url)
}

/// Reads a page that is decoded already.
pub fn read_html(html: &str, url: &Url) -> Page {
    let events = parse::parse(html);
    let mut facts = Facts::collect(&events);
    let base = facts.base(url);
    let title = facts.title();
    let content = content(&events, &facts, &title);
    let links = std::mem::take(&mut facts.links).resolve(&base, content.links);
    let places = links.iter().filter_map(|link| link.place.clone());
    Page {
        list: is_list(&content.text, places),
        language: facts.language().or_else(|| detected(&content.text)),
        canonical: facts.canonical(&base),
        refresh: facts.refresh(&base),
        directives: facts.directives,
        named_directives: std::mem::take(&mut facts.named_directives),
        links,
        text: content.text,
        sections: content.sections,
        code: content.code,
        title,
    }
}

fn content(events: &Events, facts: &Facts<'_>, title: &str) -> Content {
    let body = facts.body;
    let Some(main) = facts.main() else {
        return part(events, facts, title, body, true);
    };
    let content = part(events, facts, title, main, false);
    if content.text.len() < ALMOST_EMPTY {
        let whole = part(events, facts, title, body, true);
        if whole.text.len() > content.text.len() * MUCH_MORE {
            return whole;
        }
    }
    content
}

fn part(
    events: &Events,
    facts: &Facts<'_>,
    title: &str,
    root: ElementId,
    whole_body: bool,
) -> Content {
    let generator = facts.generator;
    let item = Item::of_page(generator, title, facts.description.unwrap_or_default());
    let boilerplate = Boilerplate {
        whole_body,
        first_heading: facts.first_heading(),
        generator,
    };
    extract(
        events,
        root,
        boilerplate,
        SectionWriter::new(item, generator),
    )
}
