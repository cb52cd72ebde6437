//! The index: it holds one copy of a page, the newest version wins, and deleted pages are not
//! found.

use canter_core::document::{Document, Stored, Write, document_id};
use canter_core::failure::Failure;
use canter_core::inlinks::{AnchorText, Inlinks};
use canter_core::ports::{IndexReader, IndexWriter};
use canter_core::time::Moment;
use canter_page::{Link, Page, Section};
use canter_ranking::query::{Hits, Query};
use canter_ranking::search::{SearchIndex, search, search_as_written};

use super::{fine, url};

/// Site of the documents of [`document`] and [`page`].
pub const SITE: &str = "example.org";

/// An index that one process writes, reads and searches.
pub trait WholeIndex: IndexWriter + IndexReader + SearchIndex {}

impl<I: IndexWriter + IndexReader + SearchIndex> WholeIndex for I {}

/// A page is found by its words and comes back with its text. Its links are in the archive.
pub async fn a_page_is_found_and_comes_back<I: WholeIndex>(index: &I) {
    let page = document("/a", 1, "ponies");
    put(index, vec![page.clone()]).await;
    assert_eq!(found(index, "ponies").await, ["/a"]);
    let stored = fine(index.get(SITE, page.id()).await).unwrap();
    assert_eq!(
        (&stored.url, &stored.title, &stored.text),
        (&page.url, &page.page.title, &page.page.text)
    );
    let sections: Vec<&str> = stored.sections.iter().map(|it| it.title.as_str()).collect();
    assert_eq!(sections, ["Top"]);
}

/// A newer version replaces the older one: the page is found once, by its new words only.
pub async fn a_newer_version_replaces<I: WholeIndex>(index: &I) {
    put(index, vec![document("/a", 1, "ponies")]).await;
    put(index, vec![document("/a", 2, "horses")]).await;
    assert_eq!(found(index, "horses").await, ["/a"]);
    assert_eq!(found(index, "ponies").await, [""; 0]);
}

/// An older version that arrives late changes nothing and is no error, even in the same batch.
pub async fn an_older_version_loses<I: WholeIndex>(index: &I) {
    put(index, vec![document("/a", 2, "horses")]).await;
    put(index, vec![document("/a", 1, "ponies")]).await;
    put(
        index,
        vec![document("/b", 5, "mules"), document("/b", 4, "asses")],
    )
    .await;
    assert_eq!(found(index, "ponies").await, [""; 0]);
    assert_eq!(found(index, "asses").await, [""; 0]);
    assert_eq!(found(index, "horses mules").await.len(), 2);
}

/// Putting the same version twice leaves one copy.
pub async fn a_put_can_be_repeated<I: WholeIndex>(index: &I) {
    for _ in 0..2 {
        put(index, vec![document("/a", 1, "ponies")]).await;
    }
    assert_eq!(found(index, "ponies").await, ["/a"]);
}

/// A deleted page is not found and may be put again; deleting an unknown id is no error.
pub async fn a_deleted_page_is_gone<I: WholeIndex>(index: &I) {
    let (a, b) = (document("/a", 1, "ponies"), document("/b", 1, "ponies"));
    put(index, vec![a.clone(), b.clone()]).await;
    write(
        index,
        index.delete(SITE, vec![a.id(), document("/unknown", 1, "x").id()]),
    )
    .await;
    assert_eq!(found(index, "ponies").await, ["/b"]);
    assert_eq!(fine(index.get(SITE, a.id()).await), None);
    put(index, vec![document("/a", 2, "ponies")]).await;
    assert_eq!(found(index, "ponies").await.len(), 2);
    write(index, index.delete(SITE, vec![b.id()])).await;
    write(index, index.delete(SITE, vec![b.id()])).await;
    assert_eq!(found(index, "ponies").await, ["/a"]);
}

/// A put and a delete in one batch take effect in their order.
pub async fn writes_keep_their_order<I: WholeIndex>(index: &I) {
    let page = document("/a", 1, "ponies");
    let (put, deleted, flushed) = tokio::join!(
        biased;
        index.put(vec![page.clone()]),
        index.delete(SITE, vec![page.id()]),
        index.flush(),
    );
    assert_eq!(fine(put), []);
    fine(deleted.and(flushed));
    assert_eq!(found(index, "ponies").await, [""; 0]);
}

/// Writes that are larger than the memory for what waits keep their order too, and a flush covers
/// all that came before it.
pub async fn large_writes_keep_their_order<I: WholeIndex>(index: &I) {
    let large = |path: &str| {
        let mut document = document(path, 1, "ponies");
        document.page.text = "ponies ".repeat(1 << 18);
        vec![document]
    };
    let deleted = document("/b", 1, "").id();
    let flush = async {
        fine(index.flush().await);
        fine(index.count(SITE).await)
    };
    let (a, b, c, deleted, count) = tokio::join!(
        biased;
        index.put(large("/a")),
        index.put(large("/b")),
        index.put(large("/c")),
        index.delete(SITE, vec![deleted]),
        flush,
    );
    for put in [a, b, c] {
        assert_eq!(fine(put), []);
    }
    fine(deleted);
    assert_eq!(count, 2);
}

