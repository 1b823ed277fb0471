//! Lead mails: the rules of a connection for recognising them, and what a mail would become.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::app::App;
use crate::ops::Subject;
use crate::ops::connection::authorization::find_google;
use crate::ops::connection::replace;
use nexora_core::base::text::Json;
use nexora_core::base::{Error, Result};
use nexora_core::model::audit::Actor;
use nexora_core::model::connection::Connection;
use nexora_core::model::google::GoogleSettings;
use nexora_core::model::lead::Details;
use nexora_core::model::principal::{Noun, Operation, Verb};
use nexora_core::model::tenant::Tenant;
use nexora_engine::lead::enquiry::Enquiry;
use nexora_engine::lead::lead_format::formats;
use nexora_engine::lead::lead_format::mail::{self, Form, IncomingMail, MailResult, Rules};
use nexora_engine::lead::lead_format::parsed_lead::ParsedLead;
use nexora_engine::message::mail::from_rfc822;

pub const SET_RULES: Operation = Operation::new("connection.lead_mail", Noun::Connection, Verb::Update);

/// A change of a connection's rules.
#[derive(Clone, Debug, Default)]
pub struct Change {
    pub add: Vec<Form>,
    /// Addresses or domains whose forms are no longer believed.
    pub remove: Vec<String>,
    pub trust_unsigned: Option<bool>,
}

/// What a mail would become.
#[derive(Clone, Debug, Serialize)]
pub struct Classification {
    /// `lead`, `message`, `needs review`, `no lead` or `other`.
    pub verdict: &'static str,
    pub reason: Option<String>,
    pub enquiry: Option<BTreeMap<&'static str, String>>,
    /// What has no field of its own, by its label.
    pub details: Details,
    /// The fields of the other leads that the mail brings.
    pub further: Vec<BTreeMap<&'static str, String>>,
    pub reply_to: Option<String>,
    pub external_id: Option<String>,
    pub subject: String,
    pub text: String,
}

/// Returns the rules that a Google connection's mails are read by.
///
/// # Errors
/// `NotFound` when there is no such connection; `Usage` when it is of another kind.
pub async fn rules(app: &App, tenant: &Tenant, name: &str) -> Result<Rules> {
    Rules::of(&find_google(app, tenant, name).await?.0)
}

/// Changes the rules that a Google connection's mails are read by, from the next mail on.
///
/// # Errors
/// `NotFound` when there is no such connection, or no form to remove.
pub async fn set_rules(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    name: &str,
    change: Change,
) -> Result<Rules> {
    let (before, settings) = find_google(app, tenant, name).await?;
    let rules = changed(Rules::of(&before)?, change)?;
    let lead_mail = (rules != Rules::default()).then(|| Json::of(&rules).map(|json| json.value()));
    let settings = Json::of(&GoogleSettings { lead_mail: lead_mail.transpose()?, ..settings })?;
    app.change(actor, tenant, SET_RULES, move |tx, now| {
        let after = Connection { settings, updated_at: now, ..before.clone() };
        replace(tx, &before, &after)?;
        let subject = Subject::new(&after.name).before(&before.settings)?.after(&after.settings)?;
        Ok((rules, subject))
    })
    .await
}

fn changed(mut rules: Rules, change: Change) -> Result<Rules> {
    for from in change.remove {
        let count = rules.forms.len();
        rules.forms.retain(|form| !form.from.eq_ignore_ascii_case(&from));
        if rules.forms.len() == count {
            return Err(Error::not_found(format!("no form from `{from}`")));
        }
    }
    for form in change.add {
        if !rules.forms.contains(&form) {
            rules.forms.push(form);
        }
    }
    rules.trust_unsigned = change.trust_unsigned.unwrap_or(rules.trust_unsigned);
    Ok(rules)
}

/// Says what a mail, as it went over the wire, would become by these rules. Nothing is stored.
pub fn classify(raw: &[u8], rules: &Rules) -> Classification {
    let mail = from_rfc822(raw);
    let no_answer = "neither a mail address nor a telephone number was found";
    let (verdict, reason, leads) =
        match formats::read_mail(IncomingMail { mail: &mail, rules, is_contacts: false }) {
            MailResult::Leads(leads) => match leads.iter().all(ParsedLead::is_answerable) {
                true => ("lead", None, leads),
                false => ("needs review", Some(no_answer), leads),
            },
            MailResult::Message(lead) => ("message", None, vec![*lead]),
            MailResult::Unreadable { reason, .. } => ("needs review", Some(reason), Vec::new()),
            MailResult::NotALead { reason } => ("no lead", Some(reason), Vec::new()),
            MailResult::Unrelated => ("other", Some("not from a sender of leads that is known"), Vec::new()),
        };
    let first = leads.first();
    Classification {
        verdict,
        reason: reason.map(str::to_owned),
        enquiry: first.map(|lead| fields(&lead.enquiry)),
        details: first.map(|lead| lead.enquiry.details.clone()).unwrap_or_default(),
        further: leads.iter().skip(1).map(|lead| fields(&lead.enquiry)).collect(),
        reply_to: first.and_then(|lead| lead.reply_to.as_ref()).map(ToString::to_string),
        external_id: first.and_then(|lead| lead.external_id.clone()),
        text: mail::shown(&mail),
        subject: mail.subject,
    }
}

/// Returns the fields that say something.
fn fields(enquiry: &Enquiry) -> BTreeMap<&'static str, String> {
    let all = [
        ("name", &enquiry.name),
        ("email", &enquiry.email),
        ("phone", &enquiry.phone),
        ("service", &enquiry.service),
        ("message", &enquiry.message),
        ("address", &enquiry.address),
        ("postcode", &enquiry.postcode),
        ("preferred time", &enquiry.preferred_time),
        ("source", &enquiry.source),
    ];
    all.into_iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| (name, text.clone())).collect()
}
