//! Connections as text: their settings written by hand or by another installation, without a credential.

use serde_json::{Map, Value};

use crate::kind::{Field, Form, Input, NewConnection};
use nexora_core::base::secret::Secret;
use nexora_core::base::text::{Json, did_you_mean};
use nexora_core::base::{Error, Result};

/// What is wrong with the settings: the name of each with what is wrong about it; no name where it is the whole.
pub type Wrong = Vec<(Option<String>, Error)>;

/// Settings that were found good.
#[derive(Clone, Debug)]
pub struct Declared {
    pub settings: Json,
    /// Whether a credential belongs to them that nobody but an operator, or a person's consent, can give.
    pub needs_credential: bool,
    /// The credential, where it is made here, and the sentence with which it is shown, once.
    pub made: Option<(Secret, &'static str)>,
}

/// Returns settings as they are shown: without what is not set.
pub fn shown(settings: &Json) -> Result<Map<String, Value>> {
    let mut settings: Map<String, Value> = settings.read()?;
    settings.retain(|_, value| {
        strip(value);
        !value.is_null()
    });
    Ok(settings)
}

/// Takes out what is not set: text has no word for it.
fn strip(value: &mut Value) {
    match value {
        Value::Object(fields) => fields.retain(|_, field| {
            strip(field);
            !field.is_null()
        }),
        Value::Array(items) => items.iter_mut().for_each(strip),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Refuses names that are not known.
pub fn refuse_unknown(settings: &Map<String, Value>, known: &[&str]) -> Wrong {
    let unknown = settings.keys().filter(|key| !known.contains(&key.as_str()));
    let wrong = |key: &String| {
        let hint = did_you_mean(key, known.iter().copied());
        let hint = hint.unwrap_or_else(|| format!("it has {}", known.join(", ")));
        (Some(key.clone()), Error::usage(format!("unknown setting `{key}`")).hint(hint))
    };
    unknown.map(wrong).collect()
}

/// Reads settings by a form.
///
/// # Errors
/// All that is wrong with them.
pub fn by_form(form: &Form, settings: &Map<String, Value>) -> Result<Declared, Wrong> {
    let fields = || form.fields.iter().filter(|field| !matches!(field.input, Input::Secret { .. }));
    let keys: Vec<String> = fields().map(Field::key).collect();
    let mut wrong = refuse_unknown(settings, &keys.iter().map(String::as_str).collect::<Vec<_>>());
    let mut values = Map::new();
    for field in fields() {
        let key = field.key();
        match value(field, settings.get(&key)) {
            Ok(value) => {
                values.insert(key, value);
            }
            Err(error) => wrong.push((Some(key), error)),
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let secret = form.secret();
    let needs_credential =
        secret.is_some_and(|secret| values.get(secret.with).is_some_and(|with| !with.is_null()));
    // The form is asked whether the whole makes sense; what stands for the credential is not kept.
    let stand_in = needs_credential.then(|| Secret::new("to be given"));
    let whole = |error| vec![(None, error)];
    let NewConnection { settings, credential, shown_with, .. } =
        (form.prepare)(values, stand_in).map_err(whole)?;
    let made = credential.filter(|_| !needs_credential).zip(shown_with);
    Ok(Declared { settings, needs_credential, made })
}

fn value(field: &Field, given: Option<&Value>) -> Result<Value> {
    let read = |parse: crate::kind::Parse, value: &Value| match value {
        Value::String(text) => parse(text),
        Value::Number(_) | Value::Bool(_) => parse(&value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => Err(Error::usage("it is no single value")),
    };
    match (&field.input, given) {
        (Input::Needed(parse) | Input::Optional(parse) | Input::WithDefault(_, parse), Some(value)) => {
            read(*parse, value)
        }
        (Input::Needed(_), None) => Err(Error::usage(format!("missing `{}`", field.key()))),
        (Input::WithDefault(default, parse), None) => parse(default),
        (Input::Switch { .. }, None) => Ok(Value::Bool(false)),
        (Input::Switch { .. }, Some(Value::Bool(is_on))) => Ok(Value::Bool(*is_on)),
        (Input::Switch { .. }, Some(_)) => Err(Error::usage("it is `true` or `false`")),
        (Input::File, Some(Value::String(text))) => Ok(Value::String(text.clone())),
        (Input::File, Some(_)) => Err(Error::usage("it is the text of a file")),
        (Input::Optional(_) | Input::File | Input::Secret { .. }, None) => Ok(Value::Null),
        (Input::Secret { .. }, Some(_)) => Err(Error::usage("a secret does not belong here")),
    }
}
