//! Looking through a calendar: lists by time, by text and since a sync token; times that are taken.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::calendar::event::Event;
use crate::calendar::{Calendar, address, calendar, etag, recurrence};
use crate::serve::call::{Call, Page, page};
use crate::serve::envelope::{Refusal, Reply, merge};
use crate::world::World;
use nexora_core::base::clock::Timestamp;

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

/// How far series without an end are unfolded when nobody says.
const HORIZON: std::time::Duration = std::time::Duration::from_secs(366 * 86_400);

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
    let mut found = match call.query_flag("singleEvents") {
        true => unfolded(calendar, &filter, call.at),
        false => folded(calendar, &filter),
    };
    match order {
        Some("startTime") => found.sort_by_key(|event| (event.start, event.changed)),
        Some("updated") => found.sort_by_key(|event| event.changed),
        _ => {}
    }
    let page = page(call, found, size)?;
    Ok(shown(&address, calendar, page))
}

/// Returns entries, series and exceptions. An instance that was cancelled is listed as that, since
/// nothing else says that the series lacks it (Calendar API, `events.list`, `showDeleted`).
fn folded(calendar: &Calendar, filter: &Filter<'_>) -> Vec<Event> {
    let is_near = |event: &Event| match recurrence::is_series(event) && !event.is_cancelled() {
        true => !recurrence::instances(calendar, event, filter.from(), filter.to()).is_empty(),
        false => filter.is_in_time(event),
    };
    let is_shown = |event: &Event| {
        let is_exception = !recurrence::series_of(event).is_empty();
        filter.with_cancelled || is_exception || !event.is_cancelled()
    };
    let mut found = calendar.events.clone();
    found.retain(|event| is_shown(event) && filter.passes(event) && (filter.is_timeless() || is_near(event)));
    found
}

/// Returns entries and instances, which take the place of their series.
fn unfolded(calendar: &Calendar, filter: &Filter<'_>, now: Timestamp) -> Vec<Event> {
    let to = filter.to.unwrap_or(now.max(filter.from()) + HORIZON);
    let mut found = Vec::new();
    for event in calendar.events.iter().filter(|event| recurrence::series_of(event).is_empty()) {
        match recurrence::is_series(event) && !event.is_cancelled() {
            true => found.extend(recurrence::instances(calendar, event, filter.from(), to)),
            false if filter.is_in_time(event) => found.push(event.clone()),
            false => {}
        }
    }
    found.retain(|event| filter.passes(event) && (filter.with_cancelled || !event.is_cancelled()));
    found
}

/// Answers the instances of a series (Calendar API, `events.instances`).
pub fn instances(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let size = call.query_count("maxResults", 250, 2_500)?;
    let (address, calendar) = calendar(world, call)?;
    let series = calendar.event(call.param("event"))?;
    let from = moment(call.query("timeMin"))?.unwrap_or(series.start);
    let to = moment(call.query("timeMax"))?.unwrap_or(call.at.max(from) + HORIZON);
    let mut found = recurrence::instances(calendar, series, from, to);
    let original = moment(call.query("originalStart"))?;
    found.retain(|event| {
        let started = event.body.get("originalStartTime").and_then(|time| time.get("dateTime"));
        let started = started.and_then(Value::as_str).and_then(Timestamp::parse);
        (call.query_flag("showDeleted") || !event.is_cancelled())
            && (original.is_none() || started == original)
    });
    let page = page(call, found, size)?;
    Ok(shown(&address, calendar, page))
}

fn shown(address: &str, calendar: &Calendar, page: Page<Event>) -> Reply {
    let items: Vec<Map<String, Value>> = page.items.into_iter().map(|event| event.body).collect();
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
    Reply::json(&answer)
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
                let number = token.strip_prefix("sync-").and_then(|number| number.parse::<u64>().ok());
                let unknown = || Refusal::new(400, "invalid", "Invalid sync token value.");
                let stale = || Refusal::usual(410, Some("fullSyncRequired".to_owned()), None);
                Some(
                    Some(number.ok_or_else(unknown)?)
                        .filter(|number| *number <= changed)
                        .ok_or_else(stale)?,
                )
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

    fn from(&self) -> Timestamp {
        self.from.unwrap_or(Timestamp::from_millis(0))
    }

    fn to(&self) -> Timestamp {
        self.to.unwrap_or(self.call.at.max(self.from()) + HORIZON)
    }

    fn is_timeless(&self) -> bool {
        self.from.is_none() && self.to.is_none()
    }

    fn is_in_time(&self, event: &Event) -> bool {
        self.from.is_none_or(|from| event.end > from) && self.to.is_none_or(|to| event.start < to)
    }

    /// Tells whether an entry is what was asked for, in whatever state and at whatever time.
    fn passes(&self, event: &Event) -> bool {
        let text = |field: &str| event.text(field).to_lowercase();
        let wanted_text = self.call.query("q").map(str::to_lowercase);
        let updated = Timestamp::parse(event.text("updated"));
        self.updated_from.is_none_or(|from| updated.is_some_and(|updated| updated >= from))
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
            Ok(calendar) => json!({"busy": busy(calendar, from, to)}),
            Err(_) => json!({"errors": [{"domain": "global", "reason": "notFound"}], "busy": []}),
        };
        calendars.insert(id, shown);
    }
    let answer = json!({"kind": "calendar#freeBusy", "timeMin": from, "timeMax": to, "calendars": calendars});
    Ok(Reply::json(&answer))
}

fn busy(calendar: &Calendar, from: Timestamp, to: Timestamp) -> Vec<Value> {
    let series = calendar.events.iter().filter(|event| recurrence::is_series(event));
    let instances: Vec<Event> =
        series.flat_map(|series| recurrence::instances(calendar, series, from, to)).collect();
    let others = calendar.events.iter();
    let others =
        others.filter(|event| !recurrence::is_series(event) && recurrence::series_of(event).is_empty());
    let mut taken: Vec<(Timestamp, Timestamp)> = others
        .chain(&instances)
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
