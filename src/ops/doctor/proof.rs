//! That an address on the web leads to this installation: it answers a random question as only one with this master key
//! can.

use nexora_core::base::Result;
use nexora_core::base::secret::{MasterKey, Secret};
use nexora_core::base::token::PurposeKey;

/// Where the question is put, before the question itself.
pub const PATH: &str = "/.well-known/nexora/";

const QUESTION_BYTES: usize = 16;

/// Makes a question.
///
/// # Errors
/// `Internal` when the operating system has no randomness to give.
pub fn question() -> Result<String> {
    Secret::random::<QUESTION_BYTES>().map(|random| random.expose().to_owned())
}

/// Answers a question; nothing where it is none of ours, so that nothing else is ever signed.
pub fn answer(key: &MasterKey, question: &str) -> Option<String> {
    let is_question = (16..=64).contains(&question.len())
        && question.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    is_question.then(|| PurposeKey::new(key, "doctor proof").hash(question))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_answers_the_same() {
        let (one, other) = (MasterKey::generate().unwrap(), MasterKey::generate().unwrap());
        let asked = question().unwrap();
        assert!(answer(&one, &asked).is_some());
        assert_eq!(answer(&one, &asked), answer(&one, &asked));
        assert_ne!(answer(&one, &asked), answer(&other, &asked));
        for other in ["", "short", "with a blank in it", &"a".repeat(65)] {
            assert_eq!(answer(&one, other), None, "{other}");
        }
    }
}
