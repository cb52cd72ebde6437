//! Searches that go beyond equal words: languages, beginnings of words, near-duplicates.

use canter_core::document::Document;
use canter_ranking::completion::Completion;
use canter_ranking::query::Query;
use canter_ranking::search::{completions, search, search_as_written};
use url::Url;

use super::fine;
use super::index::WholeIndex;
use super::index::{document, found, hits, page, put, query};

/// Returns a page in a language.
fn said(path: &str, language: Option<&str>, text: &str) -> Document {
    let mut page = page(path, path, text);
    page.page.language = language.map(str::to_owned);
    page
}

/// A word finds other words with its stem, by the page's language, or by the word's letters if they
/// determine the language.
pub async fn words_are_stemmed_by_their_language<I: WholeIndex>(index: &I) {
    let pages = vec![
        said("/de", Some("de-at"), "Die Häuser der Städte sind verkauft"),
        said("/en", Some("en"), "Houses of the cities were sold"),
        said("/none", None, "Running horses"),
        said("/ru", Some("en"), "Чтение файлов и запись в файлы"),
        said("/fr", Some("fr"), "Nous mangeons des pommes"),
    ];
    put(index, pages).await;
    for (query, paths) in [
        ("Haus", &["/de"][..]),
        ("haeuser", &[]),
        ("hauser stadt", &["/de"]),
        ("\"die häuser\"", &["/de"]),
        ("\"häuser die\"", &[]),
        ("houses", &["/en"]),
        ("city", &["/en"]),
        ("run horse", &["/none"]),
        ("файл", &["/ru"]),
        ("файла", &["/ru"]),
        ("как читать файлы", &["/ru"]),
        ("\"чтение файлов\"", &["/ru"]),
        ("файл -запись", &[]),
        ("pomme", &["/fr"]),
    ] {
        assert_eq!(found(index, query).await, paths, "{query}");
    }
    let one = |language: &str| Query {
        language: Some(language.into()),
        ..query("häuser pommes cities")
    };
    for (language, path) in [("de", "/de"), ("fr", "/fr"), ("en", "/en")] {
        let hits = fine(search_as_written(index, &one(language)).await);
        assert_eq!((hits.total, hits.hits[0].url.path()), (1, path));
    }
    let marked = &hits(index, "файлы").await.hits[0].snippet;
    assert_eq!(marked.matches("<mark>").count(), 2, "{marked}");
}

/// The facets count all results, regardless of the page of results that is shown.
pub async fn results_are_counted_by_what_they_can_be_filtered_by<I: WholeIndex>(index: &I) {
    let mut pages = vec![
        said("/3/library/a.html", Some("en"), "ponies"),
        said("/3/library/b.html", Some("en-gb"), "ponies"),
        said("/3/howto/c.html", Some("de"), "ponies"),
        said("/3/howto/d.html", None, "horses"),
    ];
    pages.push(Document {
        site: "other.example".into(),
        ..said("/3/e.html", None, "ponies")
    });
    put(index, pages).await;
    let few = Query {
        limit: 1,
        ..query("ponies")
    };
    let hits = fine(search_as_written(index, &few).await);
    let owned = |counts: &[(&str, u64)]| {
        let counts = counts.iter();
        let counts = counts.map(|(value, count)| ((*value).to_owned(), *count));
        counts.collect::<Vec<_>>()
    };
    let (sites, folders) = (
        owned(&[("example.org", 3), ("other.example", 1)]),
        owned(&[("/3/library/", 2), ("/3/howto/", 1)]),
    );
    assert_eq!((hits.total, hits.hits.len()), (4, 1));
    assert_eq!(hits.facets.sites, sites);
    assert_eq!(hits.facets.languages, owned(&[("en", 2), ("de", 1)]));
    assert_eq!(hits.facets.folders, folders);
    let within = Query {
        path: Some("/3/howto/".into()),
        ..few
    };
    let hits = fine(search_as_written(index, &within).await);
    assert_eq!(hits.facets.languages, owned(&[("de", 1)]));
    assert_eq!(hits.facets.folders, []);
}

