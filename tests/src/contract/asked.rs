//! A search: names, numbers, phrases of titles and questions are each asked in their own way.

use canter_core::document::Document;
use canter_core::inlinks::Inlinks;
use canter_ranking::query::Query;
use canter_ranking::search::search_as_written;

use super::fine;
use super::index::{WholeIndex, found, hits, page, put, query};

fn linked(link_score: f32, page: Document) -> Document {
    let inlinks = Inlinks {
        link_score,
        ..page.inlinks
    };
    Document { inlinks, ..page }
}

/// A number between words is meant exactly: the page that holds it comes before one that says more of
/// the words. In a question it is a word like others.
pub async fn a_number_is_meant_exactly<I: WholeIndex>(index: &I) {
    let often = "ponies of the market, market ponies, a market of ponies.\n";
    let pages = [
        page(
            "/often",
            "Ponies",
            &format!("# Market\n{}", often.repeat(4)),
        ),
        page(
            "/seventeen",
            "Other",
            "# Carts\nPonies drew 17 carts from the market.\n",
        ),
        page(
            "/eighteen",
            "Other",
            "# Carts\nPonies drew 18 carts from the market.\n",
        ),
    ];
    put(index, pages.to_vec()).await;
    assert_eq!(found(index, "market ponies").await[0], "/often");
    assert_eq!(found(index, "market ponies 17").await[0], "/seventeen");
    assert_eq!(found(index, "18 market ponies").await[0], "/eighteen");
    assert_eq!(found(index, "17").await, ["/seventeen"]);
}

/// Of two pages that say as much, the one whose title holds the words side by side comes first.
pub async fn a_title_holds_the_words<I: WholeIndex>(index: &I) {
    let text = "# Top\nWild ponies of the marsh, and other animals there.\n";
    let pages = [
        page("/a", "Handbook of wild ponies", text),
        page("/b", "Wild animals and ponies too", text),
        page("/c", "Pony handbook, wild edition", text),
    ];
    put(index, pages.to_vec()).await;
    let best = hits(index, "wild ponies").await.hits;
    assert_eq!(best[0].url.path(), "/a");
    assert!(best[0].score > best[1].score + 2.0, "{best:?}");
}

/// Of two pages with the name, the one that is called so comes before the one that has a section of
/// that name, if others link to it.
pub async fn a_page_is_called_by_its_name<I: WholeIndex>(index: &I) {
    let text = "# Overview\nAll of stable.carts and what it is for.\n";
    let mentions = "# stable.carts\nAll of stable.carts, stable.carts and stable.carts.\n";
    let pages = [
        linked(3.0, page("/own", "stable.carts - Carts for ponies", text)),
        linked(4.0, page("/section", "Tree of all packages", mentions)),
    ];
    put(index, pages.to_vec()).await;
    assert_eq!(found(index, "stable.carts").await, ["/own", "/section"]);
    // Nobody links to a listing that is called the same.
    let listing = page("/listing", "stable.carts", mentions);
    put(index, vec![listing]).await;
    let found = found(index, "stable.carts").await;
    assert_eq!(found, ["/own", "/section", "/listing"]);
}

/// A question finds the page that answers it in other words; the words of the question alone do not.
pub async fn a_question_is_answered_in_other_words<I: WholeIndex>(index: &I) {
    let pages = [
        page(
            "/colour",
            "Disk one",
            "# Fonts\nThe disk holds fonts and colors of a chart.\n",
        ),
        page(
            "/delete",
            "Disk two",
            "# Files\nThe disk deletes the folders of a path.\n",
        ),
    ];
    put(index, pages.to_vec()).await;
    let question = "how do i remove a directory from the disk";
    assert_eq!(found(index, question).await, ["/delete", "/colour"]);
    let other = "which font is it that this disk has";
    assert_eq!(found(index, other).await[0], "/colour");
    let words = hits(index, "remove directory disk").await.hits;
    let apart = words[0].score - words[1].score;
    assert!(apart.abs() < 1.0, "{words:?}");
}

/// Windows of the results of a question put together are all of them, without any twice.
pub async fn windows_of_a_question_are_disjoint<I: WholeIndex>(index: &I) {
    let subjects = ["folders", "colors", "passwords", "clocks", "servers"];
    let pages = (0..45).map(|number| {
        let subject = subjects[number % subjects.len()];
        let times = "a disk of files. ".repeat(number % 7 + 1);
        let text = format!("# Number {number}\nIt deletes {subject} {times}\n");
        page(
            &format!("/{number}"),
            &format!("Page {number} of {subject}"),
            &text,
        )
    });
    put(index, pages.collect()).await;
    let question = "how do i remove a directory from the disk";
    let whole = found(index, question).await;
    assert_eq!(whole.len(), 45);
    for limit in [1, 7, 19, 20, 21, 33] {
        let mut all = Vec::new();
        for offset in (0..45).step_by(limit) {
            let query = Query {
                limit,
                offset,
                ..query(question)
            };
            let hits = fine(search_as_written(index, &query).await);
            assert_eq!(hits.total, 45);
            all.extend(hits.hits.iter().map(|hit| hit.url.path().to_owned()));
        }
        assert_eq!(all, whole, "{limit}");
    }
}
