//! A trigger that is added, as docs/ADDING.md tells it: one file that declares its keys and which
//! events pass. The other file to touch is the list of triggers.

use std::collections::BTreeSet;

use minijinja::value::Serde;

use super::*;
use crate::automation::argument::define_arguments;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::Json;
use nexora_core::model::TenantId;
use nexora_core::model::event::{Event, Fact};

/// What the file of a new trigger holds.
const LOST_FOR: TriggerKind = TriggerKind {
    on: "example.lost",
    when: "a lead was lost for one of the reasons",
    keys: LostFor::ARGUMENTS,
    event: EventKind::LeadChanged,
    needs: &[],
    sample: "lost",
    read: read::<LostFor>,
};

define_arguments! {
    LostFor {
        before: Text, "the state that it was in";
    }
}

impl Keys for LostFor {
    fn filter(&self, fill: &Fill<'_>) -> Result<Option<Box<dyn Filter>>> {
        Ok(fill.filled(Some(&self.before))?.map(|before| Box::new(LostSince(before)) as Box<dyn Filter>))
    }
}

#[derive(Debug)]
struct LostSince(String);

impl Filter for LostSince {
    fn passes(&self, event: &Event, _automation: &str, _number: i32) -> Result<bool> {
        let fact: Fact = event.payload.read()?;
        Ok(fact.detail == "lost" && fact.previous == self.0)
    }
}

#[test]
fn a_declared_trigger_reads_fills_and_filters() {
    let keys = (LOST_FOR.read)("before = \"{{ settings.state }}\"".parse().unwrap()).unwrap();
    assert_eq!(keys.texts(), ["{{ settings.state }}"]);
    let renderer = Renderer::new(chrono_tz::UTC);
    let filled = |state: &str| {
        let values = minijinja::Value::from(Serde(serde_json::json!({ "settings": { "state": state } })));
        keys.filter(&Fill { renderer: &renderer, values: &values }).unwrap()
    };
    assert!(filled("").is_none(), "an empty setting leaves nothing to watch");
    let filter = filled("booked").unwrap();
    assert_eq!(filter.source(), EventSource::Told);
    let now = Timestamp::from_millis(0);
    let event = |previous: &str| {
        let fact = Fact { detail: "lost".into(), previous: previous.into(), ..Fact::default() };
        let payload = Json::of(&fact).unwrap();
        Event::pending(&TenantId::new(now), LOST_FOR.event, "key".into(), payload, None, now)
    };
    assert!(filter.passes(&event("booked"), "any", 0).unwrap());
    assert!(!filter.passes(&event("new"), "any", 0).unwrap());
}

#[test]
fn every_kind_of_event_has_a_trigger_of_its_name_and_each_is_listed_once() {
    let names: BTreeSet<&str> = TRIGGERS.iter().map(|kind| kind.on).collect();
    assert_eq!(names.len(), TRIGGERS.len());
    // What was forgotten starts nothing any more.
    assert!(EventKind::Forgotten.name().parse::<On>().is_err());
    for event in EventKind::ALL.iter().filter(|event| **event != EventKind::Forgotten) {
        let kind = event.name().parse::<On>().unwrap().kind();
        assert_eq!(kind.event, *event);
    }
}

#[test]
fn a_key_that_does_not_belong_is_named() {
    let fault = |text: &str| Trigger::read(text.parse().unwrap()).unwrap_err().message().to_owned();
    assert_eq!(
        fault("on = \"lead.receved\""),
        "unknown trigger `lead.receved`; did you mean `lead.received`?"
    );
    assert_eq!(fault("on = \"schedule\""), "a trigger on `schedule` names its `cron`");
    assert_eq!(
        fault("on = \"schedule\"\ncorn = \"0 7 * * *\""),
        "a trigger on `schedule` has no `corn`; did you mean `cron`?"
    );
    assert_eq!(fault("on = \"lead.received\"\nquery = \"x\""), "a trigger on `lead.received` has no `query`");
    let both = fault("on = \"calendar.event\"\nbefore = \"1h\"\nafter = \"1h\"");
    assert_eq!(both, "a trigger has one of `changes`, `before` and `after`");
}
