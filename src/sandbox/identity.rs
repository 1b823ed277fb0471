//! Who the sandbox says it is: the service account whose tokens it grants, and the certificate of
//! its mail server.
//!
//! The service account's key is made once in a process and shared by all sandboxes in it, since
//! 2,048-bit keys take a while; it opens nothing but sandboxes.

use std::sync::{Arc, OnceLock};

use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey};
use rsa::pkcs1::EncodeRsaPublicKey;
use rsa::pkcs8::{EncodePrivateKey, LineEnding};
use rsa::rand_core::UnwrapErr;
use rsa::{RsaPrivateKey, RsaPublicKey};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::json;

use nexora_core::base::secret::random_bytes;
use nexora_core::base::{Error, Result};

const KEY_BITS: usize = 2_048;
const PROJECT: &str = "nexora-sandbox";
/// The address of the service account, which signs its requests for tokens.
pub const ACCOUNT: &str = "nexora@nexora-sandbox.iam.gserviceaccount.com";
const ACCOUNT_CLIENT_ID: &str = "100000000000000000001";

/// The installed app that people give consent to. Its secret is none, as with every installed app.
pub const CLIENT_ID: &str = "100000000001-sandbox.apps.googleusercontent.com";
pub const CLIENT_SECRET: &str = "GOCSPX-sandbox-installed-app";

/// The keys and certificate of one sandbox.
pub struct Identity {
    account: &'static Account,
    pub certificate_pem: String,
    pub tls: Arc<rustls::ServerConfig>,
}

struct Account {
    private_key_pem: String,
    private_key_id: String,
    key_pair: RsaKeyPair,
    public_key: UnparsedPublicKey<Vec<u8>>,
}

impl Identity {
    /// Makes the certificate, and the service account's key if this process has none yet.
    pub fn create() -> Result<Identity> {
        let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let made = rcgen::generate_simple_self_signed(names)
            .map_err(|error| Error::internal("the sandbox's certificate was not made").source(error))?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                builder.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key)
            })
            .map_err(|error| Error::internal("the sandbox's certificate cannot be used").source(error))?;
        Ok(Identity { account: account()?, certificate_pem: made.cert.pem(), tls: Arc::new(tls) })
    }

    pub fn is_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        self.account.public_key.verify(message, signature).is_ok()
    }

    /// Signs with the service account's key, RS256 (RFC 7518, section 3.3).
    pub fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let pair = &self.account.key_pair;
        let mut signature = vec![0; pair.public().modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).ok()?;
        Some(signature)
    }

    pub fn key_id(&self) -> &str {
        &self.account.private_key_id
    }

    /// Returns the key file, as the Google Cloud console would hand it out.
    pub fn key_file(&self, origin: &str) -> String {
        let file = json!({
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": self.account.private_key_id,
            "private_key": self.account.private_key_pem,
            "client_email": ACCOUNT,
            "client_id": ACCOUNT_CLIENT_ID,
            "auth_uri": format!("{origin}/auth"),
            "token_uri": format!("{origin}/token"),
            "auth_provider_x509_cert_url": format!("{origin}/certs"),
            "client_x509_cert_url": format!("{origin}/certs"),
            "universe_domain": "googleapis.com",
        });
        format!("{file:#}\n")
    }
}

/// Returns the installed app's `client_secret.json`, as the Google Cloud console would hand it out.
pub fn client_file(origin: &str) -> String {
    let file = json!({"installed": {
        "client_id": CLIENT_ID,
        "project_id": PROJECT,
        "auth_uri": format!("{origin}/o/oauth2/v2/auth"),
        "token_uri": format!("{origin}/token"),
        "auth_provider_x509_cert_url": format!("{origin}/oauth2/v1/certs"),
        "client_secret": CLIENT_SECRET,
        "redirect_uris": ["http://localhost"],
    }});
    format!("{file:#}\n")
}

fn account() -> Result<&'static Account> {
    static MADE: OnceLock<Account> = OnceLock::new();
    if let Some(account) = MADE.get() {
        return Ok(account);
    }
    let account = make_account()?;
    Ok(MADE.get_or_init(|| account))
}

fn make_account() -> Result<Account> {
    let failed = |error: String| Error::internal("the sandbox's key was not made").source(error);
    // Without randomness this panics; it runs on a thread of its own, whose end is then the error.
    let mut random = UnwrapErr(getrandom::SysRng);
    let private = RsaPrivateKey::new(&mut random, KEY_BITS).map_err(|error| failed(error.to_string()))?;
    let public = RsaPublicKey::from(&private).to_pkcs1_der().map_err(|error| failed(error.to_string()))?;
    let pem = private.to_pkcs8_pem(LineEnding::LF).map_err(|error| failed(error.to_string()))?;
    let der = private.to_pkcs8_der().map_err(|error| failed(error.to_string()))?;
    let key_pair = RsaKeyPair::from_pkcs8(der.as_bytes()).map_err(|error| failed(error.to_string()))?;
    let id: [u8; 16] = random_bytes()?;
    Ok(Account {
        private_key_pem: pem.to_string(),
        private_key_id: format!("{:032x}", u128::from_be_bytes(id)),
        key_pair,
        public_key: UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public.as_bytes().to_vec()),
    })
}
