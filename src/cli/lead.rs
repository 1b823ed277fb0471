//! `nexora lead`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use crate::app::App;
use crate::cli::bulk::{self, Plan};
use crate::cli::out::{Out, maybe};
use crate::cli::permission::Need;
use crate::cli::run::{EFFECT_HEADERS, effect_rows};
use crate::cli::{Context, Narrowed, input, lead_list, person};
use crate::domain::contact::person::Named;
use crate::ops::contact::erasure;
use crate::ops::lead;
use crate::ops::lead::lead_mail::{self, Classification};
use crate::ops::lead::requeue::{self, Requeued};
use nexora_core::base::wording::count;
use nexora_core::base::{Error, Kind, Result, file, money};
use nexora_core::model::address::EmailAddress;
use nexora_core::model::lead::{Attribution, ConsentRecord, Lead, LeadState};
use nexora_core::model::principal::Noun;
use nexora_core::model::tenant::Tenant;
use nexora_core::model::{LeadId, PhotoId};
use nexora_engine::lead::enquiry::Enquiry;
use nexora_engine::lead::lead_format::mail::Rules;
use nexora_store as store;

#[derive(Subcommand)]
pub enum Command {
    /// Create a lead by hand, as if the form had been filled in
    #[command(
        alias = "add",
        after_help = "Example:
  nexora lead create --tenant acme --name \"Jo Miller\" --phone \"(512) 555-0142\" --message \"No hot water\""
    )]
    Create(Box<Create>),
    /// List a tenant's leads, newest first
    #[command(after_help = "Examples:
  nexora lead list --tenant acme --limit 20
  nexora lead list --tenant acme --since 7days --source form --search miller
  nexora lead list --tenant acme --since 2026-12-01 --limit 1000 --csv > leads.csv
  nexora lead list --all-tenants --follow")]
    List {
        /// Only leads in this state
        #[arg(long)]
        state: Option<LeadState>,
        /// Only leads that came from there
        #[arg(long, value_name = "NAME")]
        source: Option<String>,
        /// Only leads older than this one
        #[arg(long, value_name = "ID")]
        before: Option<LeadId>,
        /// Print comma-separated values with everything that is known, for a spreadsheet
        #[arg(long, conflicts_with_all = ["follow", "all_tenants"])]
        csv: bool,
        #[command(flatten)]
        narrowed: Box<Narrowed>,
    },
    /// Show a lead with everything that came of it
    #[command(after_help = "Example:\n  nexora lead show lead_01k5b3v6zr9m8q2x4t7w0c1d2e --tenant acme")]
    Show { id: LeadId },
    /// Say what a mail that was saved to a file would become; nothing is stored
    #[command(after_help = "Example:\n  nexora lead parse mail.eml --tenant acme --connection google")]
    Parse {
        /// The mail as it went over the wire; `-` for standard input
        file: PathBuf,
        /// Read it by the rules of this connection; by the usual ones when left out
        #[arg(long, value_name = "NAME")]
        connection: Option<String>,
    },
    /// Move a lead to another state: contacted, booked, won, lost or spam
    #[command(after_help = "Example:\n  nexora lead state lead_01k5b3v6zr9m8q2x4t7w0c1d2e won --tenant acme")]
    State { id: LeadId, state: LeadState },
    /// Mark a lead as spam: its runs end, and its calendar entries stay
    #[command(after_help = "Example:\n  nexora lead spam lead_01k5b3v6zr9m8q2x4t7w0c1d2e --tenant acme")]
    Spam { id: LeadId },
    /// Release a lead that was held back as spam: its automations begin
    #[command(
        alias = "ham",
        after_help = "Example:\n  nexora lead not-spam lead_01k5b3v6zr9m8q2x4t7w0c1d2e --tenant acme"
    )]
    NotSpam { id: LeadId },
    /// Have leads looked at again that came while automations were off: what waits for leads begins
    #[command(after_help = "Examples:
  nexora lead requeue lead_01k5b3v6zr9m8q2x4t7w0c1d2e --tenant acme
  nexora lead requeue --since 2026-12-01 --tenant acme
  nexora lead requeue --since 3days --until 1day --tenant acme --yes