/// Of near-duplicates, only the best page is shown.
pub async fn pages_that_are_nearly_the_same_are_one_result<I: WholeIndex>(index: &I) {
    let text: Vec<String> = (0..300).map(|n| format!("w{n}")).collect();
    let text = text.join(" ");
    let pages = vec![
        said("/3.11/a", None, &format!("ponies {text}")),
        said("/3.12/a", None, &format!("ponies {text} ponies")),
        said("/b", None, &format!("ponies {} w1", text.replace('w', "v"))),
    ];
    put(index, pages).await;
    let hits = hits(index, "ponies").await;
    let mut paths: Vec<&str> = hits.hits.iter().map(|hit| hit.url.path()).collect();
    paths.sort_unstable();
    assert_eq!((hits.total, paths), (3, vec!["/3.12/a", "/b"]));
}

/// A name is found by its beginning, in any spelling; a name that was typed in full comes first.
pub async fn names_are_completed<I: WholeIndex>(index: &I) {
    let far = Document {
        site: "other.example".into(),
        ..page("/far", "Far", "#Queueing\nelsewhere\n")
    };
    let gone = page("/gone", "Queue that is gone", "#gone\n");
    let pages = vec![
        page(
            "/queue",
            "Queues",
            "#Queues\n#######queue.Queue.get_nowait\ntakes\n#######queue.Queue\nholds\n#!Questions\n",
        ),
        gone.clone(),
        far,
    ];
    put(index, pages).await;
    super::index::write(index, index.delete(super::index::SITE, vec![gone.id()])).await;
    let site = || Some("example.org".to_owned());
    for (typed, expected) in [
        (
            "queue.queue",
            &["queue.Queue", "queue.Queue.get_nowait"][..],
        ),
        ("queueQ", &["queue.Queue", "queue.Queue.get_nowait"]),
        ("Queue.get", &["queue.Queue.get_nowait"]),
        ("get_no", &["queue.Queue.get_nowait"]),
        ("queues", &["Queues"]),
        ("nothing such", &[]),
        ("?", &[]),
    ] {
        let found = fine(completions(index, typed, site(), 10).await);
        let names = found.iter().filter(|it| it.url.is_some());
        let names: Vec<&str> = names.map(|it| it.text.as_str()).collect();
        assert_eq!(names, expected, "{typed}");
    }
    let found = fine(completions(index, "queue.Queue.g", site(), 1).await);
    let url = Url::parse("https://example.org/queue#queue.Queue.get_nowait").ok();
    assert_eq!(
        found,
        [Completion {
            text: "queue.Queue.get_nowait".into(),
            url
        }]
    );
    let everywhere = fine(completions(index, "queue", None, 10).await);
    let mut texts: Vec<&str> = everywhere.iter().map(|it| it.text.as_str()).collect();
    texts.sort_unstable();
    let expected = [
        "Queueing",
        "Queues",
        "queue.Queue",
        "queue.Queue.get_nowait",
    ];
    assert_eq!(texts, expected);
}

/// The last word is completed by words of pages: in suggestions always, in a search only if no page
/// has the word as it was typed.
pub async fn a_word_that_is_begun_is_completed<I: WholeIndex>(index: &I) {
    let pages = vec![
        document("/a", 1, "galloping ponies"),
        document("/b", 1, "galloping horses"),
        document("/c", 1, "gallons of tea"),
    ];
    put(index, pages).await;
    let texts = |found: Vec<Completion>| {
        let texts = found.into_iter().map(|it| it.text);
        texts.collect::<Vec<_>>()
    };
    let found = fine(completions(index, "ponies gall", None, 5).await);
    assert_eq!(texts(found), ["ponies galloping", "ponies gallons"]);
    let found = fine(completions(index, "ponies gall ", None, 5).await);
    assert_eq!(texts(found), [""; 0]);
    for (typed, meant, total) in [
        ("gallop", None, 2),
        ("gallopi", Some("galloping"), 2),
        ("horses gall", Some("horses galloping"), 2),
        ("gall horses", None, 1),
        ("xy", None, 0),
    ] {
        let hits = fine(search(index, &query(typed)).await);
        assert_eq!(
            (hits.meant.as_deref(), hits.total),
            (meant, total),
            "{typed}"
        );
    }
}
