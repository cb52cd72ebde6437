//! The index in Elasticsearch is held to the contract of the port, against the real server.

use canter_elastic::{ElasticIndex, Settings};
use canter_tests::OwnIndex;
use canter_tests::contract::{asked, finding, index};

macro_rules! an_index {
    ($of:ident: $($name:ident)+) => {
        $(#[tokio::test]
        #[ignore = "needs the servers of make test"]
        async fn $name() {
            let own = OwnIndex::new();
            let settings = Settings::new(&own.url(), None).unwrap();
            let index = ElasticIndex::open(&settings).await.unwrap();
            $of::$name(&index).await;
        })+
    };
}

canter_tests::promises_of_an_index!(an_index);
