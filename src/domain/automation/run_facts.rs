//! What a decision about a run rests on, loaded from its rows.

use std::sync::Arc;

use crate::domain::automation::shared::Shared;
use crate::domain::automation::version::Parsed;
use crate::domain::contact::link::SignedLinks;
use crate::domain::report::digest;
use nexora_connector::kind::Connectors;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::{Result, wording};
use nexora_core::model::ContactId;
use nexora_core::model::event::{About, Event};
use nexora_core::model::job::Job;
use nexora_core::model::language::Language;
use nexora_core::model::lead::Lead;
use nexora_core::model::message::Message;
use nexora_core::model::run::Run;
use nexora_engine::automation::context::{self, Facts, Links, Person};
use nexora_engine::automation::render::Renderer;
use nexora_store::{Conn, Tx, contact, form, job, lead, message};

/// Messages that a text can look back upon.
const CONVERSATION: i64 = 20;

const PHOTOS: i64 = 50;

/// What a run is about, as its rows say now.
pub struct RunFacts {
    pub event: Event,
    shared: Arc<Shared>,
    lead: Option<Lead>,
    contact: Option<Person>,
    job: Option<Job>,
    conversation: Vec<Message>,
    links: Links,
}

impl RunFacts {
    /// Loads what the steps of a version may speak of.
    ///
    /// # Errors
    /// `Internal` when the event's payload cannot be read.
    pub fn load(
        conn: &mut Conn,
        shared: Arc<Shared>,
        (run, event): (&Run, Event),
        version: &Parsed,
        linker: &SignedLinks,
    ) -> Result<RunFacts> {
        let mut facts = RunFacts::without_steps(Arc::clone(&shared), event);
        let tenant = &shared.tenant;
        let tx = &mut conn.of(&tenant.id);
        let about: About = facts.event.payload.read()?;
        facts.lead = about.lead_id.as_ref().map(|id| lead::find(tx, id)).transpose()?.flatten();
        let of_lead = || facts.lead.as_ref().and_then(|lead| lead.contact_id.clone());
        let contact_id = about.contact_id.or_else(of_lead);
        facts.contact = contact_id.as_ref().map(|id| person(tx, id)).transpose()?.flatten();
        if version.mentions.job {
            facts.job = match (&about.job_id, &contact_id) {
                (Some(id), _) => job::find(tx, id)?,
                (None, Some(contact)) => job::latest_of_contact(tx, contact)?,
                (None, None) => None,
            };
        }
        if let Some(id) = contact_id.filter(|_| version.mentions.conversation) {
            facts.conversation = message::of_contact(tx, &id, CONVERSATION)?;
            facts.conversation.reverse();
        }
        facts.links = linker.links(tenant, facts.contact.as_ref(), &run.id);
        if let Some(lead) = facts.lead.as_ref().filter(|_| version.mentions.photos) {
            facts.links.photos = linker.photos(&tenant.id, &form::photos_of(tx, &lead.id, PHOTOS)?);
        }
        Ok(facts)
    }

    /// Returns what a run rests on that has no step before it any more.
    pub fn without_steps(shared: Arc<Shared>, event: Event) -> RunFacts {
        RunFacts {
            event,
            shared,
            lead: None,
            contact: None,
            job: None,
            conversation: Vec::new(),
            links: Links::default(),
        }
    }

    /// Returns them for a run whose messages are in `language`.
    pub fn facts(&self, language: Language) -> Facts<'_> {
        Facts {
            event: &self.event,
            tenant: &self.shared.tenant,
            language,
            lead: self.lead.as_ref(),
            contact: self.contact.as_ref(),
            job: self.job.as_ref(),
            operator: self.shared.operator.as_ref(),
            conversation: &self.conversation,
            links: &self.links,
        }
    }

    /// Composes the digest that the run comes to next, if it does.
    ///
    /// # Errors
    /// `Usage` when the step does not say how far to look back.
    pub fn digest(
        &self,
        conn: &mut Conn,
        connectors: &Connectors,
        run: &Run,
        version: &Parsed,
        now: Timestamp,
    ) -> Result<Option<serde_json::Value>> {
        let position = usize::try_from(run.position).unwrap_or(0);
        let mut ahead = version.definition.steps.iter().skip(position);
        let Some(since) = ahead.find_map(|step| step.action.digest_since()) else { return Ok(None) };
        let tenant = &self.shared.tenant;
        let context = context::of_trigger(tenant, &version.settings);
        let since = Renderer::of(tenant)?.text(since.as_str(), &context)?;
        let since = wording::parse_length(&since)?;
        digest::compose(conn, connectors, (tenant, version.language), since, now).map(Some)
    }
}

fn person(tx: &mut Tx, id: &ContactId) -> Result<Option<Person>> {
    let Some(contact) = contact::find(tx, id)? else { return Ok(None) };
    Ok(Some(Person { addresses: contact::addresses(tx, id)?, contact }))
}
