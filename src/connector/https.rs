//! How other people's servers are reached: by HTTP/1.1, with the system's certificates.

use std::sync::OnceLock;
use std::time::Duration;

use hyper::HeaderMap;
use hyper::header::RETRY_AFTER;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;

use nexora_core::base::{Error, Result};

pub type Connect = HttpsConnector<HttpConnector>;

/// Returns what makes connections. The system's certificates are read once in a process.
///
/// # Errors
/// `Config` when they cannot be read.
pub fn connect() -> Result<Connect> {
    static CONNECT: OnceLock<Connect> = OnceLock::new();
    if let Some(connect) = CONNECT.get() {
        return Ok(connect.clone());
    }
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    // A request's head and body are two writes: without this the second waits for the first's receipt.
    http.set_nodelay(true);
    let provider = rustls::crypto::ring::default_provider();
    let connect = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(provider)
        .map_err(|error| Error::config("the system's certificates cannot be read").source(error))?
        .https_or_http()
        .enable_http1()
        .wrap_connector(http);
    Ok(CONNECT.get_or_init(|| connect).clone())
}

/// Returns how long a server asks to be left alone (RFC 9110, section 10.2.3), where it says so in seconds.
/// A date is not read: it would be held against a clock that may differ from ours.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_read_in_seconds() {
        let wait = |text: &'static str| {
            retry_after(&HeaderMap::from_iter([(RETRY_AFTER, hyper::header::HeaderValue::from_static(text))]))
        };
        assert_eq!(wait(" 120 "), Some(Duration::from_secs(120)));
        for unread in ["Fri, 20 Nov 2026 16:00:00 GMT", "-1", "soon", ""] {
            assert_eq!(wait(unread), None, "{unread}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
