//! `nexora restore`: what is held after a backup was restored, and its release.

use clap::{Args, Subcommand};

use crate::cli::Context;
use crate::cli::bulk::{self, Plan};
use crate::cli::out::Out;
use crate::cli::permission::Need;
use crate::ops::restore::{self, Standing, Treat, Undecided};
use nexora_core::base::clock::Timestamp;
use nexora_core::base::wording::{count, parse_length};
use nexora_core::base::{Error, Result};
use nexora_core::model::EffectId;
use nexora_core::model::tenant::Tenant;

#[derive(Subcommand)]
pub enum Command {
    /// Say what is held since a backup was restored, and what has to be decided
    #[command(after_help = "Example:\n  nexora restore status")]
    Status,
    /// Hold deliveries after another program has put the database back to an earlier moment; the daemon is stopped
    #[command(after_help = "Examples:
  nexora restore hold --since 2026-12-01T09:30:00Z
  nexora restore hold --since 3h

Of what happened since that moment the database knows nothing: it is asked after, as after `nexora backup restore`.")]
    Hold {
        /// The moment that the database was put back to, or how long ago it was; rather too early than too late
        #[arg(long, value_name = "WHEN")]
        since: String,
    },
    /// Let deliveries go on; or decide about effects that may have happened after the backup
    #[command(after_help = "Examples:
  nexora restore release --effect effect_01k5b3v6zr9m8q2x4t7w0c1d2e --treat-as sent
  nexora restore release --connection smtp --treat-as send
  nexora restore release
  nexora restore release --treat-as sent --yes

With `--effect` or `--connection` it decides about these alone, and everything stays held. Without, everything is
released: what did not happen goes out, and what nothing is known of stays in doubt unless `--treat-as` decides.")]
    Release(Release),
}

#[derive(Args)]
pub struct Release {
    /// Only decide about this effect; may be given several times
    #[arg(long, value_name = "ID", requires = "treat_as")]
    effect: Vec<EffectId>,
    /// Only decide about the effects of the connections of this name
    #[arg(long, value_name = "NAME", requires = "treat_as", conflicts_with = "effect")]
    connection: Option<String>,
    /// What to do with effects of which nothing is known: `sent` counts them as done, `send` does them
    #[arg(long, value_name = "HOW", value_parser = Treat::parse)]
    treat_as: Option<Treat>,
    /// Release although not everything is known yet; what can be asked after is asked after first all the same
    #[arg(long)]
    anyway: bool,
}

impl Command {
    /// Says what must be permitted.
    pub fn need(&self) -> Need {
        match self {
            Command::Status | Command::Hold { .. } | Command::Release(_) => Need::Operator,
        }
    }
}

pub async fn run(context: &Context, command: Command, out: &Out) -> Result<()> {
    match command {
        Command::Status => status(context, out).await,
        Command::Hold { since } => hold(context, &since, out).await,
        Command::Release(arguments) => release(context, &arguments, out).await,
    }
}

async fn hold(context: &Context, since: &str, out: &Out) -> Result<()> {
    let since = match parse_length(since) {
        Ok(length) => context.app.clock.now() - length,
        Err(_) => Timestamp::parse(since).ok_or_else(|| {
            Error::usage(format!("`{since}` is not a moment"))
                .hint("write it like `2026-12-01T09:30:00Z` or `3h`")
        })?,
    };
    let held = restore::hold(&context.app, &context.actor, since).await?;
    out.item(
        &held,
        &[("state", "held: leads come in, and nothing goes out".to_owned()), ("since", since.to_string())],
    )?;
    out.undo("nexora restore release");
    Ok(())
}

