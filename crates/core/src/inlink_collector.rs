//! The map and the reduce of a pass over all pages of a site, from the links that the index stores.
//! `anchor_texts` collects the anchor texts of one page's links, and [`InlinkCollector`] combines
//! them page by page. Pages come in the order of their ids and the result depends on nothing else,
//! so an interrupted pass is simply repeated.

use std::collections::HashMap;
use std::ops::Range;

use crate::document::{Stored, document_id};
use crate::inlinks::{AnchorText, Counted, Inlinks, is_list};
use crate::task::UrlKey;

/// Maximum length of the text on each side of a link, in characters.
const AROUND: usize = 100;
/// Maximum number of anchor texts taken from one page about another.
const MAX_LINKS: usize = 8;
/// Maximum number of pages whose anchor texts are kept for one page. The pages with the smallest
/// ids are taken; all of them are counted.
const MAX_PAGES: u32 = 200;
/// Share of a site's pages that fewer pages link to than the pivot. The pivot is the number of
/// linking pages that gives half of the maximum link score.
const PIVOT: f32 = 0.78;
/// Number of pages of a site at which the link score counts half. On a small site each page links
/// to all others, so a link expresses no choice.
const FEW: f32 = 30.0;

/// Returns the anchor texts of a page with the ids of the pages that they lead to; none for a list.
/// Links outside of the text and links that the page does not vouch for (`rel=nofollow`) do not
/// count.
fn anchor_texts(page: &Stored) -> Vec<(UrlKey, AnchorText)> {
    let places = page.links.iter().filter_map(|link| link.place());
    if is_list(&page.text, places) {
        return Vec::new();
    }
    let mut told = Vec::new();
    let mut known: HashMap<&str, (UrlKey, usize)> = HashMap::new();
    for link in &page.links {
        let Some(place) = link
            .place()
            .filter(|_| !link.nofollow && link.url != page.url)
        else {
            continue;
        };
        let (id, count) = known
            .entry(link.url.as_str())
            .or_insert_with(|| (document_id(&page.site, &link.url), 0));
        *count += 1;
        if *count <= MAX_LINKS {
            let anchor = anchor_text(&page.text, place, link.fragment.clone());
            told.extend(anchor.map(|anchor| (*id, anchor)));
        }
    }
    told
}

/// Returns the anchor text of a link at a range of a text; `None` if the text has no such range.
fn anchor_text(text: &str, place: Range<usize>, fragment: Option<String>) -> Option<AnchorText> {
    let (before, own, after) = (
        text.get(..place.start)?,
        text.get(place.clone())?,
        text.get(place.end..)?,
    );
    let before = match before.char_indices().rev().nth(AROUND) {
        None => before,
        Some((at, _)) => {
            let cut = &before[at..];
            cut.find(char::is_whitespace)
                .map_or("", |space| &cut[space..])
        }
    };
    let after = match after.char_indices().nth(AROUND) {
        None => after,
        Some((at, c)) => {
            let cut = &after[..at + c.len_utf8()];
            cut.rfind(char::is_whitespace)
                .map_or("", |space| &cut[..space])
        }
    };
    let (before, after) = (before.trim_start(), after.trim_end());
    let start = before.len();
    Some(AnchorText {
        fragment,
        around: format!("{before}{own}{after}"),
        link: start..start + own.len(),
    })
}

/// Combines the links between the pages of a site. A large site is collected one part at a time:
/// each page of the part takes a few KB, and each other page 40 bytes.
#[derive(Debug)]
pub(crate) struct InlinkCollector {
    /// Number of this part, and total number of parts.
    part: (u32, u32),
    pages: HashMap<UrlKey, Counted>,
    linking: HashMap<UrlKey, u32>,
    anchor_texts: HashMap<UrlKey, Vec<AnchorText>>,
}

impl InlinkCollector {
    /// Creates the collector of the given part; parts are numbered from 0.
    pub(crate) fn new(part: u32, parts: u32) -> Self {
        InlinkCollector {
            part: (part, parts.max(1)),
            pages: HashMap::new(),
            linking: HashMap::new(),
            anchor_texts: HashMap::new(),
        }
    }

