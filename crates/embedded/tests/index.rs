//! The embedded index against real folders.

#![expect(clippy::unwrap_used, reason = "a test may end by a panic")]

use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use canter_core::document::Document;
use canter_core::failure::Failure;
use canter_core::page::{Link, Page, Section};
use canter_core::ports::Index;
use canter_core::query::{Hits, Query};
use canter_core::time::Moment;
use canter_embedded::index::{LAYOUT, TantivyIndex, TantivyReader};
use tempfile::TempDir;

/// A page whose lines that begin with `# ` are headings, each with its text as its anchor.
fn document(url: &str, title: &str, marked: &str) -> Document {
    let mut sections: Vec<Section> = Vec::new();
    let mut text = String::new();
    for line in marked.split_inclusive('\n') {
        let heading = line.trim_start_matches('#');
        let level = line.len() - heading.len();
        let heading = (level > 0).then(|| heading.trim_start());
        if heading.is_some() || sections.is_empty() {
            let title = heading.unwrap_or_default().trim();
            sections.push(Section {
                anchor: heading.map(|_| title.replace(' ', "-")),
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
        site: "example.org".into(),
        url: format!("https://example.org{url}").parse().unwrap(),
        fetched_at: Moment::from_millis(7),
        version: 1,
        page: Page {
            title: title.into(),
            language: Some("en".into()),
            text,
            sections,
            ..Page::default()
        },
    }
}

fn query(text: &str) -> Query {
    Query {
        text: text.into(),
        limit: 10,
        offset: 0,
        site: None,
        language: None,
        path: None,
    }
}

/// An index in a folder of its own.
struct Place {
    dir: TempDir,
    index: TantivyIndex,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let index = TantivyIndex::open(dir.path()).unwrap();
        Place { dir, index }
    }

    async fn with(documents: Vec<Document>) -> Self {
        let place = Place::new();
        place.put(documents).await;
        place
    }

    async fn put(&self, documents: Vec<Document>) {
        done(&self.index, self.index.put(documents)).await.unwrap();
    }

    async fn paths(&self, query: Query) -> Vec<String> {
        paths(&self.index.search(query).await.unwrap())
    }
}

/// Awaits a write without waiting for the commit's time: the write is sent first, as the first
/// poll of both is in order.
async fn done(
    index: &TantivyIndex,
    write: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    let (written, flushed) = tokio::join!(biased; write, index.flush());
    written.and(flushed)
}

fn paths(hits: &Hits) -> Vec<String> {
    hits.hits
        .iter()
        .map(|hit| hit.url.path().to_owned())
        .collect()
}

#[tokio::test]
async fn a_page_is_found_with_its_sections() {
    let text =
        "Intro.\n# Create tasks\nTasks wait.\n# Queues\nA queue holds tasks & <b>more</b>.\n";
    let place = Place::with(vec![document("/a", "Work", text)]).await;
    let hits = place.index.search(query("queue")).await.unwrap();
    assert_eq!((hits.total, hits.exact), (1, true));
    let hit = &hits.hits[0];
    assert_eq!(hit.title, "Work");
    assert_eq!((hit.site.as_str(), hit.fetched_at_ms), ("example.org", 7));
    assert!(hit.score > 0.0);
    let snippet = "A <mark>queue</mark> holds tasks &amp; &lt;b&gt;more&lt;/b&gt;.";
    assert_eq!(hit.snippet, snippet);
    assert_eq!(hit.sections.len(), 1);
    let section = &hit.sections[0];
    assert_eq!(section.url.as_str(), "https://example.org/a#Queues");
    assert_eq!(section.title, "Queues");
    assert_eq!(section.snippet, snippet);
}

#[tokio::test]
async fn at_most_three_sections_best_first() {
    let text =
        "# One\nzebra\n# Two\nzebra zebra zebra\n# Zebra\nzebra\n# Four\nzebra\n# Five\nno\n";
    let place = Place::with(vec![document("/a", "Animals", text)]).await;
    let hits = place.index.search(query("zebra")).await.unwrap();
    let titles: Vec<_> = hits.hits[0]
        .sections
        .iter()
        .map(|s| s.title.as_str())
        .collect();
    assert_eq!(titles, ["Zebra", "Two", "One"]);
}

#[tokio::test]
async fn each_page_comes_once_whatever_matches_in_it() {
    let text = "# zebra\nzebra zebra\n# zebra\nzebra zebra\n";
    let place = Place::with(vec![document("/zebra", "zebra", text)]).await;
    let hits = place.index.search(query("zebra")).await.unwrap();
    assert_eq!((hits.total, hits.hits.len()), (1, 1));
}

#[tokio::test]
async fn a_newer_version_takes_the_place_and_an_older_one_does_not() {
    let version = |version, text| Document {
        version,
        ..document("/a", "A", text)
    };
    let place = Place::with(vec![version(5, "old zebra")]).await;
    place
        .put(vec![version(7, "new giraffe"), version(6, "late lion")])
        .await;
    place.put(vec![version(6, "later lion")]).await;
    for (word, total) in [("zebra", 0), ("giraffe", 1), ("lion", 0)] {
        assert_eq!(
            place.index.search(query(word)).await.unwrap().total,
            total,
            "{word}"
        );
    }
    assert_eq!(place.index.count("example.org").unwrap(), 1);
    // The same version again is a rewrite.
    place.put(vec![version(7, "other tiger")]).await;
    assert_eq!(place.paths(query("tiger")).await, ["/a"]);
    assert_eq!(place.paths(query("giraffe")).await, [""; 0]);
}

#[tokio::test]
async fn a_deleted_page_is_gone_and_may_come_back() {
    let a = document("/a", "A", "# S\nzebra\n");
    let place = Place::with(vec![a.clone(), document("/b", "B", "zebra")]).await;
    let unknown = document("/none", "", "").id();
    done(&place.index, place.index.delete(vec![a.id(), unknown]))
        .await
        .unwrap();
    assert_eq!(place.paths(query("zebra")).await, ["/b"]);
    assert_eq!(place.index.get(a.id()).await.unwrap(), None);
    place.put(vec![Document { version: 0, ..a }]).await;
    assert_eq!(place.index.search(query("zebra")).await.unwrap().total, 2);
}

#[tokio::test]
async fn the_stored_form_comes_back_whole() {
    let mut a = document("/a", "A", "# S\nzebra \"quoted\"\n");
    a.page.links.push(Link {
        url: "https://example.org/b".parse().unwrap(),
        fragment: Some("x".into()),
        text: "see b".into(),
        nofollow: true,
    });
    let place = Place::with(vec![a.clone()]).await;
    let stored = place.index.get(a.id()).await.unwrap().unwrap();
    assert_eq!(stored.text, a.page.text);
    assert_eq!(stored.language.as_deref(), Some("en"));
    assert_eq!(stored.sections[0].anchor.as_deref(), Some("S"));
    assert_eq!(
        (stored.sections[0].start, stored.sections[0].end),
        (0, a.page.text.len())
    );
    assert_eq!(stored.links[0].text, "see b");
    assert!(stored.links[0].nofollow);
}

#[tokio::test]
async fn filters() {
    let with = |url, site: &str, language: Option<&str>| {
        let mut document = document(url, "T", "zebra");
        document.site = site.into();
        document.page.language = language.map(Into::into);
        document
    };
    let place = Place::with(vec![
        with("/docs/a", "one", Some("pt")),
        with("/docs/b", "one", Some("pt-br")),
        with("/docsx", "two", Some("ptx")),
        with("/other", "two", None),
    ])
    .await;
    let all = query("zebra");
    let cases = [
        (
            Query {
                site: Some("one".into()),
                ..all.clone()
            },
            vec!["/docs/a", "/docs/b"],
        ),
        (
            Query {
                site: Some("on".into()),
                ..all.clone()
            },
            vec![],
        ),
        (
            Query {
                language: Some("PT".into()),
                ..all.clone()
            },
            vec!["/docs/a", "/docs/b"],
        ),
        (
            Query {
                language: Some("pt-br".into()),
                ..all.clone()
            },
            vec!["/docs/b"],
        ),
        (
            Query {
                path: Some("/docs/".into()),
                ..all.clone()
            },
            vec!["/docs/a", "/docs/b"],
        ),
        (
            Query {
                path: Some("/docs".into()),
                ..all.clone()
            },
            vec!["/docs/a", "/docs/b", "/docsx"],
        ),
        (
            Query {
                site: Some("two".into()),
                path: Some("/docs".into()),
                ..all.clone()
            },
            vec!["/docsx"],
        ),
        (
            Query {
                path: Some("/zzz".into()),
                ..all.clone()
            },
            vec![],
        ),
    ];
    for (query, expected) in cases {
        let mut found = place.paths(query.clone()).await;
        found.sort();
        assert_eq!(found, expected, "{query:?}");
        assert_eq!(
            place.index.search(query).await.unwrap().total,
            expected.len() as u64
        );
    }
}

#[tokio::test]
async fn pages_of_results_are_disjoint_and_ties_go_by_id() {
    let place = Place::new();
    // Several commits, so that equal pages lie in several segments.
    let mut ids = Vec::new();
    for commit in 0..3 {
        let documents: Vec<_> = (0..10)
            .map(|page| document(&format!("/{commit}-{page}"), "T", "zebra"))
            .collect();
        ids.extend(
            documents
                .iter()
                .map(|document| (document.id(), document.url.path().to_owned())),
        );
        place.put(documents).await;
    }
    ids.sort();
    let expected: Vec<_> = ids.into_iter().map(|(_, path)| path).collect();
    let mut found = Vec::new();
    for offset in (0..35).step_by(7) {
        let query = Query {
            limit: 7,
            offset,
            ..query("zebra")
        };
        let hits = place.index.search(query).await.unwrap();
        assert_eq!(hits.total, 30);
        found.extend(paths(&hits));
    }
    assert_eq!(found, expected);
    let beyond = Query {
        offset: 9_000,
        ..query("zebra")
    };
    assert!(place.paths(beyond).await.is_empty());
}

#[tokio::test]
async fn any_text_is_a_query() {
    let text =
        "# The += operator\nIt adds. What is it? a->b\n# 数据库\n关系数据库管理\n# Straße\nCafé\n";
    let place = Place::with(vec![document("/a", "T", text)]).await;
    for (text, total) in [
        ("?", 1),
        ("+=", 1),
        ("->", 1),
        ("%%", 0),
        ("the", 1),
        ("it is", 1),
        ("how do i", 0),
        ("数据库", 1),
        ("据", 1),
        ("strasse", 1),
        ("cafe", 1),
        ("CAFÉ", 1),
        ("\"unbalanced AND (", 0),
        ("title:adds^9 OR *:*", 1),
        ("\0\u{FFFF}", 0),
        ("🎉", 0),
    ] {
        let hits = place.index.search(query(text)).await;
        assert_eq!(hits.map(|hits| hits.total), Ok(total), "{text}");
    }
    let long = "adds ".repeat(100);
    assert_eq!(place.index.search(query(&long)).await.unwrap().total, 1);
}

#[tokio::test]
async fn neighbours_beat_words_apart() {
    let place = Place::with(vec![
        document("/apart", "T", "giraffe lion zebra tiger"),
        document("/together", "T", "giraffe tiger zebra the lion"),
        document("/across", "lion", "tiger giraffe zebra"),
    ])
    .await;
    // Stop words do not part neighbours; a title and a text do.
    assert_eq!(place.paths(query("zebra lion")).await[0], "/together");
    assert_eq!(place.paths(query("lion tiger")).await.len(), 3);
    // A word twice is a pair too, and no panic.
    assert_eq!(place.paths(query("zebra zebra zebra")).await.len(), 3);
}

#[tokio::test]
async fn a_name_beats_a_mention() {
    let place = Place::with(vec![
        document("/mentions", "Notes", "gather gather gather gather"),
        document(
            "/defines",
            "Tasks",
            "# Other\nwords\n# asyncio.gather\nRuns things.\n",
        ),
    ])
    .await;
    let hits = place.index.search(query("asyncio.gather()")).await.unwrap();
    assert_eq!(paths(&hits), ["/defines", "/mentions"]);
    assert_eq!(hits.hits[0].sections[0].title, "asyncio.gather");
    assert!(hits.hits[0].score > 13.2);
}

#[tokio::test]
async fn the_number_of_sections_does_not_change_what_an_average_page_is() {
    let mut scores = Vec::new();
    for cuts in [1, 40] {
        let mut body_only = document("/a", "A", "zebra");
        body_only.page.sections.clear();
        let mut many = document("/b", "B", &"word ".repeat(80));
        many.page.sections = (0..cuts)
            .map(|cut| Section {
                range: cut * (400 / cuts)..(cut + 1) * (400 / cuts),
                ..Section::default()
            })
            .collect();
        let place = Place::with(vec![body_only, many]).await;
        scores.push(place.index.search(query("zebra")).await.unwrap().hits[0].score);
    }
    assert_eq!(scores[0], scores[1]);
}

#[tokio::test]
async fn a_put_is_committed_in_time_without_a_flush() {
    let place = Place::new();
    let (first, second) = tokio::join!(
        place.index.put(vec![document("/a", "A", "zebra")]),
        place.index.put(vec![document("/b", "B", "zebra")]),
    );
    assert_eq!((first, second), (Ok(()), Ok(())));
    assert_eq!(place.index.search(query("zebra")).await.unwrap().total, 2);
}

#[tokio::test]
async fn a_page_without_title_or_text() {
    let mut bare = document("/bare-zebra", "", "");
    bare.page.sections.clear();
    let place = Place::with(vec![bare]).await;
    let hits = place.index.search(query("zebra")).await.unwrap();
    assert_eq!(hits.hits[0].title, "https://example.org/bare-zebra");
    assert_eq!(hits.hits[0].snippet, "");
}

#[tokio::test]
async fn ranges_that_lie_are_survived() {
    let mut page = document("/a", "A", "zebra é");
    page.page.sections = vec![
        Section {
            anchor: Some("x".into()),
            title: "zebra".into(),
            range: 6..7,
            ..Section::default()
        },
        Section {
            anchor: Some("y".into()),
            title: "zebra".into(),
            range: 90..99,
            ..Section::default()
        },
    ];
    let place = Place::with(vec![page]).await;
    assert_eq!(place.paths(query("zebra")).await, ["/a"]);
}

#[tokio::test]
async fn export_and_count_are_of_one_site_in_the_order_of_ids() {
    let mut documents: Vec<_> = (0..20)
        .map(|page| document(&format!("/{page}"), "T", "x"))
        .collect();
    let mut foreign = document("/", "T", "x");
    foreign.site = "other".into();
    documents.push(foreign);
    let place = Place::with(documents.clone()).await;
    documents.pop();
    documents.sort_by_key(Document::id);
    let expected: Vec<_> = documents.into_iter().map(|document| document.url).collect();
    let mut found = Vec::new();
    let all = place.index.export("example.org", |stored| {
        found.push(stored.url);
        Ok(())
    });
    assert_eq!((all, found), (Ok(()), expected));
    assert_eq!(place.index.count("example.org"), Ok(20));
    assert_eq!(place.index.count("nothing"), Ok(0));
    let mut seen = 0;
    let stopped = place.index.export("example.org", |_| {
        seen += 1;
        Err(Failure::permanent("full"))
    });
    assert_eq!((stopped, seen), (Err(Failure::permanent("full")), 1));
}

#[tokio::test]
async fn a_reader_sees_each_commit() {
    let place = Place::new();
    let reader = TantivyReader::open(place.dir.path()).unwrap();
    assert_eq!(reader.search(query("zebra")).await.unwrap().total, 0);
    for page in 1..=3 {
        place
            .put(vec![document(&format!("/{page}"), "T", "zebra")])
            .await;
        assert_eq!(reader.search(query("zebra")).await.unwrap().total, page);
        assert_eq!(reader.count("example.org"), Ok(page));
    }
    let refused = reader.put(vec![]).await;
    assert!(matches!(refused, Err(Failure::Permanent(_))), "{refused:?}");
}

#[tokio::test]
async fn what_was_put_is_there_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let index = TantivyIndex::open(dir.path()).unwrap();
    let put = index.put(vec![document("/a", "A", "zebra")]);
    // Sent, and then neither awaited nor flushed.
    let pending = futures_once(put).await;
    assert!(pending.is_none());
    drop(index);
    let index = TantivyIndex::open(dir.path()).unwrap();
    assert_eq!(index.search(query("zebra")).await.unwrap().total, 1);
}

/// Polls a future once.
async fn futures_once<F: Future>(future: F) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(match future.as_mut().poll(context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

#[test]
fn works_without_a_runtime() {
    let dir = tempfile::tempdir().unwrap();
    let index = Arc::new(TantivyIndex::open(dir.path()).unwrap());
    let waker = std::task::Waker::noop();
    let mut context = std::task::Context::from_waker(waker);
    let mut search = std::pin::pin!(index.search(query("zebra")));
    let answer = search.as_mut().poll(&mut context);
    assert!(answer.is_ready());
}

#[test]
fn one_process_writes() {
    let dir = tempfile::tempdir().unwrap();
    let first = TantivyIndex::open(dir.path()).unwrap();
    let second = TantivyIndex::open(dir.path()).err();
    assert!(
        said(second.as_ref()).contains("another canter is writing"),
        "{second:?}"
    );
    drop(first);
    assert!(TantivyIndex::open(dir.path()).is_ok());
}

#[test]
fn a_folder_without_an_index() {
    let dir = tempfile::tempdir().unwrap();
    for path in [dir.path(), &dir.path().join("missing")] {
        let failure = TantivyReader::open(path).err();
        assert!(said(failure.as_ref()).contains("no index"), "{failure:?}");
    }
}

#[test]
fn an_index_of_another_version() {
    let dir = tempfile::tempdir().unwrap();
    drop(TantivyIndex::open(dir.path()).unwrap());
    let meta = dir.path().join("meta.json");
    let text = std::fs::read_to_string(&meta).unwrap();
    assert!(text.contains(LAYOUT));
    std::fs::write(&meta, text.replace(LAYOUT, "canter-index-0")).unwrap();
    for failure in [
        TantivyIndex::open(dir.path()).err(),
        TantivyReader::open(dir.path()).err(),
    ] {
        assert!(
            said(failure.as_ref()).contains("another version of canter"),
            "{failure:?}"
        );
    }
}

#[tokio::test]
async fn a_write_that_fails_is_told_to_everybody_and_the_next_works() {
    let place = Place::with(vec![document("/a", "A", "zebra")]).await;
    // A folder in the place of the file that a commit replaces.
    let meta = place.dir.path().join("meta.json");
    let kept = std::fs::read(&meta).unwrap();
    std::fs::remove_file(&meta).unwrap();
    std::fs::create_dir(&meta).unwrap();
    let (first, second, flushed) = tokio::join!(
        biased;
        place.index.put(vec![document("/b", "B", "zebra")]),
        place.index.delete(vec![document("/a", "", "").id()]),
        place.index.flush(),
    );
    for told in [first, second, flushed] {
        assert!(told.is_err(), "{told:?}");
    }
    std::fs::remove_dir(&meta).unwrap();
    std::fs::write(&meta, kept).unwrap();
    place.put(vec![document("/c", "C", "zebra")]).await;
    let mut found = place.paths(query("zebra")).await;
    found.sort();
    assert_eq!(found, ["/a", "/c"]);
}

#[tokio::test]
async fn a_copy_taken_while_writing_opens_at_its_last_commit() {
    // What a process that is killed leaves behind: committed files, and others half written.
    let place = Place::with(vec![document("/a", "A", "zebra")]).await;
    let put = futures_once(place.index.put(vec![document("/b", "B", "zebra")])).await;
    assert!(put.is_none());
    let left = tempfile::tempdir().unwrap();
    copy(place.dir.path(), left.path());
    std::fs::write(
        left.path().join("0123456789abcdef0123456789abcdef.idx"),
        b"half",
    )
    .unwrap();
    let index = TantivyIndex::open(left.path()).unwrap();
    assert_eq!(paths(&index.search(query("zebra")).await.unwrap()), ["/a"]);
}

#[tokio::test]
async fn what_a_writer_did_before_it_died_can_be_done_again() {
    let names = ["/a", "/b", "/c", "/d", "/e"];
    let documents = names.map(|name| document(name, "A", "zebra")).to_vec();
    let Place { dir, index } = Place::with(documents).await;
    drop(index);
    let meta = dir.path().join("meta.json");
    let before = std::fs::read(&meta).unwrap();
    let gone = document("/a", "", "").id();
    let index = TantivyIndex::open(dir.path()).unwrap();
    done(&index, index.delete(vec![gone])).await.unwrap();
    drop(index);
    // Killed between its files and the commit that names them.
    std::fs::write(&meta, before).unwrap();
    let index = TantivyIndex::open(dir.path()).unwrap();
    assert_eq!(index.search(query("zebra")).await.unwrap().total, 5);
    done(&index, index.delete(vec![gone])).await.unwrap();
    assert_eq!(index.search(query("zebra")).await.unwrap().total, 4);
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

fn said(failure: Option<&Failure>) -> String {
    match failure {
        Some(Failure::Permanent(said)) => said.clone(),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn a_heading_counts_for_the_sections_below_it_and_no_others() {
    let text = "# Stacks\nwait here\n# Queues\nhello\n## Idle\nwait here\n";
    let place = Place::with(vec![document("/a", "Work", text)]).await;
    let titles = |hits: Hits| -> Vec<String> {
        let sections = hits.hits[0].sections.iter();
        sections.map(|section| section.title.clone()).collect()
    };
    let both = place.index.search(query("queue wait")).await.unwrap();
    assert_eq!(titles(both), ["Queues", "Idle", "Stacks"]);
    let one = place.index.search(query("stack")).await.unwrap();
    assert_eq!(titles(one), ["Stacks"]);
}

#[tokio::test]
async fn a_section_is_found_by_its_id_alone() {
    let mut page = document(
        "/a",
        "Work",
        "Intro.\n# One\nfirst\n# Two\nsecond\n# Three\nthird\n",
    );
    page.page.sections[2].names = vec!["zebra.gallop".into()];
    let place = Place::with(vec![page]).await;
    // More than the name, so that it is not found as one.
    let hits = place.index.search(query("gallop intro")).await.unwrap();
    let sections = &hits.hits[0].sections;
    assert_eq!((sections.len(), sections[0].title.as_str()), (1, "Two"));
}

#[tokio::test]
async fn many_pages_give_the_same_top_as_few() {
    // The first results, and the number of all, do not depend on how many are asked for.
    let pages = (0..300).map(|n| {
        let words = "zebra ".repeat(n % 17 + 1);
        let text = format!(
            "# Zebra\n{words}\n# Other {n}\nhorse {}\n",
            "word ".repeat(n % 29)
        );
        document(&format!("/{n}"), &format!("Page {n}"), &text)
    });
    let place = Place::with(pages.collect()).await;
    let ask = |limit| Query {
        limit,
        ..query("zebra horse")
    };
    let all = place.index.search(ask(100)).await.unwrap();
    let few = place.index.search(ask(7)).await.unwrap();
    assert_eq!((all.total, few.total), (300, 300));
    assert_eq!(few.hits, all.hits[..7]);
}