What has run for a lead does not run again. Without ids it takes the leads for which nothing ran, says first which, and
asks.")]
    Requeue {
        ids: Vec<LeadId>,
        /// Leads that came since then: a day, a moment, or how long ago
        #[arg(long, value_name = "WHEN", conflicts_with = "ids")]
        since: Option<String>,
        /// Leads that came until then
        #[arg(long, value_name = "WHEN", requires = "since")]
        until: Option<String>,
        /// Of every tenant
        #[arg(long, requires = "since")]
        all_tenants: bool,
    },
    /// Write a photo that came with a lead to a file
    #[command(
        after_help = "Example:\n  nexora lead photo photo_01k5b3v6zr9m8q2x4t7w0c1d2e --to boiler.jpg --tenant acme"
    )]
    Photo {
        id: PhotoId,
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// Say that a person has answered a lead, by telephone for instance
    #[command(after_help = "Example:\n  nexora lead answered lead_01k5b3v6zr9m8q2x4t7w0c1d2e --tenant acme")]
    Answered { id: LeadId },
    /// Say that a lead which needed review was looked at, and what its mail says
    #[command(
        after_help = "Example:\n  nexora lead review lead_01k5b3v6zr9m8q2x4t7w0c1d2e --tenant acme --name \"Jo Miller\" --phone 5125550142"
    )]
    Review {
        id: LeadId,
        #[arg(long)]
        name: Option<String>,
        #[arg(long)]
        email: Option<EmailAddress>,
        #[arg(long)]
        phone: Option<String>,
    },
    /// Write everything that is kept of the person behind a lead into a folder, as `contact export` does
    #[command(
        after_help = "Example:\n  nexora lead export lead_01k5b3v6zr9m8q2x4t7w0c1d2e --to jo --tenant acme"
    )]
    Export {
        id: LeadId,
        #[command(flatten)]
        arguments: person::ExportArguments,
    },
    /// Forget the person behind a lead, with all of their leads, as `contact forget` does
    #[command(
        after_help = "Example:\n  nexora lead forget lead_01k5b3v6zr9m8q2x4t7w0c1d2e --dry-run --tenant acme"
    )]
    Forget {
        id: LeadId,
        #[command(flatten)]
        arguments: person::ForgetArguments,
    },
}

impl Command {
    /// Says what must be permitted.
    pub fn need(&self) -> Need {
        match self {
            Command::List { narrowed, .. } => narrowed.need(Noun::Lead),
            Command::Show { .. } | Command::Parse { .. } | Command::Photo { .. } => Need::read(Noun::Lead),
            Command::Create(_) => Need::of(lead::ADD),
            Command::State { .. } => Need::of(lead::STATE),
            Command::Spam { .. } => Need::of(lead::SPAM),
            Command::NotSpam { .. } => Need::of(lead::HAM),
            Command::Requeue { all_tenants: true, .. } => Need::Operator,
            Command::Requeue { .. } => Need::of(requeue::REQUEUE),
            Command::Answered { .. } => Need::of(lead::ANSWERED),
            Command::Review { .. } => Need::of(lead::REVIEW),
            Command::Export { .. } => Need::of(erasure::EXPORT),
            Command::Forget { .. } => Need::of(erasure::FORGET),
        }
    }
}

#[derive(Args)]
pub struct Create {
    #[arg(long)]
    name: String,
    #[arg(long, default_value = "")]
    email: String,
    #[arg(long, default_value = "")]
    phone: String,
    #[arg(long, default_value = "")]
    service: String,
    #[arg(long, default_value = "")]
    message: String,
    #[arg(long, default_value = "")]
    address: String,
    #[arg(long, default_value = "")]
    postcode: String,
    #[arg(long, default_value = "")]
    preferred_time: String,
    #[arg(long, default_value = "cli")]
    source: String,
    /// Keep it and run nothing
    #[arg(long)]
    test: bool,
}

