//! Where events may be sent: to public addresses, unless a connection allows others.
//!
//! The name is resolved once for each attempt, so that it cannot become another between the check and
//! the call.

use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::Uri;
use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

use crate::public_address::{is_public, resolve};
use crate::webhook::WebhookSettings;
use nexora_core::base::{Error, Result};

/// Makes sure that an address can be told anything.
///
/// # Errors
/// `Usage` when it is no `https` address, or names one that is not public and not allowed.
pub fn check(settings: &WebhookSettings) -> Result<Uri> {
    let url = &settings.url;
    let uri: Uri = url.parse().map_err(|_| Error::usage(format!("`{url}` is not an address on the web")))?;
    let host = uri.host().ok_or_else(|| Error::usage(format!("`{url}` names no host")))?;
    let secure = uri.scheme_str() == Some("https");
    if !secure && !settings.allow_private {
        return Err(Error::usage(format!("`{url}` is not encrypted")).hint("use an address with `https://`"));
    }
    let literal: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    match literal.filter(|address| !settings.allow_private && !is_public(*address)) {
        Some(address) => Err(private(&address.to_string())),
        None => Ok(uri),
    }
}

fn private(what: &str) -> Error {
    Error::usage(format!("`{what}` is not a public address"))
        .hint("add `--allow-private` if it is a receiver of your own in this network")
}

/// Resolves names, and hands out only addresses that may be called.
#[derive(Clone)]
pub struct Guard {
    pub allow_private: bool,
}

impl Service<Name> for Guard {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = std::io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found = resolve(name.as_str(), 0, allow_private).await?;
            Ok(found.into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_checked_when_it_is_named() {
        let check = |url: &str, allow_private| check(&WebhookSettings { url: url.to_owned(), allow_private });
        assert!(check("https://example.com/hook", false).is_ok());
        for wrong in
            ["http://example.com", "https://127.0.0.1/x", "https://[::1]/x", "ftp://example.com", "nonsense"]
        {
            assert!(check(wrong, false).is_err(), "{wrong}");
        }
        assert!(check("http://127.0.0.1:8080/x", true).is_ok());
    }
}
