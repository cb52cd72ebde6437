//! The index in Elasticsearch is held to the contract of the port, against the real server.

use canter_elastic::{ElasticIndex, Settings};
use canter_tests::OwnIndex;
use canter_tests::contract::{finding, index};

macro_rules! an_index {
    ($of:ident: $($name:ident)+) => {
        $(#[tokio::test] async fn $name() {
            let own = OwnIndex::new();
            let settings = Settings::new(&own.url(), None).unwrap();
            let index = ElasticIndex::open(&settings).await.unwrap();
            $of::$name(&index).await;
        })+
    };
}

an_index! {
    index:
    a_page_is_found_and_comes_back
    a_newer_version_replaces
    an_older_version_loses
    a_put_can_be_repeated
    a_deleted_page_is_gone
    writes_keep_their_order
    sites_are_apart
    words_in_quotation_marks_stand_side_by_side
    what_others_say_counts
    a_list_gives_way
    a_misspelt_word_is_understood
    empty_writes_are_fine
}

an_index! {
    finding:
    words_are_stemmed_by_their_language
    results_are_counted_by_what_they_can_be_filtered_by
    pages_that_are_nearly_the_same_are_one_result
    names_are_completed
    a_word_that_is_begun_is_completed
}
