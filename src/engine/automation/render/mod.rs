//! Text with holes: strict minijinja, for messages, arguments and conditions.
//!
//! An unknown name is an error, found when a definition is checked and again when it is rendered,
//! never an empty text. What one text may cost is bounded (`allowance`, `growth`), so that none holds
//! up others.

mod allowance;
mod compiled;
#[cfg(test)]
mod cost_tests;
mod growth;
mod inline_style;

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::NaiveDateTime;
use chrono_tz::Tz;
use minijinja::{AutoEscape, Environment, ErrorKind, Template, UndefinedBehavior, Value, context};

use self::allowance::Bounded;
use self::compiled::{Compiled, Form};
use crate::calendar::hours;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::{Error, Result, wording};
use nexora_core::model::address::{Country, PhoneNumber, mailto};
use nexora_core::model::automation::{AttachmentTemplate, MessageTemplate};
use nexora_core::model::hours::parse_time;
use nexora_core::model::language::Language;
use nexora_core::model::message::MessageClass;
use nexora_core::model::outbound::MailAttachment;
use nexora_core::model::tenant::Tenant;

/// A message with its holes filled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    pub subject: String,
    pub text: String,
    pub html: Option<String>,
    pub attachments: Vec<MailAttachment>,
}

/// Renders for one tenant: times are shown in its zone, and all that is not written in a template is in its language.
pub struct Renderer {
    compiled: Arc<Compiled>,
    language: Language,
}

impl Renderer {
    /// Renders for people of a tenant: in its language and zone, with the clock and the telephone numbers of its country.
    ///
    /// # Errors
    /// `Usage` when the stored zone is unknown to this machine.
    pub fn of(tenant: &Tenant) -> Result<Renderer> {
        Renderer::speaking(tenant.language()?, tenant)
    }

    /// Renders for people of a tenant in a language that need not be the tenant's any more.
    ///
    /// # Errors
    /// As [`Renderer::of`].
    pub fn speaking(language: Language, tenant: &Tenant) -> Result<Renderer> {
        Ok(Renderer::within(tenant.zone()?.tz(), Some(tenant.country()?), language))
    }

    /// Renders in English, with a clock of 24 hours, and telephone numbers in international form.
    pub fn new(zone: Tz) -> Renderer {
        Renderer::within(zone, None, Language::English)
    }

    fn within(zone: Tz, country: Option<Country>, language: Language) -> Renderer {
        Renderer { compiled: compiled::within(zone, country, language), language }
    }

    /// Fills the holes of a one-line or plain text.
    ///
    /// # Errors
    /// `Usage` naming what is unknown or wrong, or that the text takes or makes too much.
    pub fn text(&self, source: &str, context: &Value) -> Result<String> {
        self.render(Form::Plain, source, context)
    }

    /// Evaluates a condition.
    ///
    /// # Errors
    /// `Usage` naming what is unknown or wrong, or that the condition takes too much.
    pub fn is_true(&self, source: &str, context: &Value) -> Result<bool> {
        let wrong = |error| wrong(source, context, &error);
        let condition = self.compiled.get(Form::Condition, source).map_err(wrong)?;
        allowance::refill();
        let evaluated = condition.render_captured(context).map_err(wrong)?;
        Ok(evaluated.state().lookup(compiled::VALUE).is_some_and(|value| value.is_true()))
    }

    /// Fills the holes of a message and puts it into the layout, which is told whether it is commercial;
    /// what goes into the HTML part is escaped, and the rules of its style sheet are written into its elements.
    /// HTML that is a whole document goes into no layout.
    ///
    /// # Errors
    /// `Usage` naming what is unknown or wrong.
    pub fn message(
        &self,
        template: &MessageTemplate,
        layout: Option<&MessageTemplate>,
        class: Option<MessageClass>,
        context: &Value,
    ) -> Result<Rendered> {
        let subject = self.text(&template.subject, context)?;
        // A blank that holds words together stays, as French has it before some signs.
        let words = subject.split(|c: char| c.is_whitespace() && c != '\u{a0}');
        let subject = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        let mut text = self.text(&template.text, context)?.trim().to_owned();
        let mut html = template.html.as_ref().map(|source| self.html(source, context)).transpose()?;
        if let Some(layout) = layout {
            let commercial = class == Some(MessageClass::Commercial);
            let preview = preview(&text);
            let (language, unsubscribe) = (self.language.name(), self.language.words().unsubscribe.title);
            let within = |content: Value| {
                context! {
                    subject => &subject, preview => &preview, content, commercial, language, unsubscribe,
                    ..context.clone()
                }
            };
            text = self.text(&layout.text, &within(Value::from(text)))?.trim().to_owned();
            if let (Some(content), Some(frame)) = (&html, &layout.html)
                && !content.trim_start().to_ascii_lowercase().starts_with("<!doctype")
            {
                let content = Value::from_safe_string(content.clone());
                html = Some(self.html(frame, &within(content))?);
            }
        }
        let attachments = template.attachments.iter().map(|attachment| self.attachment(attachment, context));
        Ok(Rendered {
            subject,
            text: format!("{text}\n"),
            html: html.map(|text| inline_style::inlined(text.trim_start().to_owned())),
            attachments: attachments.collect::<Result<_>>()?,
        })
    }