    /// Adds the links of a page.
    pub(crate) fn add(&mut self, page: &Stored) {
        self.pages
            .insert(document_id(&page.site, &page.url), page.inlinks);
        let mut last: HashMap<UrlKey, bool> = HashMap::new();
        for (id, anchor) in anchor_texts(page) {
            let quoted = *last.entry(id).or_insert_with(|| {
                let linking = self.linking.entry(id).or_default();
                *linking += 1;
                *linking <= MAX_PAGES && part_of(id, self.part.1) == self.part.0
            });
            if quoted {
                self.anchor_texts.entry(id).or_default().push(anchor);
            }
        }
    }

    /// Returns the pages of this part whose [`Inlinks`] differs from the stored one, each with its
    /// stored digest and its new value, in the order of their ids.
    pub(crate) fn changed(mut self) -> Vec<(UrlKey, Counted, Inlinks)> {
        let pivot = self.pivot();
        let mut changed = Vec::new();
        for (&id, &counted) in &self.pages {
            if part_of(id, self.part.1) != self.part.0 {
                continue;
            }
            let linking = self.linking.get(&id).copied().unwrap_or_default();
            let inlinks = Inlinks {
                link_score: link_score(linking, pivot, self.pages.len()),
                anchor_texts: self.anchor_texts.remove(&id).unwrap_or_default(),
            };
            if inlinks.digest() != counted.digest {
                changed.push((id, counted, inlinks));
            }
        }
        changed.sort_unstable_by_key(|(id, ..)| *id);
        changed
    }

    /// Returns the number of linking pages that most pages of the site do not exceed.
    fn pivot(&self) -> f32 {
        let of = |id| self.linking.get(id).copied().unwrap_or_default();
        let mut all: Vec<u32> = self.pages.keys().map(of).collect();
        all.sort_unstable();
        let at = (all.len() as f32 * PIVOT) as usize;
        all.get(at).copied().unwrap_or_default().max(1) as f32
    }
}

fn part_of(id: UrlKey, parts: u32) -> u32 {
    let UrlKey([a, b, c, d, ..]) = id;
    u32::from_be_bytes([a, b, c, d]) % parts
}

