//! `nexora form`.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use crate::cli::automation::parse_setting;
use crate::cli::out::{Out, print, yes_or_no};
use crate::cli::permission::Need;
use crate::cli::{Context, input, undo};
use crate::ops::lead::form::{self, FormView};
use crate::ops::lead::form_setting::SETTINGS;
use crate::ops::lead::form_snippet::{self, Snippet};
use nexora_core::base::Result;
use nexora_core::model::address::Country;
use nexora_core::model::consent::Channel;
use nexora_core::model::form::{self as model, Field, FieldName};
use nexora_core::model::principal::Noun;
use nexora_core::model::setting::described;

#[derive(Subcommand)]
pub enum Command {
    /// Show a tenant's form: its address, fields and words
    #[command(after_help = "Example:\n  nexora form show --tenant acme")]
    Show,
    /// Choose the form's fields, in the order in which they are shown
    #[command(after_help = fields_help())]
    Fields {
        /// Fields, each with `=required` or `=optional`; optional without
        #[arg(required = true, value_name = "FIELD[=NEED]", value_parser = parse_field)]
        fields: Vec<Field>,
    },
    /// Change what the form says and who may show it
    #[command(after_help = settings_help())]
    Set {
        /// What is changed, as name=value
        #[arg(required = true, value_name = "KEY=VALUE", value_parser = parse_setting)]
        changes: Vec<(String, String)>,
    },
    /// Word what people agree to; a new wording is a new version, and the old ones are kept
    #[command(after_help = "Examples:
  nexora form consent --tenant acme
  nexora form consent --tenant acme --channel sms --wording \"Acme may text me about my request. Reply STOP to end.\"")]
    Consent {
        /// What the consent is for: email or sms
        #[arg(long, requires = "wording")]
        channel: Option<Channel>,
        #[arg(long, requires = "channel")]
        wording: Option<String>,
    },
    /// Show a logo above the form
    #[command(
        after_help = "Examples:\n  nexora form logo acme.png --tenant acme\n  nexora form logo --remove --tenant acme"
    )]
    Logo {
        /// A PNG, JPEG or WebP; it is made small
        #[arg(required_unless_present = "remove")]
        file: Option<PathBuf>,
        #[arg(long, conflicts_with = "file")]
        remove: bool,
    },
    /// Have Cloudflare Turnstile look at visitors
    #[command(after_help = "Examples:
  nexora form turnstile --tenant acme --site-key 0x4AAAAAAAB --from-file secret.txt
  nexora form turnstile --tenant acme --off")]
    Turnstile {
        #[arg(long, required_unless_present = "off")]
        site_key: Option<String>,
        /// File whose first line is the secret key; `-` for standard input
        #[arg(long, value_name = "FILE")]
        from_file: Option<PathBuf>,
        #[arg(long, conflicts_with_all = ["site_key", "from_file"])]
        off: bool,
    },
    /// Print what is to be pasted into a website
    #[command(after_help = "Examples:
  nexora form snippet --frame --tenant acme
  nexora form snippet --html --tenant acme")]
    Snippet {
        /// The form itself, in a frame
        #[arg(long, conflicts_with_all = ["html", "script"])]
        frame: bool,
        /// A form of the website's own, without scripts
        #[arg(long, conflicts_with = "script")]
        html: bool,
        /// A form of the website's own that stays on its page
        #[arg(long)]
        script: bool,
    },
}

impl Command {
    /// Says what must be permitted.
    pub fn need(&self) -> Need {
        match self {
            Command::Show | Command::Consent { wording: None, .. } | Command::Snippet { .. } => {
                Need::read(Noun::Form)
            }
            Command::Fields { .. } => Need::of(form::FIELDS),
            Command::Set { .. } => Need::of(form::SET),
            Command::Consent { .. } => Need::of(form::WORDING),
            Command::Logo { .. } => Need::of(form::LOGO),
            Command::Turnstile { .. } => Need::of(form::TURNSTILE),
        }
    }
}

fn settings_help() -> String {
    format!(
        "What can be set:\n{}\n\nExamples:\n  nexora form set services=\"Boiler; Leak; Bathroom\" --tenant acme\n  \
         nexora form set embed_on=https://acme.com --tenant acme",
        described(SETTINGS)
    )
}

