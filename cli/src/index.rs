//! The index of a command: the folder's own, or one in Elasticsearch.

use std::borrow::Cow;
use std::env;

use canter_core::completion::{Beginning, Named};
use canter_core::document::{Document, Stored};
use canter_core::failure::Failure;
use canter_core::ports::{Catalog, Index, Refused};
use canter_core::query::{Hits, Query};
use canter_core::task::UrlKey;
use canter_elastic::{ElasticIndex, Settings};
use canter_embedded::folder::Folder;
use canter_embedded::index::{PageLink, TantivyIndex, TantivyReader};
use canter_embedded::store::report;
use url::Url;

/// The variable of the environment that holds the key of an Elasticsearch server.
const API_KEY: &str = "CANTER_INDEX_API_KEY";

/// An index, wherever it is.
pub enum AnyIndex {
    /// The folder's own, which this process writes.
    Own(TantivyIndex),
    /// The folder's own, which another process may be writing.
    Read(TantivyReader),
    /// One in Elasticsearch.
    Server(ElasticIndex),
}

impl AnyIndex {
    /// Opens the index of a server, else the folder's own, for writing.
    pub async fn open(folder: &Folder, server: Option<&Url>) -> Result<Self, Failure> {
        Ok(match server {
            Some(url) => AnyIndex::Server(ElasticIndex::open(&settings(url)?).await?),
            None => AnyIndex::Own(TantivyIndex::open(&folder.index())?),
        })
    }

    /// Opens the folder's own index for reading.
    pub fn read(folder: &Folder) -> Result<Self, Failure> {
        TantivyReader::open(&folder.index()).map(AnyIndex::Read)
    }

    /// As [`AnyIndex::read`], for whoever named no server: where the pages are in one, the failure
    /// says so.
    pub fn read_own(folder: &Folder) -> Result<Self, Failure> {
        Self::read(folder).map_err(|failure| {
            let sites = report(folder).unwrap_or_default();
            match sites.iter().find_map(|site| site.server.as_deref()) {
                Some(server) => Failure::permanent(format!(
                    "the pages of this folder's sites are in {server}: add --index {server}"
                )),
                None => failure,
            }
        })
    }

    /// Opens the index of a server for reading.
    pub async fn read_from(server: &Url) -> Result<Self, Failure> {
        let index = ElasticIndex::open_to_read(&settings(server)?).await?;
        Ok(AnyIndex::Server(index))
    }

    /// Opens the index that holds a site's pages for reading; `noted` is what the crawl noted.
    pub async fn read_noted(folder: &Folder, noted: Option<&str>) -> Result<Self, Failure> {
        match noted {
            Some(url) => Self::read_from(&parse(url)?).await,
            None => Self::read(folder),
        }
    }

    /// As [`AnyIndex::read_noted`], for writing.
    pub async fn open_noted(folder: &Folder, noted: Option<&str>) -> Result<Self, Failure> {
        let server = noted.map(parse).transpose()?;
        Self::open(folder, server.as_ref()).await
    }

    /// What holds up the index's work at the moment; none while it does what it is asked.
    pub fn trouble(&self) -> Option<String> {
        match self {
            AnyIndex::Own(_) | AnyIndex::Read(_) => None,
            AnyIndex::Server(index) => index.trouble(),
        }
    }

    /// Gives the URL and the links of each page of a site, in no particular order.
    pub async fn each_page_links(
        &self,
        site: &str,
        mut each: impl FnMut(&str, &[PageLink<'_>]) + Send,
    ) -> Result<(), Failure> {
        if let AnyIndex::Read(index) = self {
            return index.each_page_links(site, each);
        }
        let of_page = |page: Stored| {
            let links = page.links.iter().map(|link| PageLink {
                url: Cow::Borrowed(link.url.as_str()),
                text: Cow::Borrowed(&link.text),
            });
            each(page.url.as_str(), &links.collect::<Vec<_>>());
            Ok(())
        };
        self.export(site, of_page).await
    }
}

fn settings(url: &Url) -> Result<Settings, Failure> {
    let key = match env::var(API_KEY) {
        Err(env::VarError::NotPresent) => None,
        Ok(key) if key.is_empty() => None,
        key => Some(key.map_err(|error| Failure::permanent(format!("{API_KEY}: {error}")))?),
    };
    Settings::new(url.as_str(), key)
}

fn parse(noted: &str) -> Result<Url, Failure> {
    Url::parse(noted).map_err(|error| Failure::permanent(format!("{noted}: {error}")))
}

macro_rules! ask {
    ($self:ident, $index:ident => $call:expr) => {
        match $self {
            AnyIndex::Own($index) => $call.await,
            AnyIndex::Read($index) => $call.await,
            AnyIndex::Server($index) => $call.await,
        }
    };
}

impl Index for AnyIndex {
    async fn put(&self, documents: Vec<Document>) -> Result<Vec<Refused>, Failure> {
        ask!(self, index => index.put(documents))
    }

    async fn delete(&self, ids: Vec<UrlKey>) -> Result<(), Failure> {
        ask!(self, index => index.delete(ids))
    }

    async fn flush(&self) -> Result<(), Failure> {
        ask!(self, index => index.flush())
    }

    async fn get(&self, id: UrlKey) -> Result<Option<Stored>, Failure> {
        ask!(self, index => index.get(id))
    }

    async fn search(&self, query: Query) -> Result<Hits, Failure> {
        ask!(self, index => index.search(query))
    }

    async fn names(&self, beginning: Beginning) -> Result<Vec<Named>, Failure> {
        ask!(self, index => index.names(beginning))
    }

    async fn words(&self, beginning: String) -> Result<Vec<(String, u64)>, Failure> {
        ask!(self, index => index.words(beginning))
    }
}

impl Catalog for AnyIndex {
    async fn count(&self, site: &str) -> Result<u64, Failure> {
        ask!(self, index => index.count(site))
    }

    async fn ids(&self, site: &str) -> Result<Vec<UrlKey>, Failure> {
        ask!(self, index => index.ids(site))
    }

    async fn export(
        &self,
        site: &str,
        each: impl FnMut(Stored) -> Result<(), Failure> + Send,
    ) -> Result<(), Failure> {
        ask!(self, index => index.export(site, each))
    }
}
