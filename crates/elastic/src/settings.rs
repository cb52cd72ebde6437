//! The location of an index, as a person names it, and what gives access to it.

use std::time::Duration;

use aws_credential_types::provider::SharedCredentialsProvider;
use canter_core::address::is_this_machine;
use canter_core::failure::Failure;
use canter_page::url::is_http;
use url::Url;

use crate::page::LAYOUT;
use crate::signing::{Scope, Signer};

/// Name of the index if the URL gives none.
const DEFAULT_NAME: &str = "canter";
/// Maximum length of a name, in bytes. Elasticsearch allows 255, and the layout is appended.
const MAX_NAME: usize = 200;
/// Default time for retries. A server that restarts is back within a minute.
const PATIENCE: Duration = Duration::from_secs(60);

/// What gives access to a server.
#[derive(Clone)]
pub(crate) enum Access {
    /// Nothing: the server has no security.
    Open,
    /// An encoded API key.
    Key(String),
    /// The name and the password of a user.
    Password(String, String),
    /// A signature, for which credentials are still to be named.
    Unsigned(Scope),
    /// A signature.
    Signed(Signer),
}

/// The server, the index on it, and what gives access.
#[derive(Clone)]
pub struct Settings {
    /// URL of the server without the index; it ends in a slash.
    pub(crate) server: Url,
    /// Name of the index, with its layout.
    pub(crate) index: String,
    pub(crate) access: Access,
    /// Where a person sets the key.
    pub(crate) key_place: &'static str,
    pub(crate) patience: Duration,
}

impl Settings {
    /// Reads a URL: `http` or `https`, host and port of the server. The last segment of the path
    /// names the index (`canter` by default); the rest of the path belongs to the server. Each of
    /// canter's layouts has its own index, so the name on the server ends in the layout's number.
    ///
    /// `key` is the encoded API key as Elasticsearch returns it, or `USER:PASSWORD`; none for a server
    /// without security, and for an endpoint of Amazon OpenSearch Service that takes signed requests
    /// (see [`Settings::signed`]).
    ///
    /// # Errors
    ///
    /// Returns a permanent failure, with a sentence for a person, if the URL names no valid index,
    /// holds a password, or would send the key unencrypted to another machine.
    pub fn new(url: &str, key: Option<String>) -> Result<Self, Failure> {
        let wrong = |why: &str| Failure::permanent(format!("the index's URL {why}"));
        let mut server =
            Url::parse(url).map_err(|error| wrong(&format!("cannot be read ({error}): {url}")))?;
        // Checked before any error that would print the URL.
        if !server.username().is_empty() || server.password().is_some() {
            return Err(wrong(
                "holds a user name or a password, which other programs and logs can read: leave \
                 it out, and set an API key in CANTER_INDEX_API_KEY",
            ));
        }
        if !is_http(&server) {
            return Err(wrong(&format!(
                "begins with neither http: nor https: {url}"
            )));
        }
        if server.query().is_some() || server.fragment().is_some() {
            return Err(wrong(&format!(
                "has more than a server and an index's name: {url}"
            )));
        }
        let path = server.path().trim_end_matches('/').to_owned();
        let (before, name) = path.rsplit_once('/').unwrap_or_default();
        let name = if name.is_empty() { DEFAULT_NAME } else { name };
        let is_name = name.len() <= MAX_NAME
            && name.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
            && name.bytes().all(|byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte)
            });
        if !is_name {
            return Err(wrong(&format!(
                "names the index {name}: a name has small letters, digits, dashes, dots and \
                 underscores, and begins with a letter or digit"
            )));
        }
        let key = key.map(|key| key.trim().to_owned());
        let is_near = server.host().as_ref().is_some_and(is_this_machine);
        if key.is_some() && server.scheme() == "http" && !is_near {
            return Err(wrong(&format!(
                "begins with http:, so that everyone on the way could read the key: begin it with \
                 https: {url}"
            )));
        }
        let access = match key {
            Some(key) => Access::of(&key)?,
            None => Scope::of(&server).map_or(Access::Open, Access::Unsigned),
        };
        let number = LAYOUT.rsplit('-').next().unwrap_or(LAYOUT);
        let index = format!("{name}-{number}");
        server.set_path(&format!("{before}/"));
        Ok(Settings {
            server,
            index,
            access,
            key_place: "CANTER_INDEX_API_KEY",
            patience: PATIENCE,
        })
    }

    /// Sets the place where a person sets the key, as messages name it. The default is
    /// `CANTER_INDEX_API_KEY`.
    #[must_use]
    pub fn key_in(self, key_place: &'static str) -> Self {
        Settings { key_place, ..self }
    }

    /// Lets requests be signed if the server takes signatures. `scope` is the service and region that
    /// they are signed for, as `es/eu-central-1`, if the server is an endpoint of AWS with a name of
    /// its own. A name that AWS has given says it itself, and an API key or a password goes before a
    /// signature. Only a signature asks for `credentials`.
    ///
    /// # Errors
    ///
    /// Returns a permanent failure if `scope` is something else.
    pub async fn signed<F>(
        self,
        scope: Option<&str>,
        credentials: impl FnOnce() -> F,
    ) -> Result<Self, Failure>
    where
        F: Future<Output = SharedCredentialsProvider>,
    {
        let given = scope.map(Scope::parse).transpose()?;
        let scope = match (&self.access, given) {
            (Access::Unsigned(scope), _) => scope.clone(),
            (Access::Open, Some(given)) => given,
            _ => return Ok(self),
        };
        let access = Access::Signed(Signer::new(scope, credentials().await));
        Ok(Settings { access, ..self })
    }

    /// Sets how long canter retries while the server does not answer or accepts nothing. The
    /// default is a minute. One request may take half of this time, or a sixth if the index is only
    /// read.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        Settings { patience, ..self }
    }

    /// Returns whether both name the same index of the same server.
    pub fn is_same_index(&self, other: &Settings) -> bool {
        (&self.server, &self.index) == (&other.server, &other.index)
    }

    /// Returns the name of the index on the server.
    pub fn index(&self) -> &str {
        &self.index
    }
}

