//! What the other pages of a site say about a page: the words around their links to it, and how
//! many they are. Nobody knows that before the site has been read, so it is counted when a crawl
//! has ended, from the links that the index keeps of every page.
//!
//! It is the map and the reduce of a pass over all pages: [`mentions`] says what one page tells of
//! others, [`Gathering`] puts together what is told of each. The result depends on the pages
//! alone, which come in the order of their ids, so that a pass that was cut off is simply done again.

use std::collections::HashMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::document::{Stored, document_id};
use crate::task::UrlKey;

/// Characters of text on each side of a link that tell what it leads to.
const AROUND: usize = 100;
/// A page tells of another by so many of its links at the most.
const MOST_LINKS: usize = 8;
/// So many pages are quoted about one, those with the smallest ids; all of them count.
const MOST_PAGES: u32 = 200;
/// A page whose links take this part of its text or more only says where to find things.
const LIST: f32 = 0.5;
/// So much of the site is linked to by fewer pages than give half of what many links give.
const PIVOT: f32 = 0.78;
/// On a site of so few pages it says half as much how many of them link to a page: where each knows
/// all others, a link is no choice.
const FEW: f32 = 30.0;

/// What is known of a page from others.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Inbound {
    /// Pages that link to it from their text, in proportion to what is usual for the site, 1. Less on
    /// a site of few pages.
    pub standing: f32,
    /// What they say.
    pub mentions: Vec<Mention>,
}

impl Inbound {
    /// Tells one from another; 0 for nothing.
    pub fn digest(&self) -> u64 {
        if *self == Inbound::default() {
            return 0;
        }
        let mut told = self.standing.to_bits().to_le_bytes().to_vec();
        for mention in &self.mentions {
            let fragment = mention.fragment.as_deref().unwrap_or_default();
            for part in [fragment, &mention.around, mention.text()] {
                told.extend_from_slice(part.as_bytes());
                told.push(0);
            }
        }
        let UrlKey(hash) = UrlKey::hash(&told);
        hash.iter()
            .take(8)
            .fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

/// A link to a page with the text around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// Fragment of the link.
    pub fragment: Option<String>,
    /// Text of the link, with [`AROUND`] characters on each side, whole words only.
    pub around: String,
    /// Where the text of the link lies in it.
    pub link: Range<usize>,
}

impl Mention {
    /// Text of the link.
    pub fn text(&self) -> &str {
        self.around.get(self.link.clone()).unwrap_or_default()
    }
}

/// What an index keeps of the [`Inbound`] that a page was put with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// Its [`Inbound::digest`].
    #[serde(rename = "d")]
    pub digest: u64,
    /// The pass that put it, of those since the page was fetched; see
    /// [`crate::document::version`].
    #[serde(rename = "p")]
    pub pass: u16,
}

impl Counted {
    /// No pass was over the page.
    pub fn is_nothing(&self) -> bool {
        *self == Counted::default()
    }
}

/// Whether a page is little more than its links: an index, a table of contents. What it says of
/// others is their names.
pub fn is_list(text: &str, links: impl Iterator<Item = Range<usize>>) -> bool {
    let mut linked = 0;
    let mut end = 0;
    for link in links {
        linked += link.end.saturating_sub(link.start.max(end));
        end = end.max(link.end);
    }
    linked > 0 && linked as f32 >= LIST * text.len() as f32
}

/// What a page says of other pages, by their ids: nothing where it is a list, and nothing by links
/// that surround its text or that it does not vouch for (`rel=nofollow`).
pub fn mentions(page: &Stored) -> Vec<(UrlKey, Mention)> {
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
        if *count <= MOST_LINKS {
            let mention = mention(&page.text, place, link.fragment.clone());
            told.extend(mention.map(|mention| (*id, mention)));
        }
    }
    told
}

/// The link at a place in a text, with what stands around it; none where the text has no such place.
fn mention(text: &str, place: Range<usize>, fragment: Option<String>) -> Option<Mention> {
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
    Some(Mention {
        fragment,
        around: format!("{before}{own}{after}"),
        link: start..start + own.len(),
    })
}

/// Puts together what is said of the pages of a site, page by page as they come in the order of
/// their ids. Of a large site it keeps what is said of one part of the pages at a time: a part
/// takes some KB a page, all others 40 bytes.
#[derive(Debug)]
pub struct Gathering {
    /// Number of this part, and how many there are.
    part: (u32, u32),
    pages: HashMap<UrlKey, Counted>,
    linking: HashMap<UrlKey, u32>,
    mentions: HashMap<UrlKey, Vec<Mention>>,
}

impl Gathering {
    /// Of one of so many parts, from 0.
    pub fn new(part: u32, parts: u32) -> Self {
        Gathering {
            part: (part, parts.max(1)),
            pages: HashMap::new(),
            linking: HashMap::new(),
            mentions: HashMap::new(),
        }
    }

