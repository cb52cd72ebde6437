//! The map and the reduce of a pass over all pages of a site, from the links in the archive.
//! `anchor_texts` collects the anchor texts of one page's links, and [`InlinkCollector`] combines
//! them page by page. Pages come in the order of their ids and the result depends on nothing else,
//! so an interrupted pass is simply repeated.

use std::collections::HashMap;
use std::ops::Range;

use canter_page::is_list;
use foldhash::fast::RandomState;
use url::Url;

use crate::archived_page::PageLinks;
use crate::document::{KeptLink, id_of};
use crate::failure::Failure;
use crate::inlinks::{AnchorText, Inlinks};
use crate::packed_anchors::PackedAnchors;
use crate::task::UrlKey;

/// Maximum length of the text on each side of a link, in characters.
const AROUND: usize = 100;
/// Maximum length of the part of a link's own text that is taken, in bytes. A link may enclose all
/// of a page.
const MAX_OWN: usize = 1_000;
/// Maximum number of anchor texts taken from one page about another.
const MAX_LINKS: usize = 8;
/// Maximum number of pages whose anchor texts are kept for one page. The pages with the smallest
/// ids are taken; all of them are counted.
const MAX_PAGES: u32 = 200;
/// Maximum memory of the anchor texts of one pass, compressed, in bytes.
const MAX_BYTES: usize = 16 << 20;
/// Share of a site's pages that fewer pages link to than the pivot. The pivot is the number of
/// linking pages that gives half of the maximum link score.
const PIVOT: f32 = 0.78;
/// Number of pages of a site at which the link score counts half. On a small site each page links
/// to all others, so a link expresses no choice.
const FEW: f32 = 30.0;

