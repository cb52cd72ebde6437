//! The index in a folder is held to the contract of the port.

use canter_tantivy::TantivyIndex;
use canter_tests::contract::{asked, finding, index};

macro_rules! an_index {
    ($of:ident: $($name:ident)+) => {
        $(#[tokio::test] async fn $name() {
            let folder = tempfile::tempdir().unwrap();
            let index = TantivyIndex::open(folder.path()).unwrap();
            $of::$name(&index).await;
        })+
    };
}

canter_tests::promises_of_an_index!(an_index);
