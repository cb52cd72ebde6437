//! Writes pages from the archive into the index, many at a time.

use futures_util::StreamExt;
use futures_util::future::{Either, FutureExt, join, select};
use futures_util::stream::FuturesUnordered;

use crate::document::{Document, Write};
use crate::failure::Failure;
use crate::inlinks::Inlinks;
use crate::ports::{Archive, Boxed, IndexWriter, Refused};
use crate::task::{Outcome, UrlKey};

use super::row::{Kept, Mark, PageRow, Published, PublishedPages, UNCOUNTED};

/// Number of pages of one write.
const PAGES: usize = 64;

/// A write under way, which gives the marks of its rows.
type Put<'a> = Boxed<'a, Result<Vec<(UrlKey, Mark)>, Failure>>;

/// Pages on their way into the index.
pub(super) struct Writer<'a, P, A, I> {
    site: &'a str,
    pages: &'a P,
    archive: &'a A,
    index: &'a I,
    waiting: Vec<Waiting>,
    under_way: FuturesUnordered<Put<'a>>,
}

/// A page that waits to be read from the archive.
struct Waiting {
    key: UrlKey,
    published: Published,
    inlinks: Inlinks,
}

impl<'a, P, A, I> Writer<'a, P, A, I>
where
    P: PublishedPages,
    A: Archive,
    I: IndexWriter,
{
    pub(super) fn new(site: &'a str, pages: &'a P, archive: &'a A, index: &'a I) -> Self {
        Writer {
            site,
            pages,
            archive,
            index,
            waiting: Vec::new(),
            under_way: FuturesUnordered::new(),
        }
    }

    /// Writes a page. `inlinks` is none if they are not counted yet, and `there` is the number of
    /// the write that the index holds.
    pub(super) async fn write(
        &mut self,
        row: &PageRow,
        kept: &Kept,
        inlinks: Option<Inlinks>,
        there: Option<u64>,
    ) -> Result<(), Failure> {
        let known = row.published.as_ref().map(|published| published.write);
        self.waiting.push(Waiting {
            key: UrlKey::of(&row.url),
            published: Published {
                kept: kept.clone(),
                write: next(kept.fingerprint.version, known.max(there)),
                inlinks: inlinks.as_ref().map_or(UNCOUNTED, Inlinks::digest),
            },
            inlinks: inlinks.unwrap_or_default(),
        });
        if self.waiting.len() >= PAGES {
            self.send().await?;
        }
        Ok(())
    }

    /// Returns whether the next page is the first of a batch.
    pub(super) fn is_due(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Waits until all pages are durable and their rows are marked.
    pub(super) async fn end(&mut self) -> Result<(), Failure> {
        self.send().await?;
        self.settle().await
    }

    /// Reads the pages that wait and hands them to the index.
    async fn send(&mut self) -> Result<(), Failure> {
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.is_empty() {
            return Ok(());
        }
        let places: Vec<_> = waiting
            .iter()
            .map(|it| it.published.kept.place.clone())
            .collect();
        let (index, archive, site) = (self.index, self.archive, self.site);
        let found = self.meanwhile(Box::pin(async move {
            index.has_room().await;
            archive.get(site, &places).await
        }));
        let found = found.await??;
        let (mut documents, mut marks) = (Vec::new(), Vec::new());
        for (waiting, page) in waiting.into_iter().zip(found) {
            let Some(page) = page else {
                marks.push((waiting.key, UrlKey([0; 16]), Mark::Lost));
                continue;
            };
            let document = page.document(waiting.published.write, waiting.inlinks);
            let id = document.id();
            documents.push(document);
            marks.push((waiting.key, id, Mark::Shown(waiting.published)));
        }
        let mut put = Box::pin(put(self.site, self.index, documents, marks)) as Boxed<'a, _>;
        // The index takes the pages in the order of the calls.
        if let Some(done) = (&mut put).now_or_never() {
            self.pages.mark(done?).await?;
        } else {
            self.under_way.push(put);
        }
        Ok(())
    }

    /// Waits for work while the writes under way go on, and marks the rows of those that end. They
    /// come first: a write that waits for the index may be what the work waits for.
    async fn meanwhile<T>(&mut self, mut work: Boxed<'a, T>) -> Result<T, Failure> {
        while !self.under_way.is_empty() {
            match select(self.under_way.next(), &mut work).await {
                Either::Left((Some(done), _)) => self.pages.mark(done?).await?,
                Either::Left((None, _)) => {}
                Either::Right((worked, _)) => return Ok(worked),
            }
        }
        Ok(work.await)
    }

    /// Makes all pages under way durable and marks their rows.
    async fn settle(&mut self) -> Result<(), Failure> {
        while !self.under_way.is_empty() {
            let index = self.index;
            self.meanwhile(Box::pin(index.flush())).await??;
            if let Some(done) = self.under_way.next().await {
                self.pages.mark(done?).await?;
            }
        }
        Ok(())
    }
}

/// Puts documents, and returns the marks of their rows.
async fn put(
    site: &str,
    index: &impl IndexWriter,
    documents: Vec<Document>,
    marks: Vec<(UrlKey, UrlKey, Mark)>,
) -> Result<Vec<(UrlKey, Mark)>, Failure> {
    let refused: Vec<Refused> = match documents.is_empty() {
        true => Vec::new(),
        false => index.put(documents).await?,
    };
    if !refused.is_empty() {
        // An older version must not stay in the place of the one that is not taken.
        let ids = refused.iter().map(|refused| refused.id).collect();
        let (deleted, flushed) = join(index.delete(site, ids), index.flush()).await;
        deleted.and(flushed)?;
    }
    let marks = marks.into_iter().map(|(key, id, mark)| {
        match refused.iter().find(|refused| refused.id == id) {
            Some(refused) => {
                let why = format!("the index does not take it: {}", refused.why);
                (key, Mark::Out(Some(Outcome::Failed { why })))
            }
            None => (key, mark),
        }
    });
    Ok(marks.collect())
}

/// Returns the number of the next write of a version, after one that the index may hold.
fn next(version: u64, before: Option<u64>) -> u64 {
    let first = Write { version, pass: 0 }.number();
    before.map_or(first, |before| first.max(before.saturating_add(1)))
}

#[cfg(test)]
mod tests;
