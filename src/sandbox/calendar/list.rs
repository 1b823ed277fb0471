//! Looking through a calendar: lists by time, by text and since a sync token; times that are taken.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::base::clock::Timestamp;
use crate::sandbox::calendar::event::Event;
use crate::sandbox::calendar::{address, calendar, etag};
use crate::sandbox::serve::call::{Call, page};
use crate::sandbox::serve::envelope::{Refusal, Reply, merge};
use crate::sandbox::world::World;

/// What cannot be asked for together with a sync token (Calendar API, `events.list`).
const NOT_WITH_SYNC_TOKEN: [&str; 8] = [
    "iCalUID",
    "orderBy",
    "privateExtendedProperty",
    "q",
    "sharedExtendedProperty",
    "timeMin",
    "timeMax",
    "updatedMin",
];

/// What an entry must be to be listed.
struct Filter<'a> {
    call: &'a Call,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    updated_from: Option<Timestamp>,
    changed_after: Option<u64>,
    with_cancelled: bool,
}

pub fn list(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let order = call.query("orderBy");
    if order == Some("startTime") && !call.query_flag("singleEvents") {
        let message = "The requested ordering is not available for the particular query.";
        return Err(Refusal::new(400, "badRequest", message));
    }
    let size = call.query_count("maxResults", 250, 2_500)?;
    let (address, calendar) = calendar(world, call)?;
    let filter = Filter::read(call, calendar.changed)?;
    let mut found: Vec<&Event> = calendar.events.iter().filter(|event| filter.passes(event)).collect();
    match order {
        Some("startTime") => found.sort_by_key(|event| (event.start, event.changed)),
        Some("updated") => found.sort_by_key(|event| event.changed),
        _ => {}
    }
    let page = page(call, found, size)?;
    let items: Vec<&Map<String, Value>> = page.items.into_iter().map(|event| &event.body).collect();
    let mut answer = json!({
        "kind": "calendar#events",
        "etag": etag(calendar.changed),
        "summary": address,
        "timeZone": calendar.time_zone.name(),
        "accessRole": "owner",
        "defaultReminders": [],
        "items": items,
    });
    match page.next {
        Some(next) => merge(&mut answer, json!({ "nextPageToken": next })),
        None => merge(&mut answer, json!({"nextSyncToken": sync_token(calendar.changed)})),
    }
    Ok(Reply::json(&answer))
}

fn sync_token(changed: u64) -> String {
    format!("sync-{changed}")
}

impl Filter<'_> {
    fn read(call: &Call, changed: u64) -> Result<Filter<'_>, Refusal> {
        let changed_after = match call.query("syncToken") {
            None => None,
            Some(token) => {
                if let Some(name) = NOT_WITH_SYNC_TOKEN.into_iter().find(|name| call.query(name).is_some()) {
                    let message = format!("Sync token cannot be used with {name}.");
                    return Err(Refusal::new(400, "badRequest", message));
                }
                let number = token.strip_prefix("sync-").and_then(|number| number.parse().ok());
                let stale = || Refusal::usual(410, Some("fullSyncRequired".to_owned()), None);
                Some(number.filter(|number| *number <= changed).ok_or_else(stale)?)
            }
        };
        Ok(Filter {
            call,
            from: moment(call.query("timeMin"))?,
            to: moment(call.query("timeMax"))?,
            updated_from: moment(call.query("updatedMin"))?,
            changed_after,
            with_cancelled: call.query_flag("showDeleted") || changed_after.is_some(),
        })
    }

    fn passes(&self, event: &Event) -> bool {
        let text = |field: &str| event.text(field).to_lowercase();
        let wanted_text = self.call.query("q").map(str::to_lowercase);
        let updated = Timestamp::parse(event.text("updated"));
        (self.with_cancelled || !event.is_cancelled())
            && self.from.is_none_or(|from| event.end > from)
            && self.to.is_none_or(|to| event.start < to)
            && self.updated_from.is_none_or(|from| updated.is_some_and(|updated| updated >= from))
            && self.changed_after.is_none_or(|changed| event.changed > changed)
            && self.call.query("iCalUID").is_none_or(|id| event.text("iCalUID") == id)
            && wanted_text.is_none_or(|wanted| {
                ["summary", "description", "location"].into_iter().any(|field| text(field).contains(&wanted))
            })
            && self.has_properties(event, "private", "privateExtendedProperty")
            && self.has_properties(event, "shared", "sharedExtendedProperty")
    }

    /// Tells whether an entry has every property asked for, each given as `name=value`.
    fn has_properties(&self, event: &Event, kind: &str, parameter: &str) -> bool {
        let properties = event.body.get("extendedProperties").and_then(|properties| properties.get(kind));
        self.call.query_all(parameter).all(|wanted| {
            let (name, value) = wanted.split_once('=').unwrap_or((wanted, ""));
            let found = properties.and_then(|properties| properties.get(name)).and_then(Value::as_str);
            found == Some(value)
        })
    }
}

fn moment(text: Option<&str>) -> Result<Option<Timestamp>, Refusal> {
    text.map(|text| Timestamp::parse(text).ok_or_else(|| Refusal::usual(400, None, None))).transpose()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    time_min: Option<String>,
    time_max: Option<String>,
    #[serde(default)]
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    id: String,
}

/// Answers which times are taken in each calendar asked for; times that touch are joined.
pub fn free_busy(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let asked: Asked = call.read()?;
    let from = moment(asked.time_min.as_deref())?;
    let to = moment(asked.time_max.as_deref())?;
    let (Some(from), Some(to)) = (from, to) else {
        return Err(Refusal::new(400, "required", "Missing timeMin or timeMax parameter."));
    };
    if to <= from {
        return Err(Refusal::new(400, "timeRangeEmpty", "The specified time range is empty."));
    }
    let mut calendars = Map::new();
    for Item { id } in asked.items {
        let shown = match address(world, call, &id).and_then(|address| world.calendar(&address)) {
            Ok(calendar) => json!({"busy": busy(&calendar.events, from, to)}),
            Err(_) => json!({"errors": [{"domain": "global", "reason": "notFound"}], "busy": []}),
        };
        calendars.insert(id, shown);
    }
    let answer = json!({"kind": "calendar#freeBusy", "timeMin": from, "timeMax": to, "calendars": calendars});
    Ok(Reply::json(&answer))
}

fn busy(events: &[Event], from: Timestamp, to: Timestamp) -> Vec<Value> {
    let mut taken: Vec<(Timestamp, Timestamp)> = events
        .iter()
        .filter(|event| event.is_busy() && event.end > from && event.start < to)
        .map(|event| (event.start.max(from), event.end.min(to)))
        .collect();
    taken.sort_unstable();
    let mut joined: Vec<(Timestamp, Timestamp)> = Vec::new();
    for (start, end) in taken {
        match joined.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => joined.push((start, end)),
        }
    }
    joined.into_iter().map(|(start, end)| json!({"start": start, "end": end})).collect()
}
