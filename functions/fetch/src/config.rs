//! The function's configuration, which the template passes in environment variables.

use std::env::temp_dir;

use canter_aws::{Names, credentials, secret};
use canter_core::failure::Failure;
use canter_elastic::Settings;
use canter_tantivy::Room;

/// The function's configuration, read once.
pub struct Config {
    /// Names of the stack's resources.
    pub names: Names,
    /// URL of the index; none if it has no server.
    index: Option<String>,
    /// ARN of the secret that holds the index's API key.
    index_secret: Option<String>,
    /// See [`Settings::signed`].
    index_signed_for: Option<String>,
    /// Storage for an index without a server, in MB.
    storage_mb: u32,
    /// Namespace of the stack's metrics in CloudWatch.
    pub metrics: String,
    /// Whether plans may permit private addresses for their sites.
    pub allow_private: bool,
    /// Number of receives after which the queue gives up a message.
    pub max_receives: u32,
    /// Memory in GB, by which Lambda bills time.
    pub memory_gb: f64,
}

impl Config {
    /// Reads the environment variables that the template sets.
    ///
    /// # Errors
    ///
    /// Returns a permanent failure that names the variable that is missing or cannot be read.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Failure> {
        let given = |name: &str| variable(name).filter(|value| !value.is_empty());
        let needed = |name: &str| {
            given(name).ok_or_else(|| {
                Failure::permanent(format!("{name} is not set: deploy canter's template"))
            })
        };
        let number = |name: &str| {
            let value = needed(name)?;
            value
                .parse::<u32>()
                .map_err(|_| Failure::permanent(format!("{name} is no number: {value}")))
        };
        Ok(Config {
            names: Names {
                pages: needed("CANTER_PAGES_TABLE")?,
                state: needed("CANTER_STATE_TABLE")?,
                bucket: needed("CANTER_BUCKET")?,
                queue: needed("CANTER_QUEUE_URL")?,
                errands: needed("CANTER_ERRANDS_URL")?,
                dead_letters: needed("CANTER_DEAD_LETTERS_URL")?,
            },
            index: given("CANTER_INDEX_URL"),
            storage_mb: number("CANTER_INDEX_STORAGE")?,
            index_secret: given("CANTER_INDEX_SECRET"),
            index_signed_for: given("CANTER_INDEX_SIGNED_FOR"),
            metrics: needed("CANTER_METRICS")?,
            allow_private: given("CANTER_ALLOW_PRIVATE").as_deref() == Some("true"),
            max_receives: number("CANTER_MAX_RECEIVES")?,
            memory_gb: f64::from(number("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")?) / 1024.0,
        })
    }

    /// Returns where an index without a server is built; none if there is a server.
    pub fn room(&self) -> Option<Room> {
        self.index.is_none().then(|| Room {
            dir: temp_dir().join("canter-index"),
            bytes: u64::from(self.storage_mb) << 20,
        })
    }

    /// Returns the location of the index on its server, with its API key, which is requested here.
    pub async fn index(&self) -> Result<Settings, Failure> {
        let key = match &self.index_secret {
            Some(arn) => Some(secret(arn).await?),
            None => None,
        };
        let settings = Settings::new(self.index.as_deref().unwrap_or_default(), key)?;
        let settings = settings.key_in("the secret of the parameter IndexSecretArn");
        let scope = self.index_signed_for.as_deref();
        settings.signed(scope, credentials).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VARIABLES: [&str; 10] = [
        "CANTER_PAGES_TABLE",
        "CANTER_STATE_TABLE",
        "CANTER_QUEUE_URL",
        "CANTER_ERRANDS_URL",
        "CANTER_DEAD_LETTERS_URL",
        "CANTER_BUCKET",
        "CANTER_INDEX_STORAGE",
        "CANTER_METRICS",
        "CANTER_MAX_RECEIVES",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    ];

    fn read(name: &str, value: &str) -> Result<Config, Failure> {
        Config::read(|asked| Some(if asked == name { value } else { "512" }.to_owned()))
    }

    #[test]
    fn what_is_missing_is_named() {
        for name in VARIABLES {
            let failure = read(name, "").err().map(|failure| failure.to_string());
            assert!(failure.is_some_and(|it| it.starts_with(name)), "{name}");
        }
        for name in ["CANTER_MAX_RECEIVES", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] {
            let failure = read(name, "many").err().map(|failure| failure.to_string());
            assert_eq!(failure, Some(format!("{name} is no number: many")));
        }
    }

    #[test]
    fn what_may_be_left_out_is_off() {
        let config = read("CANTER_INDEX_SECRET", "").unwrap();
        assert_eq!(config.index_secret, None);
        assert!(!config.allow_private);
        assert!(read("CANTER_ALLOW_PRIVATE", "true").unwrap().allow_private);
        assert!((config.memory_gb - 0.5).abs() < f64::EPSILON);
        assert!(config.room().is_none());
        let room = read("CANTER_INDEX_URL", "").unwrap().room();
        assert_eq!(room.map(|room| room.bytes), Some(512 << 20));
    }
}