pub async fn run(context: &Context, command: Command, out: &Out) -> Result<()> {
    let app = &context.app;
    match command {
        Command::Requeue { since: Some(since), until, all_tenants, .. } => {
            requeue_span(context, (&since, until.as_deref()), all_tenants, out).await
        }
        Command::Export { id, arguments } => person::export(context, Named::Lead(id), &arguments, out).await,
        Command::Forget { id, arguments } => person::forget(context, Named::Lead(id), &arguments, out).await,
        Command::Requeue { since: None, ids, .. } => requeue_these(context, ids, out).await,
        Command::Create(new) => {
            let tenant = context.tenant().await?;
            let enquiry = Enquiry {
                name: new.name,
                email: new.email,
                phone: new.phone,
                service: new.service,
                message: new.message,
                address: new.address,
                postcode: new.postcode,
                preferred_time: new.preferred_time,
                source: new.source,
                is_test: new.test,
                ..Enquiry::default()
            };
            let added = lead::add(app, &context.actor, &tenant, enquiry).await?;
            out.item(&added, &lines(&added, out))
        }
        Command::List { state, source, before, csv, narrowed } => {
            let search = narrowed.search.clone();
            let filter = store::lead::Filter { state, source, before, search, ..Default::default() };
            lead_list::list(context, &filter, (&narrowed, csv), out).await
        }
        Command::Show { id } => {
            let tenant = context.tenant().await?;
            let view = lead::find(app, &tenant, &id).await?;
            out.item(&view, &lines(&view.lead, out))?;
            for run in &view.runs {
                let title = format!("Run {} of {}: {}", run.run.id, run.automation, run.run.state);
                out.section(&title, &EFFECT_HEADERS, effect_rows(&run.effects))?;
            }
            let photos = view.photos.iter().map(|photo| vec![photo.to_string()]);
            out.section("Photos", &["id"], photos.collect())?;
            let messages = view.messages.iter().map(|message| {
                vec![out.ago(message.sent_at), message.author.to_string(), message.subject.clone()]
            });
            out.section("Messages", &["when", "by", "subject"], messages.collect())
        }
        Command::Parse { file, connection } => {
            let tenant = context.tenant().await?;
            let rules = match connection {
                Some(name) => lead_mail::rules(app, &tenant, &name).await?,
                None => Rules::default(),
            };
            let verdict = lead_mail::classify(&input::bytes(&file)?, &rules);
            out.item(&verdict, &verdict_lines(&verdict))
        }
        Command::Photo { id, to } => {
            let tenant = context.tenant().await?;
            let photo = lead::photo(app, &tenant, &id).await?;
            file::write(&to, &photo.content, Kind::Usage)?;
            let (file, width, height) = (to.display().to_string(), photo.width, photo.height);
            let words = format!("`{file}` has {width} by {height} pixels");
            out.done(&json!({ "file": file, "width": width, "height": height }), &words)
        }
        Command::State { .. }
        | Command::Spam { .. }
        | Command::NotSpam { .. }
        | Command::Answered { .. }
        | Command::Review { .. } => {
            let tenant = context.tenant().await?;
            let undo = undo(app, &tenant, &command).await?;
            let changed = change(context, &tenant, command).await?;
            out.item(&changed, &lines(&changed, out))?;
            if let Some(undo) = undo {
                out.undo(&undo);
            }
            Ok(())
        }
    }
}

async fn requeue_these(context: &Context, ids: Vec<LeadId>, out: &Out) -> Result<()> {
    if ids.is_empty() {
        return Err(Error::usage("name leads, or say since when")
            .hint("`--since 3days` takes those for which nothing ran"));
    }
    let tenant = context.tenant().await?;
    let requeued = requeue::requeue(&context.app, &context.actor, &tenant, ids).await?;
    out.list(&["received", "name", "begins", "id"], &requeued, |lead| {
        vec![out.ago(lead.received_at), lead.name.clone(), lead.automations.join(", "), lead.id.to_string()]
    })
}

async fn requeue_span(
    context: &Context,
    (since, until): (&str, Option<&str>),
    all_tenants: bool,
    out: &Out,
) -> Result<()> {
    let (app, actor) = (&context.app, &context.actor);
    let now = app.clock.now();
    let mut found: Vec<(Tenant, Requeued)> = Vec::new();
    for tenant in context.tenants(all_tenants).await? {
        let from = input::past(&tenant, since, now)?;
        let until = until.map(|until| input::past(&tenant, until, now)).transpose()?.unwrap_or(now);
        match requeue::plan(app, &tenant, (from, until)).await {
            Ok(leads) => found.extend(leads.into_iter().map(|lead| (tenant.clone(), lead))),
            // Where nothing waits for leads, nothing would begin.
            Err(error) if all_tenants && error.kind() == Kind::Conflict => {}
            Err(error) => return Err(error),
        }
    }
    if found.is_empty() {
        return out.done(&Vec::<()>::new(), "something ran for every lead of that time");
    }
    let leads = count(found.len(), "lead", "leads");
    let plan = Plan {
        question: format!("this has {leads} looked at again, and people are written to"),
        verb: "requeued",
        kind: &|lead: &Requeued| {
            let day = lead.received_at.to_string();
            let day = day.split('T').next().unwrap_or_default();
            format!("leads of {day}, for {}", lead.automations.join(", "))
        },
        id: &|lead| lead.id.to_string(),
    };
    let requeue = async |tenant: &Tenant, lead: &Requeued| {
        requeue::requeue(app, actor, tenant, vec![lead.id.clone()]).await
    };
    bulk::each(out, plan, &found, requeue).await
}

