//! One calendar: what changed in it, and the timers of what is near.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Claimed, Settled};
use crate::app::App;
use crate::domain::automation::fact::tell;
use crate::domain::calendar::appointment;
use nexora_connector::poll::{CalendarChanges, ReadCalendar};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::Json;
use nexora_core::model::TimerId;
use nexora_core::model::calendar_entry::{Entry, EntryChange};
use nexora_core::model::cursor::{CalendarWatch, Cursor, Item, Moment, Timer};
use nexora_core::model::event::{CalendarEvent, EventKind};
use nexora_core::model::outcome::PollError;
use nexora_core::model::tenant::Tenant;
use nexora_engine::automation::context::moment_of;
use nexora_engine::calendar::calendar_diff::{self, Change};
use nexora_engine::calendar::occurrence::{self, GuestChange};
use nexora_store::{Conn, item, timer};

/// How long a cancelled entry is remembered, so that it is not told again.
const GONE: Duration = Duration::from_secs(60 * 86_400);

/// The instances of series are worked out anew when this much of the horizon has passed.
const HORIZON_STEP: Duration = Duration::from_secs(86_400);

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Position {
    sync_token: String,
    /// Up to where the timers of series are set.
    horizon: Option<Timestamp>,
    /// The moments for which timers are set.
    #[serde(default)]
    moments: Vec<Moment>,
}

pub(super) struct Read {
    /// Nothing at the first reading.
    position: Option<Position>,
    changes: CalendarChanges,
    moments: Vec<Moment>,
    horizon: Timestamp,
    /// The timers of everything are set anew.
    refresh: bool,
    /// The instances of each series that was looked at.
    instances: HashMap<String, Vec<Entry>>,
}

pub(super) async fn read(app: &App, calendar: &dyn ReadCalendar, cursor: &Cursor) -> Result<Read, PollError> {
    let unreadable =
        |error: nexora_core::base::Error| PollError::Later { reason: error.report(), after: None };
    let position: Option<Position> =
        cursor.position.as_ref().map(Json::read).transpose().map_err(unreadable)?;
    let wish: CalendarWatch = cursor.wish.read().map_err(unreadable)?;
    let token = position.as_ref().map(|position| position.sync_token.as_str());
    let changes = match calendar.calendar_changes(&cursor.target, token).await {
        Err(PollError::Expired) => calendar.calendar_changes(&cursor.target, None).await?,
        answer => answer?,
    };
    let now = app.clock.now();
    let is_current = |position: &Position| {
        let reaches = |until: Timestamp| until + HORIZON_STEP >= now + app.config.poll.horizon();
        position.moments == wish.moments && position.horizon.is_some_and(reaches)
    };
    let refresh = !position.as_ref().is_some_and(is_current);
    let horizon = match (&position, refresh) {
        (Some(Position { horizon: Some(until), .. }), false) => *until,
        _ => now + app.config.poll.horizon(),
    };
    let mut instances = HashMap::new();
    // The occurrences of a series are appointments, whether or not anything is to happen before them.
    let series = series_to_expand(app, cursor, &changes, refresh).await.map_err(unreadable)?;
    for id in series {
        let from = now - longest_after(&wish.moments);
        let found = calendar.instances(&cursor.target, &id, from, horizon).await?;
        instances.insert(id, found);
    }
    Ok(Read { position, changes, moments: wish.moments, horizon, refresh, instances })
}

fn longest_after(moments: &[Moment]) -> Duration {
    let after = |moment: &Moment| match moment {
        Moment::Before(_) => 0,
        Moment::After(seconds) => *seconds,
    };
    // An instance that began a day ago may end now.
    Duration::from_secs(moments.iter().map(after).max().unwrap_or(0) + 86_400)
}

/// Returns the series of which an instance may have come, gone or moved.
async fn series_to_expand(
    app: &App,
    cursor: &Cursor,
    changes: &CalendarChanges,
    refresh: bool,
) -> Result<BTreeSet<String>> {
    let mut series = BTreeSet::new();
    for entry in &changes.entries {
        series.extend(entry.series_id.clone());
        series.extend(entry.is_series().then(|| entry.id.clone()));
    }
    if refresh {
        let (tenant, id) = (cursor.tenant_id.clone(), cursor.id.clone());
        let known = app.db.read(move |conn| item::all(&mut conn.of(&tenant), &id)).await?;
        for item in known.into_values().filter(|item| item.gone_at.is_none()) {
            let entry: Entry = item.content.read()?;
            series.extend(entry.is_series().then_some(entry.id));
        }
    }
    Ok(series)
}

