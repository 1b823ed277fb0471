//! Identifiers: each noun its own type, text with a prefix and a time-ordered body.
//!
//! The body is a version 7 UUID (RFC 9562) in Crockford's base 32, 26 characters, so ids sort by
//! the moment they were made and those of one process never collide or run backwards.

use std::sync::LazyLock;
use std::sync::Mutex;

use uuid::{ContextV7, Timestamp as UuidTime, Uuid};

use crate::base::clock::Timestamp;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const BODY_LENGTH: usize = 26;

static CONTEXT: LazyLock<Mutex<ContextV7>> = LazyLock::new(|| Mutex::new(ContextV7::new()));

/// Makes the body of a new identifier for the moment `at`.
pub fn new_body(at: Timestamp) -> String {
    let millis = u64::try_from(at.millis()).unwrap_or(0);
    let (seconds, rest) = (millis / 1_000, millis % 1_000);
    let nanos = u32::try_from(rest * 1_000_000).unwrap_or(0);
    let context = CONTEXT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    encode(Uuid::new_v7(UuidTime::from_unix(&*context, seconds, nanos)).as_u128())
}

/// Returns the body that sorts before all that are made from the moment `at` on.
pub fn earliest_body(at: Timestamp) -> String {
    let millis = u128::try_from(at.millis()).unwrap_or(0);
    // The first 48 of its 128 bits are the moment (RFC 9562, 5.7).
    encode(millis << 80)
}

fn encode(mut value: u128) -> String {
    let mut body = [0_u8; BODY_LENGTH];
    for slot in body.iter_mut().rev() {
        let digit = usize::try_from(value & 31).unwrap_or(0);
        *slot = ALPHABET.get(digit).copied().unwrap_or(b'0');
        value >>= 5;
    }
    body.iter().map(|byte| char::from(*byte)).collect()
}

/// Tells whether `text` is `prefix`, an underscore and a well-formed body.
pub fn is_well_formed(prefix: &str, text: &str) -> bool {
    text.strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'))
        .is_some_and(|body| body.len() == BODY_LENGTH && body.bytes().all(|b| ALPHABET.contains(&b)))
}

/// Declares identifier types: `define_ids! { LeadId = "lead"; }`.
///
/// Each is text with the prefix, made by `new(at)`, read by `parse` (which refuses another noun's
/// id), and stored as text by both databases.
macro_rules! define_ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize,
                 diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
        #[diesel(sql_type = diesel::sql_types::Text)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            pub const PREFIX: &'static str = $prefix;

            /// Makes a new identifier that sorts by `at`.
            pub fn new(at: $crate::base::clock::Timestamp) -> $name {
                $name(format!("{}_{}", $prefix, $crate::base::id::new_body(at)))
            }

            /// Returns an identifier that sorts before all that are made from the moment `at` on.
            pub fn earliest(at: $crate::base::clock::Timestamp) -> $name {
                $name(format!("{}_{}", $prefix, $crate::base::id::earliest_body(at)))
            }

            /// Reads an identifier.
            ///
            /// # Errors
            /// `Usage` when the text is not an id of this noun.
            pub fn parse(text: &str) -> $crate::base::Result<$name> {
                if $crate::base::id::is_well_formed($prefix, text) {
                    return Ok($name(text.to_owned()));
                }
                Err($crate::base::Error::usage(format!("`{text}` is not a {} id", $prefix))
                    .hint(concat!("such an id looks like `", $prefix, "_01k5b3v6zr9m8q2x4t7w0c1d2e`")))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::base::Error;

            fn from_str(text: &str) -> $crate::base::Result<$name> {
                $name::parse(text)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                $name::parse(&text).map_err(serde::de::Error::custom)
            }
        }

        $crate::base::text::store_as_text!($name, |id| &id.0, |text| Ok($name(text)));
    )*};
}
pub(crate) use define_ids;

#[cfg(test)]
mod tests {
    use super::*;

    define_ids! { ThingId = "thing"; }

    #[test]
    fn ids_sort_by_time_and_never_repeat() {
        let mut made = Vec::new();
        for millis in [1_000, 1_000, 1_000, 2_000, 3_000] {
            made.push(ThingId::new(Timestamp::from_millis(1_790_000_000_000 + millis)));
        }
        let mut sorted = made.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(made, sorted);
    }

    #[test]
    fn the_earliest_of_a_moment_parts_what_was_made_before_from_what_was_made_since() {
        let at = |millis: i64| Timestamp::from_millis(1_900_000_000_000 + millis);
        let earliest = ThingId::earliest(at(0));
        assert!(ThingId::new(at(-1)) < earliest);
        assert!(earliest < ThingId::new(at(0)));
        assert_eq!(ThingId::parse(earliest.as_str()).unwrap(), earliest);
    }

    #[test]
    fn another_nouns_id_is_refused() {
        let id = ThingId::new(Timestamp::from_millis(1_790_000_000_000));
        assert_eq!(ThingId::parse(id.as_str()).ok(), Some(id));
        assert!(ThingId::parse("lead_01k5b3v6zr9m8q2x4t7w0c1d2e").is_err());
        assert!(ThingId::parse("thing_short").is_err());
    }
}
