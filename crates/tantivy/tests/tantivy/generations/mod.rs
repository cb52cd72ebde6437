//! Generations of an index in the S3 of the running stack, with pointers in its DynamoDB.

mod faults;
mod world;

use canter_core::document::Document;
use canter_core::ports::{IndexReader, IndexWriter};
use canter_ranking::query::{Hits, Query};
use canter_ranking::search::{SearchIndex, search};
use canter_tantivy::TantivyIndex;
use canter_tests::contract::index::{SITE, document};
use canter_tests::contract::{finding, index};

use crate::query;
use world::Place;

macro_rules! generations {
    ($of:ident: $($name:ident)+) => {
        $(#[tokio::test] #[ignore = "needs the servers of make test"] async fn $name() {
            let place = Place::create().await;
            $of::$name(&place.index()).await;
        })+
    };
}

canter_tests::promises_of_an_index!(generations);

async fn put(index: &impl IndexWriter, documents: Vec<Document>) {
    let (put, flushed) = tokio::join!(biased; index.put(documents), index.flush());
    assert_eq!(put, Ok(vec![]));
    flushed.unwrap();
}

async fn found(index: &impl SearchIndex, text: &str) -> Hits {
    search(index, &query(text)).await.unwrap()
}

async fn paths(index: &impl SearchIndex, text: &str) -> Vec<String> {
    crate::paths(&found(index, text).await)
}

fn pages(paths: std::ops::Range<usize>, word: &str) -> Vec<Document> {
    paths
        .map(|number| document(&format!("/{number}"), 1, word))
        .collect()
}

/// The score of a page depends on all pages of all sites, so it shows whether their segments make
/// one index.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn scores_are_those_of_one_folder() {
    let place = Place::create().await;
    let generations = place.index();
    let folder = tempfile::tempdir().unwrap();
    let whole = TantivyIndex::open(folder.path()).unwrap();
    let other = |mut document: Document| {
        document.site = "other.example".into();
        document
    };
    let mut ours = pages(0..30, "ponies");
    ours.extend(pages(30..40, "ponies and horses, which are horses"));
    let theirs: Vec<Document> = pages(0..20, "horses and a few mules")
        .into_iter()
        .map(other)
        .collect();
    for documents in [ours, theirs] {
        put(&generations, documents.clone()).await;
        put(&whole, documents).await;
    }
    for text in ["ponies", "horses mules", "page about horses", "hors"] {
        let all = Query {
            limit: 50,
            ..query(text)
        };
        let [ours, theirs] = [
            search(&generations, &all).await.unwrap(),
            search(&whole, &all).await.unwrap(),
        ];
        assert_eq!(ours.total, theirs.total);
        assert!(text == "hors" || ours.total > 0);
        let scores = |hits: &Hits| -> Vec<_> {
            let hits = hits.hits.iter();
            hits.map(|hit| (hit.url.clone(), hit.score)).collect()
        };
        assert_eq!(scores(&ours), scores(&theirs), "{text}");
    }
}

/// A refresh of one page stores a segment more and what it has deleted, and not the index again.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_refresh_adds_a_segment() {
    let place = Place::create().await;
    let index = place.index();
    put(&index, pages(0..300, "ponies")).await;
    let first = place.requests("PutObject");
    put(&index, vec![document("/7", 2, "horses")]).await;
    // A segment has six files; then come the deleted page and what the generation is made of.
    assert_eq!((first, place.requests("PutObject") - first), (7, 8));
    assert_eq!(paths(&index, "horses").await, ["/7"]);
    // Nothing has changed, so nothing is stored.
    index.flush().await.unwrap();
    assert_eq!(place.requests("PutObject"), first + 8);
    // Another process goes on with it.
    let another = place.index();
    assert_eq!(another.versions(SITE).await.unwrap().len(), 300);
    put(&another, vec![document("/8", 2, "horses")]).await;
    assert_eq!(paths(&index, "horses").await, ["/7", "/8"]);
    assert_eq!(index.versions(SITE).await.unwrap().len(), 300);
}

/// Many small publishings leave few segments, and no files of former ones after a while.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn segments_are_merged_and_files_deleted() {
    use canter_core::ports::Generations;
    let place = Place::create().await;
    let index = place.index();
    for number in 0..20 {
        put(&index, pages(number..number + 1, "ponies")).await;
    }
    let list = || async { place.generations().list(SITE).await.unwrap() };
    assert!(
        list().await.len() > 20 * 7,
        "everything is kept for an hour"
    );
    let later = std::time::Duration::from_secs(2 * 3600);
    let later = world::Whole::over(
        place.generations_at(later),
        place.generations(),
        world::PLENTY,
    );
    later.versions(SITE).await.unwrap();
    put(&later, pages(20..21, "ponies")).await;
    let names: Vec<String> = list().await.into_iter().map(|file| file.name).collect();
    let left_out = names.len();
    let generations = names.iter().filter(|name| name.ends_with(".generation"));
    assert_eq!(generations.count(), 2, "{names:?}");
    // What was left out just now stays as well.
    assert!(left_out < 20 * 7 + 20, "{left_out}");
    assert_eq!(found(&later, "ponies").await.total, 21);
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_site_is_rolled_back_and_published_again() {
    let place = Place::create().await;
    let index = place.index();
    assert_eq!(place.generations().roll_back(SITE).await, Ok(None));
    put(&index, vec![document("/a", 1, "ponies")]).await;
    assert_eq!(place.generations().roll_back(SITE).await, Ok(Some(false)));
    put(&index, vec![document("/a", 2, "horses")]).await;
    assert_eq!(place.generations().roll_back(SITE).await, Ok(Some(true)));
    assert_eq!(paths(&index, "ponies").await, ["/a"]);
    assert_eq!(paths(&index, "horses").await, [""; 0]);
    // The writer sees it too, though it has built the other one.
    let old = index.versions(SITE).await.unwrap();
    assert_eq!(
        old,
        [(document("/a", 1, "").id(), document("/a", 1, "").version)]
    );
    put(&index, vec![document("/a", 2, "horses")]).await;
    assert_eq!(paths(&index, "horses").await, ["/a"]);
    assert_eq!(place.generations().roll_back(SITE).await, Ok(Some(true)));
    assert_eq!(place.generations().roll_back(SITE).await, Ok(Some(true)));
    assert_eq!(paths(&index, "horses").await, ["/a"]);
}
