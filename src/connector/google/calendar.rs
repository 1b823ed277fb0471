//! Calendar entries, exactly once: the entry's id is made from the effect's.
//!
//! A second insert with the same id is refused (409), and the entry is then read back, since
//! Google does not promise to notice every collision. An id is base32hex: a-v and 0-9
//! (Calendar API, `events.insert`).

use google_calendar3::api::{Event, EventDateTime, EventExtendedProperties};
use sha2::{Digest, Sha256};

use crate::base::text::hex;
use crate::connector::Task;
use crate::connector::google::Endpoints;
use crate::connector::google::fault::Fault;
use crate::connector::google::hub::{Caller, Connect, Cost, encoded};
use crate::model::EffectId;
use crate::model::diary::EFFECT_PROPERTY;
use crate::model::effect::CreateEvent;
use crate::model::outcome::{Finding, Outcome};

pub struct Calendar {
    pub(super) hub: google_calendar3::CalendarHub<Connect>,
    pub(super) caller: Caller,
}

impl Calendar {
    pub fn new(caller: &Caller, endpoints: &Endpoints) -> Calendar {
        let mut hub = google_calendar3::CalendarHub::new(caller.client.clone(), caller.tokens.clone());
        hub.base_url(endpoints.calendar_url.clone());
        hub.root_url(endpoints.calendar_url.clone());
        Calendar { hub, caller: caller.clone() }
    }

    pub async fn create(&self, task: &Task, request: &CreateEvent) -> Result<Outcome, Outcome> {
        let entry = &entry(task, request);
        let made = self
            .caller
            .call(Cost::Calendar, |mut watch| async move {
                let call = self.hub.events().insert(entry.clone(), &encoded(&request.calendar));
                call.delegate(&mut watch).doit().await.map(|(_, event)| event)
            })
            .await;
        match made {
            Ok(event) => Ok(Outcome::Delivered { provider_id: event.id }),
            Err(fault) if fault.status() == Some(409) => match self.find(task, request).await {
                Ok(Finding::Delivered { provider_id }) => Ok(Outcome::Delivered { provider_id }),
                Ok(_) => Err(Outcome::Refused { reason: fault.reason() }),
                Err(unread) => Err(Outcome::InDoubt { reason: unread.reason() }),
            },
            Err(fault) => Err(fault.of_change()),
        }
    }

    /// Asks for one entry of the mailbox's own calendar, which shows that it answers.
    pub async fn probe(&self) -> Result<(), Fault> {
        let asked = self.caller.call(Cost::Calendar, |mut watch| async move {
            self.hub.events().list("primary").max_results(1).delegate(&mut watch).doit().await.map(|_| ())
        });
        asked.await
    }

    /// Reads the entry back. One that a person has since deleted was made all the same.
    pub async fn find(&self, task: &Task, request: &CreateEvent) -> Result<Finding, Fault> {
        let id = &entry_id(&task.effect_id);
        let read = self
            .caller
            .call(Cost::Calendar, |mut watch| async move {
                let call = self.hub.events().get(&encoded(&request.calendar), id);
                call.delegate(&mut watch).doit().await.map(|(_, event)| event)
            })
            .await;
        match read {
            Ok(event) if is_ours(&event, &task.effect_id) => Ok(Finding::Delivered { provider_id: event.id }),
            Ok(_) => Ok(Finding::Unknown { reason: format!("entry `{id}` is there and is not ours") }),
            Err(fault) if fault.status() == Some(404) => Ok(Finding::NotDelivered),
            Err(fault) => Err(fault),
        }
    }
}

fn entry(task: &Task, request: &CreateEvent) -> Event {
    let at = |moment: crate::base::clock::Timestamp| EventDateTime {
        date_time: Some(moment.utc()),
        time_zone: Some(request.timezone.clone()),
        ..EventDateTime::default()
    };
    let property = [(EFFECT_PROPERTY.to_owned(), task.effect_id.to_string())];
    Event {
        id: Some(entry_id(&task.effect_id)),
        summary: Some(request.title.clone()),
        description: Some(request.description.clone()),
        location: request.location.clone(),
        start: Some(at(request.start)),
        end: Some(at(request.end)),
        extended_properties: Some(EventExtendedProperties { private: Some(property.into()), shared: None }),
        ..Event::default()
    }
}

fn is_ours(event: &Event, effect: &EffectId) -> bool {
    let private = event.extended_properties.as_ref().and_then(|properties| properties.private.as_ref());
    private.and_then(|properties| properties.get(EFFECT_PROPERTY)).is_some_and(|id| id == effect.as_str())
}

/// Returns the entry's id: hexadecimal digits, which are all in base32hex.
fn entry_id(effect: &EffectId) -> String {
    let digest = Sha256::digest(effect.as_str());
    hex(digest.get(..16).unwrap_or_default())
}
