//! Two-step sign-in: codes that change every half minute (RFC 6238), and recovery codes.
//!
//! A code is good for its own step and the one on either side, and only once: whoever asks says which
//! step was the last.

use totp_rs::{Builder, Totp};

use nexora_core::base::clock::Timestamp;
use nexora_core::base::secret::{Secret, random_bytes};
use nexora_core::base::text::hex;
use nexora_core::base::{Error, Result};

const ISSUER: &str = "Nexora";
/// As long as RFC 4226, section 4, advises.
const SECRET_LENGTH: usize = 20;
const RECOVERY_CODES: usize = 10;
/// Bytes of a recovery code: 80 bits cannot be guessed.
const RECOVERY_LENGTH: usize = 10;

/// What an authenticator is told.
pub struct Enrolment {
    /// In base 32, to be typed.
    pub secret: Secret,
    /// For a QR code.
    pub url: Secret,
}

/// Makes a new secret.
///
/// # Errors
/// `Internal` when the operating system has no randomness to give.
pub fn new_secret() -> Result<Secret> {
    let bytes: [u8; SECRET_LENGTH] = random_bytes()?;
    Ok(Secret::new(totp_rs::Secret::from(bytes.to_vec()).to_base32()))
}

/// Returns what an authenticator is told of `secret` and the user whose it is.
///
/// # Errors
/// `Internal` when what is stored is no secret.
pub fn enrolment(secret: &Secret, account: &str) -> Result<Enrolment> {
    let totp = generator(secret, account)?;
    let url = totp.to_url().map_err(|error| broken().source(error.to_string()))?;
    Ok(Enrolment { secret: secret.clone(), url: Secret::new(url) })
}

/// Returns the step of a code that is good now and later than `last_step`; nothing when it is not.
///
/// # Errors
/// `Internal` when what is stored is no secret.
pub fn check(secret: &Secret, code: &str, now: Timestamp, last_step: i64) -> Result<Option<i64>> {
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let seconds = u64::try_from(now.millis() / 1_000).unwrap_or(0);
    let step = generator(secret, "")?.check(&digits, seconds).and_then(|step| i64::try_from(step).ok());
    Ok(step.filter(|step| *step > last_step))
}

/// Makes the recovery codes of a user, to be shown once.
///
/// # Errors
/// `Internal` when the operating system has no randomness to give.
pub fn new_recovery_codes() -> Result<Vec<String>> {
    let one = |_| {
        let bytes: [u8; RECOVERY_LENGTH] = random_bytes()?;
        let text = hex(bytes);
        let parts: Vec<&str> =
            [0, 5, 10, 15].iter().filter_map(|start| text.get(*start..start + 5)).collect();
        Ok(parts.join("-"))
    };
    (0..RECOVERY_CODES).map(one).collect()
}

/// Returns a recovery code as it is hashed, however it was typed.
pub fn plain_recovery_code(typed: &str) -> String {
    typed.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

fn generator(secret: &Secret, account: &str) -> Result<Totp> {
    let bytes = totp_rs::Secret::try_from_base32(secret.expose()).map_err(|_| broken())?;
    Builder::new()
        .with_secret(bytes)
        .with_issuer(Some(ISSUER))
        .with_account_name(account)
        .build()
        .map_err(|error| broken().source(error.to_string()))
}

fn broken() -> Error {
    Error::internal("the secret of two-step sign-in cannot be used")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of the test vectors of RFC 6238, appendix B: `12345678901234567890`.
    fn known() -> Secret {
        Secret::new("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
    }

    #[test]
    fn codes_are_those_of_the_standard() {
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            let now = Timestamp::from_millis(seconds * 1_000);
            assert_eq!(check(&known(), code, now, 0).unwrap(), Some(seconds / 30));
        }
    }

    #[test]
    fn a_code_is_good_for_the_steps_beside_its_own_and_once() {
        let (now, step) = (Timestamp::from_millis(1_111_111_109_000), 1_111_111_109 / 30);
        let at = |seconds: i64| Timestamp::from_millis(now.millis() + seconds * 1_000);
        assert_eq!(check(&known(), "081 804", at(30), 0).unwrap(), Some(step));
        assert_eq!(check(&known(), "081804", at(-30), 0).unwrap(), Some(step));
        assert_eq!(check(&known(), "081804", at(90), 0).unwrap(), None);
        assert_eq!(check(&known(), "081804", now, step).unwrap(), None);
        assert_eq!(check(&known(), "", now, 0).unwrap(), None);
    }

    #[test]
    fn an_enrolment_is_what_authenticators_read() {
        let told = enrolment(&known(), "jo@acme.com").unwrap();
        assert_eq!(
            told.url.expose(),
            "otpauth://totp/Nexora:jo%40acme.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Nexora"
        );
        assert_eq!(enrolment(&new_secret().unwrap(), "a").unwrap().secret.expose().len(), 32);
    }

    #[test]
    fn recovery_codes_are_read_however_they_are_typed() {
        let codes = new_recovery_codes().unwrap();
        assert_eq!((codes.len(), codes[0].len()), (10, 23));
        let typed = codes[0].to_uppercase().replace('-', " ");
        assert_eq!(plain_recovery_code(&typed), plain_recovery_code(&codes[0]));
    }
}
