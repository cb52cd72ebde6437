//! Links of a page: every `a` and `area` with an address, in content and navigation alike, since
//! a crawl needs them all.

use std::ops::Range;

use foldhash::{HashMap, HashMapExt};
use percent_encoding::percent_decode_str;
use url::Url;

use super::steps::{Element, StepId};
use super::tag::{Attribute, Tag};
use super::text::TextWriter;
use super::{Link, MAX_LINKS};
use crate::url::join;

/// Links in document order, as they are written.
#[derive(Default)]
pub(super) struct LinkCollector<'t> {
    found: Vec<Found<'t>>,
    text: TextWriter,
    open: Option<StepId>,
}

struct Found<'t> {
    reference: &'t str,
    /// Into the collector's text.
    text: Range<usize>,
    nofollow: bool,
}

impl<'t> LinkCollector<'t> {
    /// An element begins.
    pub(super) fn enter(&mut self, element: Element<'t>) {
        let is_anchor = element.tag == Tag::A;
        if !is_anchor && element.tag != Tag::Area {
            return;
        }
        let Some(reference) = element.attr(Attribute::Href) else {
            return;
        };
        self.close();
        if self.found.len() >= MAX_LINKS {
            return;
        }
        let start = if is_anchor {
            self.open = Some(element.id);
            self.text.line();
            self.text.settle()
        } else {
            self.text.len()
        };
        self.found.push(Found {
            reference,
            text: start..start,
            nofollow: element.attr(Attribute::Rel).is_some_and(|rel| {
                rel.split_ascii_whitespace()
                    .any(|word| word.eq_ignore_ascii_case("nofollow"))
            }),
        });
    }

    /// Text between elements.
    pub(super) fn text(&mut self, text: &str) {
        if self.open.is_some() {
            self.text.folded(text);
        }
    }

    /// An element that parts words begins or ends.
    pub(super) fn space(&mut self) {
        if self.open.is_some() {
            self.text.space();
        }
    }

    /// An element ends.
    pub(super) fn leave(&mut self, id: StepId) {
        if self.open == Some(id) {
            self.close();
        }
    }

    fn close(&mut self) {
        if self.open.take().is_some()
            && let Some(link) = self.found.last_mut()
        {
            link.text.end = self.text.len();
        }
    }

    /// The links that lead to http(s) URLs. Each distinct reference is resolved once.
    pub(super) fn resolve(mut self, base: &Url) -> Vec<Link> {
        self.close();
        let mut known: HashMap<&str, Option<Url>> = HashMap::new();
        let mut links = Vec::with_capacity(self.found.len());
        for found in &self.found {
            let (reference, fragment) = match found.reference.split_once('#') {
                Some((reference, fragment)) => (reference, decoded(fragment)),
                None => (found.reference, None),
            };
            let url = known
                .entry(reference)
                .or_insert_with(|| join(base, reference));
            if let Some(url) = url {
                links.push(Link {
                    url: url.clone(),
                    fragment,
                    text: self.text.get(found.text.clone()).to_owned(),
                    nofollow: found.nofollow,
                });
            }
        }
        links
    }
}

/// A fragment as an id is written in a page; none when it is empty.
pub(super) fn decoded(fragment: &str) -> Option<String> {
    let fragment = fragment.trim_ascii();
    (!fragment.is_empty()).then(|| {
        percent_decode_str(fragment)
            .decode_utf8_lossy()
            .into_owned()
    })
}
