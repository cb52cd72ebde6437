//! Requests signed for AWS (Signature Version 4), as Amazon OpenSearch Service takes them from
//! whoever its access policy names:
//! <https://docs.aws.amazon.com/opensearch-service/latest/developerguide/request-signing.html>.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{
    PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_types::error::display::DisplayErrorContext;
use canter_core::failure::Failure;
use elasticsearch::http::headers::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::sync::Mutex;
use url::Url;

/// Time before their end at which credentials are replaced.
const SPARE: Duration = Duration::from_secs(300);

/// What may stand in a query as it is. A canonical query has everything else escaped
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>), and
/// one that is sent so is canonical for whoever does not decode it first.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'=')
    .remove(b'&')
    .remove(b'%');

/// The service and the region that a request is signed for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scope {
    /// `es` for a domain, `aoss` for OpenSearch Serverless.
    pub(crate) service: String,
    pub(crate) region: String,
}

impl Scope {
    /// Returns the scope of an endpoint that AWS has named; none for any other server.
    pub(crate) fn of(url: &Url) -> Option<Self> {
        let host = url.host_str()?;
        let name = ["amazonaws.com", "amazonaws.com.cn", "on.aws"]
            .iter()
            .find_map(|end| host.strip_suffix(end)?.strip_suffix('.'))?;
        let mut labels = name.rsplit('.');
        let (last, before) = (labels.next()?, labels.next()?);
        let (service, region) = match (last, before) {
            ("es" | "aoss", region) => (last, region),
            // The endpoints that are reached by IPv6, too.
            (region, "aos") => ("es", region),
            (region, "aoss") => ("aoss", region),
            _ => return None,
        };
        Some(Scope {
            service: service.to_owned(),
            region: region.to_owned(),
        })
    }

    /// Reads a scope as a person gives it for an endpoint with a name of its own: `es/eu-central-1`.
    ///
    /// # Errors
    ///
    /// Returns a permanent failure if it is something else.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let scope = text.split_once('/').filter(|(service, region)| {
            let is_region =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            matches!(*service, "es" | "aoss") && !region.is_empty() && region.bytes().all(is_region)
        });
        let (service, region) = scope.ok_or_else(|| {
            Failure::permanent(format!(
                "requests to an index are signed for a service and a region, as es/eu-central-1 or \
                 aoss/eu-central-1, not for {text:?}"
            ))
        })?;
        Ok(Scope {
            service: service.to_owned(),
            region: region.to_owned(),
        })
    }
}

/// Signs requests with credentials that it asks for when it needs them. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Signer {
    pub(crate) scope: Scope,
    provider: SharedCredentialsProvider,
    /// Asking may take a request to a server of logins.
    last: Arc<Mutex<Option<Credentials>>>,
    /// Whether there are no credentials anywhere.
    unsigned: Arc<AtomicBool>,
}

impl Signer {
    pub(crate) fn new(scope: Scope, provider: SharedCredentialsProvider) -> Self {
        Signer {
            scope,
            provider,
            last: Arc::default(),
            unsigned: Arc::default(),
        }
    }

    /// Returns a path with its query in the form in which it is signed.
    pub(crate) fn canonical(path: &str) -> String {
        match path.split_once('?') {
            Some((path, query)) => format!("{path}?{}", utf8_percent_encode(query, QUERY)),
            None => path.to_owned(),
        }
    }

    /// Returns whether requests go unsigned, since there are no credentials anywhere.
    pub(crate) fn is_unsigned(&self) -> bool {
        self.unsigned.load(Ordering::Relaxed)
    }