    fn html(&self, source: &str, context: &Value) -> Result<String> {
        self.render(Form::Html, source, context)
    }

    fn render(&self, form: Form, source: &str, context: &Value) -> Result<String> {
        let wrong = |error| wrong(source, context, &error);
        let template = self.compiled.get(form, source).map_err(wrong)?;
        let fuel = allowance::instructions_for(source, context);
        if fuel == allowance::INSTRUCTIONS {
            return write(&template, context).map_err(wrong);
        }
        let mut environment = self.compiled.environment.clone();
        environment.set_fuel(Some(fuel));
        let template = environment.get_template(&compiled::name(form, source)).map_err(wrong)?;
        write(&template, context).map_err(wrong)
    }

    fn attachment(&self, template: &AttachmentTemplate, context: &Value) -> Result<MailAttachment> {
        let AttachmentTemplate { name, text, file, content } = template;
        let name = match name.as_ref().or(file.as_ref()) {
            Some(name) => self.text(name, context)?,
            None => return Err(Error::usage("an attachment has no `name`")),
        };
        let content = match (text, content) {
            (Some(text), None) => BASE64.encode(self.text(text, context)?.trim_start()),
            (None, Some(content)) => content.clone(),
            _ => return Err(Error::usage(format!("attachment `{name}` needs either `text` or `file`"))),
        };
        let mime_type = mime_guess::from_path(&name).first_or_octet_stream().to_string();
        Ok(MailAttachment { name, mime_type, content })
    }

    /// Returns the dotted names that a text refers to and does not define itself.
    ///
    /// # Errors
    /// `Usage` when the text is not a template, or would grow without bound.
    pub fn names_in_text(&self, source: &str) -> Result<BTreeSet<String>> {
        refuse(source, growth::fault_of_text(source))?;
        let template = self
            .compiled
            .environment
            .template_from_str(source)
            .map_err(|error| wrong(source, &Value::UNDEFINED, &error))?;
        Ok(template.undeclared_variables(true).into_iter().collect())
    }

    /// Returns the dotted names that a condition refers to.
    ///
    /// # Errors
    /// `Usage` when the text is not an expression, or would grow without bound.
    pub fn names_in_condition(&self, source: &str) -> Result<BTreeSet<String>> {
        refuse(source, growth::fault_of_condition(source))?;
        let expression = self
            .compiled
            .environment
            .compile_expression(source)
            .map_err(|error| wrong(source, &Value::UNDEFINED, &error))?;
        Ok(expression.undeclared_variables(true).into_iter().collect())
    }
}

/// Makes the environment in which texts for people of a place are rendered.
fn environment(zone: Tz, country: Option<Country>, language: Language) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|name| match compiled::is_escaped(name) {
        true => AutoEscape::Html,
        false => AutoEscape::None,
    });
    let local = move |text: &str| -> Result<NaiveDateTime, minijinja::Error> {
        Ok(moment(text)?.utc().with_timezone(&zone).naive_local())
    };
    environment
        .add_filter("local_time", move |text: &str| local(text).map(|at| language.moment(at, country)));
    environment.add_filter("day", move |text: &str| local(text).map(|at| language.day(at.date())));
    environment
        .add_filter("clock", move |text: &str| local(text).map(|at| language.time(at.time(), country)));
    environment.add_filter("date", move |text: &str| local(text).map(|at| at.date().to_string()));
    environment.add_filter("earlier", |text: &str, by: &str| {
        Ok::<_, minijinja::Error>((moment(text)? - length(by)?).to_string())
    });
    environment.add_filter("later", |text: &str, by: &str| {
        Ok::<_, minijinja::Error>((moment(text)? + length(by)?).to_string())
    });
    environment.add_filter("at_time", move |text: &str, time: &str| at_time(text, time, zone));
    environment.add_filter("phone", move |text: &str| match (PhoneNumber::parse(text), country) {
        (Ok(number), Some(country)) => number.shown_in(country),
        _ => text.to_owned(),
    });
    environment.add_filter("mailto", |address: Option<&str>| address.map_or_else(String::new, mailto));
    environment.add_filter("money", move |cents: Option<i64>| {
        cents.map_or_else(String::new, |cents| language.sum(cents, country))
    });
    allowance::bind(&mut environment);
    environment
}

