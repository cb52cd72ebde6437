//! The page store: it has a row for each URL of a site; one parent claims the row, and it ends
//! once.

use canter_core::ports::{Claim, Claimed, Finish, Frontier, Known, Pages};
use canter_core::task::{Kind, Outcome, Skip, UrlKey};
use std::time::Duration;

use super::{Crawl, fine, indexed, link, paths, url};

/// A link that two parents find at the same time becomes the task of one of them.
pub async fn one_link_has_one_parent<P: Pages + Frontier>(pages: &P, crawl: &Crawl) {
    let (a, b) = (crawl.task("/a"), crawl.task("/b"));
    for n in 0..20 {
        let links = || vec![link(&format!("/x{n}")), link(&format!("/y{n}"))];
        let (one, other) = tokio::join!(pages.claim(&a, links()), pages.claim(&b, links()));
        let (one, other) = (fine(one).tasks, fine(other).tasks);
        assert_eq!(one.len() + other.len(), 2, "{one:?} {other:?}");
        fine(
            pages
                .push([one.clone(), other.clone()].concat(), Duration::ZERO)
                .await,
        );
        for (parent, had) in [(&a, one), (&b, other)] {
            let again = fine(pages.claim(parent, links()).await).tasks;
            assert!(
                again.iter().all(|task| had.contains(task)),
                "{again:?} of {had:?}"
            );
        }
    }
}

/// A task has the fields of its claim.
pub async fn a_claim_becomes_a_task<P: Pages>(pages: &P, crawl: &Crawl) {
    let parent = crawl.task("/parent");
    let claim = Claim {
        depth: 3,
        redirects: 2,
        kind: Kind::Sitemap,
        ..link("/child")
    };
    let tasks = fine(pages.claim(&parent, vec![claim]).await).tasks;
    let [task] = tasks.as_slice() else {
        panic!("{tasks:?}");
    };
    assert_eq!((task.depth, task.redirects, task.attempts), (3, 2, 0));
    assert_eq!(task.kind, Kind::Sitemap);
    assert_eq!(
        (&task.url, &task.parent),
        (&url("/child"), &Some(url("/parent")))
    );
    assert_eq!((&task.site, task.crawl), (&crawl.site, crawl.crawl));
}

/// A parent that died between claiming and pushing gets its children again; no other parent does.
pub async fn a_parent_that_died_claims_again<P: Pages>(pages: &P, crawl: &Crawl) {
    let (parent, other) = (crawl.task("/parent"), crawl.task("/other"));
    let links = || vec![link("/1"), link("/2")];
    assert_eq!(
        paths(&fine(pages.claim(&parent, links()).await).tasks),
        ["/1", "/2"]
    );
    assert_eq!(fine(pages.claim(&other, links()).await).tasks, []);
    // A parent is identified by its URL and crawl, not by its number of attempts.
    let again = canter_core::task::Task {
        attempts: 2,
        ..parent.clone()
    };
    assert_eq!(
        paths(&fine(pages.claim(&again, links()).await).tasks),
        ["/1", "/2"]
    );
}

/// A link that another parent has claimed is settled when it is finished, and not before it was
/// pushed. A settled link is never asked for again, but that parent may still claim it again.
pub async fn what_nobody_has_pushed_is_not_settled<P: Pages>(pages: &P, crawl: &Crawl) {
    let (parent, other) = (crawl.task("/parent"), crawl.task("/other"));
    let deep = Claim {
        skip: Some(Skip::TooDeep),
        ..link("/deep")
    };
    let links = || vec![link("/1"), link("/2"), deep.clone()];
    let first = fine(pages.claim(&parent, links()).await);
    assert_eq!((paths(&first.tasks).len(), first.settled.len()), (2, 0));
    let none = fine(pages.claim(&other, links()).await);
    assert_eq!(none, Claimed::default());
    fine(pages.finish(&first.tasks[0], indexed("1")).await);
    let ended = UrlKey::of(&first.tasks[0].url);
    for parent in [&other, &parent] {
        let again = fine(pages.claim(parent, links()).await);
        assert_eq!(again.settled, [ended]);
    }
    let trap = Claim {
        skip: Some(Skip::LongUrl),
        ..link("/long")
    };
    let skipped = fine(pages.claim(&parent, vec![trap.clone()]).await);
    assert_eq!(skipped.settled, [UrlKey::of(&trap.url)]);
}

/// A finished page does not become a task again in the same crawl.
pub async fn a_finished_page_is_not_claimed<P: Pages>(pages: &P, crawl: &Crawl) {
    let parent = crawl.task("/parent");
    let tasks = fine(pages.claim(&parent, vec![link("/1")]).await).tasks;
    fine(pages.finish(&tasks[0], indexed("1")).await);
    assert_eq!(fine(pages.claim(&parent, vec![link("/1")]).await).tasks, []);
    assert_eq!(fine(pages.begin(&tasks[0]).await), None);
}

/// Ending a task twice is no error, and the first outcome stays.
pub async fn the_first_end_stays<P: Pages>(pages: &P, crawl: &Crawl) {
    let task = one(pages, crawl, "/1").await;
    fine(pages.finish(&task, indexed("first")).await);
    fine(pages.finish(&task, indexed("second")).await);
    let next = one(pages, &crawl.newer(), "/1").await;
    let known = fine(pages.begin(&next).await);
    assert_eq!(known, Some(indexed("first").known));
}

