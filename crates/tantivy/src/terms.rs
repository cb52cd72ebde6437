//! Reads the terms of pages on all cores: most of the work of indexing, beside Tantivy's own.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::available_parallelism;

use canter_core::document::Document;
use canter_ranking::terms::PageTerms;
use canter_ranking::tokenizer::Tokenizer;

/// Maximum number of threads. Tantivy adds pages on one thread, which a few of these keep busy, and each
/// has a cache of stems.
const MAX_THREADS: usize = 4;

/// Reads terms on as many threads as there are cores, up to a few.
pub(super) struct TermReader {
    tokenizers: Vec<Tokenizer>,
}

impl TermReader {
    pub(super) fn new() -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        let tokenizers = std::iter::repeat_with(Tokenizer::default);
        TermReader {
            tokenizers: tokenizers.take(cores.min(MAX_THREADS)).collect(),
        }
    }

    /// Returns the terms of documents, in their order.
    pub(super) fn read(&mut self, documents: &[Document]) -> Vec<PageTerms> {
        let next = AtomicUsize::new(0);
        let read = &|tokenizer: &mut Tokenizer| {
            let next = || next.fetch_add(1, Ordering::Relaxed);
            let numbers = std::iter::repeat_with(next).take_while(|it| *it < documents.len());
            let read = numbers.map(|it| (it, PageTerms::of(&documents[it], tokenizer)));
            read.collect::<Vec<_>>()
        };
        let mut all = std::thread::scope(|scope| {
            let tokenizers = self.tokenizers.iter_mut().take(documents.len());
            let threads = tokenizers.map(|it| scope.spawn(move || read(it)));
            let threads: Vec<_> = threads.collect();
            let read = threads.into_iter().map(|thread| thread.join());
            let read = read.map(|read| read.unwrap_or_else(|panic| resume_unwind(panic)));
            read.flatten().collect::<Vec<_>>()
        });
        all.sort_unstable_by_key(|(number, _)| *number);
        all.into_iter().map(|(_, terms)| terms).collect()
    }
}
