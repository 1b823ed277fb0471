//! Retention: what is finished and old enough goes. What is not finished is kept, however old.

use std::sync::Arc;
use std::time::Duration;

use crate::app::App;
use crate::pipeline::Swept;
use nexora_core::base::Result;
use nexora_store::{appointment, automatic_answer, event, form, lead, notice, run, session};

/// Rows of a kind deleted in one write, so that no other write waits long.
const LIMIT: i64 = 64;

/// How long a session is remembered after its end.
const KEEP_SESSIONS: Duration = Duration::from_secs(30 * 86_400);

/// How long automatic answers are counted.
const KEEP_ANSWERS: Duration = Duration::from_secs(2 * 86_400);

/// How long photos are kept that came with spam.
const KEEP_SPAM: Duration = Duration::from_secs(30 * 86_400);

/// Deletes a share of the runs, with their steps and effects, that finished before the retention,
/// of the events that started none, of the leads held back as spam that nobody let go, of the notices whose lead was fetched, of the appointments that are
/// over as long, of old sessions, and of old photos.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn sweep(app: &Arc<App>) -> Result<Swept> {
    let now = app.clock.now();
    let [runs, events] =
        [app.config.pipeline.keep_runs(), app.config.pipeline.keep_events()].map(|age| now - age);
    let photos = now - app.config.intake.keep_photos();
    let spam = now - app.config.intake.keep_spam();
    let pruned = app.db.write(move |conn| {
        let pruned_runs = run::prune(conn, runs, LIMIT)?;
        let pruned_events = event::prune(conn, events, LIMIT)?;
        let pruned_notices = notice::prune(conn, events, LIMIT)?;
        let pruned_appointments = appointment::prune(conn, runs, LIMIT)?;
        let pruned_sessions = session::prune(conn, now - KEEP_SESSIONS, LIMIT)?;
        let pruned_photos = form::prune_photos(conn, photos, photos.max(now - KEEP_SPAM), LIMIT)?;
        let pruned_answers = automatic_answer::prune(conn, now - KEEP_ANSWERS, LIMIT)?;
        let pruned_leads = lead::prune_spam(conn, spam, LIMIT)?;
        Ok([
            pruned_runs,
            pruned_events,
            pruned_notices,
            pruned_appointments,
            pruned_sessions,
            pruned_photos,
            pruned_answers,
            pruned_leads,
        ])
    });
    let pruned = pruned.await?;
    let more = pruned.iter().any(|pruned| i64::try_from(*pruned).unwrap_or(0) >= LIMIT);
    Ok(Swept { handled: pruned.iter().sum(), more, next_due: None })
}