/// A newer crawl takes over the pages of an older one, with the known state of each.
pub async fn a_newer_crawl_claims_anew<P: Pages>(pages: &P, crawl: &Crawl) {
    let task = one(pages, crawl, "/1").await;
    assert_eq!(fine(pages.begin(&task).await), Some(Known::default()));
    fine(pages.finish(&task, indexed("1")).await);
    let next = one(pages, &crawl.newer(), "/1").await;
    assert_eq!(next.crawl, crawl.crawl + 1);
    assert_eq!(fine(pages.begin(&next).await), Some(indexed("1").known));
}

/// A task of an older crawl is dropped: it neither begins nor ends, and claims no page of a newer
/// crawl.
pub async fn an_older_crawl_does_nothing<P: Pages>(pages: &P, crawl: &Crawl) {
    let old = one(pages, &crawl.older(), "/1").await;
    let new = one(pages, crawl, "/1").await;
    assert_eq!(fine(pages.begin(&old).await), None);
    fine(pages.finish(&old, indexed("old")).await);
    assert_eq!(fine(pages.begin(&new).await), Some(Known::default()));
    let parent = crawl.older().task("/parent");
    assert_eq!(fine(pages.claim(&parent, vec![link("/1")]).await).tasks, []);
}

/// A claim that is marked to be skipped ends at once and becomes no task.
pub async fn a_skipped_claim_ends_at_once<P: Pages>(pages: &P, crawl: &Crawl) {
    let skipped = Claim {
        skip: Some(Skip::LongUrl),
        ..link("/long")
    };
    let parent = crawl.task("/parent");
    assert_eq!(fine(pages.claim(&parent, vec![skipped]).await).tasks, []);
    assert_eq!(
        fine(pages.claim(&parent, vec![link("/long")]).await).tasks,
        []
    );
    assert_eq!(fine(pages.begin(&crawl.task("/long")).await), None);
}

/// A page that was too deep for one parent, or part of a trap, becomes a task when another parent
/// names it for which it is neither.
pub async fn another_parent_overrules_a_provisional_skip<P: Pages>(pages: &P, crawl: &Crawl) {
    for skip in Skip::provisional() {
        let path = format!("/{}", skip.name());
        let skipped = || Claim {
            skip: Some(skip),
            ..link(&path)
        };
        let first = fine(pages.claim(&crawl.task("/far"), vec![skipped()]).await);
        assert_eq!(first, Claimed::default());
        let tasks = fine(pages.claim(&crawl.task("/near"), vec![link(&path)]).await).tasks;
        assert_eq!(paths(&tasks), [path.as_str()]);
        fine(pages.claim(&crawl.task("/far"), vec![skipped()]).await);
        assert_eq!(fine(pages.begin(&tasks[0]).await), Some(Known::default()));
    }
    // All other reasons are the last word.
    for skip in Skip::ALL.into_iter().filter(|it| !it.is_provisional()) {
        let path = format!("/{}", skip.name());
        let skipped = Claim {
            skip: Some(skip),
            ..link(&path)
        };
        fine(pages.claim(&crawl.task("/far"), vec![skipped]).await);
        let claimed = fine(pages.claim(&crawl.task("/near"), vec![link(&path)]).await);
        assert_eq!(
            (claimed.tasks, claimed.settled.len()),
            (vec![], 1),
            "{path}"
        );
    }
}

/// A link that occurs twice in one claim becomes one task; a claim without links is no error.
pub async fn doubled_links_are_one<P: Pages + Frontier>(pages: &P, crawl: &Crawl) {
    let parent = crawl.task("/parent");
    assert_eq!(fine(pages.claim(&parent, Vec::new()).await).tasks, []);
    let tasks = fine(pages.claim(&parent, vec![link("/1"), link("/1")]).await).tasks;
    let mut urls: Vec<_> = tasks.iter().map(|task| task.url.clone()).collect();
    urls.dedup();
    assert_eq!(urls, [url("/1")]);
}

/// Every outcome can be stored, regardless of the characters in its text.
pub async fn every_outcome_is_kept<P: Pages>(pages: &P, crawl: &Crawl) {
    let outcomes = [
        Outcome::Unchanged,
        Outcome::Duplicate { of: url("/0") },
        Outcome::Redirected { to: url("/0") },
        Outcome::Listed {
            urls: 50_000,
            left_out: 3,
            whole: false,
        },
        Outcome::Gone { status: 410 },
        Skip::Robots.into(),
        Outcome::Skipped {
            reason: Skip::LeavesSite,
            to: Some(url("/0")),
        },
        Outcome::Failed {
            why: "'; DROP TABLE url; -- \u{0} \u{1F600}".into(),
        },
    ];
    for (number, outcome) in outcomes.into_iter().enumerate() {
        let task = one(pages, crawl, &format!("/{number}")).await;
        let finish = Finish {
            outcome,
            ..indexed("x")
        };
        fine(pages.finish(&task, finish).await);
        assert_eq!(fine(pages.begin(&task).await), None);
    }
}

/// Returns a task that its parent has claimed.
async fn one<P: Pages>(pages: &P, crawl: &Crawl, path: &str) -> canter_core::task::Task {
    let tasks = fine(pages.claim(&crawl.task("/parent"), vec![link(path)]).await).tasks;
    assert_eq!(paths(&tasks), [path]);
    tasks.into_iter().next().unwrap()
}
