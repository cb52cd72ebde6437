//! Refreshes by schedule: of all sites, and of those whose own interval is over.

use std::time::Duration;

use canter_aws::queue::Errand;
use canter_aws::{Rest, Steering};

use super::{Stage, message};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn a_refresh_crawls_what_has_ended_and_leaves_alone_what_was_stopped() {
    let stage = Stage::set().await;
    let first = stage.start().await;
    let function = stage.function();
    stage.to_the_end(&function).await;
    let mut stopped = stage.spec.clone();
    stopped.site.id = "stopped".into();
    let (_, other) = stage
        .steering()
        .start(&stopped, false, "shell")
        .await
        .unwrap();
    assert!(stage.steering().stop("stopped").await.unwrap().unwrap().1);
    let refresh = [message(&Errand::Refresh.encode(), 1)];
    stage.call(&function, &refresh, &[]).await;
    let standing = stage.standing().await;
    assert!(standing.crawl > first.crawl && standing.ended_ms.is_none());
    let left = stage
        .place
        .sites()
        .load_now("stopped")
        .await
        .unwrap()
        .unwrap();
    assert_eq!((left.crawl, left.rest), (other.crawl, Some(Rest::Stopped)));
    let ended = stage.to_the_end(&function).await;
    assert_eq!(ended.counts.unwrap().pages, 4);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn a_site_with_an_interval_of_its_own_is_refreshed_when_that_is_over() {
    let hour = Duration::from_secs(3_600);
    let mut stage = Stage::set().await;
    stage.spec.every = Some(hour * 24);
    let mut crawl = stage.start().await.crawl;
    let function = stage.function();
    stage.to_the_end(&function).await;
    let errand = |errand: Errand| [message(&errand.encode(), 1)];
    // Neither the schedule of all sites nor a look in time is for it.
    for errand in [errand(Errand::Refresh), errand(Errand::RefreshDue)] {
        stage.call(&function, &errand, &[]).await;
        assert_eq!(stage.standing().await.crawl, crawl);
    }
    for (later, due) in [(hour * 23, false), (hour * 24 - hour / 4, true)] {
        let clock = stage.place.clock;
        let steering = Steering::new(
            stage.place.cloud.clone(),
            std::sync::Arc::new(move || clock.now() + later),
        );
        assert_eq!(steering.refresh_due("sweep").await.unwrap(), []);
        let standing = stage.standing().await;
        assert_eq!(standing.crawl > crawl, due, "{later:?}");
        // It is the same from one crawl to the next.
        assert_eq!(standing.spec.every, Some(hour * 24));
        crawl = standing.crawl;
    }
    assert_eq!(stage.place.sites().all().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn an_errand_refreshes_what_is_due() {
    let mut stage = Stage::set().await;
    stage.spec.every = Some(Duration::from_secs(1));
    let crawl = stage.start().await.crawl;
    let function = stage.function();
    stage.to_the_end(&function).await;
    let due = [message(&Errand::RefreshDue.encode(), 1)];
    stage.call(&function, &due, &[]).await;
    assert!(stage.standing().await.crawl > crawl);
    let ended = stage.to_the_end(&function).await;
    assert_eq!(ended.counts.unwrap().pages, 4);
}