async fn status(context: &Context, out: &Out) -> Result<()> {
    let standing = restore::standing(&context.app).await?;
    let Some(latest) = &standing.restore else {
        if out.is_json() {
            return out.json(&standing);
        }
        out.note("no backup was restored to this database");
        return Ok(());
    };
    let state = match (latest.released_at, latest.released_by.as_deref()) {
        (None, _) => "held: leads come in, and nothing goes out".to_owned(),
        (Some(at), by) => format!("released {} by {}", out.ago(at), by.unwrap_or_default()),
    };
    let lines = [
        ("state", state),
        ("backup", format!("{} of {}", latest.backup_id, latest.backup_at)),
        ("restored", out.moment(latest.restored_at)),
        (
            "waiting",
            match latest.is_held() {
                true => format!("{} for the release", count(standing.waiting(), "effect", "effects")),
                false => String::new(),
            },
        ),
        ("unfinished", standing.unfinished.join("; ")),
        (
            "undecided",
            match standing.undecided() {
                0 => String::new(),
                undecided => count(undecided, "effect", "effects"),
            },
        ),
    ];
    out.item(&standing, &lines)?;
    let rows = undecided(&standing).map(|(tenant, one)| {
        vec![
            tenant.slug.to_string(),
            one.connection.clone(),
            one.kind.to_string(),
            one.what.clone(),
            out.ago(one.promised_at),
            one.reason.clone().unwrap_or_default(),
            one.id.to_string(),
        ]
    });
    let title = "May have happened after the backup: decide with `nexora restore release --effect ID --treat-as sent|send`";
    out.section(title, &["tenant", "connection", "kind", "what", "promised", "why", "id"], rows.collect())
}

fn undecided(standing: &Standing) -> impl Iterator<Item = (&Tenant, &Undecided)> {
    standing.tenants.iter().flat_map(|tenant| tenant.undecided.iter().map(|one| (&tenant.tenant, one)))
}

async fn release(context: &Context, arguments: &Release, out: &Out) -> Result<()> {
    let standing = restore::standing(&context.app).await?;
    let is_part = !arguments.effect.is_empty() || arguments.connection.is_some();
    let mut meant: Vec<(Tenant, &Undecided)> = undecided(&standing)
        .filter(|(tenant, _)| context.global.tenant.as_ref().is_none_or(|slug| tenant.slug == *slug))
        .filter(|(_, one)| arguments.connection.as_ref().is_none_or(|name| one.connection == *name))
        .filter(|(_, one)| arguments.effect.is_empty() || arguments.effect.contains(&one.id))
        .map(|(tenant, one)| (tenant.clone(), one))
        .collect();
    if let Some(unknown) = arguments.effect.iter().find(|id| !meant.iter().any(|(_, one)| one.id == **id)) {
        return Err(Error::not_found(format!("nothing is to be decided about effect `{unknown}`"))
            .hint("`nexora restore status` lists what is"));
    }
    if is_part && meant.is_empty() {
        return Err(
            Error::not_found("nothing is to be decided there").hint("`nexora restore status` lists what is")
        );
    }
    if !is_part {
        // What would be refused after a decision is refused before.
        restore::check_release(&standing, arguments.anyway)?;
    }
    if let Some(treat) = arguments.treat_as.filter(|_| !meant.is_empty()) {
        decide(context, treat, &meant, out).await?;
        meant.clear();
    }
    if is_part {
        return Ok(());
    }
    let left = count(meant.len(), "effect stays in doubt", "effects stay in doubt");
    out.confirm(&format!(
        "this lets deliveries go on: {} go out, {left}",
        count(standing.waiting(), "effect", "effects")
    ))?;
    let released = restore::release(&context.app, &context.actor, arguments.anyway).await?;
    out.item(&released, &[("state", "released: deliveries go on".to_owned()), ("in doubt", left)])
}

async fn decide(context: &Context, treat: Treat, meant: &[(Tenant, &Undecided)], out: &Out) -> Result<()> {
    let what = match treat {
        Treat::Sent => "counts as done",
        Treat::Send => "is done once it is released, perhaps a second time",
    };
    let plan = Plan {
        question: format!("{} may have happened: each {what}", count(meant.len(), "effect", "effects")),
        verb: "decided",
        kind: &|one: &&Undecided| format!("{} by {}", one.kind, one.connection),
        id: &|one: &&Undecided| one.id.to_string(),
    };
    bulk::each(out, plan, meant, async |tenant, one| {
        restore::decide(&context.app, &context.actor, tenant, &one.id, treat).await
    })
    .await
}
