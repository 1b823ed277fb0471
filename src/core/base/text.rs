//! Values that both databases keep as text: closed sets of words, and JSON. And text as people see it.

use std::borrow::Cow;
use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base::{Error, Result};

/// Lets a type that is text inside be stored as, and read from, a text column on any backend.
///
/// `$as_str` borrows the text; `$from` rebuilds the value from an owned `String` and may fail.
macro_rules! store_as_text {
    ($name:ty, $as_str:expr, $from:expr) => {
        impl<DB> diesel::serialize::ToSql<diesel::sql_types::Text, DB> for $name
        where
            DB: diesel::backend::Backend,
            str: diesel::serialize::ToSql<diesel::sql_types::Text, DB>,
        {
            fn to_sql<'b>(
                &'b self,
                out: &mut diesel::serialize::Output<'b, '_, DB>,
            ) -> diesel::serialize::Result {
                let as_str: fn(&$name) -> &str = $as_str;
                diesel::serialize::ToSql::<diesel::sql_types::Text, DB>::to_sql(as_str(self), out)
            }
        }

        impl<DB> diesel::deserialize::FromSql<diesel::sql_types::Text, DB> for $name
        where
            DB: diesel::backend::Backend,
            String: diesel::deserialize::FromSql<diesel::sql_types::Text, DB>,
        {
            fn from_sql(bytes: DB::RawValue<'_>) -> diesel::deserialize::Result<$name> {
                let text =
                    <String as diesel::deserialize::FromSql<diesel::sql_types::Text, DB>>::from_sql(bytes)?;
                let from: fn(String) -> $crate::base::Result<$name> = $from;
                from(text).map_err(Into::into)
            }
        }
    };
}
pub(crate) use store_as_text;

/// Declares a closed set of words that columns hold: `define_plain_words` and column text.
///
/// `define_words! { /// Doc. RunState = "run state" { Pending = "pending", … } }`
macro_rules! define_words {
    ($($(#[$doc:meta])* $name:ident = $what:literal { $($words:tt)* })*) => {$(
        $crate::base::text::define_plain_words! {
            $(#[$doc])*
            #[derive(diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
            #[diesel(sql_type = diesel::sql_types::Text)]
            $name = $what { $($words)* }
        }

        $crate::base::text::store_as_text!($name, |word| word.name(), |text| $name::parse(&text));
    )*};
}
pub(crate) use define_words;

/// Declares a closed set of words: an enum with `name`, `parse`, `ALL` and JSON.
///
/// `define_plain_words! { /// Doc. Level = "level" { Good = "good", … } }`
#[macro_export]
macro_rules! define_plain_words {
    ($($(#[$doc:meta])* $name:ident = $what:literal { $($(#[$vdoc:meta])* $variant:ident = $word:literal),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant),* }

        impl $name {
            pub const ALL: &'static [$name] = &[$($name::$variant),*];

            /// Returns the word that is stored and shown.
            pub const fn name(self) -> &'static str {
                match self { $($name::$variant => $word),* }
            }

            /// Reads the word.
            ///
            /// # Errors
            /// `Usage` when it is not one of the set; the hint lists them.
            pub fn parse(text: &str) -> $crate::base::Result<$name> {
                $name::ALL.iter().copied().find(|word| word.name() == text).ok_or_else(|| {
                    $crate::base::Error::usage(format!(concat!("`{}` is not a ", $what), text))
                        .hint(format!("use one of: {}", [$($word),*].join(", ")))
                })
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::base::Error;

            fn from_str(text: &str) -> $crate::base::Result<$name> {
                $name::parse(text)
            }
        }
    )*};
}
pub use define_plain_words;

/// Asks whether the known name that is most like `given` was meant; nothing when none is like it.
pub fn did_you_mean<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    const ALIKE: f64 = 0.6;
    let likeness = |name: &'a str| (strsim::normalized_damerau_levenshtein(given, name), name);
    let alike = known.into_iter().map(likeness).filter(|(likeness, _)| *likeness >= ALIKE);
    alike.max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, name)| format!("did you mean `{name}`?"))
}

/// Returns the line, from 1, in which a place of a text is; the first for a place beyond its end.
pub fn line_at(text: &str, offset: usize) -> usize {
    text.get(..offset).map_or(1, |before| before.matches('\n').count() + 1)
}

/// Writes bytes as lower-case hexadecimal digits.
pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for byte in bytes.as_ref() {
        // Writing to a `String` does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Removes the characters of a text that show nothing: zero-width spaces and joiners, soft hyphens, byte
/// order marks, marks of direction, tags (Unicode's `Default_Ignorable_Code_Point`, but for fillers and
/// variation selectors).
///
/// Kept where they shape what is seen: a joiner between two emoji or two letters of a script that
/// joins, and the tags of a flag. A text without any is given back as it is.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_invisible) {
        return Cow::Borrowed(text);
    }
    let mut seen = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let around = (seen.chars().next_back(), characters.peek().copied());
        if !is_invisible(character) || shapes(character, around) {
            seen.push(character);
        }
    }
    Cow::Owned(seen)
}

fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

