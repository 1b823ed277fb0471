//! The HTTP clients that all calls to Google share.

use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::rt::TokioExecutor;

use nexora_connector::https::{Connect, connect};
use nexora_core::base::Result;

/// What calls to Google's services go through.
pub type Client = google_apis_common::Client<Connect>;

/// What service accounts ask for tokens through.
pub type TokenClient = HyperClient<Connect, String>;

/// Makes an HTTP client, to be shared by all calls to Google.
///
/// # Errors
/// `Config` when the system's certificates cannot be read.
pub fn client() -> Result<Client> {
    Ok(HyperClient::builder(TokioExecutor::new()).build(connect()?))
}

/// Makes an HTTP client for the tokens of all service accounts: with one of its own, each would
/// keep a connection open.
///
/// # Errors
/// `Config` when the system's certificates cannot be read.
pub fn token_client() -> Result<TokenClient> {
    Ok(HyperClient::builder(TokioExecutor::new()).build(connect()?))
}

/// Encodes a path parameter: the generated clients put them into the address as they are.
pub fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
