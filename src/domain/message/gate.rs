//! The gate before every message to a customer: what is known is gathered at the moment of sending,
//! `engine::gate` decides, and the decision is stored with its reason.

use std::time::Duration;

use crate::domain::CONNECTION_LIMIT;
use crate::domain::connection::watch::CURSOR_LIMIT;
use crate::domain::contact::link::SignedLinks;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::{Error, Result, wording};
use nexora_core::model::address::Zone;
use nexora_core::model::automation::AutomationState;
use nexora_core::model::connection::ConnectionState;
use nexora_core::model::contact::AddressProof;
use nexora_core::model::cursor::CursorKind;
use nexora_core::model::effect::{Effect, EffectState};
use nexora_core::model::event::{CalendarEvent, EventKind};
use nexora_core::model::hours::QuietHours;
use nexora_core::model::message::{Author, MessageClass};
use nexora_core::model::outbound::{Envelope, Recipient};
use nexora_core::model::request::EffectRequest;
use nexora_core::model::run::{Run, RunState};
use nexora_core::model::tenant::Tenant;
use nexora_core::model::verdict::{Decision, Gate, GateDecisionRow};
use nexora_core::model::{ContactId, LeadId};
use nexora_engine::message::gate::{self, GateDecision, GateInput};
use nexora_store::{
    Conn, Tx, appointment, automatic_answer, automation, connection, consent, contact, cursor, effect, event,
    job, message, run, tenant, verdict,
};

/// A reading of mailbox or calendar this old is fresh enough to send by.
const FRESH: Duration = Duration::from_secs(15);

/// How long a message waits for a fresh reading; then it goes by what is known.
const FRESHNESS_TIMEOUT: Duration = Duration::from_secs(30);

/// How soon a message is looked at again while another to the contact is being sent.
const LEASED: Duration = Duration::from_secs(1);

/// The same while it is in doubt whether the other was sent.
const UNCERTAIN: Duration = Duration::from_secs(60);

/// Commercial messages that are looked back upon; no cap is near it.
const COMMERCIAL_LIMIT: i64 = 100;

