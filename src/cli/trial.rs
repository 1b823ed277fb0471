//! `nexora automation test` and `nexora digest preview`: what would be done, shown.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::cli::automation::{parse_setting, source_of};
use crate::cli::out::{Out, print};
use crate::cli::{Context, input};
use crate::ops::automation::trial::report::{Line, What};
use crate::ops::automation::trial::{self, TrialRequest};
use nexora_core::base::clock::Timestamp;
use nexora_core::base::wording::parse_length;
use nexora_core::base::{Error, Kind, Result, file};
use nexora_core::model::LeadId;
use nexora_core::model::tenant::Tenant;
use nexora_engine::automation::trigger::On;

#[derive(Args)]
#[command(after_help = "Examples:
  nexora automation test follow-up-sequence --tenant acme
  nexora automation test follow-up-sequence --then 2days:message.received --tenant acme
  nexora automation test lead-capture --lead lead_01k5b3v6zr9m8q2x4t7w0c1d2e --tenant acme --output json")]
pub struct Test {
    /// Automation, as it is among the definitions now
    #[arg(required_unless_present = "file", default_value = "")]
    name: String,
    /// Take the definition from this file
    #[arg(long)]
    file: Option<PathBuf>,
    /// A lead of the tenant instead of a made-up one
    #[arg(long, value_name = "ID", conflicts_with = "sample")]
    lead: Option<LeadId>,
    /// A made-up lead as a JSON file: name, email, phone, service, message, …
    #[arg(long, value_name = "FILE")]
    sample: Option<PathBuf>,
    /// Which of the triggers starts it
    #[arg(long, default_value_t = 1)]
    trigger: usize,
    /// When it begins, by the tenant's clocks; now when left out
    #[arg(long)]
    at: Option<String>,
    /// What happens afterwards, as how long after the beginning and what; may be repeated
    #[arg(long = "then", value_name = "WHEN:WHAT", value_parser = parse_then)]
    then: Vec<(Duration, On)>,
    /// A setting, as name=value; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = parse_setting)]
    settings: Vec<(String, String)>,
    /// Stop looking after this long
    #[arg(long = "for", default_value = "90days", value_parser = parse_length)]
    length: Duration,
    /// Leave out the words of the messages
    #[arg(long)]
    brief: bool,
}

fn parse_then(text: &str) -> Result<(Duration, On)> {
    let wrong = || Error::usage(format!("`{text}`: write it like `2days:message.received`"));
    let (after, what) = text.split_once(':').ok_or_else(wrong)?;
    let after = parse_length(after).map_err(|_| wrong())?;
    Ok((after, what.trim().parse()?))
}

pub async fn test(context: &Context, arguments: Test, out: &Out) -> Result<()> {
    let tenant = context.tenant().await?;
    let sample = match &arguments.sample {
        None => None,
        Some(path) => {
            let no_lead = |error| Error::usage(format!("`{}` is not a lead", path.display())).source(error);
            Some(serde_json::from_str(&input::text(path)?).map_err(no_lead)?)
        }
    };
    let request = TrialRequest {
        name: arguments.name,
        text: arguments.file.as_deref().map(source_of).transpose()?,
        given: arguments.settings.into_iter().collect(),
        lead: arguments.lead,
        sample,
        trigger: arguments.trigger,
        at: arguments.at.map(|text| input::moment(&tenant, &text)).transpose()?,
        then: arguments.then,
        length: arguments.length,
    };
    let shown = trial::run(&context.app, &tenant, request).await?;
    if out.is_json() {
        return out.json(&shown);
    }
    let started_at = shown.lines.first().map(|line| line.at);
    for line in &shown.lines {
        print(&spoken(line, &tenant, started_at, arguments.brief)?)?;
    }
    out.note("\nNothing was sent, written or moved.");
    Ok(())
}

/// Shows one line as people read it, by the tenant's clocks.
fn spoken(line: &Line, tenant: &Tenant, started_at: Option<Timestamp>, brief: bool) -> Result<String> {
    let zone = tenant.zone()?.tz();
    let shown = |at: Timestamp| at.utc().with_timezone(&zone).format("%a %-d %b %H:%M:%S").to_string();
    let what = match &line.what {
        What::Skipped { reason } => format!("skipped: {reason}"),
        What::Waits { until } => format!("waits until {}", shown(*until)),
        What::Held { gate, reason, until } => format!("held by {gate} until {}: {reason}", shown(*until)),
        What::NotSent { gate, reason } => format!("not sent, by {gate}: {reason}"),
        What::Sent { to, subject, why, .. } => {
            let why = if why.is_empty() { String::new() } else { format!(" ({why})") };
            format!("mail to {to}: {subject}{why}")
        }
        What::Does { kind, request } => format!("{kind} {request}"),
        What::Changes { change } => change.clone(),
        What::Parked { reason } => format!("waits: {reason}"),
        What::Happens { event } => format!("-- {event} --"),
        What::Fails { reason } => format!("FAILS: {reason}"),
        What::Ends { state, reason } => {
            let reason = reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
            format!("ends {state}{reason}")
        }
    };
    let after = started_at.map(|started_at| line.at.since(started_at)).unwrap_or_default();
    let after = humantime::format_duration(Duration::from_secs(after.as_secs()));
    let mut text = format!("{}  +{after}  {}  {what}", shown(line.at), line.step);
    if let (What::Sent { text: words, .. }, false) = (&line.what, brief) {
        for word_line in words.trim().lines() {
            text.push_str("\n      | ");
            text.push_str(word_line);
        }
    }
    Ok(text)
}

#[derive(Subcommand)]
pub enum Digest {
    /// Show the digest that a tenant's owner would get
    #[command(after_help = "Examples:
  nexora digest preview --tenant acme
  nexora digest preview --tenant acme --date 2026-12-01 --open-file digest.html")]
    Preview {
        /// Day on which it would go out; today when left out
        #[arg(long, value_name = "DATE")]
        date: Option<String>,
        /// Write its HTML here, for a browser
        #[arg(long, value_name = "FILE")]
        open_file: Option<PathBuf>,
        /// Automation that sends it
        #[arg(long, default_value = "daily-digest")]
        automation: String,
    },
}

/// When a digest of a past or coming day is taken to go out.
const MORNING: &str = "07:00";

pub async fn digest(context: &Context, command: Digest, out: &Out) -> Result<()> {
    let tenant = context.tenant().await?;
    let Digest::Preview { date, open_file, automation } = command;
    let at = date.map(|date| input::moment(&tenant, &format!("{date}T{MORNING}"))).transpose()?;
    let given = [("send_empty".to_owned(), "true".to_owned())];
    let length = Duration::from_secs(3_600);
    let request = TrialRequest {
        name: automation,
        given: given.into(),
        at,
        trigger: 1,
        length,
        ..TrialRequest::default()
    };
    let shown = trial::run(&context.app, &tenant, request).await?;
    let sent = shown.lines.iter().find_map(|line| match &line.what {
        What::Sent { to, subject, text, html, .. } => Some((to, subject, text, html)),
        _ => None,
    });
    let Some((to, subject, text, html)) = sent else {
        return Err(Error::conflict("this automation sends no digest"));
    };
    if let Some(path) = &open_file {
        let html = html.as_ref().ok_or_else(|| Error::conflict("the digest has no HTML"))?;
        file::write(path, html, Kind::Usage)?;
        out.note(&format!("written to `{}`", path.display()));
    }
    if out.is_json() {
        return out.json(&serde_json::json!({ "to": to, "subject": subject, "text": text, "html": html }));
    }
    print(&format!("To:      {to}\nSubject: {subject}\n\n{}", text.trim()))
}
