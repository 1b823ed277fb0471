//! `nexora source`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::json;

use crate::cli::out::{Out, maybe};
use crate::cli::permission::Need;
use crate::cli::{Context, follow, input};
use crate::ops::LIST_LIMIT;
use crate::ops::lead::source::{self, Change, NewSource, Shown, Trial};
use nexora_core::base::secret::Secret;
use nexora_core::base::{Error, Result, money};
use nexora_core::model::NoticeId;
use nexora_core::model::principal::Noun;
use nexora_core::model::source::{Notice, NoticeState, Source, SourceField, SourceSettings};
use nexora_core::model::tenant::Tenant;
use nexora_engine::lead::lead_format::guide::Setup;
use nexora_engine::lead::lead_format::{Webhook, formats};
use nexora_store as store;

#[derive(Subcommand)]
pub enum Command {
    /// Create a source of leads; shows the address and the secret to give to the sender
    #[command(
        alias = "add",
        after_help = "Examples:
  nexora source create google --kind google-ads --tenant acme
  nexora source create facebook --kind facebook --secret-from-file app-secret.txt \\
      --access-token-from-file page-token.txt --tenant acme
  nexora source create website --kind gravity-forms --map first_name=1.3 --map email=2 --tenant acme"
    )]
    Create(Add),
    /// List a tenant's sources
    #[command(after_help = "Example:\n  nexora source list --tenant acme")]
    List {
        /// Of every tenant
        #[arg(long)]
        all_tenants: bool,
    },
    /// Show a source
    #[command(after_help = "Example:\n  nexora source show google --tenant acme")]
    Show { name: String },
    /// Change what is read of a source, or by what its leads are fetched
    #[command(after_help = "Examples:
  nexora source set website --map message=5 --unmap 7 --tenant acme
  nexora source set facebook --access-token-from-file page-token.txt --tenant acme")]
    Set(Set),
    /// Listen to a source
    #[command(after_help = "Example:\n  nexora source enable google --tenant acme")]
    Enable { name: String },
    /// Stop listening to a source: it is answered as if it were not there
    #[command(after_help = "Example:\n  nexora source disable google --tenant acme")]
    Disable { name: String },
    /// Give a source another secret; the old one stops working at once
    #[command(after_help = "Example:\n  nexora source rotate-secret google --tenant acme")]
    RotateSecret {
        name: String,
        /// File whose first line is the new secret, where the sender chose it; `-` for standard input
        #[arg(long, value_name = "FILE")]
        secret_from_file: Option<PathBuf>,
    },
    /// Delete a source with its notices; its leads stay
    #[command(alias = "remove", after_help = "Example:\n  nexora source delete google --tenant acme --yes")]
    Delete { name: String },
    /// Say what lead a body would make; writes nothing
    #[command(after_help = "Example:\n  nexora source test website --file body.json --tenant acme")]
    Test {
        name: String,
        /// File with the body; `-` for standard input
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
        #[arg(long, default_value = "application/json", value_name = "TYPE")]
        content_type: String,
    },
    /// List the leads that Facebook and Yelp told of, and what became of them
    #[command(after_help = "Example:\n  nexora source notices facebook --state failed --tenant acme")]
    Notices {
        /// Only those of this source
        name: Option<String>,
        /// Only those in this state: pending, retrying, fetched, failed or dismissed
        #[arg(long)]
        state: Option<NoticeState>,
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=1_000))]
        limit: i64,
    },
    /// Fetch again what could not be fetched
    #[command(after_help = "Example:\n  nexora source retry facebook --tenant acme")]
    Retry {
        name: String,
        /// Only the lead of this notice
        #[arg(long, value_name = "ID")]
        notice: Option<NoticeId>,
    },
    /// Give up a lead that cannot be fetched, as when the provider has it no more
    #[command(after_help = "Example:
  nexora source dismiss notice_01k5b3v6zr9m8q2x4t7w0c1d2e --tenant acme")]
    Dismiss { id: NoticeId },
}

impl Command {
    /// Says what must be permitted.
    pub fn need(&self) -> Need {
        match self {
            Command::List { all_tenants: true } => Need::Operator,
            Command::List { .. } | Command::Show { .. } | Command::Test { .. } | Command::Notices { .. } => {
                Need::read(Noun::Source)
            }
            Command::Create(_) => Need::of(source::ADD),
            Command::Set(_) => Need::of(source::SET),
            Command::Enable { .. } => Need::of(source::ENABLE),
            Command::Disable { .. } => Need::of(source::DISABLE),
            Command::RotateSecret { .. } => Need::of(source::ROTATE_SECRET),
            Command::Retry { .. } => Need::of(source::RETRY),
            Command::Dismiss { .. } => Need::of(source::DISMISS),
            Command::Delete { .. } => Need::of(source::REMOVE),
        }
    }
}