/// Each site's documents are counted, listed and exported separately, in the order of their ids.
pub async fn sites_are_apart<I: WholeIndex>(index: &I) {
    let ours: Vec<Document> = (0..20)
        .map(|n| document(&format!("/{n}"), 1, "ponies"))
        .collect();
    let mut versions: Vec<_> = ours.iter().map(|it| (it.id(), it.version)).collect();
    versions.sort_unstable();
    let ids: Vec<_> = versions.iter().map(|(id, _)| *id).collect();
    let other = Document {
        site: "example.org/other".into(),
        ..document("/1", 1, "ponies")
    };
    put(index, [ours, vec![other.clone()]].concat()).await;
    assert_eq!(fine(index.count(SITE).await), 20);
    assert_eq!(fine(index.count("example.org/other").await), 1);
    assert_eq!(fine(index.count("example").await), 0);
    let mut listed = fine(index.versions(SITE).await);
    listed.sort_unstable();
    assert_eq!(listed, versions);
    let mut given = Vec::new();
    let each = |page: Stored| {
        given.push(document_id(&page.site, &page.url));
        Ok(())
    };
    fine(index.export(SITE, each).await);
    assert_eq!(given, ids);
    let mut count = 0;
    let stopped = index.export(SITE, |_| {
        count += 1;
        Err(Failure::permanent("enough"))
    });
    assert_eq!(stopped.await, Err(Failure::permanent("enough")));
    assert_eq!(count, 1);
    write(index, index.delete(&other.site, vec![other.id()])).await;
    assert_eq!(fine(index.count("example.org/other").await), 0);
    assert_eq!(fine(index.versions("example.org/other").await), []);
}

/// The index tells the number of the write that it shows: that of the last one that won.
pub async fn writes_are_told_by_their_numbers<I: WholeIndex>(index: &I) {
    let page = |version, pass| Document {
        version: Write { version, pass }.number(),
        ..document("/a", version, "ponies")
    };
    for (written, shown) in [((1, 0), (1, 0)), ((2, 3), (2, 3)), ((2, 1), (2, 3))] {
        let (written, shown) = (page(written.0, written.1), page(shown.0, shown.1));
        put(index, vec![written]).await;
        let told = fine(index.versions(SITE).await);
        assert_eq!(told, [(shown.id(), shown.version)]);
    }
}

/// A word that no page holds is replaced by a similar one. A word that a page holds is kept, and so
/// is a word with the same stem.
pub async fn a_misspelt_word_is_understood<I: WholeIndex>(index: &I) {
    let far = Document {
        site: "other.example".into(),
        ..document("/c", 1, "donkeys")
    };
    let pages = vec![
        document("/a", 1, "ponies gallop"),
        document("/b", 1, "ponies gallops"),
        far,
    ];
    put(index, pages).await;
    for (typed, meant) in [
        ("ponies", None),
        ("poneis", Some("ponies")),
        ("Poneis galop", Some("ponies gallop")),
        ("galloping", None),
        ("xylophone", None),
        ("\"poneis\"", None),
        // A word that only another site holds is kept, too.
        ("donkeys", None),
        ("donkeis", Some("donkeys")),
    ] {
        let query = Query {
            site: Some(SITE.into()),
            ..query(typed)
        };
        let hits = fine(search_as_written(index, &query).await);
        assert_eq!(hits.meant.as_deref(), meant, "{typed}");
    }
    let hits = fine(search(index, &query("poneis")).await);
    assert_eq!((hits.total, hits.meant.as_deref()), (2, Some("ponies")));
}

/// A page is found by the anchor texts of other pages. Of two equal pages, the one with links from
/// other pages comes first. A later write of a version replaces an earlier one, and the next version
/// replaces both.
pub async fn what_others_say_counts<I: WholeIndex>(index: &I) {
    let (x, y) = (document("/x", 1, "ponies"), document("/y", 1, "ponies"));
    put(index, vec![x, y.clone()]).await;
    let before = hits(index, "ponies").await.hits;
    assert_eq!(before[0].score, before[1].score);
    let around = "with a guide to mules and their keepers";
    let counted = Document {
        version: Write {
            version: 1,
            pass: 1,
        }
        .number(),
        inlinks: Inlinks {
            link_score: 0.4,
            anchor_texts: vec![AnchorText {
                fragment: None,
                around: around.into(),
                link: 7..12,
            }],
        },
        ..y
    };
    put(index, vec![counted.clone()]).await;
    assert_eq!(found(index, "ponies").await, ["/y", "/x"]);
    assert_eq!(found(index, "mules").await, ["/y"]);
    let told = fine(index.get(SITE, counted.id()).await).unwrap();
    assert_eq!(told.text, counted.page.text);
    put(index, vec![document("/y", 2, "horses")]).await;
    assert_eq!(found(index, "horses").await, ["/y"]);
    assert_eq!(found(index, "mules").await, [""; 0]);
}

