//! Outages of the site.

use std::collections::BTreeSet;

use canter_core::task::UrlKey;
use canter_tests::Answer;

use super::{Stage, text};

async fn is_held(answer: impl Fn(&str) -> Answer, reason: &str) -> Stage {
    let stage = Stage::set(51).await;
    let first = stage.crawl().await;
    assert_eq!(stage.shown().await, stage.paths);
    let changes = first.changes.unwrap();
    assert_eq!((changes.new.count, first.held), (51, None));
    stage.answer(answer);
    let refresh = stage.crawl().await;
    let held = refresh.held.unwrap();
    assert_eq!((held.lost, held.of), (50, 51), "{held:?}");
    assert!(held.reason.contains(reason), "{held:?}");
    assert_eq!(held.examples.len(), 10);
    assert!(refresh.ended_ms.is_some());
    assert_eq!(stage.shown().await, stage.paths);
    assert_eq!(stage.says("Original").await, 50);
    stage
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn a_page_that_excuses_itself_replaces_nothing() {
    let sorry = |path: &str| {
        let token = UrlKey::hash(path.as_bytes());
        Answer::html(format!(
            "<title>Back soon</title><main><p>We are working on this site, and it will be back in \
             some minutes. Please come again later, or write to us if you cannot wait until then. \
             Your request has the number {token}.</main>"
        ))
    };
    let stage = is_held(sorry, "the same").await;
    // The site is back.
    stage.answer(|path| Answer::html(text(path)));
    let back = stage.crawl().await;
    assert_eq!(back.held, None);
    assert!(back.changes.unwrap().is_empty());
    assert_eq!(stage.says("Original").await, 50);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn a_template_that_names_the_start_page_everywhere_folds_nothing() {
    let canonical = |path: &str| Answer::html(format!("<link rel=canonical href=/>{}", text(path)));
    is_held(canonical, "canonical").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn what_is_held_is_published_on_an_errand() {
    let noindex =
        |path: &str| Answer::html(format!("<meta name=robots content=noindex>{}", text(path)));
    let stage = is_held(noindex, "not to be indexed").await;
    let visits = stage.site.log().all().len();
    let sent = stage.steering().publish(&stage.spec.site.id).await;
    assert!(matches!(sent, Ok(Some((_, true)))), "{sent:?}");
    stage.run_errand().await;
    assert_eq!(stage.shown().await, BTreeSet::from(["/".to_owned()]));
    let standing = stage.standing().await;
    assert_eq!(standing.held, None);
    assert_eq!(standing.changes.unwrap().withdrawn.count, 50);
    assert_eq!(stage.site.log().all().len(), visits);
    assert_eq!(stage.place.errands().await, []);
}

/// Answers that say nothing of the pages, or may be a mistake, take nothing out and hold nothing.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn what_says_nothing_of_the_pages_takes_nothing_out() {
    type Outage = (&'static str, fn(&str) -> Answer);
    let outages: [Outage; 6] = [
        ("a redirect to an apology", |_| {
            Answer::status(302).header("Location", "/sorry")
        }),
        ("a redirect to a login", |path| {
            Answer::status(302).header("Location", &format!("/login?next={path}"))
        }),
        ("an error of the server", |_| Answer::status(500)),
        ("403 for all", |_| Answer::status(403)),
        ("half of the pages missing", |path| match path.len() {
            2 => Answer::html(text(path)),
            _ => Answer::status(404),
        }),
        ("a robots.txt that disallows all", |path| {
            Answer::html(text(path))
        }),
    ];
    for (name, answer) in outages {
        let stage = Stage::set(51).await;
        stage.crawl().await;
        for path in ["/sorry", "/login"] {
            let sorry = "<title>Sorry</title><p>Come again later.";
            stage.site.set(path, Answer::html(sorry));
        }
        if name.starts_with("a robots.txt") {
            let nobody = "User-agent: *\nDisallow: /\n";
            stage.site.set("/robots.txt", Answer::text(nobody));
            stage.forget_robots().await;
        }
        stage.answer(answer);
        let refresh = stage.crawl().await;
        assert_eq!(refresh.held, None, "{name}");
        let shown = stage.shown().await;
        assert!(stage.paths.is_subset(&shown), "{name}: {shown:?}");
        assert_eq!(stage.says("Original").await, 50, "{name}");
    }
}

/// Pages without a text of their own hold the refresh.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn empty_pages_and_those_of_a_parked_domain_replace_nothing() {
    is_held(|_| Answer::html(""), "the same").await;
    let parked = "<title>For sale</title><p>This name is for sale. Ask for its price.";
    is_held(|_| Answer::html(parked), "the same").await;
}
