//! What a shell offers while a command is typed: besides commands and options, the names that there are.
//!
//! The shell asks this program itself. Which names an argument takes follows from what it is called: a `SLUG` is a
//! tenant, the `NAME` of a connection's command a connection. Nothing is offered where the database cannot be read.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::{Arg, Command};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};

use crate::config::{Config, DEFAULT_PATH};
use nexora_core::base::Result;
use nexora_core::model::TenantId;
use nexora_core::model::address::Slug;
use nexora_store::{
    Conn, Db, Tx, automation, connection, effect, job, lead, run, source, task, tenant, user,
};

/// Names of one kind that are offered at most.
const LIMIT: i64 = 200;

/// The latest of what has no name, which are offered.
const LATEST: i64 = 20;

/// Answers the shell where it asks, and ends.
pub fn answer() {
    clap_complete::CompleteEnv::with_factory(|| with_names(super::commands())).complete();
}

/// Names, each with what it stands for.
type Offered = Vec<(String, String)>;

/// The names that an argument takes.
#[derive(Clone, Copy)]
enum Names {
    Tenants,
    Users,
    OfTenant(fn(&mut Tx) -> Result<Offered>),
}

fn with_names(root: Command) -> Command {
    offer(root, "")
}

fn offer(command: Command, noun: &str) -> Command {
    let named: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    let own = noun.to_owned();
    let mut command = command.mut_args(move |argument| match names(&own, &argument) {
        Some(names) => argument.add(ArgValueCandidates::new(move || candidates(names))),
        None => argument,
    });
    for name in named {
        let noun = if noun.is_empty() { name.clone() } else { noun.to_owned() };
        command = command.mut_subcommand(name, |sub| offer(sub, &noun));
    }
    command
}

/// Tells which names an argument takes.
fn names(noun: &str, argument: &Arg) -> Option<Names> {
    let value = argument.get_value_names().and_then(<[_]>::first).map(clap::builder::Str::as_str)?;
    Some(match (value, noun, argument.get_id().as_str()) {
        ("SLUG" | "TENANT", ..) => Names::Tenants,
        ("EMAIL", "user" | "session", _) | ("EMAIL", _, "acting_as") => Names::Users,
        ("NAME", "connection", _) | ("CONNECTION", ..) | (_, _, "connection") => Names::OfTenant(connections),
        ("NAME", "automation" | "simulate", _) | ("AUTOMATION", ..) => Names::OfTenant(automations),
        ("NAME", "source", _) => Names::OfTenant(sources),
        ("ID", "lead", _) => Names::OfTenant(leads),
        ("ID", "job", _) => Names::OfTenant(jobs),
        ("ID", "task", _) => Names::OfTenant(tasks),
        ("ID", "run", _) => Names::OfTenant(runs),
        ("ID", "effect", _) => Names::OfTenant(effects),
        _ => return None,
    })
}

fn connections(tx: &mut Tx) -> Result<Offered> {
    Ok(connection::list(tx, LIMIT)?.into_iter().map(|one| (one.name, one.kind.to_string())).collect())
}

fn automations(tx: &mut Tx) -> Result<Offered> {
    Ok(automation::list(tx, LIMIT)?.into_iter().map(|one| (one.name, one.state.to_string())).collect())
}

fn sources(tx: &mut Tx) -> Result<Offered> {
    Ok(source::list(tx, LIMIT)?.into_iter().map(|one| (one.name, one.kind.to_string())).collect())
}

fn leads(tx: &mut Tx) -> Result<Offered> {
    let found = lead::list(tx, &lead::Filter::default(), LATEST)?;
    Ok(found.into_iter().map(|one| (one.id.to_string(), one.name)).collect())
}

fn jobs(tx: &mut Tx) -> Result<Offered> {
    let found = job::list(tx, None, None, LATEST)?;
    Ok(found.into_iter().map(|one| (one.id.to_string(), one.title)).collect())
}

fn tasks(tx: &mut Tx) -> Result<Offered> {
    let found = task::list(tx, None, None, LATEST)?;
    Ok(found.into_iter().map(|one| (one.id.to_string(), one.title)).collect())
}

fn runs(tx: &mut Tx) -> Result<Offered> {
    let found = run::list(tx, &run::Filter::default(), LATEST)?;
    Ok(found.into_iter().map(|one| (one.id.to_string(), one.state.to_string())).collect())
}

fn effects(tx: &mut Tx) -> Result<Offered> {
    let found = effect::list(tx, &effect::Filter::default(), LATEST)?;
    Ok(found.into_iter().map(|one| (one.id.to_string(), format!("{} {}", one.kind, one.state))).collect())
}

fn candidates(names: Names) -> Vec<CompletionCandidate> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let found = runtime.ok().and_then(|runtime| runtime.block_on(read(names)).ok());
    let candidate = |(name, help): (String, String)| CompletionCandidate::new(name).help(Some(help.into()));
    found.unwrap_or_default().into_iter().map(candidate).collect()
}

async fn read(names: Names) -> Result<Offered> {
    let words: Vec<OsString> = std::env::args_os().collect();
    let config = option(&words, "--config").or_else(|| std::env::var_os("NEXORA_CONFIG"));
    let config = config.map_or_else(|| PathBuf::from(DEFAULT_PATH), PathBuf::from);
    let config = Config::load(&config, std::env::vars())?;
    let slug = option(&words, "--tenant").or_else(|| std::env::var_os("NEXORA_TENANT"));
    let slug: Option<Slug> = slug.and_then(|slug| slug.to_str()?.parse().ok());
    let db = Db::open(&config.database.url.parse()?).await?;
    db.read(move |conn| match names {
        Names::Tenants => {
            Ok(tenant::list(conn, LIMIT)?.into_iter().map(|one| (one.slug.to_string(), one.name)).collect())
        }
        Names::Users => {
            Ok(user::list(conn, LIMIT)?.into_iter().map(|one| (one.email.to_string(), one.name)).collect())
        }
        Names::OfTenant(names) => of_tenant(conn, slug.as_ref(), names),
    })
    .await
}

/// Reads the names of the tenant that is worked on: the one that is named, or the only one.
fn of_tenant(conn: &mut Conn, slug: Option<&Slug>, names: fn(&mut Tx) -> Result<Offered>) -> Result<Offered> {
    let id: Option<TenantId> = match slug {
        Some(slug) => tenant::find_by_slug(conn, slug)?.map(|tenant| tenant.id),
        None => match tenant::list(conn, 2)?.as_slice() {
            [only] => Some(only.id.clone()),
            _ => None,
        },
    };
    id.map_or_else(|| Ok(Vec::new()), |id| names(&mut conn.of(&id)))
}

/// Returns what follows an option among the words that are typed, or is put to it by `=`.
fn option(words: &[OsString], name: &str) -> Option<OsString> {
    let place = words.iter().position(|word| word == OsStr::new(name));
    let following = place.and_then(|place| words.get(place + 1)).cloned();
    following.or_else(|| {
        let prefix = format!("{name}=");
        words.iter().find_map(|word| word.to_str()?.strip_prefix(&prefix).map(OsString::from))
    })
}