impl Access {
    /// Reads a key or a user's name and password. Elasticsearch's keys are Base64, which has no colon.
    fn of(key: &str) -> Result<Self, Failure> {
        match key.split_once(':') {
            Some((user, password))
                if !user.is_empty() && !user.starts_with('{') && !password.is_empty() =>
            {
                Ok(Access::Password(user.to_owned(), password.to_owned()))
            }
            None if !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Ok(Access::Key(key.to_owned()))
            }
            _ => Err(Failure::permanent(
                "CANTER_INDEX_API_KEY is no API key: give it as Elasticsearch shows it under \
                 \"encoded\", letters and digits without spaces, or give USER:PASSWORD, not as JSON",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_server_and_index() {
        let rows = [
            ("http://localhost:9200", "http://localhost:9200/", "canter"),
            ("http://localhost:9200/", "http://localhost:9200/", "canter"),
            ("https://h/docs", "https://h/", "docs"),
            ("https://h/docs/", "https://h/", "docs"),
            ("https://h/behind/a/docs.2", "https://h/behind/a/", "docs.2"),
        ];
        for (url, server, name) in rows {
            let settings = Settings::new(url, None).expect(url);
            assert_eq!(settings.server.as_str(), server, "{url}");
            let (own, number) = settings.index.rsplit_once('-').expect("a layout");
            assert_eq!(own, name, "{url}");
            assert!(number.parse::<u32>().is_ok(), "{}", settings.index);
        }
    }

    #[test]
    fn a_wrong_url_is_told_so() {
        let rows = [
            ("http://h/", Some("a2V5"), "could read the key"),
            ("http://10.0.0.1:9200/", Some("u:p"), "could read the key"),
            ("localhost:9200", None, "begins with neither"),
            ("not a URL", None, "cannot be read"),
            ("http://h/?q", None, "has more than"),
            ("http://h/Docs", None, "names the index Docs"),
            ("http://h/_all", None, "names the index _all"),
            ("http://h/a%2Fb", None, "names the index a%2Fb"),
            (
                "https://h/",
                Some("two words"),
                "CANTER_INDEX_API_KEY is no API key",
            ),
            (
                "https://h/",
                Some("a\nb"),
                "CANTER_INDEX_API_KEY is no API key",
            ),
            ("https://h/", Some(""), "CANTER_INDEX_API_KEY is no API key"),
            (
                "https://h/",
                Some(":x"),
                "CANTER_INDEX_API_KEY is no API key",
            ),
            (
                "https://h/",
                Some(r#"{"username":"x","password":"y"}"#),
                "not as JSON",
            ),
            (
                "https://h/",
                Some("x:"),
                "CANTER_INDEX_API_KEY is no API key",
            ),
        ];
        for (url, key, expected) in rows {
            let settings = Settings::new(url, key.map(str::to_owned));
            let failure = settings.err().expect(url).to_string();
            assert!(failure.contains(expected), "{url}: {failure}");
        }
    }

    #[test]
    fn no_secret_is_shown() {
        for url in [
            "http://elastic:s3cret@h/",
            "ftp://:s3cret@h/x y",
            "http://s3cret@h",
        ] {
            let failure = Settings::new(url, None).err().expect(url).to_string();
            assert!(!failure.contains("s3cret"), "{failure}");
            assert!(failure.contains("CANTER_INDEX_API_KEY"), "{failure}");
        }
        let failure = Settings::new("https://h/", Some("s3 cret".into()));
        assert!(!failure.err().expect("refused").to_string().contains("cret"));
    }
}
