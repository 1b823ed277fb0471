//! How other people's servers are reached: by HTTP/1.1, with the system's certificates.

use std::sync::OnceLock;

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;

use crate::base::{Error, Result};

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
