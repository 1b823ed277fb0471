//! HMAC with SHA-256 (RFC 2104), set up in one place.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::base::text::hex;

/// Returns the code over these parts, one after the other, to be finished or held against another. A key
/// has any length.
pub fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> Hmac<Sha256> {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        unreachable!("HMAC takes a key of any length")
    };
    for part in parts {
        mac.update(part);
    }
    mac
}

/// Returns the code over texts in hexadecimal, each with its length before it, so that no two lists share one.
pub fn code_of(key: &[u8], texts: &[&str]) -> String {
    let mut mac = hmac_sha256(key, &[]);
    for text in texts {
        mac.update(&text.len().to_be_bytes());
        mac.update(text.as_bytes());
    }
    hex(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Test case 2 of RFC 4231.
    #[test]
    fn the_code_is_that_of_the_standard_however_the_text_is_cut() {
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        for parts in [&[&b"what do ya want for nothing?"[..]][..], &[b"what do ya ", b"want for nothing?"]] {
            assert_eq!(hex(hmac_sha256(b"Jefe", parts).finalize().into_bytes()), expected);
        }
    }
}
