//! The figures of a tenant's page: the week, and the charts with the tables that stand in for them.

use crate::http::status::chart::{self, Columns};
use crate::ops::report::dashboard;
use nexora_core::base::wording::{self, LocalClock};
use nexora_engine::report::statistics::{Daily, WAITS};

/// The figures of the week.
pub struct Week {
    /// Nothing was done or came in, this week and the one before.
    pub is_empty: bool,
    pub figures: Vec<Figure>,
    /// How the time saved was reckoned.
    pub note: String,
}

pub struct Figure {
    pub value: String,
    pub label: &'static str,
    pub compared: String,
}

impl Week {
    pub fn new(week: &dashboard::Week, minutes_each: nexora_core::base::Result<u32>) -> Week {
        let mut figures = Vec::new();
        let [done, before] = week.done;
        if let Some([now, before]) = &week.speed {
            figures.push(counted(now.leads as u64, before.leads as u64, "new leads"));
            let share =
                |part: usize| now.percent(part).map_or_else(|| "–".to_owned(), |share| format!("{share} %"));
            figures.push(Figure {
                value: now.median.map_or_else(|| "–".to_owned(), wording::length),
                label: "to the first answer (median)",
                compared: before
                    .median
                    .map(|median| format!("{} before", wording::length(median)))
                    .unwrap_or_default(),
            });
            figures.push(Figure {
                value: share(now.within_one_minute),
                label: "answered within 1 minute",
                compared: format!("{} within 5 minutes", share(now.within_five_minutes)),
            });
        }
        figures.push(Figure {
            value: wording::working_time(week.saved[0]),
            label: "of work saved",
            compared: format!("{} before", wording::working_time(week.saved[1])),
        });
        let replies = week.replies.map(|count| u64::try_from(count).unwrap_or(0));
        figures.push(counted(done.messages, before.messages, "messages written"));
        figures.push(counted(replies[0], replies[1], "replies noticed"));
        figures.push(counted(done.entries, before.entries, "calendar entries"));
        figures.push(counted(done.rows, before.rows, "rows in sheets"));
        let minutes_each = minutes_each.unwrap_or_default();
        let note = format!(
            "The last seven days, beside the seven before. Work saved counts {} for each message, calendar entry and row.",
            wording::count(u64::from(minutes_each), "minute", "minutes")
        );
        let leads = week.speed.as_ref().map_or(0, |[now, before]| now.leads + before.leads);
        let is_empty = done.things() + before.things() + replies[0] + replies[1] == 0 && leads == 0;
        Week { is_empty, figures, note }
    }
}

fn counted(now: u64, before: u64, label: &'static str) -> Figure {
    let whole = |count| i64::try_from(count).unwrap_or(i64::MAX);
    Figure { value: now.to_string(), label, compared: wording::compared(whole(now), whole(before)) }
}

pub struct Charts {
    pub leads: Option<Days>,
    pub waits: Option<Waits>,
    pub messages: Option<Days>,
}

/// A chart of days.
pub struct Days {
    pub id: &'static str,
    pub title: &'static str,
    pub summary: String,
    pub chart: Columns,
    pub titles: Vec<String>,
    pub dates: Vec<String>,
    pub keys: Vec<Key>,
    /// For each day on which anything was, its date and counts; the latest first.
    pub rows: Vec<(String, Vec<u64>)>,
}

/// What a colour stands for.
pub struct Key {
    pub tone: &'static str,
    pub name: String,
    pub total: u64,
}

/// A chart of how long answers took.
pub struct Waits {
    pub rows: Vec<Wait>,
    pub summary: String,
}

pub struct Wait {
    pub label: &'static str,
    pub y: usize,
    pub first: u64,
    pub first_percent: u64,
    pub first_width: String,
    pub personal: u64,
    pub personal_percent: u64,
    pub personal_width: String,
}

const SOURCE_TONES: [&str; 5] = ["s0", "s1", "s2", "s3", "s4"];
const FATE_TONES: [&str; 4] = ["s0", "s1", "s4", "s5"];

/// The widest bar of the chart of waits.
const BAR_WIDTH: f64 = 220.0;
const ROW_HEIGHT: usize = 36;

impl Charts {
    pub fn new(charts: &dashboard::Charts, clock: &LocalClock) -> Charts {
        Charts {
            leads: days(("leads-by-day", "New leads by day"), &charts.leads, &SOURCE_TONES, clock),
            waits: waits(charts),
            messages: charts.messages.as_ref().and_then(|messages| {
                days(("messages-by-day", "Messages by day"), messages, &FATE_TONES, clock)
            }),
        }
    }
}

fn days(
    (id, title): (&'static str, &'static str),
    daily: &Daily,
    tones: &[&'static str],
    clock: &LocalClock,
) -> Option<Days> {
    if daily.is_empty() {
        return None;
    }
    let tone = |index: usize| tones.get(index).copied().unwrap_or("s4");
    let keys: Vec<Key> = daily
        .parts
        .iter()
        .enumerate()
        .map(|(index, name)| Key {
            tone: tone(index),
            name: wording::cut(name, 30),
            total: daily.total(index),
        })
        .collect();
    let all: u64 = keys.iter().map(|key| key.total).sum();
    let parts: Vec<String> = keys.iter().map(|key| format!("{} {}", key.total, key.name)).collect();
    let of_day = |(day, counts): (&chrono::NaiveDate, &Vec<u64>)| {
        let parts = daily.parts.iter().zip(counts).filter(|(_, count)| **count > 0);
        let parts: Vec<String> =
            parts.map(|(name, count)| format!("{count} {}", wording::cut(name, 30))).collect();
        format!("{}: {}", clock.date(*day), parts.join(", "))
    };
    let chart = Columns::of(&daily.days, &daily.counts);
    let rows = daily.days.iter().zip(&daily.counts).rev();
    Some(Days {
        id,
        title,
        summary: format!("{all} in the last {} days: {}.", daily.days.len(), parts.join(", ")),
        titles: daily.days.iter().zip(&daily.counts).map(of_day).collect(),
        dates: chart.labels.iter().map(|label| clock.date(label.day)).collect(),
        keys,
        rows: rows
            .filter(|(_, counts)| counts.iter().any(|count| *count > 0))
            .map(|(day, counts)| (clock.date(*day), counts.clone()))
            .collect(),
        chart,
    })
}

fn waits(charts: &dashboard::Charts) -> Option<Waits> {
    let all: u64 = charts.first_answers.iter().sum();
    if all == 0 {
        return None;
    }
    let counts = charts.first_answers.iter().zip(&charts.personal_answers);
    let row = |(index, (label, (first, personal))): (usize, (&&'static str, (&u64, &u64)))| Wait {
        label,
        y: index * ROW_HEIGHT,
        first: *first,
        first_percent: chart::percent(*first, all),
        first_width: chart::bar_width(*first, all, BAR_WIDTH),
        personal: *personal,
        personal_percent: chart::percent(*personal, all),
        personal_width: chart::bar_width(*personal, all, BAR_WIDTH),
    };
    let rows: Vec<Wait> = WAITS.iter().zip(counts).enumerate().map(row).collect();
    let within = rows.first().map_or(0, |row| row.first_percent);
    let summary = format!(
        "{within} % of {} in the last 28 days were answered in under a minute.",
        wording::count(all, "lead", "leads")
    );
    Some(Waits { rows, summary })
}
