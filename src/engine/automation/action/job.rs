//! Actions on jobs: make one, complete one, bring one to a stage.

use serde_json::json;

use crate::automation::action::context::StepContext;
use crate::automation::action::{Action, ActionKind, Planned, checked, read};
use crate::automation::argument::{Arguments as _, Text, Texts, define_arguments};
use nexora_core::base::money;
use nexora_core::base::{Error, Result};
use nexora_core::model::JobId;
use nexora_core::model::address::{EmailAddress, PhoneNumber};
use nexora_core::model::change::{Change, JobChange, JobPerson, JobStep};

pub const CREATE: ActionKind = ActionKind {
    name: "job.create",
    does: "makes a job",
    arguments: Job::ARGUMENTS,
    outputs: OUTPUTS,
    read: |with| checked(CreateJob(Job::read(with)?)),
};

pub const COMPLETE: ActionKind = ActionKind {
    name: "job.complete",
    does: "completes a job, made first if there is none with this key",
    arguments: Job::ARGUMENTS,
    outputs: OUTPUTS,
    read: |with| checked(CompleteJob(Job::read(with)?)),
};

pub const ADVANCE: ActionKind = ActionKind {
    name: "job.advance",
    does: "brings the job that the run is about to a stage",
    arguments: AdvanceJob::ARGUMENTS,
    outputs: &[],
    read: read::<AdvanceJob>,
};

/// `unread` names what was given and could not be read, for a person to look at.
const OUTPUTS: &[&str] = &["job_id", "unread"];

define_arguments! {
    Job {
        title: Text, "what the work is";
        key: Option<Text>,
            "what the job came from, so that the same makes one job; the run's own event if nothing is said";
        name: Option<Text>, "the customer's name, where no contact started the run";
        email: Option<Text>, "the customer's address";
        phone: Option<Text>, "the customer's telephone number";
        address: Option<Text>, "where the work is";
        amount: Option<Text>, "what it brings, such as `480.00`";
    }
}

define_arguments! {
    AdvanceJob {
        stage: Text, "name of the stage";
    }
}

#[derive(Debug)]
struct CreateJob(Job);

#[derive(Debug)]
struct CompleteJob(Job);

impl Texts for CreateJob {
    fn texts(&self) -> Vec<&str> {
        self.0.texts()
    }
}

impl Texts for CompleteJob {
    fn texts(&self) -> Vec<&str> {
        self.0.texts()
    }
}

impl Action for CreateJob {
    fn plan(&self, context: &StepContext<'_>) -> Result<Planned> {
        self.0.plan(context, JobStep::Create)
    }
}

impl Action for CompleteJob {
    fn plan(&self, context: &StepContext<'_>) -> Result<Planned> {
        self.0.plan(context, JobStep::Complete)
    }
}

impl Job {
    fn plan(&self, context: &StepContext<'_>, step: JobStep) -> Result<Planned> {
        let facts = context.facts;
        let filled = |text: &Option<Text>| context.filled(text.as_ref());
        let country = facts.tenant.country()?;
        // What people write into a sheet need not be what its header says. The work is done all the same.
        let mut unread = Vec::new();
        let phone = Self::readable("phone", filled(&self.phone)?, &mut unread, |text| {
            PhoneNumber::parse_in(country, text).ok()
        });
        let email = Self::readable("email", filled(&self.email)?, &mut unread, |text| {
            text.parse::<EmailAddress>().ok()
        });
        let amount_cents = Self::readable("amount", filled(&self.amount)?, &mut unread, |text| {
            money::parse_in(country.decimal(), text).ok()
        });
        let change = JobChange {
            id: JobId::new(context.now),
            key: filled(&self.key)?.unwrap_or_else(|| facts.event.id.to_string()),
            title: context.text(&self.title)?.trim().to_owned(),
            step,
            person: JobPerson {
                contact_id: facts.contact.map(|person| person.contact.id.clone()),
                lead_id: facts.lead.map(|lead| lead.id.clone()),
                name: filled(&self.name)?.unwrap_or_default(),
                email,
                phone,
            },
            address: filled(&self.address)?,
            amount_cents,
        };
        let output = json!({ "job_id": change.id, "unread": unread.join(", ") });
        Ok(Planned::change(Change::SaveJob(change), output))
    }

    /// Reads what was given, or notes that it cannot be read.
    fn readable<T>(
        name: &str,
        given: Option<String>,
        unread: &mut Vec<String>,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = given?;
        let found = read(&text);
        if found.is_none() {
            unread.push(format!("{name} `{text}`"));
        }
        found
    }
}

impl Action for AdvanceJob {
    fn plan(&self, context: &StepContext<'_>) -> Result<Planned> {
        let job = context.facts.job.ok_or_else(|| Error::conflict("the run is about no job"))?;
        let change = JobChange {
            id: job.id.clone(),
            key: job.source_key.clone(),
            title: job.title.clone(),
            step: JobStep::Stage(context.text(&self.stage)?.trim().to_owned()),
            person: JobPerson::default(),
            address: None,
            amount_cents: None,
        };
        Ok(Planned::change(Change::SaveJob(change), json!({})))
    }
}
