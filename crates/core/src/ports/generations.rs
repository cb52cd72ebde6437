//! An index as files that any process can read: where no server holds the index.
//!
//! A generation of a site's index is a list of files that never change. A pointer names the
//! generation that searches read, and moves in one step. A generation is built beside the one that
//! it replaces, so whatever dies on the way leaves the old one answering.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use crate::failure::Failure;

/// The generations that a site's index can be read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer {
    /// Name of the generation that searches read.
    pub current: String,
    /// Name of the one before it, to which the index can be rolled back.
    pub previous: Option<String>,
}

/// A file of a site, as a list has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptFile {
    /// Its name.
    pub name: String,
    /// Time since it was put, to the second.
    pub age: Duration,
}

/// The files of all generations, and the pointers to them.
pub trait Generations: Send + Sync + 'static {
    /// Returns the pointer of each site that has an index.
    fn pointers(&self) -> impl Future<Output = Result<BTreeMap<String, Pointer>, Failure>> + Send;

    /// Moves the pointer of a site if it is still `from`, where `None` stands for a site without an
    /// index. Returns whether it is `to` now.
    fn point(
        &self,
        site: &str,
        from: Option<&Pointer>,
        to: &Pointer,
    ) -> impl Future<Output = Result<bool, Failure>> + Send;

    /// Reads a part of a file; none if the file does not exist or ends before the part does.
    fn read(
        &self,
        site: &str,
        name: &str,
        part: Range<u64>,
    ) -> impl Future<Output = Result<Option<Vec<u8>>, Failure>> + Send;

    /// Reads a whole file; none if it does not exist.
    fn read_whole(
        &self,
        site: &str,
        name: &str,
    ) -> impl Future<Output = Result<Option<Vec<u8>>, Failure>> + Send;

    /// Stores content under a new name. It is durable when the call resolves.
    fn write(
        &self,
        site: &str,
        name: &str,
        content: Vec<u8>,
    ) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Stores a file of this machine under a new name. It is durable when the call resolves.
    fn upload(
        &self,
        site: &str,
        name: &str,
        file: &Path,
    ) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Lists the files of a site.
    fn list(&self, site: &str) -> impl Future<Output = Result<Vec<KeptFile>, Failure>> + Send;

    /// Deletes files of a site. Those that do not exist are fine.
    fn delete(
        &self,
        site: &str,
        names: Vec<String>,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}
