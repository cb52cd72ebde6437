//! An index without a server: generations of files in a bucket.
//!
//! Each site has an index of its own, so that two sites can be published at the same time.
//! [`GenerationsIndex`] builds it in a folder of this machine, stores the files that are new, and
//! moves the site's pointer. [`GenerationsReader`] reads the segments of all sites as one index, so
//! that scores are those of a folder that holds them all. A segment's files never change and have
//! names of their own, so a refresh stores a segment more and not the index again.

mod builder;
mod directory;
mod garbage;
mod manifest;
mod mirror;
mod mirrored_file;
mod reader;
mod writer;

pub(crate) use directory::ReadOnlyDirectory;
pub use reader::GenerationsReader;
pub use writer::GenerationsIndex;

/// Where files of generations are kept on this machine.
#[derive(Debug, Clone)]
pub struct Room {
    /// A folder that no other process uses. What is in it may be deleted.
    pub dir: std::path::PathBuf,
    /// Maximum size of what is kept there, in bytes.
    pub bytes: u64,
}
