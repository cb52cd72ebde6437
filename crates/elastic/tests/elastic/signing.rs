//! Signed requests whose credentials end.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use canter_core::ports::{IndexReader, IndexWriter};
use canter_elastic::{ElasticIndex, Settings};
use canter_tests::contract::index::document;
use canter_tests::{Faults, OwnIndex};

/// Logins that last for these times from when they are asked for; none is left after the last.
#[derive(Debug, Clone)]
struct Logins {
    lasting: Arc<Mutex<Vec<Duration>>>,
    asked: Arc<AtomicUsize>,
}

impl Logins {
    fn lasting<const N: usize>(mut seconds: [u64; N]) -> Self {
        seconds.reverse();
        Logins {
            lasting: Arc::new(Mutex::new(seconds.map(Duration::from_secs).to_vec())),
            asked: Arc::default(),
        }
    }
}

impl ProvideCredentials for Logins {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let login = self.lasting.lock().unwrap().pop().map(|lasting| {
            let end = Some(SystemTime::now() + lasting);
            let token = Some("token".to_owned());
            Credentials::new(format!("LOGIN{number}"), "secret", token, end, "a test")
        });
        future::ProvideCredentials::ready(
            login.ok_or_else(|| CredentialsError::provider_error("the session has ended")),
        )
    }
}

async fn signed(own: &OwnIndex, faults: &Faults, logins: &Logins) -> Settings {
    let settings = Settings::new(&own.by_way_of(&faults.url()), None).unwrap();
    let provider = SharedCredentialsProvider::new(logins.clone());
    let signed = settings.signed(Some("es/eu-central-1"), || async { provider });
    signed.await.unwrap()
}

/// The access keys of the requests, without repetition.
fn keys(faults: &Faults) -> Vec<String> {
    let mut keys: Vec<_> = faults
        .seen()
        .iter()
        .map(|seen| {
            let signature = seen.asked.header("authorization").unwrap();
            let key = signature.split_once("Credential=").unwrap().1;
            key.split_once('/').unwrap().0.to_owned()
        })
        .collect();
    keys.dedup();
    keys
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn credentials_are_renewed_before_they_end() {
    let own = OwnIndex::new();
    let faults = Faults::before(own.server());
    let logins = Logins::lasting([60, 3600, 3600]);
    let settings = signed(&own, &faults, &logins).await;
    let index = ElasticIndex::open(&settings).await.unwrap();
    let put = index.put(vec![document("/a", 1, "ponies")]);
    let (put, flushed) = tokio::join!(biased; put, index.flush());
    assert_eq!((put, flushed), (Ok(vec![]), Ok(())));
    assert_eq!(keys(&faults), ["LOGIN1", "LOGIN2"]);
    assert_eq!(logins.asked.load(Ordering::SeqCst), 2);
}

/// Whoever hands them out may be back in time.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn credentials_that_cannot_be_renewed_are_used_to_their_end() {
    let own = OwnIndex::new();
    let faults = Faults::before(own.server());
    let settings = signed(&own, &faults, &Logins::lasting([60])).await;
    let index = ElasticIndex::open(&settings).await.unwrap();
    assert_eq!(index.count("example.org").await, Ok(0));
    assert_eq!(keys(&faults), ["LOGIN1"]);
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn credentials_that_have_ended_are_told() {
    let own = OwnIndex::new();
    let faults = Faults::before(own.server());
    let settings = signed(&own, &faults, &Logins::lasting([0])).await;
    let hurried = settings.patience(Duration::from_secs(4));
    let sentence = ElasticIndex::open(&hurried)
        .await
        .err()
        .unwrap()
        .to_string();
    for part in [
        "there are no credentials to sign requests to",
        "the session has ended",
        "log in again",
    ] {
        assert!(sentence.contains(part), "{part:?} is not in: {sentence}");
    }
    assert_eq!(keys(&faults), ["LOGIN1"]);
}