pub(super) fn record(conn: &mut Conn, claimed: &Claimed, mut read: Read, now: Timestamp) -> Result<Settled> {
    let cursor = &claimed.cursor;
    let tx = &mut conn.of(&cursor.tenant_id);
    let entries = read.changes.entries.iter_mut().chain(read.instances.values_mut().flatten());
    for entry in entries {
        calendar_diff::mark_colleagues(entry, &claimed.account, claimed.tenant.owner_email.as_str());
    }
    let mut known = BTreeMap::new();
    let wants_timers = read.refresh && !read.moments.is_empty();
    if !read.changes.entries.is_empty() || read.changes.full || wants_timers {
        for (key, item) in item::all(tx, &cursor.id)? {
            known.insert(key, item.content.read::<Entry>()?);
        }
    }
    // What is there and says nothing is not gone.
    known.retain(|id, _| !read.changes.silent.contains(id));
    let changes = calendar_diff::compare(&known, read.changes.entries, read.changes.full);
    let is_baseline = read.position.is_none();
    let zone = claimed.tenant.zone()?.tz();
    let timers = Timers { claimed, moments: &read.moments, now };
    let mut told = false;
    for change in &changes {
        save(tx, cursor, &change.entry, now)?;
        if change.is_told && !is_baseline {
            let booked = appointment::to_come(tx, cursor.place(), &change.entry, now)?;
            let instances = read.instances.get(&change.entry.id).map_or([].as_slice(), Vec::as_slice);
            let told_change = occurrence::of_next(change.clone(), &booked, instances, zone, now);
            tell_change(tx, claimed, &told_change, now)?;
            told = true;
        } else {
            appointment::record(tx, &claimed.tenant, cursor.place(), &change.entry, now)?;
        }
        if change.entry.is_series() && change.entry.cancelled {
            timers.set(tx, &change.entry.id, &[])?;
            appointment::record_series(tx, &claimed.tenant, cursor.place(), (&change.entry.id, &[]), now)?;
        } else if change.entry.series_id.is_none() && !change.entry.is_series() {
            timers.set(tx, &change.entry.id, std::slice::from_ref(&change.entry))?;
        }
        known.insert(change.entry.id.clone(), change.entry.clone());
    }
    if read.refresh && read.moments.is_empty() {
        timer::clear_due(tx, &cursor.id)?;
    } else if read.refresh {
        let singles = known.values().filter(|entry| entry.series_id.is_none() && !entry.is_series());
        for entry in singles.filter(|entry| !entry.cancelled) {
            timers.set(tx, &entry.id, std::slice::from_ref(entry))?;
        }
        timer::forget_fired(tx, &cursor.id, now - GONE)?;
        forget_gone(tx, cursor, &known, now - GONE)?;
    }
    for (series, instances) in &read.instances {
        timers.set(tx, series, instances)?;
        appointment::record_series(tx, &claimed.tenant, cursor.place(), (series, instances), now)?;
    }
    let position =
        Position { sync_token: read.changes.sync_token, horizon: Some(read.horizon), moments: read.moments };
    Ok(Settled { position: Json::of(&position)?, changed: told, more: false })
}

fn save(conn: &mut Conn, cursor: &Cursor, entry: &Entry, now: Timestamp) -> Result<()> {
    item::save(
        conn,
        &Item {
            tenant_id: cursor.tenant_id.clone(),
            cursor_id: cursor.id.clone(),
            key: entry.id.clone(),
            content: Json::of(entry)?,
            seen_at: now,
            gone_at: entry.cancelled.then_some(now),
        },
    )
}

/// Forgets entries that were cancelled before a moment, but not the cancelled instances of a series
/// that goes on: every full reading lists them again.
fn forget_gone(
    conn: &mut Conn,
    cursor: &Cursor,
    known: &BTreeMap<String, Entry>,
    before: Timestamp,
) -> Result<()> {
    let goes_on = |entry: &Entry| {
        let series = entry.series_id.as_ref().and_then(|series| known.get(series));
        series.is_some_and(|series| !series.cancelled)
    };
    let listed = known.values().filter(|entry| entry.cancelled && goes_on(entry));
    let listed: Vec<&str> = listed.map(|entry| entry.id.as_str()).collect();
    item::forget_gone(&mut conn.of(&cursor.tenant_id), &cursor.id, before, &listed)
}

fn tell_change(conn: &mut Conn, claimed: &Claimed, change: &Change, now: Timestamp) -> Result<()> {
    let cursor = &claimed.cursor;
    appointment::record(conn, &claimed.tenant, cursor.place(), &change.entry, now)?;
    let key = format!("calendar:{}:{}:{}", cursor.id, cursor.epoch, change.entry.id);
    for change in occurrence::for_guests(change) {
        tell_guest(conn, (&claimed.tenant, cursor), &key, change, None, now)?;
    }
    Ok(())
}

/// Makes an event of what a change, or a moment that has come, is for one customer.
fn tell_guest(
    conn: &mut Conn,
    (tenant, cursor): (&Tenant, &Cursor),
    key: &str,
    change: GuestChange,
    moment: Option<Moment>,
    now: Timestamp,
) -> Result<()> {
    let GuestChange { kind, entry, previous, guest, is_first } = change;
    let about = appointment::about(conn, tenant, &entry, guest.as_ref(), now)?;
    let contact_id = about.contact_id.clone();
    let guest = guest.map(|guest| guest.email);
    let key = match &guest {
        Some(guest) if !is_first => format!("{key}:{guest}"),
        _ => key.to_owned(),
    };
    let payload = CalendarEvent {
        about,
        connection_id: cursor.connection_id.clone(),
        calendar: cursor.target.clone(),
        change: kind,
        moment,
        entry,
        previous,
        guest,
        is_first,
    };
    tell(&mut conn.of(&cursor.tenant_id), EventKind::CalendarEvent, key, &payload, contact_id, now)
        .map(|_| ())
}