#[derive(Args)]
pub struct Add {
    /// Name of the source, a part of its address
    name: String,
    #[arg(long, value_parser = formats::parse, help = formats::webhook_names())]
    kind: Webhook,
    /// File whose first line is the secret, where the sender chose it; `-` for standard input
    #[arg(long, value_name = "FILE")]
    secret_from_file: Option<PathBuf>,
    /// File whose first line is the token by which leads are fetched from Facebook or Yelp
    #[arg(long, value_name = "FILE")]
    access_token_from_file: Option<PathBuf>,
    /// Every call must be signed as Standard Webhooks 1.0 has it (json)
    #[arg(long)]
    signed: bool,
    #[command(flatten)]
    options: Options,
}

#[derive(Args)]
pub struct Options {
    /// What a part of the body is, as in `email=customer.mail`; may be repeated
    #[arg(long, value_name = "FIELD=PATH")]
    map: Vec<String>,
    /// What Angi reads in our answer as success
    #[arg(long, value_name = "TEXT")]
    success: Option<String>,
    /// User name by which Thumbtack signs in
    #[arg(long)]
    username: Option<String>,
    /// Header that carries the secret, where that is not as usual
    #[arg(long)]
    header: Option<String>,
}

#[derive(Args)]
pub struct Set {
    name: String,
    /// Take a part of the body out of the map
    #[arg(long, value_name = "PATH")]
    unmap: Vec<String>,
    /// File whose first line is the new token by which leads are fetched
    #[arg(long, value_name = "FILE")]
    access_token_from_file: Option<PathBuf>,
    #[command(flatten)]
    options: Options,
}

impl Options {
    fn fields(&self) -> Result<BTreeMap<String, SourceField>> {
        let pair = |text: &String| {
            let (field, path) = text.split_once('=').ok_or_else(|| {
                Error::usage(format!("`{text}` is not FIELD=PATH"))
                    .hint("write it like `email=customer.mail`")
            })?;
            Ok((path.trim().to_owned(), SourceField::parse(field.trim())?))
        };
        self.map.iter().map(pair).collect()
    }
}

pub async fn run(context: &Context, command: Command, out: &Out) -> Result<()> {
    let (app, actor) = (&context.app, &context.actor);
    if let Command::List { all_tenants } = command {
        let row = |source: &Source| {
            vec![
                source.name.clone(),
                source.kind.to_string(),
                source.state.to_string(),
                source.last_received_at.map(|at| out.ago(at)).unwrap_or_default(),
                maybe(source.last_error.as_ref()),
            ]
        };
        let fetch =
            async |tenant: Tenant| context.app.view(&tenant, |tx| store::source::list(tx, LIST_LIMIT)).await;
        let headers = ["name", "kind", "state", "last received", "last error"];
        return follow::everywhere(context, all_tenants, (&headers, &row), fetch, out).await;
    }
    let tenant = context.tenant().await?;
    match command {
        Command::Create(arguments) => reveal(&add(context, &tenant, arguments).await?, out),
        Command::List { .. } => Err(Error::internal("sources are listed elsewhere")),
        Command::Show { name } => show(&source::find(app, &tenant, &name).await?, out),
        Command::Set(arguments) => show(&set(context, &tenant, arguments).await?, out),
        Command::Enable { name } => {
            show(&source::enable(app, actor, &tenant, &name).await?, out)?;
            out.undo(&format!("nexora source disable {name} --tenant {}", tenant.slug));
            Ok(())
        }
        Command::Disable { name } => {
            show(&source::disable(app, actor, &tenant, &name).await?, out)?;
            out.undo(&format!("nexora source enable {name} --tenant {}", tenant.slug));
            Ok(())
        }
        Command::RotateSecret { name, secret_from_file } => {
            let secret = given(secret_from_file.as_deref())?;
            reveal(&source::rotate_secret(app, actor, &tenant, &name, secret).await?, out)
        }
        Command::Delete { name } => {
            out.confirm(&format!(
                "this deletes source `{name}` of tenant `{}` and what it told of and was not fetched",
                tenant.slug
            ))?;
            source::remove(app, actor, &tenant, &name).await?;
            out.done(&json!({ "name": name, "deleted": true }), &format!("source `{name}` is deleted"))
        }
        Command::Test { name, file, content_type } => {
            let body = input::bytes(&file)?;
            show_trial(&source::test(app, &tenant, &name, &body, &content_type).await?, out)
        }
        Command::Notices { name, state, limit } => {
            let notices = source::notices(app, &tenant, name.as_deref(), state, limit).await?;
            show_notices(&notices, out)
        }
        Command::Retry { name, notice } => {
            let woken = source::retry(app, actor, &tenant, &name, notice).await?;
            out.item(&json!({ "retried": woken }), &[("retried", woken.to_string())])
        }
        Command::Dismiss { id } => {
            let notice = source::dismiss(app, actor, &tenant, &id).await?;
            show_notices(&[notice], out)
        }
    }
}

