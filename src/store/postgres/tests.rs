//! Every mode against a server that speaks the beginning of the protocol, with TLS or without, and refuses everybody
//! who has come so far: what it has seen tells how far the client trusted it.

use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::*;

/// The request for TLS: length and code (PostgreSQL documentation, "Message Formats").
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

struct Server {
    port: u16,
    folder: tempfile::TempDir,
}

impl Server {
    /// Starts a server with a certificate for `name`, or without TLS.
    async fn start(name: Option<&str>) -> Server {
        let folder = tempfile::tempdir().unwrap();
        let acceptor = name.map(|name| acceptor(name, folder.path()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, acceptor.clone()));
            }
        });
        Server { port, folder }
    }

    /// Returns what comes of connecting.
    async fn connect(&self, host: &str, query: &str) -> String {
        let url = format!("postgres://u:s3cret@{host}:{}/n?hostaddr=127.0.0.1&{query}", self.port);
        let answer = match Address::parse(&url) {
            Ok(address) => connect(&address).await.map(|_| ()).unwrap_err(),
            Err(error) => error,
        };
        assert!(!answer.report().contains("s3cret"));
        answer.report()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Makes an authority and a certificate that it signed for `name`; writes the authority to `ca.pem`, another one to
/// `other.pem`.
fn acceptor(name: &str, folder: &std::path::Path) -> TlsAcceptor {
    let authority = |file: &str| {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        std::fs::write(folder.join(file), issuer.pem()).unwrap();
        issuer
    };
    let issuer = authority("ca.pem");
    let _ = authority("other.pem");
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    std::fs::write(folder.join("server.pem"), certificate.pem()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key.serialize_der().try_into().unwrap())
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn serve(mut stream: TcpStream, acceptor: Option<TlsAcceptor>) -> Option<()> {
    let mut first = [0; 8];
    stream.read_exact(&mut first).await.ok()?;
    if first != SSL_REQUEST {
        return refuse(&mut stream, "it came in the clear").await;
    }
    let Some(acceptor) = acceptor else {
        stream.write_all(b"N").await.ok()?;
        stream.read_exact(&mut first).await.ok()?;
        return refuse(&mut stream, "it came in the clear").await;
    };
    stream.write_all(b"S").await.ok()?;
    let mut stream = acceptor.accept(stream).await.ok()?;
    stream.read_exact(&mut first).await.ok()?;
    refuse(&mut stream, "it came encrypted").await
}

/// Answers with an error of the server's.
async fn refuse<S: AsyncWrite + Unpin>(stream: &mut S, reason: &str) -> Option<()> {
    let fields = format!("SFATAL\0VFATAL\0C28000\0M{reason}\0\0");
    let length = u32::try_from(fields.len() + 4).unwrap().to_be_bytes();
    stream.write_all(&[b"E", length.as_slice(), fields.as_bytes()].concat()).await.ok()?;
    stream.flush().await.ok()?;
    stream.shutdown().await.ok()
}

#[tokio::test]
async fn every_mode_trusts_as_far_as_it_says() {
    let server = Server::start(Some("db.example.com")).await;
    let [ca, other, own] = ["ca.pem", "other.pem", "server.pem"]
        .map(|name| format!("sslrootcert={}", server.file(name).display()));
    for (host, query, expected) in [
        ("db.example.com", "sslmode=disable".to_owned(), "in the clear"),
        ("db.example.com", "sslmode=allow".to_owned(), "in the clear"),
        ("db.example.com", String::new(), "encrypted"),
        ("db.example.com", "sslmode=prefer".to_owned(), "encrypted"),
        ("db.example.com", "sslmode=require".to_owned(), "encrypted"),
        ("db.example.com", "sslmode=verify-ca".to_owned(), "certificate"),
        ("db.example.com", format!("sslmode=verify-ca&{ca}"), "encrypted"),
        ("other.example.com", format!("sslmode=verify-ca&{ca}"), "encrypted"),
        ("db.example.com", format!("sslmode=verify-ca&{other}"), "certificate"),
        ("db.example.com", format!("sslmode=require&{other}"), "certificate"),
        ("db.example.com", format!("sslmode=verify-full&{ca}"), "encrypted"),
        ("db.example.com", format!("sslmode=verify-full&{own}"), "encrypted"),
        ("other.example.com", format!("sslmode=verify-full&{ca}"), "certificate"),
        ("other.example.com", format!("sslmode=verify-full&{own}"), "certificate"),
        ("db.example.com", "sslmode=verify-full&sslrootcert=system".to_owned(), "certificate"),
        ("db.example.com", "sslmode=verify-full&sslrootcert=/nowhere.pem".to_owned(), "/nowhere.pem"),
    ] {
        let answer = server.connect(host, &query).await;
        assert!(answer.contains(expected), "{host} {query}: {answer}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_spoken_to_in_the_clear_on_this_machine_alone() {
    let server = Server::start(None).await;
    for (query, expected) in [
        ("sslmode=disable", "in the clear"),
        ("sslmode=allow", "in the clear"),
        ("sslmode=prefer", "in the clear"),
        ("sslmode=require", "`sslmode=require`: error performing TLS handshake: server does not support TLS"),
        ("sslmode=verify-full", "server does not support TLS"),
    ] {
        let answer = server.connect("localhost", query).await;
        assert!(answer.contains(expected), "{query}: {answer}");
    }
    // What matters is where the bytes go, not what is at its end: from afar the same server is refused.
    let far = Address {
        mode: Mode::Prefer,
        root: None,
        config: format!("host=localhost port={} user=u", server.port).parse().unwrap(),
    };
    let answer = encrypted(&far, SslMode::Require).await.map(|_| ()).unwrap_err();
    assert!(
        answer.report().contains("does not support TLS")
            && answer.hint_text().unwrap().contains("sslmode=disable")
    );
}