    /// Adds the headers of a signature. Without credentials there are none: a domain may let anybody
    /// in, or whoever has an address of some network.
    ///
    /// # Errors
    ///
    /// Returns a failure if credentials cannot be had now or if the request cannot be signed.
    pub(crate) async fn sign(
        &self,
        method: &str,
        url: &Url,
        body: Option<&[u8]>,
        headers: &mut HeaderMap,
    ) -> Result<(), Failure> {
        let found = self.credentials(url).await?;
        self.unsigned.store(found.is_none(), Ordering::Relaxed);
        let Some(found) = found else {
            return Ok(());
        };
        let identity = found.into();
        let mut settings = SigningSettings::default();
        // OpenSearch Serverless insists on it.
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.scope.region)
            .name(&self.scope.service)
            .time(SystemTime::now())
            .settings(settings)
            .build()
            .map_err(Failure::permanent)?;
        let body = SignableBody::Bytes(body.unwrap_or_default());
        let request = SignableRequest::new(method, url.as_str(), std::iter::empty(), body);
        let signed = request.and_then(|request| sign(request, &parameters.into()));
        let (instructions, _) = signed.map_err(Failure::permanent)?.into_parts();
        let (signed, _) = instructions.into_parts();
        for header in signed {
            let name = HeaderName::from_static(header.name());
            let mut value = HeaderValue::from_str(header.value()).map_err(Failure::permanent)?;
            value.set_sensitive(header.sensitive());
            headers.insert(name, value);
        }
        Ok(())
    }

    /// Returns credentials; none if there are none anywhere.
    async fn credentials(&self, url: &Url) -> Result<Option<Credentials>, Failure> {
        let mut last = self.last.lock().await;
        let lasts =
            |known: &Credentials, until: SystemTime| known.expiry().is_none_or(|end| end > until);
        let now = SystemTime::now();
        if let Some(known) = last.as_ref().filter(|it| lasts(it, now + SPARE)) {
            return Ok(Some(known.clone()));
        }
        let error = match self.provider.provide_credentials().await {
            Ok(found) => return Ok(Some(last.insert(found).clone())),
            Err(CredentialsError::CredentialsNotLoaded(_)) => return Ok(None),
            Err(error) => error,
        };
        // Who hands credentials out may be back before these end.
        if let Some(known) = last.as_ref().filter(|it| lasts(it, now)) {
            return Ok(Some(known.clone()));
        }
        let why = format!(
            "there are no credentials to sign requests to {url} with ({}): log in again, for \
             instance with `aws sso login`",
            DisplayErrorContext(&error)
        );
        Err(match error {
            CredentialsError::InvalidConfiguration(_) => Failure::permanent(why),
            _ => Failure::transient(why),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_of_aws_tell_service_and_region() {
        let rows = [
            (
                "https://search-docs-abc.eu-central-1.es.amazonaws.com",
                "es/eu-central-1",
            ),
            (
                "https://vpc-docs-abc.us-east-1.es.amazonaws.com/docs",
                "es/us-east-1",
            ),
            (
                "https://search-docs-abc.cn-north-1.es.amazonaws.com.cn",
                "es/cn-north-1",
            ),
            (
                "https://search-docs-abc.aos.us-west-2.on.aws",
                "es/us-west-2",
            ),
            ("https://abc.us-east-1.aoss.amazonaws.com", "aoss/us-east-1"),
        ];
        for (url, expected) in rows {
            let scope = Scope::of(&url.parse().expect(url));
            assert_eq!(
                scope,
                Some(Scope::parse(expected).expect(expected)),
                "{url}"
            );
        }
        for url in [
            "https://docs.example.org",
            "https://es.amazonaws.com",
            "https://x.es.amazonaws.com.example.org",
            "https://x.us-east-1.evil-es.amazonaws.com",
            "https://bucket.s3.us-east-1.amazonaws.com",
            "http://127.0.0.1:9200",
        ] {
            assert_eq!(Scope::of(&url.parse().expect(url)), None, "{url}");
        }
    }

    #[test]
    fn a_scope_is_a_service_and_a_region() {
        for text in [
            "",
            "es",
            "es/",
            "/eu-central-1",
            "s3/eu-central-1",
            "es/EU",
            "es/a/b",
        ] {
            let failure = Scope::parse(text).expect_err(text).to_string();
            assert!(failure.contains("es/eu-central-1"), "{failure}");
        }
    }
}