async fn add(context: &Context, tenant: &Tenant, arguments: Add) -> Result<Shown> {
    let Add { name, kind, secret_from_file, access_token_from_file, signed, options } = arguments;
    let fields = options.fields()?;
    let Options { success, username, header, .. } = options;
    let new = NewSource {
        name,
        webhook: kind,
        settings: SourceSettings { fields, success, username, header, signed },
        secret: given(secret_from_file.as_deref())?,
        access_token: given(access_token_from_file.as_deref())?,
    };
    source::add(&context.app, &context.actor, tenant, new).await
}

async fn set(context: &Context, tenant: &Tenant, arguments: Set) -> Result<Source> {
    let Set { name, unmap, access_token_from_file, options } = arguments;
    let mapped = options.fields()?.into_iter().map(|(path, field)| (path, Some(field)));
    let fields = mapped.chain(unmap.into_iter().map(|path| (path, None))).collect();
    let Options { success, username, header, .. } = options;
    let access_token = given(access_token_from_file.as_deref())?;
    let change = Change { fields, success, username, header, access_token };
    source::set(&context.app, &context.actor, tenant, &name, change).await
}

/// Reads a secret from a file where one is named; otherwise we make it, and do not ask for it.
fn given(file: Option<&Path>) -> Result<Option<Secret>> {
    file.map(|file| input::secret("", Some(file), true)).transpose()
}

/// A source with what is shown of it once.
#[derive(Serialize)]
struct Revealed<'a> {
    #[serde(flatten)]
    source: &'a Source,
    url: &'a str,
    secret: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    verify_token: Option<&'a str>,
}

/// Shows a source with its secrets, this once.
fn reveal(shown: &Shown, out: &Out) -> Result<()> {
    let guide = guide(shown);
    if out.is_json() {
        let secrets = &shown.secrets;
        return out.json(&Revealed {
            source: &shown.source,
            url: &shown.url,
            secret: secrets.secret.expose(),
            verify_token: secrets.verify_token.as_ref().map(Secret::expose),
        });
    }
    show(&shown.source, out)?;
    out.ask(&guide);
    Ok(())
}

/// Returns the address, the secrets and the steps at the sender, to be shown once.
fn guide(shown: &Shown) -> String {
    let Shown { source, webhook, settings, url, secrets } = shown;
    let steps = webhook.handling.guide(&Setup { source, settings, url, secrets });
    format!("\n{steps}\n\nThe secret is not shown again; `nexora source rotate-secret` makes another.")
}

fn show(source: &Source, out: &Out) -> Result<()> {
    let settings: SourceSettings = source.settings.read()?;
    let fields: Vec<String> = settings.fields.iter().map(|(path, field)| format!("{field}={path}")).collect();
    let lines = [
        ("name", source.name.clone()),
        ("kind", source.kind.to_string()),
        ("state", source.state.to_string()),
        ("map", fields.join(" ")),
        ("success", maybe(settings.success.as_ref())),
        ("username", maybe(settings.username.as_ref())),
        ("header", maybe(settings.header.as_ref())),
        ("signed", if settings.signed { "yes".to_owned() } else { String::new() }),
        ("last received", source.last_received_at.map(|at| out.moment(at)).unwrap_or_default()),
        ("last error", maybe(source.last_error.as_ref())),
        ("id", source.id.to_string()),
    ];
    out.item(source, &lines)
}

fn show_notices(notices: &[Notice], out: &Out) -> Result<()> {
    let headers = ["received", "lead there", "state", "attempts", "reason", "lead", "id"];
    out.list(&headers, notices, |notice| {
        vec![
            out.ago(notice.received_at),
            notice.external_id.clone(),
            notice.state.to_string(),
            notice.attempt.to_string(),
            maybe(notice.reason.as_ref()),
            maybe(notice.lead_id.as_ref()),
            notice.id.to_string(),
        ]
    })
}

fn show_trial(trial: &Trial, out: &Out) -> Result<()> {
    let pairs = |pairs: &BTreeMap<String, String>| {
        let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        pairs.join("; ")
    };
    let phone = match trial.masked_phone {
        true => format!("{} (lent by the marketplace)", trial.phone),
        false => trial.phone.clone(),
    };
    let lines = [
        ("becomes", trial.becomes.to_owned()),
        ("reason", trial.reason.clone()),
        ("name", trial.name.clone()),
        ("email", trial.email.clone()),
        ("phone", phone),
        ("reply to", trial.reply_to.clone()),
        ("service", trial.service.clone()),
        ("message", trial.message.clone()),
        ("address", trial.address.clone()),
        ("postcode", trial.postcode.clone()),
        ("preferred time", trial.preferred_time.clone()),
        ("test", if trial.is_test { "yes".to_owned() } else { String::new() }),
        ("cost", trial.cost_cents.map(money::shown).unwrap_or_default()),
        ("details", pairs(&trial.details)),
        ("origin", pairs(&trial.attribution.0)),
        ("id there", trial.external_id.clone()),
        ("source", trial.source.clone()),
    ];
    out.item(trial, &lines)
}
