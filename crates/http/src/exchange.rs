//! One request, from the gate to the last byte of its response.

use std::sync::Arc;
use std::time::Duration;

use canter_core::ports::{FetchError, Gate, Head, Headers, Request, Response};
use reqwest::header::{ACCEPT_ENCODING, CONNECTION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Version};

use crate::coding;
use crate::failure::classify;
use crate::lane::{Lane, Lanes};
use crate::slot_connector::{SlotRequest, Start};

/// Maximum number of bytes that are allocated because a server announces them.
const MAX_PREALLOCATED: usize = 1 << 20;
/// Maximum number of bytes of an unwanted body that are read to keep the connection.
const MAX_DRAINED: usize = 64 * 1024;
/// Maximum wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Makes the request in a slot of the gate. `private` tells whether a private address is permitted.
pub(crate) async fn exchange(
    lanes: Arc<Lanes>,
    request: Request,
    gate: Arc<dyn Gate>,
    private: bool,
) -> Result<Response, FetchError> {
    crate::resolver::check_literal(&request.url, private)?;
    let authority = canter_core::domain::authority(&request.url);
    let approach = gate.near(lanes.lead()).await?;
    let lane = lanes.take(&authority, private)?;
    let (warm, idle_since) = (lane.warm, lane.idle_since);
    let slot_request = SlotRequest::new(Arc::clone(&gate), approach, connect_timeout(&request));
    let answer = match on_lane(&lanes, &authority, lane, &request, slot_request).await {
        Err(Lost::Unanswered(FetchError::Broken(_))) if warm => {
            // The server closed the idle connection while the request was sent. A GET may be
            // repeated (RFC 9110 §9.2.2), in a slot of its own and on a new connection.
            lanes.closed_after(&authority, idle_since.elapsed());
            let approach = gate.near(lanes.lead()).await?;
            let slot_request = SlotRequest::new(gate, approach, connect_timeout(&request));
            let lane = lanes.cold(private)?;
            on_lane(&lanes, &authority, lane, &request, slot_request).await
        }
        done => done,
    };
    let response = answer.map_err(|(Lost::Unanswered(error) | Lost::Otherwise(error))| error)?;
    coding::decoded(response, request.max_bytes)
        .await
        .map_err(FetchError::Broken)
}

/// Why there is no response.
enum Lost {
    /// No byte of a response arrived.
    Unanswered(FetchError),
    /// Any other reason.
    Otherwise(FetchError),
}

fn connect_timeout(request: &Request) -> Duration {
    CONNECT_TIMEOUT.min(request.timeout)
}

/// Makes the request on a lane, and gives the lane back if it can be used again.
async fn on_lane(
    lanes: &Lanes,
    authority: &str,
    lane: Lane,
    request: &Request,
    slot_request: SlotRequest,
) -> Result<Response, Lost> {
    let slot_request = Arc::new(slot_request);
    lane.connector.begin(Arc::clone(&slot_request));
    let idle_for = if lane.warm {
        slot_request.acquire_slot().await.map_err(Lost::Otherwise)?;
        lane.idle_since.elapsed()
    } else {
        Duration::ZERO
    };
    let answer = tokio::select! {
        answer = answer(&lane.client, request, &slot_request) => answer,
        () = slot_request.expired(request.timeout) => {
            Err(Lost::Otherwise(FetchError::Timeout(request.timeout)))
        }
    };
    let connected = lane.connector.end();
    if let Some(took) = connected {
        lanes.connected_in(took);
        if lane.warm {
            // The lane had to connect again, since the server had closed its idle connection.
            lanes.closed_after(authority, idle_for);
        }
    }
    let (response, reusable, version) = answer?;
    // HTTP/1.1 does not announce that an idle connection will be closed, and a request sent at that
    // moment is lost. So survival builds trust over HTTP/2 only.
    if lane.warm && connected.is_none() && version == Version::HTTP_2 {
        lanes.open_after(authority, idle_for);
    }
    if reusable {
        settle(lanes, authority, lane).await;
    }
    Ok(response)
}

/// Gives the lane back once the connection's own task had time to see the end of the response.
async fn settle(lanes: &Lanes, authority: &str, lane: Lane) {
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
    lanes.give_back(authority, lane);
}

/// The response, whether its connection can carry another request, and the protocol.
async fn answer(
    client: &Client,
    request: &Request,
    slot_request: &SlotRequest,
) -> Result<(Response, bool, Version), Lost> {
    let host = request.url.host_str().unwrap_or_default();
    let failed = |error: reqwest::Error| Lost::Otherwise(classify(&error, host));
    let mut answer = client
        .get(request.url.clone())
        .headers(header_map(&request.headers))
        .send()
        .await
        .map_err(|error| Lost::Unanswered(classify(&error, host)))?;
    let version = answer.version();
    let keep = version >= Version::HTTP_11 && !closes(answer.headers());
    let head = head(&answer);
    let wanted = (request.wants_body)(&head);
    if wanted {
        coding::codings(&head).map_err(|why| Lost::Otherwise(FetchError::Broken(why)))?;
    }
    let limit = if wanted {
        request.max_bytes
    } else {
        MAX_DRAINED
    };
    let announced = answer.content_length().map_or(0, |bytes| bytes as usize);
    let mut body = Vec::with_capacity(announced.min(limit).min(MAX_PREALLOCATED));
    let mut cut = false;
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        let room = limit - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            cut = true;
            break;
        }
    }
    let bytes = body.len() as u64;
    if !wanted {
        body.clear();
    }
    let Start { moment, instant } = slot_request
        .start()
        .ok_or(Lost::Otherwise(FetchError::Closed))?;
    let response = Response {
        head,
        body,
        cut: cut && wanted,
        started: moment,
        took: instant.elapsed(),
        bytes,
    };
    Ok((response, keep && !cut, version))
}

fn closes(headers: &HeaderMap) -> bool {
    headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|token| token.trim().eq_ignore_ascii_case("close"))
}

fn head(answer: &reqwest::Response) -> Head {
    let headers = answer.headers().iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    });
    Head {
        status: answer.status().as_u16(),
        headers: Headers(headers.collect()),
    }
}

/// The headers of a request. Asks for every coding that can be decoded, unless they name some.
fn header_map(headers: &Headers) -> HeaderMap {
    let mut map: HeaderMap = headers
        .0
        .iter()
        .filter_map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            Some((name, HeaderValue::from_str(value).ok()?))
        })
        .collect();
    map.entry(ACCEPT_ENCODING)
        .or_insert(HeaderValue::from_static(coding::ACCEPTED));
    map
}