/// Decides about a message that is to go out now, and keeps the decision.
///
/// # Errors
/// `Internal` when what is stored about it cannot be read.
pub fn pass(
    conn: &mut Conn,
    linker: &SignedLinks,
    effect: &Effect,
    (recipient, envelope): (Recipient<'_>, &Envelope),
    now: Timestamp,
) -> Result<GateDecision> {
    let earlier = verdict::of_effect(&mut conn.of(&effect.tenant_id), &effect.id)?;
    let input = gather(conn, linker, effect, (recipient, envelope), &earlier, now)?;
    let decision = gate::decide(envelope, &input);
    if decision.decision == Decision::Send && input.to_stranger.is_some() {
        automatic_answer::insert(conn, &linker.hash_for_all(&recipient.key()), effect, now)?;
    }
    // A hold that is looked at every few seconds is stored once.
    let soon = [Gate::Freshness, Gate::Run].contains(&decision.gate) && decision.decision == Decision::Hold;
    let repeats = |last: &GateDecisionRow| soon && last.gate == decision.gate;
    if !earlier.last().is_some_and(repeats) {
        verdict::insert(
            conn,
            &GateDecisionRow {
                tenant_id: effect.tenant_id.clone(),
                effect_id: effect.id.clone(),
                number: effect.epoch,
                gate: decision.gate,
                decision: decision.decision,
                reason: decision.reason.clone(),
                at: now,
                until: decision.until,
            },
        )?;
    }
    Ok(decision)
}

fn gather(
    conn: &mut Conn,
    linker: &SignedLinks,
    effect: &Effect,
    (recipient, envelope): (Recipient<'_>, &Envelope),
    earlier: &[GateDecisionRow],
    now: Timestamp,
) -> Result<GateInput> {
    let id = &effect.tenant_id;
    let tx = &mut conn.of(id);
    let tenant = tenant::find(tx, id)?.ok_or_else(|| Error::internal(format!("tenant `{id}` is gone")))?;
    let settings = tenant.settings()?;
    let run = run::find(tx, &effect.run_id)?;
    let follows_at_once = run.as_ref().map_or(Ok(false), |run| follows_at_once(tx, run, now))?;
    let automation = run.as_ref().map(|run| automation::find(tx, &run.automation_id)).transpose()?;
    let paused = automation.flatten().is_some_and(|found| found.state == AutomationState::Paused);
    let (zone, zone_of) = zone(tx, &tenant, envelope.contact_id.as_ref())?;
    let contact = envelope.contact_id.as_ref();
    let latest = contact.map(|contact| message::latest_of_contact(tx, contact)).transpose()?.flatten();
    let channel = recipient.channel();
    let consent = contact.map(|contact| consent::latest(tx, contact, channel)).transpose()?;
    let appointment = match &envelope.intent {
        Some(intent) => {
            let place = (&intent.connection_id, intent.calendar.as_str());
            appointment::find_by_entry(tx, place, &intent.entry_id)?
        }
        None => None,
    };
    let mut suppressions = Vec::new();
    for hash in linker.hashes_of(id, &recipient.key()) {
        suppressions.extend(consent::suppressions_of(tx, &hash)?);
    }
    let to_stranger = match is_to_stranger(tx, run.as_ref(), (recipient, envelope))? {
        true => {
            let (hash, since) = (linker.hash_for_all(&recipient.key()), now - gate::STRANGER_DAY);
            Some(automatic_answer::of_others(tx, &hash, &effect.run_id, since)?)
        }
        false => None,
    };
    Ok(GateInput {
        now,
        run: run.as_ref().map_or(RunState::Cancelled, |run| run.state),
        run_reason: run.and_then(|run| run.reason),
        suppressions,
        consent: consent.flatten().map(|consent| consent.given),
        explicit_consent: settings.explicit_consent,
        news_waits: contact.map_or(Ok(false), |contact| event::any_pending_of(tx, contact))?,
        stale: !follows_at_once && !waited(earlier, now) && is_stale(tx, envelope, now)?,
        paused,
        under_way_until: under_way_until(tx, effect, envelope, now)?,
        to_stranger,
        appointment,
        owed_since: latest.filter(|message| message.author == Author::Contact).map(|message| message.sent_at),
        quiet: QuietHours::parse(&settings.quiet_hours)?,
        zone,
        zone_of,
        commercial: contact
            .map_or(Ok(Vec::new()), |contact| message::commercial_to(tx, contact, COMMERCIAL_LIMIT))?,
        cap: settings.cap,
        cap_window: length(&settings.cap_window)?,
        spacing: length(&settings.spacing)?,
    })
}

/// Tells whether a message answers a lead at an address that anyone may have typed in: a contact's is not, once it
/// has proven itself.
fn is_to_stranger(
    tx: &mut Tx,
    run: Option<&Run>,
    (recipient, envelope): (Recipient<'_>, &Envelope),
) -> Result<bool> {
    let answers_lead = run.is_some_and(|run| LeadId::parse(&run.subject_id).is_ok());
    if !answers_lead || envelope.class != MessageClass::Transactional {
        return Ok(false);
    }
    let proof = contact::proof_of(tx, recipient.address_kind(), &recipient.key())?;
    Ok(!proof.is_some_and(|proof| proof.is_proven() || proof == AddressProof::Relay))
}

/// Tells whether a run has just begun with something that happened now: it says what is known. What
/// the clock has started rests on what was read earlier.
fn follows_at_once(conn: &mut Conn, run: &Run, now: Timestamp) -> Result<bool> {
    if now.since(run.started_at) > FRESH {
        return Ok(false);
    }
    let Some(event) = event::find(&mut conn.of(&run.tenant_id), &run.event_id)? else { return Ok(false) };
    Ok(match event.kind {
        EventKind::CalendarEvent => event.payload.read::<CalendarEvent>()?.moment.is_none(),
        EventKind::Schedule => false,
        _ => true,
    })
}

/// Returns when to look again after other commercial messages to the contact that are on their way, or
/// may have gone out: they count like those that were sent.
fn under_way_until(
    conn: &mut Conn,
    effect: &Effect,
    envelope: &Envelope,
    now: Timestamp,
) -> Result<Option<Timestamp>> {
    let is_commercial = |envelope: &Envelope| envelope.class == MessageClass::Commercial;
    let Some(contact) = envelope.contact_id.as_ref().filter(|_| is_commercial(envelope)) else {
        return Ok(None);
    };
    let mut until = None;
    for other in effect::under_way_to(&mut conn.of(&effect.tenant_id), contact)? {
        let request: EffectRequest = other.request.read()?;
        let is_commercial = request.envelope().is_some_and(is_commercial);
        if other.id != effect.id && is_commercial {
            let wait = if other.state == EffectState::InDoubt { UNCERTAIN } else { LEASED };
            until = until.max(Some(now + wait));
        }
    }
    Ok(until)
}

fn length(text: &str) -> Result<Duration> {
    wording::parse_length(text)
        .map_err(|error| Error::internal(format!("`{text}` of the tenant is not a duration")).source(error))
}

/// Returns the zone of the contact, else of the job's address, else of the tenant.
fn zone(
    conn: &mut Conn,
    tenant: &Tenant,
    contact: Option<&ContactId>,
) -> Result<(chrono_tz::Tz, &'static str)> {
    let tx = &mut conn.of(&tenant.id);
    if let Some(contact) = contact {
        let known = contact::find(tx, contact)?.and_then(|contact| contact.timezone);
        if let Some(zone) = known.and_then(|name| Zone::parse(&name).ok()) {
            return Ok((zone.tz(), "the contact's zone"));
        }
        let job = job::latest_of_contact(tx, contact)?.and_then(|job| job.timezone);
        if let Some(zone) = job.and_then(|name| Zone::parse(&name).ok()) {
            return Ok((zone.tz(), "the job's zone"));
        }
    }
    Ok((tenant.zone()?.tz(), "the business's zone"))
}

/// Tells whether the message has waited long enough for a fresh reading.
fn waited(earlier: &[GateDecisionRow], now: Timestamp) -> bool {
    let waits = |row: &&GateDecisionRow| row.gate == Gate::Freshness && row.decision == Decision::Hold;
    earlier.last().filter(waits).is_some_and(|row| now.since(row.at) >= FRESHNESS_TIMEOUT)
}

/// Tells whether a mailbox, or the calendar that the message speaks of, has not been read for a while;
/// it is then read at once. What cannot be read is not waited for.
fn is_stale(tx: &mut Tx, envelope: &Envelope, now: Timestamp) -> Result<bool> {
    let mut connections = connection::list(tx, CONNECTION_LIMIT)?;
    connections.retain(|found| found.state == ConnectionState::Active);
    let mut stale = false;
    for cursor in cursor::list(tx, None, CURSOR_LIMIT)? {
        let matters = match (&envelope.intent, cursor.kind) {
            (_, CursorKind::Mail) => true,
            (Some(intent), CursorKind::Calendar) => {
                intent.connection_id == cursor.connection_id && intent.calendar == cursor.target
            }
            _ => false,
        };
        let is_active = connections.iter().any(|found| found.id == cursor.connection_id);
        let is_fresh = cursor.polled_at.is_none_or(|at| now.since(at) <= FRESH) || cursor.attempt > 0;
        if !matters || !is_active || is_fresh {
            continue;
        }
        stale = true;
        if cursor.lease_until.is_none() && cursor.due_at.is_some_and(|due_at| due_at > now) {
            cursor::poll_now(tx, &cursor.id, now)?;
        }
    }
    Ok(stale)
}