struct Timers<'a> {
    claimed: &'a Claimed,
    moments: &'a [Moment],
    now: Timestamp,
}

impl Timers<'_> {
    /// Sets the timers of a series' instances, or of one entry, and removes those that are not
    /// wanted any more. A moment that has passed by the time its entry is known, or is moved, does
    /// not come: it would be a reminder of what is nearly there.
    fn set(&self, conn: &mut Conn, series: &str, entries: &[Entry]) -> Result<()> {
        let cursor = &self.claimed.cursor;
        let existing = timer::of_series(&mut conn.of(&cursor.tenant_id), &cursor.id, series)?;
        let mut wanted = HashSet::new();
        for entry in entries.iter().filter(|entry| !entry.cancelled) {
            for moment in self.moments {
                let Some(fires_at) = self.fires_at(entry, *moment)? else { continue };
                let place = (entry.id.clone(), moment.name());
                let earlier = existing.iter().find(|t| t.entry_id == place.0 && t.moment == place.1);
                wanted.insert(place);
                self.set_one(conn, series, entry, *moment, fires_at, earlier)?;
            }
        }
        for timer in existing {
            // What has fired is kept, so that it does not fire again should its entry come back.
            let is_wanted = wanted.contains(&(timer.entry_id.clone(), timer.moment.clone()));
            if !is_wanted && timer.due_at.is_some() {
                timer::delete(&mut conn.of(&cursor.tenant_id), &timer.id)?;
            }
        }
        Ok(())
    }

    fn set_one(
        &self,
        conn: &mut Conn,
        series: &str,
        entry: &Entry,
        moment: Moment,
        fires_at: Timestamp,
        earlier: Option<&Timer>,
    ) -> Result<()> {
        let cursor = &self.claimed.cursor;
        let content = Json::of(entry)?;
        let ahead = (fires_at > self.now).then_some(fires_at);
        match earlier {
            Some(timer) if timer.fires_at == fires_at && timer.content == content => Ok(()),
            Some(timer) => {
                let due_at = if timer.fires_at == fires_at { timer.due_at } else { ahead };
                let series = series.to_owned();
                timer::save(conn, &Timer { series, content, fires_at, due_at, ..timer.clone() })
            }
            None => timer::insert(
                conn,
                &Timer {
                    tenant_id: cursor.tenant_id.clone(),
                    id: TimerId::new(self.now),
                    cursor_id: cursor.id.clone(),
                    series: series.to_owned(),
                    entry_id: entry.id.clone(),
                    moment: moment.name(),
                    content,
                    fires_at,
                    due_at: ahead,
                },
            ),
        }
    }

    fn fires_at(&self, entry: &Entry, moment: Moment) -> Result<Option<Timestamp>> {
        let zone = self.claimed.tenant.zone()?.tz();
        let at = |when: &Option<nexora_core::model::calendar_entry::When>| {
            when.as_ref().and_then(|when| moment_of(when, zone))
        };
        Ok(match moment {
            Moment::Before(seconds) => at(&entry.start).map(|start| start - Duration::from_secs(seconds)),
            Moment::After(seconds) => at(&entry.end).map(|end| end + Duration::from_secs(seconds)),
        })
    }
}

/// Makes an event of a timer whose moment has come, unless it was set to another since.
pub fn ring(
    conn: &mut Conn,
    (tenant, cursor): (&Tenant, &Cursor),
    timer: &Timer,
    now: Timestamp,
) -> Result<bool> {
    let entry: Entry = timer.content.read()?;
    let Some(moment) = moment_named(&timer.moment) else { return Ok(false) };
    if timer::fire(conn, timer)? == nexora_store::Claim::Lost {
        return Ok(false);
    }
    let change = match moment {
        Moment::Before(_) => EntryChange::Before,
        Moment::After(_) => EntryChange::After,
    };
    appointment::record(conn, tenant, cursor.place(), &entry, now)?;
    let key = format!("timer:{}:{}", timer.id, timer.fires_at.millis());
    let change = Change { kind: change, entry, previous: None, is_told: true };
    for change in occurrence::for_guests(&change) {
        tell_guest(conn, (tenant, cursor), &key, change, Some(moment), now)?;
    }
    Ok(true)
}

fn moment_named(name: &str) -> Option<Moment> {
    let (kind, seconds) = name.split_once(':')?;
    let seconds = seconds.parse().ok()?;
    match kind {
        "before" => Some(Moment::Before(seconds)),
        "after" => Some(Moment::After(seconds)),
        _ => None,
    }
}
