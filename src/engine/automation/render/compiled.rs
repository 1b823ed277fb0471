//! Texts that have been compiled once, kept between renderings for every place whose clock and zone they are shown in.
//!
//! A text is known to its environment by a name that says what it is and holds the text itself. No text reaches
//! another by such a name: what it would include is not found.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use chrono_tz::Tz;
use minijinja::machinery::parse_expr;
use minijinja::{Environment, Error, ErrorKind, Template};

use super::{environment, growth};
use nexora_core::model::address::Country;
use nexora_core::model::language::Language;

/// Bytes of texts that one environment keeps compiled; beyond it a new one begins.
const BYTES: usize = 1024 * 1024;

/// Environments kept at most; beyond it all are let go.
const ENVIRONMENTS: usize = 64;

/// What a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A line or a text for people, as it stands.
    Plain,
    /// Values in it are escaped.
    Html,
    /// An expression that is true or false.
    Condition,
}

/// The variable that a condition's value is read from.
pub const VALUE: &str = "value_of_the_condition";

const FORMS: [(char, Form); 3] = [('t', Form::Plain), ('h', Form::Html), ('c', Form::Condition)];

/// An environment with what it has compiled.
pub struct Compiled {
    pub environment: Environment<'static>,
    bytes: Arc<AtomicUsize>,
}

type Place = (Tz, Option<String>, &'static str);

static KEPT: LazyLock<Mutex<HashMap<Place, Arc<Compiled>>>> = LazyLock::new(Mutex::default);

/// Returns the environment of a place.
pub fn within(zone: Tz, country: Option<Country>, language: Language) -> Arc<Compiled> {
    let place = (zone, country.map(|country| country.to_string()), language.name());
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = kept.get(&place)
        && known.bytes.load(Ordering::Relaxed) < BYTES
    {
        return Arc::clone(known);
    }
    if kept.len() >= ENVIRONMENTS {
        kept.clear();
    }
    let new = Arc::new(Compiled::new(environment(zone, country, language)));
    kept.insert(place, Arc::clone(&new));
    new
}

impl Compiled {
    fn new(mut environment: Environment<'static>) -> Compiled {
        let bytes = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&bytes);
        environment.set_loader(move |name| {
            let text = load(name)?;
            counted.fetch_add(text.as_ref().map_or(0, String::len), Ordering::Relaxed);
            Ok(text)
        });
        environment.set_path_join_callback(|_, _| "".into());
        Compiled { environment, bytes }
    }

    /// Returns a text, ready to be rendered.
    pub fn get(&self, form: Form, source: &str) -> Result<Template<'_, '_>, Error> {
        self.environment.get_template(&name(form, source))
    }
}

/// Returns the name by which an environment knows a text.
pub fn name(form: Form, source: &str) -> String {
    let mark = FORMS.iter().find(|(_, known)| *known == form).map_or('t', |(mark, _)| *mark);
    format!("{mark}{source}")
}

/// Tells whether values are escaped in the text of a name.
pub fn is_escaped(name: &str) -> bool {
    matches!(taken_apart(name), Some((Form::Html, _)))
}

fn taken_apart(name: &str) -> Option<(Form, &str)> {
    FORMS.iter().find_map(|(mark, form)| Some((*form, name.strip_prefix(*mark)?)))
}

/// Returns what is compiled for a name; an error says what is wrong with its text.
fn load(name: &str) -> Result<Option<String>, Error> {
    let Some((form, source)) = taken_apart(name) else { return Ok(None) };
    let fault = match form {
        Form::Plain | Form::Html => growth::fault_of_text(source),
        Form::Condition => growth::fault_of_condition(source),
    };
    if let Some(fault) = fault {
        return Err(Error::new(ErrorKind::InvalidOperation, fault));
    }
    if form == Form::Condition {
        // One expression and nothing else: what would end the block below is none.
        parse_expr(source)?;
        return Ok(Some(format!("{{% set {VALUE} = ({source}) %}}")));
    }
    Ok(Some(source.to_owned()))
}

#[cfg(test)]
mod tests {
    use crate::automation::render::Renderer;
    use minijinja::context;

    #[test]
    fn no_text_is_reached_by_what_another_includes() {
        let renderer = Renderer::new(chrono_tz::UTC);
        let values = context! { lead => context! { message => "t{{ tenant.secret }}", name => "Jo" } };
        assert_eq!(renderer.text("Hi {{ lead.name }}", &values).unwrap(), "Hi Jo");
        for source in
            ["{% include 'tHi {{ lead.name }}' %}", "{% include lead.message %}", "{% extends 'tx' %}"]
        {
            assert!(renderer.text(source, &values).is_err(), "{source}");
        }
    }

    #[test]
    fn a_condition_is_one_expression() {
        let renderer = Renderer::new(chrono_tz::UTC);
        let values = context! { yes => true, text => "%}" };
        assert!(renderer.is_true("yes and text == '%}'", &values).unwrap());
        assert!(!renderer.is_true("not yes", &values).unwrap());
        for source in ["1) %}{% set x = (1", "yes %}", "{{ yes }}", ""] {
            assert!(renderer.is_true(source, &values).is_err(), "{source}");
        }
    }
}
