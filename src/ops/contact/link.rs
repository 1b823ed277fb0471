//! What a person does with a link in one of our messages: leaves a review, or wants no more mail.

use crate::app::App;
use crate::domain::automation::fact::{self, Detail};
use crate::domain::contact::link::SignedLinks;
use crate::domain::contact::opt_out::{self, OptOut};
use crate::ops::Subject;
use crate::ops::unit::Unit;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::{Error, Result};
use nexora_core::model::audit::Actor;
use nexora_core::model::consent::SuppressionReason;
use nexora_core::model::event::{About, EventKind};
use nexora_core::model::principal::{Noun, Operation, Verb};
use nexora_core::model::tenant::Tenant;
use nexora_core::model::tenant_setting::TenantSettings;
use nexora_store::tenant;

pub const UNSUBSCRIBE: Operation = Operation::new(opt_out::UNSUBSCRIBE, Noun::Suppression, Verb::Create);

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
    let link = SignedLinks::of(app).open_unsubscribe(token).ok_or_else(unknown)?;
    app.db.read(move |conn| tenant::find(conn, &link.tenant_id)).await?.ok_or_else(unknown)
}

/// Ends commercial mail to the address of an unsubscribe link. The same again changes nothing.
///
/// # Errors
/// `NotFound` when the link is not ours.
pub async fn unsubscribe(app: &App, token: &str) -> Result<Tenant> {
    let linker = SignedLinks::of(app);
    let link = linker.open_unsubscribe(token).ok_or_else(unknown)?;
    let tenant = unsubscribing(app, token).await?;
    let suppress = move |tx: &mut Unit<'_>, now: Timestamp| {
        let asked = OptOut {
            contact_id: &link.contact_id,
            hash: &link.hash,
            reason: SuppressionReason::Unsubscribed,
            detail: "by the link in a mail",
            source: "unsubscribe",
        };
        opt_out::opt_out(tx, &linker, asked, now)?;
        Ok(((), Subject::new(&link.hash)))
    };
    app.change(&Actor::System("unsubscribe"), &tenant, UNSUBSCRIBE, suppress).await?;
    Ok(tenant)
}

/// Notes that a review link was opened; returns the settings of the tenant, whose review page may be gone.
///
/// # Errors
/// `NotFound` when the link is not ours.
pub async fn open_review(app: &App, token: &str) -> Result<TenantSettings> {
    let link = SignedLinks::of(app).open_review(token).ok_or_else(unknown)?;
    let now = app.clock.now();
    let opened = app.db.write(move |conn| {
        let found = tenant::find(conn, &link.tenant_id)?.ok_or_else(unknown)?;
        let about = About { contact_id: Some(link.contact_id), lead_id: None, job_id: None };
        // Opened twice is opened once.
        let key = format!("{REVIEW}:{}", link.run_id);
        let detail = Detail { to: REVIEW, from: "" };
        let _ = fact::record_event(&mut conn.of(&found.id), EventKind::LinkOpened, &key, about, detail, now)?;
        found.settings()
    });
    let settings = opened.await?;
    app.nudges.dispatch.notify_one();
    Ok(settings)
}
