//! The bucket of a stack: the few requests that the archive and an index without a server make of it.

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Config;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use canter_core::failure::Failure;
use canter_core::time::Moment;

use super::kept_objects::KeptObjects;
use crate::cloud::{ATTEMPT, Cloud};
use crate::failure::{failure, service};

/// Maximum number of objects that one request deletes.
const DELETED: usize = 1_000;
/// Bytes a second below which the upload of a file counts as stuck.
const SLOWEST: u64 = 4 << 20;

/// The bucket. Clones share connections and the objects in memory.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    s3: Client,
    name: String,
    kept: KeptObjects,
}

/// An object, as a list has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Object {
    pub(crate) key: String,
    pub(crate) bytes: u64,
    /// When it was last put, by the clock of S3, to the second.
    pub(crate) put: Moment,
}

impl Bucket {
    pub(crate) fn of(cloud: &Cloud) -> Self {
        Bucket {
            s3: cloud.s3.clone(),
            name: cloud.names.bucket.clone(),
            kept: KeptObjects::default(),
        }
    }

    /// What messages call it.
    fn what(&self) -> String {
        format!("the bucket {}", self.name)
    }

    /// Stores an object. It is durable when the call resolves.
    pub(crate) async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<(), Failure> {
        let put = self.s3.put_object().bucket(&self.name).key(key);
        let put = put.body(ByteStream::from(bytes)).send().await;
        put.map_err(|error| failure(error, &self.what()))?;
        Ok(())
    }

    /// Stores a file as an object. It is durable when the call resolves.
    pub(crate) async fn upload(&self, key: &str, file: &Path) -> Result<(), Failure> {
        let body = ByteStream::from_path(file).await.map_err(|error| {
            let unread = format!("{} cannot be read: {error}", file.display());
            Failure::transient(unread).with_source(error)
        })?;
        let bytes = body.size_hint().0;
        let limit = TimeoutConfig::builder()
            .operation_attempt_timeout(ATTEMPT + Duration::from_secs(bytes / SLOWEST))
            .build();
        let put = self.s3.put_object().bucket(&self.name).key(key).body(body);
        let put = put
            .customize()
            .config_override(Config::builder().timeout_config(limit));
        let put = put.send().await;
        put.map_err(|error| failure(error, &self.what()))?;
        Ok(())
    }

    /// Reads a part of an object; none if the object does not exist or ends before the part does.
    pub(crate) async fn get(
        &self,
        key: &str,
        part: Range<u64>,
    ) -> Result<Option<Vec<u8>>, Failure> {
        if let Some(part) = self.kept.part(key, &part) {
            return Ok(part);
        }
        let range = format!("bytes={}-{}", part.start, part.end.saturating_sub(1));
        let read = self.read(key, Some(range)).await?;
        Ok(read.filter(|read| read.len() as u64 == part.end - part.start))
    }

    /// Keeps an object in memory if there is room, so that reads of its parts are no requests.
    pub(crate) async fn keep(&self, key: &str) -> Result<(), Failure> {
        if !self.kept.contains(key)
            && self.kept.has_room()
            && let Some(content) = self.read(key, None).await?
        {
            self.kept.add(key, content);
        }
        Ok(())
    }

    /// Keeps the objects whose keys begin with a prefix no longer in memory.
    pub(super) fn release(&self, prefix: &str) {
        self.kept.release(prefix);
    }

    /// Keeps only objects whose keys begin with a prefix in memory.
    pub(super) fn release_others(&self, prefix: &str) {
        self.kept.release_others(prefix);
    }

    /// Reads an object or a range of it; none if it does not exist.
    pub(crate) async fn read(
        &self,
        key: &str,
        range: Option<String>,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let get = self.s3.get_object().bucket(&self.name).key(key);
        let answer = match get.set_range(range).send().await {
            Ok(answer) => answer,
            Err(error) if matches!(error.code(), Some("NoSuchKey" | "InvalidRange")) => {
                return Ok(None);
            }
            Err(error) => return Err(failure(error, &self.what())),
        };
        let body = answer.body.collect().await.map_err(|error| {
            let broken = format!("{} broke off an answer: try again ({error})", self.what());
            Failure::transient(broken).with_source(error)
        })?;
        Ok(Some(body.to_vec()))
    }

    /// Lists the objects whose keys begin with a prefix, in the order of their keys.
    pub(crate) async fn list(&self, prefix: &str) -> Result<Vec<Object>, Failure> {
        let list = self.s3.list_objects_v2().bucket(&self.name).prefix(prefix);
        let mut pages = list.into_paginator().send();
        let mut objects = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| failure(error, &self.what()))?;
            for object in page.contents() {
                let put = object.last_modified().map_or(0, |put| put.secs());
                let put = Duration::from_secs(u64::try_from(put).unwrap_or_default());
                objects.push(Object {
                    key: object.key().unwrap_or_default().to_owned(),
                    bytes: object.size().and_then(|it| it.try_into().ok()).unwrap_or(0),
                    put: Moment::from_millis(0) + put,
                });
            }
        }
        Ok(objects)
    }

    /// Deletes objects. Those that do not exist are fine.
    pub(crate) async fn delete(&self, keys: Vec<String>) -> Result<(), Failure> {
        for keys in keys.chunks(DELETED) {
            let keys = keys.iter().map(|key| ObjectIdentifier::builder().key(key));
            let keys: Result<_, _> = keys.map(|key| key.build()).collect();
            let keys = keys.map_err(Failure::permanent)?;
            let delete = Delete::builder().set_objects(Some(keys)).quiet(true);
            let delete = delete.build().map_err(Failure::permanent)?;
            let deleted = self.s3.delete_objects().bucket(&self.name).delete(delete);
            let deleted = deleted.send().await;
            let deleted = deleted.map_err(|error| failure(error, &self.what()))?;
            if let Some(error) = deleted.errors().first() {
                let code = error.code().unwrap_or_default();
                let said = error.message().unwrap_or("no reason given");
                return Err(service(code, None, said, &self.what()));
            }
        }
        Ok(())
    }
}

/// Creates the bucket of a stack on one machine.
///
/// # Errors
///
/// Returns the failure of S3.
pub async fn create_bucket(cloud: &Cloud) -> Result<(), Failure> {
    let bucket = Bucket::of(cloud);
    let created = bucket.s3.create_bucket().bucket(&bucket.name).send().await;
    created.map_err(|error| failure(error, &bucket.what()))?;
    Ok(())
}

/// Deletes the bucket of a stack on one machine, with all of its objects.
///
/// # Errors
///
/// Returns the failure of S3.
pub async fn delete_bucket(cloud: &Cloud) -> Result<(), Failure> {
    let bucket = Bucket::of(cloud);
    let objects = bucket.list("").await?.into_iter();
    bucket
        .delete(objects.map(|object| object.key).collect())
        .await?;
    let deleted = bucket.s3.delete_bucket().bucket(&bucket.name).send().await;
    deleted.map_err(|error| failure(error, &bucket.what()))?;
    Ok(())
}