/// Returns the command that takes back what is about to be done to a lead, where there is one.
async fn undo(app: &App, tenant: &Tenant, command: &Command) -> Result<Option<String>> {
    let slug = &tenant.slug;
    Ok(match command {
        Command::Spam { id } => Some(format!("nexora lead not-spam {id} --tenant {slug}")),
        Command::NotSpam { id } => Some(format!("nexora lead spam {id} --tenant {slug}")),
        Command::State { id, .. } => {
            let before = lead::find(app, tenant, id).await?.lead.state;
            // To that one no command leads back.
            (before != LeadState::NeedsReview)
                .then(|| format!("nexora lead state {id} {before} --tenant {slug}"))
        }
        Command::Create(_)
        | Command::List { .. }
        | Command::Show { .. }
        | Command::Parse { .. }
        | Command::Requeue { .. }
        | Command::Photo { .. }
        | Command::Answered { .. }
        | Command::Review { .. }
        | Command::Export { .. }
        | Command::Forget { .. } => None,
    })
}

/// Does what changes one lead.
async fn change(context: &Context, tenant: &Tenant, command: Command) -> Result<Lead> {
    let (app, actor) = (&context.app, &context.actor);
    match command {
        Command::State { id, state } => lead::set_state(app, actor, tenant, &id, state).await,
        Command::Spam { id } => lead::spam(app, actor, tenant, &id).await,
        Command::NotSpam { id } => lead::ham(app, actor, tenant, &id).await,
        Command::Answered { id } => lead::answered(app, actor, tenant, &id).await,
        Command::Review { id, name, email, phone } => {
            lead::review(app, actor, tenant, &id, name, email, phone).await
        }
        Command::Create(_)
        | Command::List { .. }
        | Command::Show { .. }
        | Command::Parse { .. }
        | Command::Requeue { .. }
        | Command::Photo { .. }
        | Command::Export { .. }
        | Command::Forget { .. } => Err(Error::internal("this changes no lead")),
    }
}

fn verdict_lines(verdict: &Classification) -> Vec<(&'static str, String)> {
    let mut lines = vec![("verdict", verdict.verdict.to_owned()), ("reason", maybe(verdict.reason.as_ref()))];
    let fields = verdict.enquiry.iter().flatten();
    lines.extend(fields.map(|(name, text)| (*name, text.clone())));
    lines.extend([
        ("answer to", maybe(verdict.reply_to.as_ref())),
        ("their id", maybe(verdict.external_id.as_ref())),
        ("details", pairs(verdict.details.clone())),
    ]);
    for further in &verdict.further {
        let fields = further.iter().map(|(name, text)| format!("{name}: {text}"));
        lines.push(("further lead", fields.collect::<Vec<_>>().join("\n")));
    }
    lines
}

fn lines(lead: &Lead, out: &Out) -> Vec<(&'static str, String)> {
    vec![
        ("name", lead.name.clone()),
        ("phone", maybe(lead.phone.as_ref())),
        ("email", maybe(lead.email.as_ref())),
        ("service", maybe(lead.service.as_ref())),
        ("message", maybe(lead.message.as_ref())),
        ("address", maybe(lead.address.as_ref())),
        ("postcode", maybe(lead.postcode.as_ref())),
        ("preferred time", maybe(lead.preferred_time.as_ref())),
        ("state", state_of(lead)),
        ("source", lead.source.clone()),
        ("answer to", maybe(lead.reply_to.as_ref())),
        (
            "original",
            if lead.state == LeadState::NeedsReview { maybe(lead.original.as_ref()) } else { String::new() },
        ),
        ("spam score", if lead.score > 0 { lead.score.to_string() } else { String::new() }),
        ("because", reasons(lead)),
        ("details", pairs(lead.details.read().unwrap_or_default())),
        ("came by", pairs(lead.attribution.read::<Attribution>().unwrap_or_default().0)),
        ("agreed", agreed(lead)),
        ("cost", lead.cost_cents.map(money::shown).unwrap_or_default()),
        ("received", out.moment(lead.received_at)),
        ("answered", lead.answered_at.map(|at| out.moment(at)).unwrap_or_default()),
        ("by a person", lead.responded_at.map(|at| out.moment(at)).unwrap_or_default()),
        ("id", lead.id.to_string()),
    ]
}

fn reasons(lead: &Lead) -> String {
    lead.reasons.read::<Vec<String>>().unwrap_or_default().join("; ")
}

pub fn state_of(lead: &Lead) -> String {
    if lead.is_test { format!("{} (test)", lead.state) } else { lead.state.to_string() }
}

fn pairs(pairs: BTreeMap<String, String>) -> String {
    pairs.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("\n")
}

fn agreed(lead: &Lead) -> String {
    let words = lead.consents.read::<Vec<ConsentRecord>>().unwrap_or_default();
    let line = |word: &ConsentRecord| {
        let said = if word.given { "yes" } else { "no" };
        format!("{} {said}, {}", word.channel, word.wording)
    };
    words.iter().map(line).collect::<Vec<_>>().join("\n")
}
