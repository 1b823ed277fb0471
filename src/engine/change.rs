//! From a step to what it changes in our own records: holes filled, texts read.

use std::time::Duration;

use serde_json::{Value, json};

use crate::base::{Error, Result, money};
use crate::engine::action::{self, Action};
use crate::engine::hours::duration;
use crate::engine::promise::Scene;
use crate::model::address::{Country, PhoneNumber, Zone};
use crate::model::change::{Change, ContactUpdate, JobChange, JobPerson, JobStep, NewTask};
use crate::model::lead::LeadState;
use crate::model::{JobId, TaskId};

/// The states to which a step may move a lead.
const LEAD_STATES: [LeadState; 4] =
    [LeadState::Contacted, LeadState::Booked, LeadState::Won, LeadState::Lost];

impl Scene<'_> {
    /// Returns what the action changes, with the step's result; nothing when it changes nothing here.
    ///
    /// # Errors
    /// `Usage` when a text cannot be read; `Conflict` when there is nothing that could be changed.
    pub fn change(&self, action: &Action) -> Result<Option<(Change, Value)>> {
        let now = self.situation.now;
        Ok(Some(match action {
            Action::CreateTask(task) => {
                let id = TaskId::new(now);
                let result = json!({ "task_id": id });
                (Change::CreateTask(self.task(id, task)?), result)
            }
            Action::UpdateLead(update) => (self.lead(update)?, json!({})),
            Action::UpdateContact(person) => (self.person(person)?, json!({})),
            Action::CreateJob(job) => self.job(job, JobStep::Create)?,
            Action::CompleteJob(job) => self.job(job, JobStep::Complete)?,
            Action::AdvanceJob(advance) => (self.stage(advance)?, json!({})),
            _ => return Ok(None),
        }))
    }

    fn task(&self, id: TaskId, task: &action::Task) -> Result<NewTask> {
        let facts = self.situation.facts;
        let due: Option<Duration> =
            self.optional(task.due.as_ref())?.map(|text| duration(&text)).transpose()?;
        Ok(NewTask {
            id,
            title: self.text(&task.title)?.trim().to_owned(),
            detail: self.text(&task.detail)?.trim().to_owned(),
            due_at: due.map(|due| self.situation.now + due),
            contact_id: facts.contact.map(|person| person.contact.id.clone()),
            lead_id: facts.lead.map(|lead| lead.id.clone()),
        })
    }

    fn lead(&self, update: &action::LeadState) -> Result<Change> {
        let lead = self.situation.facts.lead;
        let lead = lead.ok_or_else(|| Error::conflict("the run is about no lead"))?;
        let state = LeadState::parse(self.text(&update.state)?.trim())?;
        if !LEAD_STATES.contains(&state) {
            return Err(Error::usage(format!("a step cannot make a lead `{state}`"))
                .hint("use one of: contacted, booked, won, lost"));
        }
        Ok(Change::SetLead { lead_id: lead.id.clone(), state })
    }

    fn person(&self, person: &action::Person) -> Result<Change> {
        let contact = self.situation.facts.contact;
        let contact = contact.ok_or_else(|| Error::conflict("the run is about no contact"))?;
        let filled = |source: Option<&String>| -> Result<Option<String>> {
            let text = self.optional(source)?.map(|text| text.trim().to_owned());
            Ok(text.filter(|text| !text.is_empty()))
        };
        let timezone = filled(person.timezone.as_ref())?;
        let zone = timezone.as_deref().map(Zone::parse).transpose()?;
        Ok(Change::UpdateContact(ContactUpdate {
            contact_id: contact.contact.id.clone(),
            name: filled(person.name.as_ref())?,
            timezone: zone.map(|zone| zone.name().to_owned()),
        }))
    }

    fn job(&self, job: &action::Job, step: JobStep) -> Result<(Change, Value)> {
        let facts = self.situation.facts;
        let id = JobId::new(self.situation.now);
        let filled = |source: Option<&String>| -> Result<Option<String>> {
            let text = self.optional(source)?.map(|text| text.trim().to_owned());
            Ok(text.filter(|text| !text.is_empty()))
        };
        let key = filled(job.key.as_ref())?.unwrap_or_else(|| facts.event.id.to_string());
        let country: Country = facts.tenant.country()?;
        // What people write into a sheet need not be a number that can be called.
        let phone = filled(job.phone.as_ref())?.and_then(|text| PhoneNumber::parse_in(country, &text).ok());
        let amount = filled(job.amount.as_ref())?.map(|text| money::parse(&text)).transpose()?;
        let change = JobChange {
            id: id.clone(),
            key,
            title: self.text(&job.title)?.trim().to_owned(),
            step,
            person: JobPerson {
                contact_id: facts.contact.map(|person| person.contact.id.clone()),
                lead_id: facts.lead.map(|lead| lead.id.clone()),
                name: filled(job.name.as_ref())?.unwrap_or_default(),
                email: filled(job.email.as_ref())?.map(|text| text.parse()).transpose()?,
                phone,
            },
            address: filled(job.address.as_ref())?,
            amount_cents: amount,
        };
        Ok((Change::SaveJob(change), json!({ "job_id": id })))
    }

    fn stage(&self, advance: &action::JobStage) -> Result<Change> {
        let job = self.situation.facts.job.ok_or_else(|| Error::conflict("the run is about no job"))?;
        Ok(Change::SaveJob(JobChange {
            id: job.id.clone(),
            key: job.source_key.clone(),
            title: job.title.clone(),
            step: JobStep::Stage(self.text(&advance.stage)?.trim().to_owned()),
            person: JobPerson::default(),
            address: None,
            amount_cents: None,
        }))
    }
}
