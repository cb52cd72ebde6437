//! The function's configuration, which the stack passes in environment variables.

use std::env::{VarError, temp_dir};
use std::time::Duration;

use canter_api::Origins;
use canter_aws::{credentials, secret};
use canter_core::failure::Failure;
use canter_elastic::{ElasticReader, Settings};
use canter_tantivy::Room;
use thiserror::Error;

const URL: &str = "CANTER_INDEX_URL";
const SECRET: &str = "CANTER_INDEX_SECRET";
const SIGNED_FOR: &str = "CANTER_INDEX_SIGNED_FOR";
const TABLE: &str = "CANTER_STATE_TABLE";
const BUCKET: &str = "CANTER_BUCKET";
const STORAGE: &str = "CANTER_INDEX_STORAGE";
/// Where the API key is set, as messages to a person name it.
const KEY_PLACE: &str = "the secret of the parameter SearchSecretArn or IndexSecretArn";
const ORIGINS: &str = "CANTER_SEARCH_ORIGINS";
const METRICS: &str = "CANTER_METRICS";

/// Patience with the index, of which one request may take a sixth. A first search sends two
/// requests, and must report their failure before API Gateway (after 29 s) or the function's own
/// limit cuts it off.
const PATIENCE: Duration = Duration::from_secs(24);

/// The function's configuration.
#[derive(Debug)]
pub struct Config {
    /// The index that is searched; none if it has no server.
    pub index: Option<Place>,
    /// Name of the bucket that holds an index without a server.
    pub bucket: String,
    /// Storage for an index without a server.
    pub room: Room,
    /// Name of the table that holds the state of the crawls.
    pub table: String,
    /// Namespace of the stack's metrics in CloudWatch.
    pub metrics: String,
    /// The sites whose pages may call the API.
    pub origins: Origins,
}

/// The location of an index, and the secret that gives access to it.
#[derive(Debug)]
pub struct Place {
    /// The URL that [`Settings::new`] reads.
    url: String,
    /// ARN of the secret that holds the API key; none for a server without security.
    secret: Option<String>,
    /// See [`Settings::signed`].
    signed_for: Option<String>,
}

/// A variable that is missing or wrong.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("{variable} {why}")]
pub struct Wrong {
    variable: &'static str,
    why: String,
}

impl Config {
    /// Reads and checks the variables; `variable` returns the value of one.
    ///
    /// # Errors
    ///
    /// Returns the first variable that is missing or wrong.
    pub fn read(variable: impl Fn(&str) -> Result<String, VarError>) -> Result<Self, Wrong> {
        let maybe = |name: &'static str| match variable(name) {
            Ok(value) if !value.is_empty() => Ok(Some(value)),
            Ok(_) | Err(VarError::NotPresent) => Ok(None),
            Err(error) => Err(wrong(name, error)),
        };
        let needed = |name: &'static str, holds: &str| {
            maybe(name)?.ok_or_else(|| wrong(name, format!("is not set: it holds {holds}")))
        };
        let index = match maybe(URL)? {
            Some(url) => Some(Place {
                secret: maybe(SECRET)?,
                signed_for: maybe(SIGNED_FOR)?,
                url,
            }),
            None => None,
        };
        if let Some(index) = &index {
            let checked = Settings::new(&index.url, None);
            checked.map_err(|failure| wrong(URL, format!("is wrong: {failure}")))?;
        }
        let storage = needed(STORAGE, "the storage of the function in MB")?;
        let megabytes: u64 = storage
            .parse()
            .map_err(|_| wrong(STORAGE, format!("is no number: {storage}")))?;
        Ok(Config {
            index,
            bucket: needed(
                BUCKET,
                "the name of the bucket of the archive and the index",
            )?,
            room: Room {
                dir: temp_dir().join("canter-index"),
                bytes: megabytes << 20,
            },
            table: needed(TABLE, "the name of the table with the state of the crawls")?,
            metrics: needed(METRICS, "the namespace of the stack's metrics")?,
            origins: Origins::listed(&maybe(ORIGINS)?.unwrap_or_default())
                .map_err(|why| wrong(ORIGINS, format!("is wrong: {why}")))?,
        })
    }
}

impl Place {
    /// Opens the index for reading.
    ///
    /// # Errors
    ///
    /// Returns the errors of Secrets Manager and of [`ElasticReader::open`].
    pub async fn open(&self) -> Result<ElasticReader, Failure> {
        let key = match &self.secret {
            Some(arn) => Some(secret(arn).await?),
            None => None,
        };
        let settings = Settings::new(&self.url, key).map_err(|failure| {
            let what = format!("the secret of {SECRET}: {failure}");
            Failure::permanent(what).with_source(failure)
        })?;
        let settings = settings.patience(PATIENCE).key_in(KEY_PLACE);
        let signed = settings.signed(self.signed_for.as_deref(), credentials);
        ElasticReader::open(&signed.await?).await
    }
}

fn wrong(variable: &'static str, why: impl ToString) -> Wrong {
    Wrong {
        variable,
        why: why.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Config, Wrong> {
        Config::read(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map_or(Err(VarError::NotPresent), |(_, value)| {
                Ok((*value).to_owned())
            })
        })
    }

    /// What every stack sets.
    const OTHERS: [(&str, &str); 4] = [
        (TABLE, "state"),
        (BUCKET, "b"),
        (STORAGE, "512"),
        (METRICS, "canter/c"),
    ];

    fn with<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        [&OTHERS, more].concat()
    }

    #[test]
    fn no_secret_is_no_key() {
        let server = (URL, "http://h/docs");
        for variables in [with(&[server]), with(&[server, (SECRET, "")])] {
            let config = read(&variables).expect("right");
            assert_eq!(config.table, "state");
            let index = config.index.expect("a server");
            assert_eq!((&*index.url, index.secret), ("http://h/docs", None));
        }
        let config = read(&with(&[server, (SECRET, "arn:aws:x")])).expect("right");
        let index = config.index.expect("a server");
        assert_eq!(index.secret.as_deref(), Some("arn:aws:x"));
    }

    #[test]
    fn no_url_is_no_server() {
        for variables in [with(&[]), with(&[(URL, "")])] {
            let config = read(&variables).expect("right");
            assert!(config.index.is_none());
            assert_eq!((&*config.bucket, config.room.bytes), ("b", 512 << 20));
        }
    }

    #[test]
    fn a_wrong_variable_is_named() {
        let rows: [(&[(&str, &str)], &str); 5] = [
            (&[], "CANTER_INDEX_STORAGE is not set"),
            (&[(STORAGE, "much")], "CANTER_INDEX_STORAGE is no number"),
            (
                &[(URL, "h:9200"), (TABLE, "state")],
                "CANTER_INDEX_URL is wrong: the index's URL begins with neither",
            ),
            (&OTHERS[1..], "CANTER_STATE_TABLE is not set"),
            (&OTHERS[..3], "CANTER_METRICS is not set"),
        ];
        for (variables, expected) in rows {
            let told = read(variables).expect_err(expected).to_string();
            assert!(told.starts_with(expected), "{told}");
        }
        let told = read(&with(&[(ORIGINS, "h")])).expect_err("refused");
        let told = told.to_string();
        assert!(
            told.starts_with("CANTER_SEARCH_ORIGINS is wrong: h: "),
            "{told}"
        );
        let odd = Config::read(|_| Err(VarError::NotUnicode("x".into())));
        let told = odd.expect_err("refused").to_string();
        assert!(told.starts_with("CANTER_INDEX_URL "), "{told}");
    }
}