fn fields_help() -> String {
    let names: Vec<&str> = FieldName::ALL.iter().map(|name| name.name()).collect();
    format!(
        "Fields: {}\n\nExample:\n  nexora form fields name=required phone=required email service photos consent_sms --tenant acme",
        names.join(", ")
    )
}

fn parse_field(text: &str) -> Result<Field> {
    let (name, need) = text.split_once('=').unwrap_or((text, model::Need::Optional.name()));
    let field = Field { name: FieldName::parse(name)?, need: model::Need::parse(need)? };
    // Every answer addresses the customer by name, so a form always asks for it.
    Ok(if field.name == FieldName::Name { Field { need: model::Need::Required, ..field } } else { field })
}

pub async fn run(context: &Context, command: Command, out: &Out) -> Result<()> {
    let (app, actor) = (&context.app, &context.actor);
    let tenant = context.tenant().await?;
    let country = tenant.country()?;
    let show = |view: &FormView| show(view, country, out);
    match command {
        Command::Show => show(&form::find(app, &tenant).await?),
        Command::Fields { fields } => show(&form::set_fields(app, actor, &tenant, fields).await?),
        Command::Set { changes } => {
            let before = form::find(app, &tenant).await?;
            let after = form::set(app, actor, &tenant, changes).await?;
            show(&after)?;
            let words = undo::settings(SETTINGS, &(before.settings, country), &(after.settings, country));
            if !words.is_empty() {
                out.undo(&format!("nexora form set {} --tenant {}", words.join(" "), tenant.slug));
            }
            Ok(())
        }
        Command::Consent { channel: Some(channel), wording: Some(wording) } => {
            show(&form::set_wording(app, actor, &tenant, channel, wording).await?)
        }
        Command::Consent { .. } => {
            let wordings = form::wordings(app, &tenant).await?;
            out.list(&["channel", "version", "since", "wording"], &wordings, |wording| {
                vec![
                    wording.channel.to_string(),
                    wording.version.to_string(),
                    out.ago(wording.created_at),
                    wording.wording.clone(),
                ]
            })
        }
        Command::Logo { file, .. } => {
            let bytes = file.as_deref().map(input::bytes).transpose()?;
            show(&form::set_logo(app, actor, &tenant, bytes).await?)
        }
        Command::Turnstile { site_key, from_file, .. } => {
            let keys = match site_key {
                Some(site_key) => {
                    let no_input = context.global.no_input;
                    Some((site_key, input::secret("Secret key: ", from_file.as_deref(), no_input)?))
                }
                None => None,
            };
            show(&form::set_turnstile(app, actor, &tenant, keys).await?)
        }
        Command::Snippet { html, script, .. } => {
            let kind = match (html, script) {
                (true, _) => Snippet::Html,
                (_, true) => Snippet::Script,
                _ => Snippet::Frame,
            };
            let (text, first) = form_snippet::snippet(&form::find(app, &tenant).await?, &tenant, kind)?;
            if out.is_json() {
                return out.json(&json!({ "first": first, "html": text }));
            }
            if let Some(first) = first {
                out.note(&first);
            }
            print(&format!("{text}\n"))
        }
    }
}

fn show(view: &FormView, country: Country, out: &Out) -> Result<()> {
    let field = |field: &Field| match field.need {
        model::Need::Required => format!("{} (required)", field.name),
        model::Need::Optional => field.name.to_string(),
    };
    let fields = view.settings.fields.iter().map(field).collect::<Vec<_>>().join(", ");
    let settings = (view.settings.clone(), country);
    let mut lines = vec![("address", view.url.clone()), ("fields", fields)];
    lines.extend(SETTINGS.iter().map(|setting| (setting.name, (setting.get)(&settings))));
    lines.extend([("logo", yes_or_no(view.has_logo)), ("turnstile", yes_or_no(view.has_turnstile))]);
    for wording in &view.wordings {
        let name = match wording.channel {
            Channel::Email => "consent to email",
            Channel::Sms => "consent to sms",
        };
        lines.push((name, format!("version {}: {}", wording.version, wording.wording)));
    }
    out.item(view, &lines)
}
