//! Values that must not be seen: no `Debug` text, no `Serialize`, wiped on drop.
//!
//! Seals credentials with XChaCha20-Poly1305 under the master key. Every sealed value is bound to
//! the row it belongs to, so a ciphertext copied to another tenant or row does not open.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret, SecretBox, SecretString};

use crate::base::mac::hmac_sha256;
use crate::base::text::hex;
use crate::base::{Error, Result};

const KEY_LENGTH: usize = 32;
const NONCE_LENGTH: usize = 24;

/// A secret text. `expose` is the only way to read it and is easy to search for.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(SecretString::from(text.into()))
    }

    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Secret {
    /// Makes a secret of `N` random bytes that goes into an address or a header as it is.
    ///
    /// # Errors
    /// `Internal` when the operating system has no randomness to give.
    pub fn random<const N: usize>() -> Result<Secret> {
        Ok(Secret::new(URL_SAFE_NO_PAD.encode(random_bytes::<N>()?)))
    }
}

/// Fills a new array with random bytes from the operating system.
///
/// # Errors
/// `Internal` when the operating system has no randomness to give.
pub fn random_bytes<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0_u8; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::internal("the operating system gave no random bytes").source(error.to_string())
    })?;
    Ok(bytes)
}

/// The key that seals every credential, read from a file or made by `nexora init`.
pub struct MasterKey {
    key: SecretBox<[u8; KEY_LENGTH]>,
    /// What keys for other purposes are derived from: the first master key of the database, which a rotation leaves as it is,
    /// since nobody knows any more what was hashed with it.
    root: SecretBox<[u8; KEY_LENGTH]>,
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[master key]")
    }
}

impl Clone for MasterKey {
    fn clone(&self) -> MasterKey {
        MasterKey::of(*self.key.expose_secret(), *self.root.expose_secret())
    }
}

impl MasterKey {
    fn of(key: [u8; KEY_LENGTH], root: [u8; KEY_LENGTH]) -> MasterKey {
        MasterKey { key: SecretBox::new(Box::new(key)), root: SecretBox::new(Box::new(root)) }
    }

    /// Returns the same key with another root.
    ///
    /// # Errors
    /// `Config` when the text is no key.
    pub fn with_root(&self, root: &Secret) -> Result<MasterKey> {
        Ok(MasterKey::of(*self.key.expose_secret(), *MasterKey::parse(root.expose())?.key.expose_secret()))
    }

    /// Returns the root as text.
    pub fn root_hex(&self) -> Secret {
        Secret::new(hex(self.root.expose_secret()))
    }

    /// Makes a new random key.
    ///
    /// # Errors
    /// `Internal` when the operating system has no randomness to give.
    pub fn generate() -> Result<MasterKey> {
        let key = random_bytes()?;
        Ok(MasterKey::of(key, key))
    }

    /// Reads a key from 64 hexadecimal digits, blanks around them ignored.
    ///
    /// # Errors
    /// `Config` when the text is anything else.
    pub fn parse(text: &str) -> Result<MasterKey> {
        let digits = text.trim();
        let wrong = || Error::config("a master key is 64 hexadecimal digits");
        if digits.len() != KEY_LENGTH * 2 {
            return Err(wrong());
        }
        let mut key = [0_u8; KEY_LENGTH];
        for (index, slot) in key.iter_mut().enumerate() {
            let pair = digits.get(index * 2..index * 2 + 2).ok_or_else(wrong)?;
            *slot = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
        }
        Ok(MasterKey::of(key, key))
    }

    /// Returns the text that `parse` reads.
    pub fn to_hex(&self) -> Secret {
        Secret::new(hex(self.key.expose_secret()))
    }

    /// Seals `plain` for the row that `owner` names.
    ///
    /// # Errors
    /// `Internal` when no random nonce can be had.
    pub fn seal(&self, owner: &str, plain: &Secret) -> Result<Vec<u8>> {
        let nonce: [u8; NONCE_LENGTH] = random_bytes()?;
        let payload = Payload { msg: plain.expose().as_bytes(), aad: owner.as_bytes() };
        let sealed = self
            .cipher()
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| Error::internal(format!("cannot seal the credential of `{owner}`")))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what `seal` made for the same `owner`.
    ///
    /// # Errors
    /// `Denied` when the key is another one, or the value was changed or moved.
    pub fn open(&self, owner: &str, sealed: &[u8]) -> Result<Secret> {
        let denied = || {
            Error::denied(format!("the master key does not open the credential of `{owner}`"))
                .hint("check `secrets.key_file`: it must be the key this database was made with")
        };
        let (nonce, body) = sealed.split_first_chunk::<NONCE_LENGTH>().ok_or_else(denied)?;
        let payload = Payload { msg: body, aad: owner.as_bytes() };
        let plain = self.cipher().decrypt(&XNonce::from(*nonce), payload).map_err(|_| denied())?;
        String::from_utf8(plain).map(Secret::new).map_err(|_| denied())
    }

    /// Derives a key for another purpose, so that no two uses share one.
    pub fn derive(&self, purpose: &str) -> [u8; KEY_LENGTH] {
        use hmac::Mac as _;
        hmac_sha256(self.root.expose_secret(), &[purpose.as_bytes()]).finalize().into_bytes().into()
    }

    /// Returns the key for another purpose, which seals as this one does.
    #[must_use]
    pub fn child(&self, purpose: &str) -> MasterKey {
        let key = self.derive(purpose);
        MasterKey::of(key, key)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.key.expose_secret().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_value_opens_only_for_its_owner_and_key() {
        let key = MasterKey::generate().unwrap();
        let sealed = key.seal("tenant_1/conn_1", &Secret::new("hunter2")).unwrap();
        assert_eq!(key.open("tenant_1/conn_1", &sealed).unwrap().expose(), "hunter2");
        assert_eq!(key.open("tenant_2/conn_1", &sealed).unwrap_err().kind().exit_code(), 7);
        assert!(MasterKey::generate().unwrap().open("tenant_1/conn_1", &sealed).is_err());
        assert!(key.open("tenant_1/conn_1", &sealed[..10]).is_err());
    }

    #[test]
    fn a_key_survives_its_text_and_nothing_else_parses() {
        let key = MasterKey::generate().unwrap();
        let copy = MasterKey::parse(&format!("{}\n", key.to_hex().expose())).unwrap();
        assert_eq!(key.derive("x"), copy.derive("x"));
        assert_ne!(key.derive("x"), key.derive("y"));
        assert!(MasterKey::parse("abc").is_err());
        assert!(MasterKey::parse(&"zz".repeat(32)).is_err());
    }

    #[test]
    fn what_is_derived_stays_when_the_key_is_another() {
        let (old, new) = (MasterKey::generate().unwrap(), MasterKey::generate().unwrap());
        let rotated = new.with_root(&old.root_hex()).unwrap();
        assert_eq!(
            (rotated.derive("x"), rotated.to_hex().expose()),
            (old.derive("x"), new.to_hex().expose())
        );
        let sealed = rotated.seal("a", &Secret::new("hunter2")).unwrap();
        assert!(new.open("a", &sealed).is_ok() && old.open("a", &sealed).is_err());
        assert!(new.with_root(&Secret::new("short")).is_err());
    }

    #[test]
    fn a_secret_has_no_debug_text() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "[redacted]");
    }
}