/// A list of links is found, but ranks below a page with content.
pub async fn a_list_gives_way<I: WholeIndex>(index: &I) {
    let mut list = document("/list", 1, "ponies ponies ponies");
    list.page.list = true;
    put(index, vec![list, document("/page", 1, "ponies")]).await;
    assert_eq!(found(index, "ponies").await, ["/page", "/list"]);
}

/// A quoted phrase must occur as it is, apart from stop words in between; a word or phrase after a
/// minus must not occur.
pub async fn words_in_quotation_marks_stand_side_by_side<I: WholeIndex>(index: &I) {
    let pages = [
        ("/a", "wild ponies of the marsh"),
        ("/b", "ponies, some of them wild, in a marsh"),
        ("/c", "a pony market"),
    ];
    let pages = pages.map(|(path, words)| document(path, 1, words));
    put(index, pages.to_vec()).await;
    for (query, paths) in [
        ("wild ponies", &["/a", "/b", "/c"][..]),
        ("\"wild ponies\"", &["/a"]),
        ("\"ponies wild\"", &[]),
        ("\"pony marsh\" wild", &["/a"]),
        ("\"wild\" pony", &["/a", "/b"]),
        ("ponies -wild", &["/c"]),
        ("ponies -\"wild ponies\"", &["/b", "/c"]),
        ("\"ponies\" -marsh -market", &[]),
        ("\"of the\" ponies", &["/a", "/b", "/c"]),
    ] {
        let mut found = found(index, query).await;
        found.sort_unstable();
        assert_eq!(found, paths, "{query}");
    }
}

/// Empty writes are no error.
pub async fn empty_writes_are_fine<I: WholeIndex>(index: &I) {
    put(index, Vec::new()).await;
    write(index, index.delete(SITE, Vec::new())).await;
    fine(index.flush().await);
}

/// Returns a page of `version` whose text holds `word`.
pub fn document(path: &str, version: u64, word: &str) -> Document {
    let text = format!("A page about {word}.");
    Document {
        site: SITE.into(),
        url: url(path),
        fetched_at: Moment::from_millis(version),
        version: Write { version, pass: 0 }.number(),
        inlinks: Inlinks::default(),
        page: Page {
            title: format!("Page {path}"),
            sections: vec![Section {
                title: "Top".into(),
                range: 0..text.len(),
                ..Section::default()
            }],
            text,
            links: vec![Link {
                url: url("/linked"),
                fragment: None,
                text: "a link".into(),
                nofollow: true,
                place: None,
            }],
            ..Page::default()
        },
    }
}

/// Returns a page in which lines that begin with `#` are headings. Each heading has its text as its
/// anchor; a heading with `#!` has no anchor.
pub fn page(path: &str, title: &str, marked: &str) -> Document {
    let mut sections: Vec<Section> = Vec::new();
    let mut text = String::new();
    for line in marked.split_inclusive('\n') {
        let heading = line.trim_start_matches('#');
        let level = line.len() - heading.len();
        let anchored = level > 0 && !heading.starts_with('!');
        let heading = (level > 0).then(|| heading.trim_start_matches('!').trim_start());
        if heading.is_some() || sections.is_empty() {
            let title = heading.unwrap_or_default().trim();
            sections.push(Section {
                anchor: anchored.then(|| title.replace(' ', "-")),
                title: title.to_owned(),
                level: level as u8,
                range: text.len()..text.len(),
                names: Vec::new(),
            });
        }
        text.push_str(heading.unwrap_or(line));
        if let Some(section) = sections.last_mut() {
            section.range.end = text.len();
        }
    }
    Document {
        site: SITE.into(),
        url: url(path),
        fetched_at: Moment::from_millis(7),
        version: Write {
            version: 7,
            pass: 0,
        }
        .number(),
        inlinks: Inlinks::default(),
        page: Page {
            title: title.into(),
            language: Some("en".into()),
            text,
            sections,
            ..Page::default()
        },
    }
}

pub(super) async fn put<I: WholeIndex>(index: &I, documents: Vec<Document>) {
    let (refused, flushed) = tokio::join!(biased; index.put(documents), index.flush());
    assert_eq!(fine(refused), []);
    fine(flushed);
}

/// Awaits a write and flushes the index, so that the write does not wait for further ones.
pub(super) async fn write<I: WholeIndex>(
    index: &I,
    write: impl Future<Output = Result<(), Failure>>,
) {
    let (written, flushed) = tokio::join!(biased; write, index.flush());
    fine(written.and(flushed));
}

pub(super) async fn found<I: WholeIndex>(index: &I, words: &str) -> Vec<String> {
    let hits = hits(index, words).await;
    assert_eq!(hits.total, hits.hits.len() as u64);
    hits.hits
        .iter()
        .map(|hit| hit.url.path().to_owned())
        .collect()
}

pub(super) async fn hits<I: WholeIndex>(index: &I, words: &str) -> Hits {
    fine(search_as_written(index, &query(words)).await)
}

/// Returns a query for the first hundred pages.
pub fn query(words: &str) -> Query {
    Query {
        text: words.into(),
        limit: 100,
        offset: 0,
        site: None,
        language: None,
        path: None,
    }
}
