//! Texts that only we can have written: a body with a signature, and keyed hashes of addresses.
//!
//! Each purpose has a key of its own, derived from the master key, so that a token for one thing is
//! no token for another.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};

use crate::base::mac::hmac_sha256;
use crate::base::secret::MasterKey;
use crate::base::text::hex;

/// A key for one purpose. It may be copied to where work is done.
#[derive(Clone)]
pub struct PurposeKey([u8; 32]);

impl PurposeKey {
    pub fn new(key: &MasterKey, purpose: &str) -> PurposeKey {
        PurposeKey(key.derive(purpose))
    }

    /// Returns the body with its signature, to be read in an address on the web.
    pub fn sign(&self, body: &str) -> String {
        let signature = self.mac(body).finalize().into_bytes();
        // Half of it is enough against guessing (NIST SP 800-107, 5.3.3), and keeps addresses short.
        let short = signature.get(..16).unwrap_or_default();
        format!("{body}.{}", URL_SAFE_NO_PAD.encode(short))
    }

    /// Returns the body of a token that `sign` made; nothing when it was made otherwise.
    pub fn open<'a>(&self, token: &'a str) -> Option<&'a str> {
        let (body, signature) = token.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok().filter(|bytes| bytes.len() == 16)?;
        self.mac(body).verify_truncated_left(&signature).ok().map(|()| body)
    }

    /// Returns a hash against which a guess cannot be checked without the key.
    pub fn hash(&self, text: &str) -> String {
        let hash = self.mac(text).finalize().into_bytes();
        hex(hash.get(..20).unwrap_or_default())
    }

    fn mac(&self, text: &str) -> Hmac<sha2::Sha256> {
        hmac_sha256(&self.0, &[text.as_bytes()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_its_purpose_alone_and_only_unchanged() {
        let master = MasterKey::generate().unwrap();
        let (one, other) = (PurposeKey::new(&master, "one"), PurposeKey::new(&master, "other"));
        let token = one.sign("tenant_1.contact_2");
        assert_eq!(one.open(&token), Some("tenant_1.contact_2"));
        assert_eq!(other.open(&token), None);
        assert_eq!(one.open(&token.replacen('2', "3", 1)), None);
        assert_eq!(one.open(token.trim_end_matches(|c: char| c.is_alphanumeric())), None);
        assert_eq!(one.hash("a"), one.hash("a"));
        assert_ne!(one.hash("a"), other.hash("a"));
    }
}
