//! The index of a command: the folder's own or one in Elasticsearch, to crawl with or to read.

use std::env;

use canter_core::document::{Document, Stored};
use canter_core::failure::Failure;
use canter_core::ports::{IndexReader, IndexWriter, Refused};
use canter_core::task::UrlKey;
use canter_elastic::{ElasticIndex, ElasticReader, Settings};
use canter_embedded::folder::Folder;
use canter_embedded::store::{SiteReport, report};
use canter_ranking::completion::{Named, Prefix};
use canter_ranking::plan::Plan;
use canter_ranking::search::{Answer, SearchIndex};
use canter_ranking::tokenizer::Language;
use canter_tantivy::{TantivyIndex, TantivyReader};
use url::Url;

/// Environment variable that holds the API key of an Elasticsearch server, or `USER:PASSWORD`.
const API_KEY: &str = "CANTER_INDEX_API_KEY";
/// Environment variable that holds the service and region that requests are signed for, if the server
/// is an endpoint of AWS with a name of its own.
const SIGNED_FOR: &str = "CANTER_INDEX_SIGNED_FOR";

/// An index that this process writes.
pub enum WrittenIndex {
    /// The folder's own.
    Own(TantivyIndex),
    /// One in Elasticsearch.
    Server(ElasticIndex),
}

impl WrittenIndex {
    /// Opens the index of a server, or the folder's own if there is none. One of the folder's own
    /// that cannot be used is replaced by an empty one; see [`crate::refill`].
    pub async fn open(folder: &Folder, server: Option<&Url>) -> Result<Self, Failure> {
        Ok(match server {
            Some(url) => Self::server(url).await?,
            None => WrittenIndex::Own(TantivyIndex::open_or_replace(&folder.index())?),
        })
    }

    /// Opens the index of a server.
    pub async fn server(url: &Url) -> Result<Self, Failure> {
        let index = ElasticIndex::open(&settings(url).await?).await?;
        Ok(WrittenIndex::Server(index))
    }

    /// Opens the index that holds a site's pages; `noted` is the server that the crawl noted.
    pub async fn open_noted(folder: &Folder, noted: Option<&str>) -> Result<Self, Failure> {
        let server = noted.map(parse).transpose()?;
        Self::open(folder, server.as_ref()).await
    }

    /// What holds up the index at the moment, as a sentence for a person.
    pub fn trouble(&self) -> Option<String> {
        match self {
            WrittenIndex::Own(_) => None,
            WrittenIndex::Server(index) => index.trouble(),
        }
    }
}

/// An index that another process may be writing.
pub enum ReadIndex {
    /// The folder's own.
    Own(TantivyReader),
    /// One in Elasticsearch.
    Server(ElasticReader),
}

impl ReadIndex {
    /// Opens the folder's own index. If it is lost or in a server, the failure says what to do.
    pub fn own(folder: &Folder) -> Result<Self, Failure> {
        Self::open_own(folder).map_err(|failure| {
            let sites = report(folder).unwrap_or_default();
            let own = |site: &&SiteReport| site.server.is_none() && site.searchable > 0;
            let what = match (
                sites.iter().find(own),
                sites.iter().find_map(|site| site.server.as_deref()),
            ) {
                (Some(lost), _) => format!(
                    "{failure}: `canter reindex {}` makes it anew from the archive",
                    lost.site
                ),
                (None, Some(server)) => format!(
                    "the pages of this folder's sites are in {server}: add --index {server}"
                ),
                (None, None) => format!(
                    "{failure}: crawl a site first (`canter crawl URL`), or name another folder \
                     with --data"
                ),
            };
            Failure::permanent(what).with_source(failure)
        })
    }

    /// Opens the folder's own index.
    pub fn open_own(folder: &Folder) -> Result<Self, Failure> {
        TantivyReader::open(&folder.index()).map(ReadIndex::Own)
    }

    /// Opens the index of a server.
    pub async fn server(server: &Url) -> Result<Self, Failure> {
        let index = ElasticReader::open(&settings(server).await?).await?;
        Ok(ReadIndex::Server(index))
    }

    /// Opens the index that holds a site's pages; `noted` is the server that the crawl noted.
    pub async fn noted(folder: &Folder, noted: Option<&str>) -> Result<Self, Failure> {
        match noted {
            Some(url) => Self::server(&parse(url)?).await,
            None => Self::own(folder),
        }
    }
}

async fn settings(url: &Url) -> Result<Settings, Failure> {
    let settings = Settings::new(url.as_str(), variable(API_KEY)?)?;
    let scope = variable(SIGNED_FOR)?;
    let signed = settings.signed(scope.as_deref(), canter_aws::credentials);
    signed.await
}

/// Returns the value of an environment variable; none if it is not set or empty.
fn variable(name: &str) -> Result<Option<String>, Failure> {
    match env::var(name) {
        Err(env::VarError::NotPresent) => Ok(None),
        Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
        Err(error) => Err(Failure::permanent(format!("{name}: {error}"))),
    }
}

fn parse(noted: &str) -> Result<Url, Failure> {
    Url::parse(noted).map_err(|error| Failure::permanent(format!("{noted}: {error}")))
}

macro_rules! either {
    ($self:ident, $index:ident => $call:expr) => {
        match $self {
            Self::Own($index) => $call.await,
            Self::Server($index) => $call.await,
        }
    };
}

macro_rules! reads_and_searches {
    ($index:ty) => {
        impl IndexReader for $index {
            async fn get(&self, site: &str, id: UrlKey) -> Result<Option<Stored>, Failure> {
                either!(self, index => index.get(site, id))
            }

            async fn count(&self, site: &str) -> Result<u64, Failure> {
                either!(self, index => index.count(site))
            }

            async fn versions(&self, site: &str) -> Result<Vec<(UrlKey, u64)>, Failure> {
                either!(self, index => index.versions(site))
            }

            async fn export(
                &self,
                site: &str,
                each: impl FnMut(Stored) -> Result<(), Failure> + Send,
            ) -> Result<(), Failure> {
                either!(self, index => index.export(site, each))
            }
        }

        impl SearchIndex for $index {
            async fn languages(&self) -> Result<Vec<Language>, Failure> {
                either!(self, index => index.languages())
            }

            async fn run(&self, plan: &Plan) -> Result<Answer, Failure> {
                either!(self, index => index.run(plan))
            }

            async fn names(&self, prefix: Prefix) -> Result<Vec<Named>, Failure> {
                either!(self, index => index.names(prefix))
            }

            async fn words(&self, prefix: String) -> Result<Vec<(String, u64)>, Failure> {
                either!(self, index => index.words(prefix))
            }
        }
    };
}

reads_and_searches!(WrittenIndex);
reads_and_searches!(ReadIndex);

impl IndexWriter for WrittenIndex {
    async fn has_room(&self) {
        either!(self, index => index.has_room())
    }

    async fn put(&self, documents: Vec<Document>) -> Result<Vec<Refused>, Failure> {
        either!(self, index => index.put(documents))
    }

    async fn delete(&self, site: &str, ids: Vec<UrlKey>) -> Result<(), Failure> {
        either!(self, index => index.delete(site, ids))
    }

    async fn flush(&self) -> Result<(), Failure> {
        either!(self, index => index.flush())
    }
}
