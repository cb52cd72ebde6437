//! What a search finds, and in which order.

use super::*;

#[tokio::test]
async fn a_page_is_found_with_its_sections() {
    let text =
        "Intro.\n# Create tasks\nTasks wait.\n# Queues\nA queue holds tasks & <b>more</b>.\n";
    let place = Place::with(vec![document("/a", "Work", text)]).await;
    let hits = search_as_written(&place.index, &query("queue"))
        .await
        .unwrap();
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
    let hits = search_as_written(&place.index, &query("zebra"))
        .await
        .unwrap();
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
    let hits = search_as_written(&place.index, &query("zebra"))
        .await
        .unwrap();
    assert_eq!((hits.total, hits.hits.len()), (1, 1));
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
            search_as_written(&place.index, &query).await.unwrap().total,
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
        let hits = search_as_written(&place.index, &query).await.unwrap();
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
        let hits = search_as_written(&place.index, &query(text)).await;
        assert_eq!(hits.map(|hits| hits.total), Ok(total), "{text}");
    }
    let long = "adds ".repeat(100);
    assert_eq!(
        search_as_written(&place.index, &query(&long))
            .await
            .unwrap()
            .total,
        1
    );
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
    let hits = search_as_written(&place.index, &query("asyncio.gather()"))
        .await
        .unwrap();
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
        scores.push(
            search_as_written(&place.index, &query("zebra"))
                .await
                .unwrap()
                .hits[0]
                .score,
        );
    }
    assert_eq!(scores[0], scores[1]);
}

#[tokio::test]
async fn a_page_without_title_or_text() {
    let mut bare = document("/bare-zebra", "", "");
    bare.page.sections.clear();
    let place = Place::with(vec![bare]).await;
    let hits = search_as_written(&place.index, &query("zebra"))
        .await
        .unwrap();
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
async fn a_heading_counts_for_the_sections_below_it_and_no_others() {
    let text = "# Stacks\nwait here\n# Queues\nhello\n## Idle\nwait here\n";
    let place = Place::with(vec![document("/a", "Work", text)]).await;
    let titles = |hits: Hits| -> Vec<String> {
        let sections = hits.hits[0].sections.iter();
        sections.map(|section| section.title.clone()).collect()
    };
    let both = search_as_written(&place.index, &query("queue wait"))
        .await
        .unwrap();
    assert_eq!(titles(both), ["Idle", "Queues", "Stacks"]);
    let one = search_as_written(&place.index, &query("stack"))
        .await
        .unwrap();
    assert_eq!(titles(one), ["Stacks"]);
}

#[tokio::test]
async fn a_word_is_rare_by_the_sections_that_have_it() {
    // Both are on one page, and in sections of one length.
    let text = "# One\nhorse\n# Two\nhorse\n# Three\nhorse\n# Four\nzebra\n";
    let place = Place::with(vec![document("/a", "Work", text)]).await;
    // The second time as it was counted the first time.
    for _ in 0..2 {
        let hits = search_as_written(&place.index, &query("horse zebra"))
            .await
            .unwrap();
        assert_eq!(hits.hits[0].sections[0].title, "Four");
    }
    // Counted again when more is there.
    let text = "# Five\nzebra\n# Six\nzebra\n# Seven\nzebra\n# Eight\nzebra\n";
    place.put(vec![document("/b", "Rest", text)]).await;
    let hits = search_as_written(&place.index, &query("horse zebra"))
        .await
        .unwrap();
    let first = hits.hits.iter().find(|hit| hit.url.path() == "/a");
    assert_eq!(first.unwrap().sections[0].title, "One");
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
    let hits = search_as_written(&place.index, &query("gallop intro"))
        .await
        .unwrap();
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
    let all = search_as_written(&place.index, &ask(100)).await.unwrap();
    let few = search_as_written(&place.index, &ask(7)).await.unwrap();
    assert_eq!((all.total, few.total), (300, 300));
    assert_eq!(few.hits, all.hits[..7]);
}