/// Returns the link score of a page on a site of `pages` pages. The value has nine significant
/// bits, as many as a `rank_feature` of Elasticsearch, so that both indexes store the same value.
fn link_score(linking: u32, pivot: f32, pages: usize) -> f32 {
    let usual = linking as f32 / pivot;
    let pages = pages as f32;
    let counts = pages / (pages + FEW) * usual / (usual + 1.0);
    let score = counts / (1.0 - counts);
    f32::from_bits(score.to_bits() >> 15 << 15)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Document;
    use crate::time::Moment;
    use canter_page::read_html;

    /// Returns a page of the site in its stored form.
    fn stored(path: &str, html: &str) -> Stored {
        let url: url::Url = format!("https://a.test{path}").parse().unwrap();
        let page = read_html(html, &url);
        let (text, links) = (page.text.clone(), page.links.clone());
        let document = Document {
            site: "a.test".into(),
            url,
            fetched_at: Moment::from_millis(1),
            version: 1024,
            page,
            inlinks: Inlinks::default(),
        };
        let links = links.iter().map(crate::document::KeptLink::from);
        let links = serde_json::to_string(&links.collect::<Vec<_>>()).unwrap();
        Stored {
            text,
            links: serde_json::from_str(&links).unwrap(),
            ..Stored::without_text_and_links(&document)
        }
    }

    fn told(html: &str) -> Vec<String> {
        let anchors = anchor_texts(&stored("/from", html));
        let told = anchors.into_iter().map(|(_, anchor)| {
            let fragment = anchor.fragment.as_deref().unwrap_or("-");
            format!("{fragment} [{}] {}", anchor.text(), anchor.around)
        });
        told.collect()
    }

    const WORDS: &str = "Some words that say what this page is about, so that it is no list.";

    #[test]
    fn a_link_is_told_with_what_stands_around_it() {
        let html = format!("<main><p>{WORDS} See <a href='/b#x'>the b page</a> for more.</main>");
        let around = format!("x [the b page] {WORDS} See the b page for more.");
        assert_eq!(told(&html), [around]);
    }

    #[test]
    fn only_whole_words_are_told() {
        let long = "word ".repeat(100);
        let html = format!("<main><p>{long}<a href='/b'>é</a> {long}</main>");
        let told = told(&html).remove(0);
        assert!(
            told.starts_with("- [é] word ") && told.ends_with(" word"),
            "{told}"
        );
        assert_eq!(told.matches("word").count(), 40);
        let joined = "x".repeat(300);
        let html = format!("<main><p>{joined}<a href='/b'>é</a>{joined}</main>");
        assert_eq!(self::told(&html), ["- [é] é"]);
    }

    #[test]
    fn nothing_is_told_by_what_is_no_text_of_the_page() {
        for html in [
            format!("<nav><a href='/b'>b</a></nav><main><p>{WORDS}</main>"),
            format!("<main><p>{WORDS} <a href='/b' rel=nofollow>b</a></main>"),
            format!("<main><p>{WORDS} <a href='/from#s'>b</a></main>"),
            "<main><ul><li><a href='/b'>b</a><li><a href='/c'>c</a></ul></main>".to_owned(),
        ] {
            assert_eq!(told(&html), [""; 0], "{html}");
        }
    }

    #[test]
    fn one_page_is_quoted_a_few_times_and_counts_once() {
        let links = "<a href='/b'>b</a> or some other words ".repeat(50);
        let pages = [stored("/from", &format!("<p>{links}")), stored("/b", WORDS)];
        let mut collector = InlinkCollector::new(0, 1);
        pages.iter().for_each(|page| collector.add(page));
        let changed = collector.changed();
        assert_eq!(changed.len(), 1);
        let (id, _, inlinks) = &changed[0];
        assert_eq!(*id, document_id("a.test", &pages[1].url));
        assert_eq!(inlinks.anchor_texts.len(), MAX_LINKS);
        assert_eq!(inlinks.link_score, link_score(1, 1.0, 2));
    }

    #[test]
    fn parts_together_are_the_whole_and_what_is_known_is_not_told_again() {
        let link = |n: u32| format!("<p>{WORDS} <a href='/{}'>next</a>", (n * 7 + 1) % 40);
        let mut pages: Vec<Stored> = (0..40)
            .map(|n| stored(&format!("/{n}"), &link(n)))
            .collect();
        let collect = |pages: &[Stored], part, parts| {
            let mut collector = InlinkCollector::new(part, parts);
            pages.iter().for_each(|page| collector.add(page));
            collector.changed()
        };
        let whole = collect(&pages, 0, 1);
        let mut parts: Vec<_> = (0..3).flat_map(|part| collect(&pages, part, 3)).collect();
        parts.sort_by_key(|(id, ..)| *id);
        assert_eq!(parts, whole);
        for page in &mut pages {
            let id = document_id(&page.site, &page.url);
            if let Some((.., inlinks)) = whole.iter().find(|(other, ..)| *other == id) {
                page.inlinks.digest = inlinks.digest();
            }
        }
        assert_eq!(collect(&pages, 0, 1), []);
    }

    #[test]
    fn the_link_score_grows_with_links_and_with_the_site_and_has_nine_bits() {
        let all = [
            link_score(0, 15.0, 500),
            link_score(15, 15.0, 2),
            link_score(15, 15.0, 30),
            link_score(15, 15.0, 500),
            link_score(30, 15.0, 500),
        ];
        assert!(all.is_sorted() && all[0] == 0.0, "{all:?}");
        // Half of half of the maximum link score, as s / (s + 1) gives it.
        assert!((0.332..0.3334).contains(&all[2]), "{all:?}");
        assert!(all.iter().all(|it| it.to_bits() & 0x7fff == 0), "{all:?}");
    }
}