    /// Takes in what a page says.
    pub fn add(&mut self, page: &Stored) {
        self.pages
            .insert(document_id(&page.site, &page.url), page.inbound);
        let mut last: HashMap<UrlKey, bool> = HashMap::new();
        for (id, mention) in mentions(page) {
            let quoted = *last.entry(id).or_insert_with(|| {
                let linking = self.linking.entry(id).or_default();
                *linking += 1;
                *linking <= MOST_PAGES && part_of(id, self.part.1) == self.part.0
            });
            if quoted {
                self.mentions.entry(id).or_default().push(mention);
            }
        }
    }

    /// The pages of this part of which something else is said than the index knows, each with what
    /// the index knows and what is said, in the order of their ids.
    pub fn changed(mut self) -> Vec<(UrlKey, Counted, Inbound)> {
        let pivot = self.pivot();
        let mut changed = Vec::new();
        for (&id, &counted) in &self.pages {
            if part_of(id, self.part.1) != self.part.0 {
                continue;
            }
            let linking = self.linking.get(&id).copied().unwrap_or_default();
            let inbound = Inbound {
                standing: standing(linking, pivot, self.pages.len()),
                mentions: self.mentions.remove(&id).unwrap_or_default(),
            };
            if inbound.digest() != counted.digest {
                changed.push((id, counted, inbound));
            }
        }
        changed.sort_unstable_by_key(|(id, ..)| *id);
        changed
    }

    /// So many linking pages are more than most pages of the site have.
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

/// So many pages in proportion to what is usual on a site of so many pages, with nine significant
/// bits: as exactly as Elasticsearch keeps a `rank_feature`, so that both indexes know the same.
fn standing(linking: u32, pivot: f32, pages: usize) -> f32 {
    let usual = linking as f32 / pivot;
    let pages = pages as f32;
    let counts = pages / (pages + FEW) * usual / (usual + 1.0);
    let standing = counts / (1.0 - counts);
    f32::from_bits(standing.to_bits() >> 15 << 15)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Document;
    use crate::time::Moment;
    use canter_page::read_html;

    /// A page of the site, as an index keeps it.
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
            inbound: Inbound::default(),
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
        let mentions = mentions(&stored("/from", html));
        let told = mentions.into_iter().map(|(_, mention)| {
            let fragment = mention.fragment.as_deref().unwrap_or("-");
            format!("{fragment} [{}] {}", mention.text(), mention.around)
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
        let mut gathering = Gathering::new(0, 1);
        pages.iter().for_each(|page| gathering.add(page));
        let changed = gathering.changed();
        assert_eq!(changed.len(), 1);
        let (id, _, inbound) = &changed[0];
        assert_eq!(*id, document_id("a.test", &pages[1].url));
        assert_eq!(inbound.mentions.len(), MOST_LINKS);
        assert_eq!(inbound.standing, standing(1, 1.0, 2));
    }

    #[test]
    fn parts_together_are_the_whole_and_what_is_known_is_not_told_again() {
        let link = |n: u32| format!("<p>{WORDS} <a href='/{}'>next</a>", (n * 7 + 1) % 40);
        let mut pages: Vec<Stored> = (0..40)
            .map(|n| stored(&format!("/{n}"), &link(n)))
            .collect();
        let gather = |pages: &[Stored], part, parts| {
            let mut gathering = Gathering::new(part, parts);
            pages.iter().for_each(|page| gathering.add(page));
            gathering.changed()
        };
        let whole = gather(&pages, 0, 1);
        let mut parts: Vec<_> = (0..3).flat_map(|part| gather(&pages, part, 3)).collect();
        parts.sort_by_key(|(id, ..)| *id);
        assert_eq!(parts, whole);
        for page in &mut pages {
            let id = document_id(&page.site, &page.url);
            if let Some((.., inbound)) = whole.iter().find(|(other, ..)| *other == id) {
                page.inbound.digest = inbound.digest();
            }
        }
        assert_eq!(gather(&pages, 0, 1), []);
    }

    #[test]
    fn standing_grows_with_links_and_with_the_site_and_has_nine_bits() {
        let all = [
            standing(0, 15.0, 500),
            standing(15, 15.0, 2),
            standing(15, 15.0, 30),
            standing(15, 15.0, 500),
            standing(30, 15.0, 500),
        ];
        assert!(all.is_sorted() && all[0] == 0.0, "{all:?}");
        // Half of half of what many links give, as s / (s + 1) has it.
        assert!((0.332..0.3334).contains(&all[2]), "{all:?}");
        assert!(all.iter().all(|it| it.to_bits() & 0x7fff == 0), "{all:?}");
    }
}