fn write(template: &Template<'_, '_>, context: &Value) -> Result<String, minijinja::Error> {
    allowance::refill();
    let mut text = Bounded::default();
    template.render_captured_to(context, &mut text)?;
    Ok(text.into_text())
}

fn moment(text: &str) -> Result<Timestamp, minijinja::Error> {
    Timestamp::parse(text).ok_or_else(|| not_a(text, "time"))
}

fn length(text: &str) -> Result<std::time::Duration, minijinja::Error> {
    wording::parse_length(text).map_err(|_| not_a(text, "duration"))
}

/// Returns the moment at which clocks show `time` on the day of a moment.
fn at_time(text: &str, time: &str, zone: Tz) -> Result<String, minijinja::Error> {
    let day = moment(text)?.utc().with_timezone(&zone).date_naive();
    let time = parse_time(time).ok_or_else(|| not_a(time, "time of day"))?;
    Ok(hours::at_wall_time(day, time, zone).to_string())
}

fn not_a(text: &str, what: &str) -> minijinja::Error {
    minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, format!("`{text}` is not a {what}"))
}

fn wrong(source: &str, context: &Value, error: &minijinja::Error) -> Error {
    said_of(
        source,
        &match error.kind() {
            ErrorKind::OutOfFuel => {
                format!(
                    "takes more than {} steps: shorten its loops",
                    allowance::instructions_for(source, context)
                )
            }
            ErrorKind::WriteFailure => format!("makes more than {} bytes of text", allowance::BYTES),
            kind => error.detail().map_or_else(|| kind.to_string(), str::to_owned),
        },
    )
}

fn refuse(source: &str, fault: Option<String>) -> Result<()> {
    fault.map_or(Ok(()), |fault| Err(said_of(source, &fault)))
}

fn said_of(source: &str, fault: &str) -> Error {
    const SHOWN: usize = 60;
    let first_line = source.trim().lines().next().unwrap_or_default();
    let shown: String = first_line.chars().take(SHOWN).collect();
    Error::usage(format!("in `{shown}`: {fault}"))
}

/// Characters of a message that mail programs show beside its subject.
const PREVIEW: usize = 110;

/// Returns how a message begins, behind its greeting.
fn preview(text: &str) -> String {
    let (_, body) = text.split_once("\n\n").unwrap_or(("", text));
    wording::cut(&body.split_whitespace().collect::<Vec<_>>().join(" "), PREVIEW)
}

#[cfg(test)]
mod tests {
    use super::*;
    use minijinja::value::Serde;

    fn renderer() -> Renderer {
        Renderer::new(chrono_tz::America::Chicago)
    }

    fn context() -> Value {
        Value::from(Serde(serde_json::json!({
            "lead": { "name": "Jo <b>", "email": null, "received_at": "2026-11-20T16:30:00.000Z" },
        })))
    }

    #[test]
    fn an_unknown_name_is_an_error_not_an_empty_text() {
        assert!(renderer().text("{{ lead.nmae }}", &context()).is_err());
        assert!(renderer().text("{{ leed.name }}", &context()).is_err());
        assert_eq!(renderer().text("{{ lead.email or 'none' }}", &context()).unwrap(), "none");
    }

    #[test]
    fn html_is_escaped_and_text_is_not() {
        let template = MessageTemplate {
            subject: "Hi {{ lead.name }}\r\nBcc: x@example.com".into(),
            text: "{{ lead.name }}".into(),
            html: Some("<p>{{ lead.name }}</p>".into()),
            attachments: Vec::new(),
        };
        let rendered = renderer().message(&template, None, None, &context()).unwrap();
        assert_eq!(rendered.subject, "Hi Jo <b> Bcc: x@example.com", "a subject is one line");
        assert_eq!(rendered.text, "Jo <b>\n");
        assert_eq!(rendered.html.as_deref(), Some("<p>Jo &lt;b&gt;</p>"));
    }

