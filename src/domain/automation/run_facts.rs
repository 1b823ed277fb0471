//! What a decision about a run rests on, loaded from its rows.

use crate::domain::automation::version::Parsed;
use crate::domain::contact::link::SignedLinks;
use crate::domain::report::digest;
use nexora_connector::kind::Connectors;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::{Error, Result, wording};
use nexora_core::model::ContactId;
use nexora_core::model::event::{About, Event};
use nexora_core::model::job::Job;
use nexora_core::model::language::Language;
use nexora_core::model::lead::Lead;
use nexora_core::model::message::Message;
use nexora_core::model::run::Run;
use nexora_core::model::tenant::Tenant;
use nexora_engine::automation::context::{self, Facts, Links, Operator, Person};
use nexora_engine::automation::render::Renderer;
use nexora_store::{Conn, Tx, contact, event, form, job, lead, message, tenant, user};

/// Messages that a text can look back upon.
const CONVERSATION: i64 = 20;

const PHOTOS: i64 = 50;

/// What a run is about, as its rows say now.
pub struct RunFacts {
    pub event: Event,
    pub tenant: Tenant,
    lead: Option<Lead>,
    contact: Option<Person>,
    job: Option<Job>,
    operator: Option<Operator>,
    conversation: Vec<Message>,
    links: Links,
}

impl RunFacts {
    /// # Errors
    /// `Internal` when the tenant or the event is gone.
    pub fn load(conn: &mut Conn, run: &Run, linker: &SignedLinks) -> Result<RunFacts> {
        let gone = |what: &str| Error::internal(format!("{what} of run `{}` is gone", run.id));
        let tenant = tenant::find(conn, &run.tenant_id)?.ok_or_else(|| gone("the tenant"))?;
        let event =
            event::find(&mut conn.of(&run.tenant_id), &run.event_id)?.ok_or_else(|| gone("the event"))?;
        RunFacts::of_event(conn, tenant, event, run, linker)
    }

    /// # Errors
    /// `Internal` when the payload of the event cannot be read.
    pub fn of_event(
        conn: &mut Conn,
        tenant: Tenant,
        event: Event,
        run: &Run,
        linker: &SignedLinks,
    ) -> Result<RunFacts> {
        let tx = &mut conn.of(&tenant.id);
        let about: About = event.payload.read()?;
        let lead = about.lead_id.as_ref().map(|id| lead::find(tx, id)).transpose()?.flatten();
        let of_lead = || lead.as_ref().and_then(|lead| lead.contact_id.clone());
        let contact_id = about.contact_id.or_else(of_lead);
        let contact = contact_id.as_ref().map(|id| person(tx, id)).transpose()?.flatten();
        let job = match (&about.job_id, &contact_id) {
            (Some(id), _) => job::find(tx, id)?,
            (None, Some(contact)) => job::latest_of_contact(tx, contact)?,
            (None, None) => None,
        };
        let mut conversation = match &contact_id {
            Some(id) => message::of_contact(tx, id, CONVERSATION)?,
            None => Vec::new(),
        };
        conversation.reverse();
        let operator = user::first_operator(tx)?.map(|user| Operator { name: user.name, email: user.email });
        let mut links = linker.links(&tenant, contact.as_ref(), &run.id);
        if let Some(lead) = &lead {
            links.photos = linker.photos(&tenant.id, &form::photos_of(tx, &lead.id, PHOTOS)?);
        }
        Ok(RunFacts { event, tenant, lead, contact, job, operator, conversation, links })
    }

    /// Returns them for a run whose messages are in `language`.
    pub fn facts(&self, language: Language) -> Facts<'_> {
        Facts {
            event: &self.event,
            tenant: &self.tenant,
            language,
            lead: self.lead.as_ref(),
            contact: self.contact.as_ref(),
            job: self.job.as_ref(),
            operator: self.operator.as_ref(),
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
        let context = context::of_trigger(&self.tenant, &version.settings);
        let since = Renderer::of(&self.tenant)?.text(since.as_str(), &context)?;
        let since = wording::parse_length(&since)?;
        digest::compose(conn, connectors, (&self.tenant, version.language), since, now).map(Some)
    }
}

fn person(tx: &mut Tx, id: &ContactId) -> Result<Option<Person>> {
    let Some(contact) = contact::find(tx, id)? else { return Ok(None) };
    Ok(Some(Person { addresses: contact::addresses(tx, id)?, contact }))
}
