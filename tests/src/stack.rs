//! The real servers that tests use: where `localstack/up --stack test` started them.

use std::path::{Path, PathBuf};

use url::Url;

/// Environment variable with the path of another stack's file of endpoints, as `localstack/up`
/// writes it.
const ELSEWHERE: &str = "CANTER_TEST_ENDPOINTS";

/// The addresses of a stack's servers. Whether they answer is not checked.
#[derive(Debug, Clone)]
pub struct Stack {
    /// LocalStack, for every AWS service.
    pub aws_endpoint: Url,
    /// DynamoDB itself: the same tables as behind LocalStack, faster.
    pub dynamodb_endpoint: Url,
    /// Elasticsearch, without an index's name.
    pub elasticsearch: Url,
}

impl Stack {
    /// The stack that was started for tests. Panics with advice if there is none.
    #[track_caller]
    pub fn find() -> Self {
        let path = endpoints();
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| {
            panic!(
                "no servers to test against: run localstack/up --stack test first ({}: {error})",
                path.display()
            )
        });
        let value = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key));
            let url = line.and_then(|rest| Url::parse(rest.strip_prefix('=')?.trim()).ok());
            url.unwrap_or_else(|| panic!("{} has no line {key}=URL", path.display()))
        };
        Stack {
            aws_endpoint: value("AWS_ENDPOINT_URL"),
            dynamodb_endpoint: value("DYNAMODB_ENDPOINT_URL"),
            elasticsearch: value("ELASTICSEARCH_URL"),
        }
    }
}

fn endpoints() -> PathBuf {
    match std::env::var_os(ELSEWHERE) {
        Some(path) => PathBuf::from(path),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/localstack/test/endpoints"),
    }
}
