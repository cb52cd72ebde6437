//! Long values as gzipped JSON.

use std::io::Write;

use canter_core::failure::Failure;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Maximum bytes of a packed value, which leave room for the rest of an item of 400 KB.
pub(crate) const MAX_PACKED: usize = 390_000;

pub(crate) fn pack<T: Serialize>(value: &T) -> Result<Vec<u8>, Failure> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    let json = serde_json::to_vec(value).map_err(Failure::permanent)?;
    packed.write_all(&json).map_err(Failure::permanent)?;
    packed.finish().map_err(Failure::permanent)
}

/// Reads what [`pack`] wrote; none for a value that another version of canter wrote differently.
pub(crate) fn unpack<T: DeserializeOwned>(packed: &[u8]) -> Option<T> {
    serde_json::from_reader(GzDecoder::new(packed)).ok()
}
