//! What is put is there: once, whole, in time, for every reader.

use std::io::ErrorKind;

use super::*;

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
            search_as_written(&place.index, &query(word))
                .await
                .unwrap()
                .total,
            total,
            "{word}"
        );
    }
    assert_eq!(place.index.count("example.org").await, Ok(1));
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
    done(
        &place.index,
        place.index.delete(SITE, vec![a.id(), unknown]),
    )
    .await
    .unwrap();
    assert_eq!(place.paths(query("zebra")).await, ["/b"]);
    assert_eq!(place.index.get(SITE, a.id()).await.unwrap(), None);
    place.put(vec![Document { version: 0, ..a }]).await;
    assert_eq!(
        search_as_written(&place.index, &query("zebra"))
            .await
            .unwrap()
            .total,
        2
    );
}

#[tokio::test]
async fn the_stored_form_comes_back_without_its_links() {
    let mut a = document("/a", "A", "# S\nzebra \"quoted\"\n");
    a.page.links.push(Link {
        url: "https://example.org/b".parse().unwrap(),
        fragment: Some("x".into()),
        text: "see b".into(),
        nofollow: true,
        place: Some(5..10),
    });
    let place = Place::with(vec![a.clone()]).await;
    let stored = place.index.get(SITE, a.id()).await.unwrap().unwrap();
    assert_eq!(stored.text, a.page.text);
    assert_eq!(stored.language.as_deref(), Some("en"));
    assert_eq!(stored.sections[0].anchor.as_deref(), Some("S"));
    assert_eq!(
        (stored.sections[0].start, stored.sections[0].end),
        (0, a.page.text.len())
    );
    assert_eq!(stored.links, []);
}

#[tokio::test]
async fn a_put_is_committed_in_time_without_a_flush() {
    let place = Place::new();
    let (first, second) = tokio::join!(
        place.index.put(vec![document("/a", "A", "zebra")]),
        place.index.put(vec![document("/b", "B", "zebra")]),
    );
    assert_eq!((first, second), (Ok(vec![]), Ok(vec![])));
    assert_eq!(
        search_as_written(&place.index, &query("zebra"))
            .await
            .unwrap()
            .total,
        2
    );
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
    assert_eq!((all.await, found), (Ok(()), expected));
    assert_eq!(place.index.count("example.org").await, Ok(20));
    assert_eq!(place.index.count("nothing").await, Ok(0));
    let mut seen = 0;
    let stopped = place.index.export("example.org", |_| {
        seen += 1;
        Err(Failure::permanent("full"))
    });
    assert_eq!((stopped.await, seen), (Err(Failure::permanent("full")), 1));
}

#[tokio::test]
async fn a_reader_sees_each_commit() {
    let place = Place::new();
    let reader = TantivyReader::open(place.dir.path()).unwrap();
    assert_eq!(
        search_as_written(&reader, &query("zebra"))
            .await
            .unwrap()
            .total,
        0
    );
    for page in 1..=3 {
        place
            .put(vec![document(&format!("/{page}"), "T", "zebra")])
            .await;
        assert_eq!(
            search_as_written(&reader, &query("zebra"))
                .await
                .unwrap()
                .total,
            page
        );
        assert_eq!(reader.count("example.org").await, Ok(page));
    }
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
    assert_eq!(
        search_as_written(&index, &query("zebra"))
            .await
            .unwrap()
            .total,
        1
    );
}

#[test]
fn works_without_a_runtime() {
    let dir = tempfile::tempdir().unwrap();
    let index = TantivyIndex::open(dir.path()).unwrap();
    let query = query("zebra");
    let waker = std::task::Waker::noop();
    let mut context = std::task::Context::from_waker(waker);
    let mut search = std::pin::pin!(search_as_written(&index, &query));
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
async fn an_index_that_cannot_be_used_is_replaced() {
    let unusable: [fn(&Path); 3] = [
        |dir| {
            let meta = dir.join("meta.json");
            let text = std::fs::read_to_string(&meta).unwrap();
            std::fs::write(&meta, text.replace(LAYOUT, "canter-index-0")).unwrap();
        },
        |dir| std::fs::write(dir.join("meta.json"), "{").unwrap(),
        |dir| {
            for entry in std::fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path
                    .extension()
                    .is_some_and(|it| it == "store" || it == "idx")
                {
                    std::fs::remove_file(path).unwrap();
                }
            }
        },
    ];
    for (number, spoil) in unusable.into_iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("index");
        let index = TantivyIndex::open_or_replace(&dir).unwrap();
        done(&index, index.put(vec![document("/a", "A", "zebra")]))
            .await
            .unwrap();
        drop(index);
        let index = TantivyIndex::open_or_replace(&dir).unwrap();
        assert_eq!(index.count("example.org").await, Ok(1));
        // An index that is in use is not replaced.
        let second = TantivyIndex::open_or_replace(&dir).map(drop).err();
        assert!(said(second.as_ref()).contains("another canter is writing"));
        drop(index);
        spoil(&dir);
        let index = TantivyIndex::open_or_replace(&dir).unwrap();
        assert_eq!(index.count("example.org").await, Ok(0), "{number}");
        done(&index, index.put(vec![document("/b", "B", "zebra")]))
            .await
            .unwrap();
        assert_eq!(index.count("example.org").await, Ok(1));
        let names = std::fs::read_dir(folder.path()).unwrap();
        assert_eq!(names.count(), 1, "the old index is still there");
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
        place.index.delete(SITE, vec![document("/a", "", "").id()]),
        place.index.flush(),
    );
    for told in [first.map(drop), second, flushed] {
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
    // What a killed process leaves behind: committed files, and others half written.
    let left = loop {
        let place = Place::with(vec![document("/a", "A", "zebra")]).await;
        let meta = || std::fs::read(place.dir.path().join("meta.json")).unwrap();
        let committed = meta();
        let put = futures_once(place.index.put(vec![document("/b", "B", "zebra")])).await;
        assert!(put.is_none());
        let left = tempfile::tempdir().unwrap();
        match copy(place.dir.path(), left.path()) {
            Ok(()) if meta() == committed => break left,
            // The copy took longer than the wait of the next commit: take another one.
            Ok(()) => {}
            // A temporary file vanished: take another copy, as a backup does.
            Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound),
        }
    };
    std::fs::write(
        left.path().join("0123456789abcdef0123456789abcdef.idx"),
        b"half",
    )
    .unwrap();
    let index = TantivyIndex::open(left.path()).unwrap();
    assert_eq!(
        paths(&search_as_written(&index, &query("zebra")).await.unwrap()),
        ["/a"]
    );
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
    done(&index, index.delete(SITE, vec![gone])).await.unwrap();
    drop(index);
    // Killed between its files and the commit that names them.
    std::fs::write(&meta, before).unwrap();
    let index = TantivyIndex::open(dir.path()).unwrap();
    assert_eq!(
        search_as_written(&index, &query("zebra"))
            .await
            .unwrap()
            .total,
        5
    );
    done(&index, index.delete(SITE, vec![gone])).await.unwrap();
    assert_eq!(
        search_as_written(&index, &query("zebra"))
            .await
            .unwrap()
            .total,
        4
    );
}