/// Tells whether an invisible character changes how its neighbours look.
fn shapes(character: char, around: (Option<char>, Option<char>)) -> bool {
    let (Some(before), after) = around else { return false };
    match (character, after) {
        ('\u{200d}', Some(after)) if is_emoji(before) && is_emoji(after) => true,
        ('\u{200c}' | '\u{200d}', Some(after)) => joins(before) && joins(after),
        ('\u{e0020}'..='\u{e007f}', _) => matches!(before, '\u{1f3f4}' | '\u{e0020}'..='\u{e007e}'),
        _ => false,
    }
}

/// An emoji, its skin tone, or the selector that shows a sign as one.
fn is_emoji(character: char) -> bool {
    matches!(character, '\u{2190}'..='\u{2bff}' | '\u{fe0f}' | '\u{1f000}'..='\u{1faff}')
}

/// A letter of Arabic, Syriac, an Indian or a neighbouring script, in which joiners choose the form.
fn joins(character: char) -> bool {
    matches!(character, '\u{600}'..='\u{dff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{18af}'
        | '\u{a840}'..='\u{a97f}' | '\u{fb50}'..='\u{fefc}')
}

/// JSON kept as the text it is stored as, so that a row that is only passed on is never parsed.
#[derive(Clone, PartialEq, Eq, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub struct Json(String);

impl Json {
    /// Writes `value` as JSON.
    ///
    /// # Errors
    /// `Internal` when it has no JSON form (a map whose keys are not text).
    pub fn of(value: &impl Serialize) -> Result<Json> {
        serde_json::to_string(value)
            .map(Json)
            .map_err(|error| Error::internal("a value has no JSON form").source(error))
    }

    pub fn empty_object() -> Json {
        Json("{}".to_owned())
    }

    pub fn empty_list() -> Json {
        Json("[]".to_owned())
    }

    /// Reads the value back.
    ///
    /// # Errors
    /// `Internal` when the stored text does not have the shape of `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(&self.0)
            .map_err(|error| Error::internal("stored JSON has an unexpected shape").source(error))
    }

    /// Returns the value without a shape; text that is not JSON, which we never store, is null.
    pub fn value(&self) -> serde_json::Value {
        serde_json::from_str(&self.0).unwrap_or_default()
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Json, D::Error> {
        Ok(Json(serde_json::Value::deserialize(deserializer)?.to_string()))
    }
}

store_as_text!(Json, |json| &json.0, |text| Ok(Json(text)));

#[cfg(test)]
mod tests {
    use super::*;

    define_words! {
        /// Two colours.
        Colour = "colour" { Red = "red", Blue = "blue" }
    }

    #[test]
    fn a_word_survives_its_text_and_another_is_refused_with_the_list() {
        assert_eq!(Colour::parse("blue").unwrap(), Colour::Blue);
        let error = Colour::parse("green").unwrap_err();
        assert_eq!(error.message(), "`green` is not a colour");
        assert_eq!(error.hint_text(), Some("use one of: red, blue"));
        assert_eq!(Json::of(&Colour::Red).unwrap().as_str(), "\"red\"");
    }

    #[test]
    fn a_slip_of_the_keys_is_answered_with_what_was_meant() {
        let names = ["for", "until", "http.listen", "color"];
        for (given, meant) in [("fro", "for"), ("http.listen_on", "http.listen"), ("colour", "color")] {
            assert_eq!(did_you_mean(given, names), Some(format!("did you mean `{meant}`?")));
        }
        assert_eq!(did_you_mean("lead", names), None);
    }

    #[test]
    fn what_shows_nothing_is_removed_and_what_shapes_is_kept() {
        let cases = [
            ("Jo Miller", "Jo Miller"),
            ("\u{feff}Jo\u{200b} Mil\u{ad}ler\u{2060}", "Jo Miller"),
            ("\u{202a}+1 555\u{202c}\u{200e}\u{2066}\u{2069}\u{61c}", "+1 555"),
            ("j\u{200c}o\u{200d}@example.com\u{200d}", "jo@example.com"),
            ("hi\u{e0068}\u{e0069} \u{34f}\u{34f}there", "hi there"),
            // A family, a woman who repairs, a heart on fire, the flag of Scotland.
            ("👨\u{200d}👩\u{200d}👧", "👨\u{200d}👩\u{200d}👧"),
            ("👩🏽\u{200d}🔧\u{200d}", "👩🏽\u{200d}🔧"),
            ("❤️\u{200d}🔥 ☎️", "❤️\u{200d}🔥 ☎️"),
            ("🏴󠁧󠁢󠁳󠁣󠁴󠁿", "🏴󠁧󠁢󠁳󠁣󠁴󠁿"),
            // Persian and Hindi write with them.
            ("می\u{200c}خواهم", "می\u{200c}خواهم"),
            ("क्\u{200d}ष", "क्\u{200d}ष"),
            ("می\u{200c} خواهم\u{200f}", "می خواهم"),
        ];
        for (given, seen) in cases {
            assert_eq!(visible(given), seen, "{given:?}");
        }
        assert!(matches!(visible("Grüße ☎️"), Cow::Borrowed(_)));
    }

    #[test]
    fn json_keeps_its_text_until_it_is_read() {
        let json = Json::of(&vec![1, 2]).unwrap();
        assert_eq!(json.read::<Vec<i64>>().unwrap(), [1, 2]);
        assert!(json.read::<String>().is_err());
    }
}
