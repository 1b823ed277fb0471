//! The public listener's own certificate: where it is, and what is in it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use nexora_core::base::{Error, Result};

/// A certificate and its key, as PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl CertificateFiles {
    /// Reads the certificate, with those that signed it, and its key.
    ///
    /// # Errors
    /// `Config` when the files cannot be read, hold no certificate or key, or do not belong together.
    pub fn read(&self) -> Result<CertifiedKey> {
        let chain = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>)
            .map_err(|error| unreadable("http.tls_cert", &self.certificate, error))?;
        if chain.is_empty() {
            let shown = self.certificate.display();
            return Err(Error::config(format!("there is no certificate in `{shown}` (`http.tls_cert`)")));
        }
        if is_open_to_everybody(&self.key) {
            let shown = self.key.display();
            return Err(Error::config(format!("the key `{shown}` (`http.tls_key`) may be read by others"))
                .hint(format!("run `chmod o= {shown}`")));
        }
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|error| unreadable("http.tls_key", &self.key, error))?;
        CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|error| {
            Error::config("`http.tls_cert` and `http.tls_key` do not belong together, or the key is of a kind that is not known")
                .source(error)
                .hint("the certificate comes first in its file, followed by those that signed it")
        })
    }
}

/// Tells whether everybody may read a file. Those of its group may: it may belong to another user than the service's.
fn is_open_to_everybody(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o007 != 0)
}

fn unreadable(key: &str, path: &Path, error: pem::Error) -> Error {
    Error::config(format!("`{}` (`{key}`) cannot be read", path.display()))
        .source(error)
        .hint("it is a PEM file that the service's user can read")
}
