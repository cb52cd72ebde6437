//! The same pages in both indexes: what a query means is written once, so that they find the same
//! pages in the same order with the same scores, and show the same of them.

use canter_core::document::Document;
use canter_core::ports::IndexWriter;
use canter_elastic::{ElasticIndex, Settings};
use canter_ranking::query::{Hit, Hits, Query};
use canter_ranking::search::search_as_written;
use canter_tantivy::TantivyIndex;
use canter_tests::OwnIndex;
use tempfile::TempDir;

use crate::pages;

/// An index of each kind with the same pages.
struct Both {
    elastic: ElasticIndex,
    embedded: TantivyIndex,
    _folder: TempDir,
    _own: OwnIndex,
}

impl Both {
    async fn with(pages: Vec<Document>) -> Self {
        let own = OwnIndex::new();
        let settings = Settings::new(&own.url(), None).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let both = Both {
            elastic: ElasticIndex::open(&settings).await.unwrap(),
            embedded: TantivyIndex::open(folder.path()).unwrap(),
            _folder: folder,
            _own: own,
        };
        put(&both.elastic, pages.clone()).await;
        put(&both.embedded, pages).await;
        both
    }

    /// Asserts that both answer alike, and gives the answer.
    async fn ask(&self, query: Query) -> Hits {
        let elastic = search_as_written(&self.elastic, &query).await.unwrap();
        let embedded = search_as_written(&self.embedded, &query).await.unwrap();
        assert_eq!(paths(&elastic), paths(&embedded), "{query:?}");
        assert_eq!((elastic.total, elastic.exact), (embedded.total, true));
        for (one, other) in elastic.hits.iter().zip(&embedded.hits) {
            let apart = (one.score - other.score).abs() / other.score;
            let scores = (one.score, other.score);
            assert!(apart < 0.001, "{} {scores:?} {query:?}", one.url);
            let other = Hit {
                score: one.score,
                ..other.clone()
            };
            assert_eq!(one, &other, "{query:?}");
        }
        elastic
    }
}

async fn put<I: IndexWriter>(index: &I, pages: Vec<Document>) {
    let (refused, flushed) = tokio::join!(biased; index.put(pages), index.flush());
    assert_eq!((refused.unwrap(), flushed.unwrap()), (vec![], ()));
    // What the first did not see yet.
    index.flush().await.unwrap();
}

fn paths(hits: &Hits) -> Vec<&str> {
    hits.hits.iter().map(|hit| hit.url.path()).collect()
}

fn query(text: &str) -> Query {
    Query {
        text: text.into(),
        limit: 20,
        offset: 0,
        site: None,
        language: None,
        path: None,
    }
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn the_same_pages_in_the_same_order_with_the_same_scores() {
    let both = Both::with(pages::all()).await;
    for (text, least) in [
        ("river", 10),
        ("river bridge", 10),
        ("bridge river", 10),
        ("how do I cross a river with a ferry", 10),
        ("lamp lamp lamp", 5),
        ("river river bridge bridge river", 10),
        ("never written anywhere", 0),
        // Questions, numbers, titles.
        ("when does the ferry leave from the harbour", 10),
        ("which lamps are lit at night and by whom", 5),
        ("what is it that the keeper of a lock does", 1),
        ("river 17", 10),
        ("page 3 of 17", 5),
        ("ferry 1906 2024", 5),
        ("harbour guide", 5),
        ("the guide of the harbour", 5),
        // Names and identifiers, whole and in parts.
        ("harbour.Ferry.cross_over", 1),
        ("cross_over", 1),
        ("crossOver", 1),
        ("harbour.Ferry.cross_over()", 1),
        ("Ferry", 5),
        ("parse_timetable", 1),
        ("dawn", 1),
        ("timetable", 1),
        // Ids of sections, headings above them, titles, words of addresses.
        ("moorings", 1),
        ("lock keeper gates", 1),
        ("Page 17", 5),
        ("guide", 5),
        // Stop words and signs alone.
        ("the", 5),
        ("it is", 1),
        ("+=", 1),
        ("-> ?", 1),
        // Scripts without spaces, accents, widths.
        ("数据库", 1),
        ("据", 1),
        ("データベース", 1),
        ("cafe", 1),
        ("ＣＡＦÉ", 1),
        ("straße", 1),
    ] {
        let hits = both.ask(query(text)).await;
        assert!(hits.total >= least, "{text}: {}", hits.total);
    }
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn any_text_is_a_query() {
    let both = Both::with(pages::all()).await;
    let long = "river ".repeat(83);
    let wide = "é".repeat(500);
    let many: Vec<String> = (0..120).map(|n| format!("a{n}")).collect();
    let dotted: Vec<String> = (0..100).map(|n| format!("a.b{n}")).collect();
    for text in [
        "\"river AND (",
        "names:river^9 OR *:*",
        "river*",
        "riv?r~2",
        "{\"match_all\":{}}",
        "\\",
        "/.*/",
        "<script>river</script>",
        "%%%%%%%",
        "!!",
        "…",
        "🎉",
        "\0\u{FFFF}",
        "river\u{1C}bridge",
        "\u{1C}",
        "\u{202E}river",
        "\u{FDFA}",
        "how do i",
        "_",
        "....",
        &long,
        &wide,
        &many.join(" ")[..450],
        &dotted.join(" ")[..500],
    ] {
        both.ask(query(text)).await;
    }
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn ties_go_by_id_and_pages_of_results_are_disjoint() {
    let both = Both::with(pages::all()).await;
    let whole = both
        .ask(Query {
            limit: 100,
            ..query("beacon")
        })
        .await;
    assert_eq!(whole.total, 30);
    let mut found = Vec::new();
    for offset in (0..35).step_by(7) {
        let hits = both
            .ask(Query {
                limit: 7,
                offset,
                ..query("beacon")
            })
            .await;
        assert_eq!(hits.total, 30);
        found.extend(hits.hits);
    }
    assert_eq!(found, whole.hits);
    both.ask(Query {
        offset: 9_980,
        ..query("beacon")
    })
    .await;
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn filters() {
    let both = Both::with(pages::all()).await;
    let all = query("river");
    let site = |site: &str| Query {
        site: Some(site.into()),
        ..all.clone()
    };
    let language = |it: &str| Query {
        language: Some(it.into()),
        ..all.clone()
    };
    let path = |path: &str| Query {
        path: Some(path.into()),
        ..all.clone()
    };
    for (query, some) in [
        (site("example.org"), true),
        (site("example.org/other"), true),
        (site("example"), false),
        (language("pt"), true),
        (language("PT-br"), true),
        (language("pt-b"), false),
        (language("p"), false),
        (language("zh-hant"), true),
        (path("/guide/"), true),
        (path("/gui"), true),
        (path("/guide/*"), false),
        (path("/"), true),
        (
            Query {
                language: Some("pt".into()),
                ..path("/guide")
            },
            true,
        ),
        (
            Query {
                path: Some("/guide/".into()),
                ..site("example.org/other")
            },
            true,
        ),
    ] {
        let hits = both.ask(query.clone()).await;
        assert_eq!(hits.total > 0, some, "{query:?}");
    }
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_page_of_any_shape_is_held() {
    let both = Both::with(pages::odd()).await;
    for (text, total) in [
        ("zebra", 7),
        ("striped zebra", 7),
        ("section 7", 2),
        ("quagga", 1),
        ("giraffe", 1),
    ] {
        assert_eq!(both.ask(query(text)).await.total, total, "{text}");
    }
}
