//! The figures of a page: what was done this week and the week before, and what charts show.

use std::time::Duration;

use chrono_tz::Tz;

use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::effect::EffectState;
use nexora_core::model::lead::ResponseTime;
use nexora_core::model::tenant::Tenant;
use nexora_engine::report::owner_words;
use nexora_engine::report::statistics::{self, Daily, Done, Speed};
use nexora_store::{Conn, Tx, effect, lead, message};

/// Days that charts go back.
pub const CHART_DAYS: u64 = 28;

const WEEK: Duration = Duration::from_secs(7 * 86_400);

/// Leads that are counted at most.
const COUNTED: i64 = 20_000;

/// Sources that a chart tells apart; the rarest of more go together.
const SOURCES: usize = 5;

/// What was done in the last seven days, each figure with that of the seven days before.
pub struct Week {
    pub done: [Done; 2],
    pub saved: [Duration; 2],
    /// What customers wrote.
    pub replies: [i64; 2],
    /// Nothing where leads may not be seen.
    pub speed: Option<[Speed; 2]>,
}

/// What the charts show.
pub struct Charts {
    /// New leads by day and source.
    pub leads: Daily,
    /// Leads by how long the first answer took, and by how long a person's took.
    pub first_answers: [u64; 5],
    pub personal_answers: [u64; 5],
    /// Messages by day and what became of them; nothing where messages may not be seen.
    pub messages: Option<Daily>,
}

/// What becomes of messages, as charts tell it apart.
const FATES: [&str; 4] = ["sent", "waiting", "not sent", "given up"];

/// Returns the leads that are counted, latest first.
pub fn paces(tx: &mut Tx, zone: Tz, now: Timestamp) -> Result<Vec<ResponseTime>> {
    let since = empty(zone, now, Vec::new()).begins_at(zone).unwrap_or(now);
    lead::paces(tx, since, COUNTED)
}

pub fn week(
    conn: &mut Conn,
    tenant: &Tenant,
    paces: Option<&[ResponseTime]>,
    now: Timestamp,
) -> Result<Week> {
    let tx = &mut conn.of(&tenant.id);
    let spans = [(now - WEEK, now), (now - 2 * WEEK, now - WEEK)];
    let (mut done, mut replies) = (Vec::new(), Vec::new());
    for span in spans {
        done.push(Done::of(&effect::count_settled(tx, EffectState::Delivered, span)?));
        replies.push(message::count_received(tx, span)?);
    }
    let pair = |values: &[Done]| [0, 1].map(|index| values.get(index).copied().unwrap_or_default());
    let done = pair(&done);
    let minutes_each = tenant.settings()?.minutes_saved;
    let within = |paces: &[ResponseTime], (from, until): (Timestamp, Timestamp)| {
        Speed::of(paces.iter().filter(|pace| pace.received_at > from && pace.received_at <= until))
    };
    Ok(Week {
        done,
        saved: done.map(|done| done.saved(minutes_each)),
        replies: [0, 1].map(|index| replies.get(index).copied().unwrap_or_default()),
        speed: paces.map(|paces| spans.map(|span| within(paces, span))),
    })
}

pub fn charts(
    tx: &mut Tx,
    paces: &[ResponseTime],
    with_messages: bool,
    (zone, now): (Tz, Timestamp),
) -> Result<Charts> {
    let mut leads = statistics::leads_by_day(paces, empty(zone, now, Vec::new()), zone, SOURCES);
    leads.parts = leads.parts.iter().map(|source| owner_words::source(source)).collect();
    Ok(Charts {
        leads,
        first_answers: statistics::waits(paces.iter().map(ResponseTime::first_answer)),
        personal_answers: statistics::waits(paces.iter().map(ResponseTime::personal_answer)),
        messages: if with_messages { Some(messages(tx, (zone, now))?) } else { None },
    })
}

/// Counts messages by the day on which they were settled; those that wait stand on today.
fn messages(tx: &mut Tx, (zone, now): (Tz, Timestamp)) -> Result<Daily> {
    let mut daily = empty(zone, now, FATES.map(str::to_owned).to_vec());
    let since = daily.begins_at(zone).unwrap_or(now);
    for quarter in effect::messages_by_quarter(tx, since)? {
        let part = match quarter.state {
            EffectState::Delivered => 0,
            EffectState::Discarded => 2,
            EffectState::Dead => 3,
            EffectState::Pending | EffectState::Leased | EffectState::Retrying | EffectState::InDoubt => {
                continue;
            }
        };
        daily.add(quarter.begins_at, zone, part, u64::try_from(quarter.messages).unwrap_or(0));
    }
    let waiting = effect::count_unsettled_messages(tx)?;
    daily.add(now, zone, 1, u64::try_from(waiting).unwrap_or(0));
    Ok(daily)
}

fn empty(zone: Tz, now: Timestamp, parts: Vec<String>) -> Daily {
    Daily::until(now.utc().with_timezone(&zone).date_naive(), CHART_DAYS, parts)
}
