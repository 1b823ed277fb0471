//! What a person does with a link in one of our messages: leaves a review, or wants no more mail.

use crate::app::App;
use crate::base::{Error, Result};
use crate::model::audit::Actor;
use crate::model::consent::{Channel, Scope, Suppression, SuppressionReason};
use crate::model::contact::AddressKind;
use crate::model::event::{About, EventKind};
use crate::model::lead::Agreed;
use crate::model::tenant::Tenant;
use crate::ops::contact::tell_unsubscribed;
use crate::ops::{Subject, audited};
use crate::pipeline::consent::{Given, note};
use crate::pipeline::fact::{self, Detail};
use crate::pipeline::link::Linker;
use crate::store::{Inserted, consent, contact, tenant};

/// What kind of link it was that was opened, as triggers name it.
const REVIEW: &str = "review";

fn unknown() -> Error {
    Error::not_found("this link is not complete").hint("open it from the mail once more")
}

/// Finds the tenant of an unsubscribe link.
///
/// # Errors
/// `NotFound` when the link is not ours, or its tenant is gone.
pub async fn unsubscribing(app: &App, token: &str) -> Result<Tenant> {
    let link = Linker::of(app).open_unsubscribe(token).ok_or_else(unknown)?;
    app.db.read(move |conn| tenant::find(conn, &link.tenant_id)).await?.ok_or_else(unknown)
}

/// Ends commercial mail to the address of an unsubscribe link. The same again changes nothing.
///
/// # Errors
/// `NotFound` when the link is not ours.
pub async fn unsubscribe(app: &App, token: &str) -> Result<Tenant> {
    let linker = Linker::of(app);
    let link = linker.open_unsubscribe(token).ok_or_else(unknown)?;
    let now = app.clock.now();
    let actor = Actor::System("unsubscribe");
    let id = link.tenant_id.clone();
    let done = audited(&app.db, Some(id.clone()), &actor, "contact.unsubscribe", now, move |conn| {
        let found = tenant::find(conn, &id)?.ok_or_else(unknown)?;
        let suppression = |hash: &str| Suppression {
            tenant_id: id.clone(),
            hash: hash.to_owned(),
            scope: Scope::Commercial,
            reason: SuppressionReason::Unsubscribed,
            detail: "by the link in a mail".to_owned(),
            actor: "contact".to_owned(),
            created_at: now,
        };
        // A person with several addresses means all of them.
        let mut hashes = vec![link.hash.clone()];
        for (kind, address) in contact::addresses(conn, &id, &link.contact_id)? {
            if kind == AddressKind::Email {
                hashes.push(linker.hash_of(&id, &address));
            }
        }
        let mut is_new = false;
        for hash in &hashes {
            is_new |= consent::suppress(conn, &suppression(hash))? == Inserted::New;
        }
        let is_known = contact::find(conn, &id, &link.contact_id)?.is_some();
        let word = consent::latest(conn, &id, &link.contact_id, Channel::Email)?;
        is_new |= word.is_none_or(|word| word.given);
        if is_new && is_known {
            let wording = "No more of these mails".to_owned();
            let word = Agreed { channel: Channel::Email, given: false, wording };
            let given = Given { source: "unsubscribe", actor: "contact", lead: None };
            note(conn, &id, &link.contact_id, word, given, now)?;
            let why = (link.hash.as_str(), SuppressionReason::Unsubscribed);
            tell_unsubscribed(conn, &id, link.contact_id, why, now)?;
        }
        Ok((found, Subject::new(&link.hash)))
    });
    let tenant = done.await?;
    app.nudges.all();
    Ok(tenant)
}

/// Notes that a review link was opened; returns where it leads.
///
/// # Errors
/// `NotFound` when the link is not ours, or the tenant has no place for reviews any more.
pub async fn open_review(app: &App, token: &str) -> Result<String> {
    let link = Linker::of(app).open_review(token).ok_or_else(unknown)?;
    let now = app.clock.now();
    let opened = app.db.write(move |conn| {
        let found = tenant::find(conn, &link.tenant_id)?.ok_or_else(unknown)?;
        let about = About { contact_id: Some(link.contact_id), lead_id: None, job_id: None };
        // Opened twice is opened once.
        let key = format!("{REVIEW}:{}", link.run_id);
        let detail = Detail { to: REVIEW, from: "" };
        let _ = fact::happened(conn, &found.id, EventKind::LinkOpened, &key, about, detail, now)?;
        found.settings()
    });
    let url = opened.await?.review_url;
    app.nudges.dispatch.notify_one();
    if url.is_empty() { Err(unknown()) } else { Ok(url) }
}
