//! The links of a page: every `a`, `area` and frame with an address, and every `link` to a page. A
//! crawl needs those of the navigation as well as those of the content.

use std::ops::Range;

use foldhash::{HashMap, HashMapExt};
use percent_encoding::percent_decode_str;
use url::Url;

use super::events::{Element, ElementId};
use super::relations::{has_word, leads_to_page};
use super::tag::{Attribute, Tag};
use super::text::TextWriter;
use super::{Link, MAX_LINKS};
use crate::url::{join, without_session};

/// Collects links in document order, as they are written.
#[derive(Default)]
pub(super) struct LinkCollector<'t> {
    links: Vec<UnresolvedLink<'t>>,
    text: TextWriter,
    open: Option<ElementId>,
}

struct UnresolvedLink<'t> {
    id: ElementId,
    reference: &'t str,
    /// Range of the anchor text in the collector's text.
    text: Range<usize>,
    nofollow: bool,
}

impl<'t> LinkCollector<'t> {
    /// Notes the beginning of an element.
    pub(super) fn enter(&mut self, element: Element<'t>) {
        let is_anchor = element.tag == Tag::A;
        let rel = element.attr(Attribute::Rel).unwrap_or_default();
        let reference = match element.tag {
            Tag::A | Tag::Area => element.attr(Attribute::Href),
            Tag::Frame | Tag::Iframe => element.attr(Attribute::Src),
            Tag::Link => element.attr(Attribute::Href).filter(|_| {
                let hreflang = element.attr(Attribute::Hreflang);
                leads_to_page(rel, hreflang, element.attr(Attribute::Type))
            }),
            _ => None,
        };
        let Some(reference) = reference else {
            return;
        };
        self.close();
        if self.links.len() >= MAX_LINKS {
            return;
        }
        let start = if is_anchor {
            self.open = Some(element.id);
            self.text.line();
            self.text.settle()
        } else {
            self.text.len()
        };
        self.links.push(UnresolvedLink {
            id: element.id,
            reference,
            text: start..start,
            nofollow: has_word(rel, "nofollow"),
        });
    }

    /// Notes text.
    pub(super) fn text(&mut self, text: &str) {
        if self.open.is_some() {
            self.text.folded(text);
        }
    }

    /// Notes an element that separates words.
    pub(super) fn space(&mut self) {
        if self.open.is_some() {
            self.text.space();
        }
    }

    /// Notes the end of an element.
    pub(super) fn leave(&mut self, id: ElementId) {
        if self.open == Some(id) {
            self.close();
        }
    }

    fn close(&mut self) {
        if self.open.take().is_some()
            && let Some(link) = self.links.last_mut()
        {
            link.text.end = self.text.len();
        }
    }

    /// The links that lead to http(s) URLs. Each distinct reference is resolved once. `places` has
    /// the links of the main content and the ranges of their texts, in document order.
    pub(super) fn resolve(
        mut self,
        base: &Url,
        places: Vec<(ElementId, Range<usize>)>,
    ) -> Vec<Link> {
        self.close();
        let mut places = places.into_iter().peekable();
        let mut known: HashMap<&str, Option<Url>> = HashMap::new();
        let mut links = Vec::with_capacity(self.links.len());
        for link in &self.links {
            let (reference, fragment) = match link.reference.split_once('#') {
                Some((reference, fragment)) => (reference, decoded(fragment)),
                None => (link.reference, None),
            };
            while places.next_if(|(id, _)| *id < link.id).is_some() {}
            let place = places.next_if(|(id, _)| *id == link.id);
            let url = known
                .entry(reference)
                .or_insert_with(|| join(base, reference).map(without_session));
            if let Some(url) = url {
                links.push(Link {
                    url: url.clone(),
                    fragment,
                    text: self.text.get(link.text.clone()).to_owned(),
                    nofollow: link.nofollow,
                    place: place.map(|(_, place)| place),
                });
            }
        }
        links
    }
}

/// Decodes a fragment to the id that it names; none if it is empty.
pub(super) fn decoded(fragment: &str) -> Option<String> {
    let fragment = fragment.trim_ascii();
    (!fragment.is_empty()).then(|| {
        percent_decode_str(fragment)
            .decode_utf8_lossy()
            .into_owned()
    })
}

#[cfg(test)]
mod tests {
    use url::Url;

    use crate::read_html;

    /// The paths that a page leads to, each with the text of its link.
    fn links(html: &str) -> String {
        let page = read_html(html, &Url::parse("https://example.org/").unwrap());
        let links = page.links.iter().map(|link| {
            let nofollow = if link.nofollow { "!" } else { "" };
            format!("{}{nofollow} {}", link.url.path(), link.text)
        });
        links
            .collect::<Vec<_>>()
            .join(",")
            .replace(" ,", ",")
            .trim_end()
            .to_owned()
    }

    macro_rules! links {
        ($($name:ident: $html:expr => $expected:expr,)*) => {
            $(#[test]
            fn $name() {
                assert_eq!(links($html), $expected);
            })*
        };
    }

    links! {
        anchors_and_areas: "<a href=a>1</a><map><area href=b></map><a name=c>" => "/a 1,/b",
        relations:
            "<head><link rel=next href=a><link rel=stylesheet href=b><link rel=alternate hreflang=de href=c>\
             <link rel=search type=application/opensearchdescription+xml href=d></head>\
             <body><link rel='prev nofollow' href=e>" => "/a,/c,/e!",
        a_relation_is_no_text_of_an_anchor: "<a href=a>1<link rel=icon href=b>2</a>" => "/a 12",
        frames:
            "<frameset><frame src=a><frame name=b><noframes><h2>No frames</h2><a href='c'>c</a></noframes></frameset>" =>
            "/a,/c",
        frames_in_a_page: "<p>1<iframe src=a><a href=b></a></iframe><iframe src='about:blank'></iframe>2" => "/a",
        no_script_in_the_head:
            "<head><noscript><img src=x><a href=a>1</a></noscript><link rel=next href=b></head>" => "/a,/b",
        no_script_in_the_body:
            "<a href=a>1<noscript><b>2<a rel=nofollow href=b>3</b></noscript>4</a><noscript><iframe src=c></noscript>" =>
            "/a 1,/b!,/c",
        no_script_ends_at_its_first_end_tag:
            "<noscript><!-- <a href=a> </noscript><a href=b>1</a><noscript><script>'<a href=c>'</script></noscript>" =>
            "/b 1",
        no_script_without_an_end: "<a href=a>1</a><noscript><a href=b>" => "/a 1",
        of_an_image_the_address_is_no_link: "<img src=a><script src=b></script><embed src=c>" => "",
    }

    #[test]
    fn what_only_stands_in_says_nothing() {
        let html = "<title>t</title><noscript><meta http-equiv=refresh content='0;url=/x'>\
            <base href=/y/><link rel=canonical href=/z><meta name=robots content=none>w</noscript><p>v";
        let page = read_html(html, &Url::parse("https://example.org/").unwrap());
        let robots = page.directives.noindex || page.directives.nofollow;
        assert_eq!((page.refresh, page.canonical, robots), (None, None, false));
        assert_eq!(page.text, "v");
    }
}
