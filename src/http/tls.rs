//! TLS of the public listener's own, for those without a web server in front: a certificate that is read anew when its
//! file changes.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::config::certificate::CertificateFiles;
use nexora_core::base::{Error, Result};

/// How often it is looked whether the files have changed.
const LOOK_INTERVAL: Duration = Duration::from_secs(10);

/// The certificate that is shown to clients now.
#[derive(Debug)]
pub struct Tls {
    files: CertificateFiles,
    current: RwLock<Arc<CertifiedKey>>,
}

impl Tls {
    /// # Errors
    /// `Config` when the files cannot be read, hold no certificate or key, or do not belong together.
    pub fn load(files: CertificateFiles) -> Result<Arc<Tls>> {
        let current = RwLock::new(Arc::new(files.read()?));
        Ok(Arc::new(Tls { files, current }))
    }

    /// # Errors
    /// `Internal` when TLS cannot be set up.
    pub fn acceptor(self: &Arc<Tls>) -> Result<TlsAcceptor> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::internal("TLS cannot be set up").source(error))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Looks after the files until the stop. What cannot be used is logged, and the certificate before it stays.
    pub async fn watch(self: Arc<Tls>, stop: CancellationToken) {
        let mut seen = self.state();
        while stop.run_until_cancelled(tokio::time::sleep(LOOK_INTERVAL)).await.is_some() {
            let now = self.state();
            if now != seen {
                seen = now;
                self.reload();
            }
        }
    }

    /// Reads the files anew.
    pub fn reload(&self) {
        match self.files.read() {
            Ok(certified) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(certified);
                tracing::info!(
                    "the certificate in `{}` is used from now on",
                    self.files.certificate.display()
                );
            }
            Err(error) => {
                tracing::error!(reason = %error.report(), "the new certificate cannot be used; the one before it is kept");
            }
        }
    }

    /// Returns what changes when a file is written or replaced.
    fn state(&self) -> [Option<(SystemTime, u64)>; 2] {
        let state = |path: &Path| {
            let file = std::fs::metadata(path).ok()?;
            Some((file.modified().ok()?, file.len()))
        };
        [state(&self.files.certificate), state(&self.files.key)]
    }
}

impl ResolvesServerCert for Tls {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, ServerName};
    use rustls::{ClientConfig, RootCertStore};
    use tokio_rustls::TlsConnector;

    use super::*;
    use crate::ops::certificate::{SelfSigned, self_signed};
    use nexora_core::base::clock::Clock;

    fn made(dir: &Path) -> SelfSigned {
        let hosts = ["leads.example.com".to_owned(), "10.0.0.5".to_owned()];
        self_signed(dir, &hosts, 30, Clock::System.now()).unwrap()
    }

    fn files(made: &SelfSigned) -> CertificateFiles {
        CertificateFiles { certificate: made.certificate.clone(), key: made.key.clone() }
    }

    /// Tells whether a client that trusts this certificate alone gets through.
    async fn is_trusted(tls: &Arc<Tls>, made: &SelfSigned) -> bool {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&made.certificate).unwrap()).unwrap();
        let client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let (here, there) = tokio::io::duplex(4_096);
        let name = ServerName::try_from("leads.example.com").unwrap();
        let acceptor = tls.acceptor().unwrap();
        let (client, server) =
            tokio::join!(TlsConnector::from(Arc::new(client)).connect(name, here), acceptor.accept(there));
        assert!(server.is_ok() || client.is_err());
        client.is_ok()
    }

    #[tokio::test]
    async fn a_changed_certificate_is_shown_and_a_bad_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (made(&folder.path().join("first")), made(&folder.path().join("second")));
        let tls = Tls::load(files(&first)).unwrap();
        assert!(is_trusted(&tls, &first).await && !is_trusted(&tls, &second).await);
        let before = tls.state();
        std::fs::copy(&second.certificate, &tls.files.certificate).unwrap();
        // The key is still that of the first: the pair cannot be used.
        tls.reload();
        assert!(!is_trusted(&tls, &second).await);
        std::fs::copy(&second.key, &tls.files.key).unwrap();
        assert_ne!(tls.state(), before);
        tls.reload();
        assert!(is_trusted(&tls, &second).await);
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_its_reason() {
        let folder = tempfile::tempdir().unwrap();
        let (good, other) = (made(&folder.path().join("good")), made(&folder.path().join("other")));
        let refused = |files| Tls::load(files).unwrap_err().report();
        let mixed = CertificateFiles { key: other.key.clone(), ..files(&good) };
        assert!(refused(mixed).contains("do not belong together"));
        let absent = CertificateFiles { certificate: folder.path().join("none.pem"), ..files(&good) };
        assert!(refused(absent).contains("http.tls_cert"));
        let swapped = CertificateFiles { certificate: good.key.clone(), ..files(&good) };
        assert!(refused(swapped).contains("no certificate"));
        std::fs::set_permissions(&good.key, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
        assert!(refused(files(&good)).contains("read by others"));
        assert!(
            self_signed(&folder.path().join("good"), &["a.example".to_owned()], 1, Clock::System.now())
                .is_err()
        );
    }
}
