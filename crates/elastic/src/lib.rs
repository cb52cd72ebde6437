//! Elasticsearch.
