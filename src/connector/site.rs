//! A web site as others see it: one page of it, and until when its certificate is good.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use nexora_core::base::clock::Timestamp;
use nexora_core::base::error::chain;
use nexora_core::base::{Error, Result};

/// What of an answer is read.
const ANSWER_LIMIT_BYTES: usize = 65_536;

/// Where a site is, by its address on the web.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub is_encrypted: bool,
    pub host: String,
    pub port: u16,
}

impl Place {
    /// Reads an http or https URL; nothing where it is none.
    pub fn of(url: &str) -> Option<Place> {
        let uri: Uri = url.parse().ok()?;
        let is_encrypted = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let host = uri.host()?.trim_matches(['[', ']']).to_owned();
        let port = uri.port_u16().unwrap_or(if is_encrypted { 443 } else { 80 });
        Some(Place { is_encrypted, host, port })
    }

    /// Returns the host and its port as a request names them.
    fn named(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match (self.is_encrypted, self.port) {
            (true, 443) | (false, 80) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }
}

/// What a site answered.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub body: String,
    /// Until when its certificate is good, where the connection is encrypted.
    pub certificate_ends: Option<Timestamp>,
}

/// Asks sites. Their certificates are checked as a browser does.
#[derive(Clone)]
pub struct Sites {
    tls: Arc<ClientConfig>,
    deadline: Duration,
}

impl Sites {
    /// Makes one that knows the authorities of this machine, and further ones.
    ///
    /// # Errors
    /// `Config` when TLS cannot be set up.
    pub fn new(deadline: Duration, further: Vec<CertificateDer<'static>>) -> Result<Sites> {
        let mut roots = RootCertStore::empty();
        // One that cannot be read is as good as none.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        roots.add_parsable_certificates(further);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::config("TLS cannot be set up").source(error))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Sites { tls: Arc::new(tls), deadline })
    }

    /// Gets one page of a site at one of its addresses.
    ///
    /// # Errors
    /// `Unavailable` when it does not answer in time; `Denied` when its certificate is not good.
    pub async fn get(&self, place: &Place, address: IpAddr, path: &str) -> Result<Answer> {
        let late = || Error::unavailable(format!("`{}` does not answer in time", place.named()));
        timeout(self.deadline, self.ask(place, address, path)).await.map_err(|_| late())?
    }

    async fn ask(&self, place: &Place, address: IpAddr, path: &str) -> Result<Answer> {
        let address = SocketAddr::new(address, place.port);
        let stream = TcpStream::connect(address).await.map_err(|error| {
            Error::unavailable(format!("`{}` takes no connection at {address}", place.named())).source(error)
        })?;
        if !place.is_encrypted {
            return exchange(stream, place, path).await;
        }
        let name = ServerName::try_from(place.host.clone()).map_err(|error| {
            Error::usage("the host has no name that a certificate could be for").source(error)
        })?;
        let secured = TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await;
        let secured = secured.map_err(|error| {
            Error::denied(format!("the certificate of `{}` is not good: {}", place.named(), chain(&error)))
        })?;
        let own = secured.get_ref().1.peer_certificates().and_then(|all| all.first());
        let certificate_ends = own.and_then(|own| ends_at(own));
        Ok(Answer { certificate_ends, ..exchange(secured, place, path).await? })
    }
}

/// Returns until when a certificate is good; nothing where it cannot be read.
pub fn ends_at(certificate: &[u8]) -> Option<Timestamp> {
    let (_, read) = x509_parser::parse_x509_certificate(certificate).ok()?;
    Some(Timestamp::from_millis(read.validity().not_after.timestamp().saturating_mul(1_000)))
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    place: &Place,
    path: &str,
) -> Result<Answer> {
    let failed = |error: hyper::Error| {
        Error::unavailable(format!("`{}` does not speak HTTP", place.named())).source(error)
    };
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    // It ends with the exchange, whose own failure says more.
    tokio::spawn(async move {
        let _ = connection.await;
    });
    let request = Request::get(path).header("host", place.named()).header("user-agent", "nexora");
    let request = request
        .body(Empty::<Bytes>::new())
        .map_err(|error| Error::internal("the request cannot be made").source(error))?;
    let answer = sender.send_request(request).await.map_err(failed)?;
    let status = answer.status().as_u16();
    let body = Limited::new(answer.into_body(), ANSWER_LIMIT_BYTES).collect().await;
    let body = body.map(|body| String::from_utf8_lossy(&body.to_bytes()).into_owned()).unwrap_or_default();
    Ok(Answer { status, body, certificate_ends: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_of_its_url() {
        let place = |url: &str| Place::of(url).map(|place| (place.is_encrypted, place.named(), place.port));
        assert_eq!(place("https://leads.example.com/x"), Some((true, "leads.example.com".to_owned(), 443)));
        assert_eq!(place("http://127.0.0.1:8080"), Some((false, "127.0.0.1:8080".to_owned(), 8_080)));
        assert_eq!(place("https://[2001:db8::1]"), Some((true, "[2001:db8::1]".to_owned(), 443)));
        for none in ["ftp://x.example.com", "x.example.com", ""] {
            assert_eq!(place(none), None, "{none}");
        }
    }
}
