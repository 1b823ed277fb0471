//! What a server's certificate is checked for, by mode: nothing, who signed it, or also whose it is.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::{Mode, Root};
use nexora_core::base::{Error, Result};

/// Makes what encrypts connections in this mode.
///
/// # Errors
/// `Config` when the authorities cannot be read.
pub fn connector(mode: Mode, root: Option<&Root>) -> Result<MakeRustlsConnect> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::internal("TLS cannot be set up").source(error))?;
    let verifier = Verifier { checks: checks(mode, root, &provider)?, provider };
    let config =
        builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn checks(mode: Mode, root: Option<&Root>, provider: &Arc<CryptoProvider>) -> Result<Checks> {
    if !matches!(mode, Mode::VerifyCa | Mode::VerifyFull) {
        return Ok(Checks::Nothing);
    }
    let trusted = match root {
        Some(Root::File(path)) => read(path)?,
        Some(Root::System) | None => rustls_native_certs::load_native_certs().certs,
    };
    let mut roots = RootCertStore::empty();
    // A certificate that rustls cannot read only means one authority fewer.
    let _ = roots.add_parsable_certificates(trusted.iter().cloned());
    let authorities = match roots.is_empty() {
        true => None,
        false => {
            let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
            let built = builder.build();
            Some(built.map_err(|error| Error::config("`sslrootcert` cannot be used").source(error))?)
        }
    };
    let of_name = mode == Mode::VerifyFull;
    Ok(Checks::Certificate { trusted, authorities, of_name })
}

fn read(path: &std::path::Path) -> Result<Vec<CertificateDer<'static>>> {
    let shown = path.display();
    let wrong = || Error::config(format!("`sslrootcert={shown}` in `database.url` cannot be read"));
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>)
        .map_err(|error| {
            wrong().source(error).hint("it is a file of PEM certificates that the service can read")
        })?;
    match certificates.is_empty() {
        true => Err(wrong().hint("there is no certificate in it")),
        false => Ok(certificates),
    }
}

#[derive(Debug)]
enum Checks {
    Nothing,
    Certificate {
        /// The certificates that are trusted, as they are.
        trusted: Vec<CertificateDer<'static>>,
        /// The same as authorities.
        authorities: Option<Arc<WebPkiServerVerifier>>,
        /// The certificate must be for the host that was asked for.
        of_name: bool,
    },
}

#[derive(Debug)]
struct Verifier {
    checks: Checks,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        let Checks::Certificate { trusted, authorities, of_name } = &self.checks else {
            return Ok(ServerCertVerified::assertion());
        };
        // A certificate that signed itself, and is named as it is, is its own authority.
        if trusted.iter().any(|trusted| trusted == end_entity) {
            if *of_name {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
            }
            return Ok(ServerCertVerified::assertion());
        }
        let unknown = || rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let authorities = authorities.as_ref().ok_or_else(unknown)?;
        let verified =
            authorities.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verified {
            // The name is looked at last, when all else is right.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !of_name => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
