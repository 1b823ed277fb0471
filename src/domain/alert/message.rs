//! What operators are told.

use serde_json::json;

use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::Json;
use nexora_core::base::wording::length;
use nexora_core::model::EffectId;
use nexora_core::model::alert::{Alert, AlertState};

/// What is told at once: a subject and a text, and the same for programs.
#[derive(Clone, Debug)]
pub struct AlertMessage {
    /// The same for every attempt at it, so that a receiver knows a second copy.
    pub id: EffectId,
    pub subject: String,
    pub text: String,
    pub body: Json,
}

/// Words what has begun, what lasts and what has ended.
///
/// # Errors
/// `Internal` when it has no JSON form.
pub fn of_alerts(host: &str, alerts: &[Alert], now: Timestamp) -> Result<AlertMessage> {
    let of = |states: &[AlertState]| -> Vec<&Alert> {
        alerts.iter().filter(|alert| states.contains(&alert.state)).collect()
    };
    let (begun, lasting) = (of(&[AlertState::Pending]), of(&[AlertState::Told]));
    let ended = of(&[AlertState::Passed, AlertState::Ended]);
    let parts = [(begun.len(), "new"), (lasting.len(), "still there"), (ended.len(), "over")];
    let counts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    let first = begun.iter().chain(&lasting).chain(&ended).next();
    let what = first.map(|alert| short(&named(alert))).unwrap_or_default();
    let subject = format!("[nexora {host}] {}: {what}", counts.join(", "));
    let mut lines = Vec::new();
    for (title, alerts) in [("New", &begun), ("Still there", &lasting), ("Over", &ended)] {
        if alerts.is_empty() {
            continue;
        }
        lines.push(format!("{title}:"));
        lines.extend(alerts.iter().map(|alert| line(alert, now)));
        lines.push(String::new());
    }
    lines.push("`nexora status` says how everything stands now.".to_owned());
    message(host, subject, lines.join("\n"), alerts, now)
}

/// Words a test, and what is told where nothing can be kept.
///
/// # Errors
/// `Internal` when it has no JSON form.
pub fn plain(host: &str, subject: &str, text: &str, now: Timestamp) -> Result<AlertMessage> {
    message(host, format!("[nexora {host}] {subject}"), text.to_owned(), &[], now)
}

fn message(
    host: &str,
    subject: String,
    text: String,
    alerts: &[Alert],
    now: Timestamp,
) -> Result<AlertMessage> {
    // Chat services show `text`; programs read the rest.
    let body = json!({
        "type": "nexora.alert",
        "text": format!("{subject}\n{text}"),
        "host": host,
        "at": now,
        "alerts": alerts,
    });
    Ok(AlertMessage { id: EffectId::new(now), subject, text, body: Json::of(&body)? })
}

fn named(alert: &Alert) -> String {
    match &alert.tenant {
        Some(tenant) => format!("{tenant}: {}", alert.what),
        None => alert.what.clone(),
    }
}

/// A subject is read at a glance, and has one line.
fn short(what: &str) -> String {
    let line: String = what.split_whitespace().collect::<Vec<_>>().join(" ");
    nexora_core::base::wording::cut(&line, 100)
}

fn line(alert: &Alert, now: Timestamp) -> String {
    let mark = if alert.level == "broken" { "BROKEN" } else { "look" };
    match alert.state {
        AlertState::Passed | AlertState::Ended => {
            let lasted = alert.passed_at.unwrap_or(now).since(alert.begun_at);
            format!("  {}\n    it lasted {}", named(alert), length(lasted))
        }
        AlertState::Pending | AlertState::Told => {
            let since = length(now.since(alert.begun_at));
            format!("  {mark}  {}, for {since}\n    {}", named(alert), alert.command)
        }
    }
}