/// Returns the anchor texts of a page with the ids of the pages that they lead to; none for a list.
/// Links outside of the text and links that the page does not vouch for (`rel=nofollow`) do not
/// count.
fn anchor_texts(
    site: &str,
    url: &Url,
    text: &str,
    links: &[KeptLink<'_>],
) -> Vec<(UrlKey, AnchorText)> {
    if is_list(text, links.iter().filter_map(KeptLink::place)) {
        return Vec::new();
    }
    let mut told = Vec::new();
    let mut known: HashMap<&str, (UrlKey, usize)> = HashMap::new();
    for link in links {
        let Some(place) = link
            .place()
            .filter(|_| !link.nofollow && link.url != url.as_str())
        else {
            continue;
        };
        let (id, count) = known
            .entry(&link.url)
            .or_insert_with(|| (id_of(site, &link.url), 0));
        *count += 1;
        if *count <= MAX_LINKS {
            let anchor = anchor_text(text, place, link.fragment.as_deref().map(str::to_owned));
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
    if own.len() > MAX_OWN {
        let own = &own[..own.floor_char_boundary(MAX_OWN)];
        return Some(AnchorText {
            fragment,
            around: own.to_owned(),
            link: 0..own.len(),
        });
    }
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

/// Combines the links between the pages of a site. The pages have numbers, in the order of their
/// ids. If the anchor texts take too much memory, only the first pages get theirs, and the rest are
/// collected in further passes.
pub(crate) struct InlinkCollector<'a> {
    site: &'a str,
    numbers: &'a Numbers,
    anchor_texts: PackedAnchors,
    /// Number of pages that link to each page.
    linking: Vec<u32>,
}

/// The number of each page of a site, by its id.
pub(crate) type Numbers = HashMap<UrlKey, usize, RandomState>;

impl<'a> InlinkCollector<'a> {
    /// Creates a collector that keeps the anchor texts of the pages from a number on.
    pub(crate) fn from(first: usize, site: &'a str, numbers: &'a Numbers) -> Self {
        InlinkCollector {
            site,
            numbers,
            anchor_texts: PackedAnchors::of(first..numbers.len()),
            linking: vec![0; numbers.len()],
        }
    }

    /// Adds the links of a page; none if they are damaged. The pages must be added in the order of
    /// their ids.
    ///
    /// # Errors
    ///
    /// Returns a permanent failure if the anchor texts cannot be compressed.
    pub(crate) fn add(&mut self, url: &Url, page: &PageLinks) -> Result<(), Failure> {
        let Ok(links) = page.read() else {
            return Ok(());
        };
        let mut last: HashMap<UrlKey, Option<usize>, RandomState> = HashMap::default();
        for (id, anchor) in anchor_texts(self.site, url, page.text(), &links) {
            let quoted = *last.entry(id).or_insert_with(|| {
                let number = *self.numbers.get(&id)?;
                self.linking[number] += 1;
                (self.linking[number] <= MAX_PAGES).then_some(number)
            });
            if let Some(number) = quoted {
                self.anchor_texts.push(number, &anchor)?;
            }
        }
        while self.anchor_texts.bytes() > MAX_BYTES && self.anchor_texts.halve() {}
        Ok(())
    }

    /// Returns the numbers of the pages whose anchor texts were kept, and their inbound links.
    ///
    /// # Errors
    ///
    /// Items are permanent failures if the anchor texts cannot be read back.
    pub(crate) fn collected(
        self,
    ) -> (Range<usize>, impl Iterator<Item = Result<Inlinks, Failure>>) {
        let kept = self.anchor_texts.pages();
        let pivot = pivot(self.linking.clone());
        let pages = self.linking.len();
        let linking = self.linking.into_iter().skip(kept.start);
        let inlinks = self.anchor_texts.by_page().zip(linking);
        let inlinks = inlinks.map(move |(anchor_texts, linking)| {
            Ok(Inlinks {
                link_score: link_score(linking, pivot, pages),
                anchor_texts: anchor_texts?,
            })
        });
        (kept, inlinks)
    }
}

fn pivot(mut linking: Vec<u32>) -> f32 {
    linking.sort_unstable();
    let at = (linking.len() as f32 * PIVOT) as usize;
    linking.get(at).copied().unwrap_or_default().max(1) as f32
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
    use crate::archived_page::ArchivedPage;
    use crate::document::document_id;
    use crate::time::Moment;
    use canter_page::read_html;

    /// Returns a page of the site in its stored form.
    fn stored(path: &str, html: &str) -> (Url, PageLinks) {
        let url: Url = format!("https://a.test{path}").parse().unwrap();
        let page = ArchivedPage {
            site: "a.test".into(),
            fetched_at: Moment::from_millis(1),
            version: 1,
            hash: UrlKey::hash(html.as_bytes()),
            etag: None,
            last_modified: None,
            page: read_html(html, &url),
            url: url.clone(),
        };
        let links = PageLinks::from_bytes(&page.to_bytes().unwrap());
        (url, links.unwrap())
    }

    fn told(html: &str) -> Vec<String> {
        let (url, page) = stored("/from", html);
        let anchors = anchor_texts("a.test", &url, page.text(), &page.read().unwrap());
        let told = anchors.into_iter().map(|(_, anchor)| {
            let fragment = anchor.fragment.as_deref().unwrap_or("-");
            format!("{fragment} [{}] {}", anchor.text(), anchor.around)
        });
        told.collect()
    }

    /// Collects the links of pages from a number on, and gives them by path.
    fn collected(pages: &[(Url, PageLinks)], first: usize) -> Vec<(String, Inlinks)> {
        let mut pages: Vec<_> = pages.iter().collect();
        pages.sort_by_key(|(url, _)| document_id("a.test", url));
        let ids = pages.iter().map(|(url, _)| document_id("a.test", url));
        let numbers: Numbers = ids.zip(0..).collect();
        let mut collector = InlinkCollector::from(first, "a.test", &numbers);
        for (url, page) in &pages {
            collector.add(url, page).unwrap();
        }
        let (kept, inlinks) = collector.collected();
        assert_eq!(kept, first..pages.len());
        let inlinks = inlinks.map(Result::unwrap);
        let paths = pages[first..].iter().map(|(url, _)| url.path().to_owned());
        paths.zip(inlinks).collect()
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
    fn a_link_around_a_page_is_cut() {
        let html = format!(
            "<p>{}<a href='/b'>{}</a>",
            WORDS.repeat(30),
            "é".repeat(900)
        );
        assert_eq!(told(&html), [format!("- [{0}] {0}", "é".repeat(500))]);
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
        let collected = collected(&pages, 0);
        let (_, inlinks) = collected.iter().find(|(path, _)| path == "/b").unwrap();
        assert_eq!(inlinks.anchor_texts.len(), MAX_LINKS);
        assert_eq!(inlinks.link_score, link_score(1, 1.0, 2));
        let (_, from) = collected.iter().find(|(path, _)| path == "/from").unwrap();
        assert_eq!(from.anchor_texts, []);
    }

    #[test]
    fn a_later_pass_gives_the_rest() {
        let link = |n: u32| format!("<p>{WORDS} <a href='/{}'>next</a>", (n * 7 + 1) % 40);
        let pages: Vec<_> = (0..40)
            .map(|n| stored(&format!("/{n}"), &link(n)))
            .collect();
        let whole = collected(&pages, 0);
        assert!(whole.iter().all(|(_, it)| it.anchor_texts.len() == 1));
        assert_eq!(collected(&pages, 15), whole[15..]);
    }

    #[test]
    fn anchor_texts_take_bounded_memory() {
        let pages = [stored("/a", &format!("<p>{WORDS} <a href='/b'>b</a>"))];
        let numbers = (0..2_000_u32).map(|n| UrlKey::hash(&n.to_le_bytes()));
        let mut numbers: Numbers = numbers.zip(0..).collect();
        numbers.insert(
            document_id("a.test", &"https://a.test/b".parse().unwrap()),
            0,
        );
        let mut collector = InlinkCollector::from(0, "a.test", &numbers);
        // It cannot be compressed, as it is said once.
        let mut random = blake3::Hasher::new().finalize_xof();
        let mut text = vec![0; MAX_BYTES / 2];
        random.fill(&mut text);
        let large = AnchorText {
            fragment: None,
            around: text.iter().map(|byte| char::from(byte % 128)).collect(),
            link: 0..0,
        };
        for page in [1, 700, 1_900] {
            collector.anchor_texts.push(page, &large).unwrap();
        }
        assert!(collector.anchor_texts.bytes() > MAX_BYTES);
        for (url, page) in &pages {
            collector.add(url, page).unwrap();
        }
        assert!(collector.anchor_texts.bytes() <= MAX_BYTES);
        let (kept, inlinks) = collector.collected();
        let inlinks: Vec<_> = inlinks.map(Result::unwrap).collect();
        assert_eq!((kept.start, inlinks.len()), (0, kept.end));
        assert_eq!(inlinks[0].anchor_texts[0].text(), "b");
        assert_eq!(inlinks[1].anchor_texts, [large]);
        assert!((512..1_900).contains(&kept.end), "{kept:?}");
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