    #[test]
    fn an_address_in_a_link_says_nothing_but_whom_to_write_to() {
        let context = Value::from(Serde(serde_json::json!({ "email": "jo?bcc=all%40x&body=y@example.com" })));
        let link = renderer().text("{{ email | mailto }}", &context).unwrap();
        assert_eq!(link, "mailto:jo%3Fbcc%3Dall%2540x%26body%3Dy@example.com");
        assert_eq!(renderer().text("{{ none | mailto }}", &context).unwrap(), "");
    }

    #[test]
    fn times_are_shown_in_the_tenants_zone() {
        let text = renderer().text("{{ lead.received_at | local_time }}", &context()).unwrap();
        assert_eq!(text, "Fri 20 Nov 2026, 10:30");
    }

    #[test]
    fn conditions_and_the_names_they_use() {
        assert!(!renderer().is_true("lead.email or false", &context()).unwrap());
        assert!(renderer().is_true("lead.name and not lead.email", &context()).unwrap());
        let names = renderer().names_in_condition("lead.email or settings.x").unwrap();
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["lead.email", "settings.x"]);
        let names = renderer().names_in_text("{% for x in lead.items %}{{ x.y }}{% endfor %}").unwrap();
        assert!(names.contains("lead.items") && !names.contains("x.y"));
        assert!(renderer().names_in_text("{{ open").is_err());
    }

    #[test]
    fn a_text_that_takes_or_makes_too_much_fails_soon_and_says_so() {
        let context = Value::from(Serde(serde_json::json!({
            "text": "x".repeat(4_000),
            "list": (0..200).collect::<Vec<_>>(),
        })));
        let nested = "{% for a in list %}{% for b in list %}{% for c in list %}{% for d in list %}x{% endfor %}{% endfor %}{% endfor %}{% endfor %}";
        for (source, expected) in [
            (nested, "takes more than 50000 steps"),
            ("{% for a in list %}{% for b in list %}{{ text }}{% endfor %}{% endfor %}", "bytes of text"),
            (
                "{% set x %}{% for a in list %}{% for b in list %}{{ text }}{% endfor %}{% endfor %}{% endset %}",
                "bytes of text",
            ),
            ("{{ list | join(text ~ text ~ text ~ text) | length }}", "bytes of text"),
            ("{{ text | replace('x', text) | length }}", "bytes of text"),
            ("{{ '%900000000d' | format(1) }}", "bytes of text"),
            ("{{ text | indent(900000000) }}", "bytes of text"),
            ("{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}", "recursion limit"),
            (
                "{% macro f() %}{% for a in list %}{% for b in list %}x{% endfor %}{% endfor %}{% endmacro %}{{ f() }}{{ f() }}{{ f() }}",
                "steps",
            ),
        ] {
            let error = renderer().text(source, &context).unwrap_err().report();
            assert!(error.contains(expected), "{source}: {error}");
        }
        let deep = format!("{}x{}", "{% if list %}".repeat(1_000), "{% endif %}".repeat(1_000));
        assert!(renderer().text(&deep, &context).is_err(), "a text nested deeply is refused, not followed");
        let error = renderer().is_true("range(100000) | map('string') | join(text) == 'x'", &context);
        assert!(error.is_err(), "conditions have the same bound");
        // What failed has used up nothing of what comes next.
        assert_eq!(renderer().text("{{ list | length }}", &context).unwrap(), "200");
    }

    #[test]
    fn a_text_that_is_long_and_honest_is_rendered() {
        let list: Vec<_> =
            (0..1_000).map(|n| serde_json::json!({ "name": format!("lead {n}"), "cost": n })).collect();
        let context = Value::from(Serde(serde_json::json!({ "list": list })));
        let source = "{% for x in list %}{{ loop.index }}. {{ x.name | title }}{% if x.cost > 5 %}, {{ x.cost | money }}{% endif %}\n{% endfor %}";
        let text = renderer().text(source, &context).unwrap();
        assert_eq!(text.lines().count(), 1_000);
        let joined = renderer().text("{{ list | map(attribute='name') | join(', ') }}", &context).unwrap();
        assert!(joined.starts_with("lead 0, lead 1") || joined.starts_with("Lead 0"), "{joined}");
        let padded = renderer()
            .text("{{ '%05.1f' | format(3.25) }}|{{ 'a\nb' | indent(2) }}|{{ [1] | tojson }}", &context);
        assert_eq!(padded.unwrap().split('|').count(), 3);
    }
}
