//! The page for people: every mail, draft, calendar entry and sheet that the sandbox holds.
//!
//! No script, nothing loaded from anywhere. The HTML of a mail is shown in a frame that may do
//! nothing at all, under the page's own policy.

use std::cmp::Reverse;

use askama::Template;
use hyper::header::{CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};

use crate::calendar::Calendar;
use crate::calendar::event::Event;
use crate::gmail::mailbox::SENT;
use crate::letter::ParsedMail;
use crate::serve::envelope::{Refusal, Reply};
use crate::sheets::grid::Cell;
use crate::world::World;
use nexora_core::base::clock::Timestamp;

/// What is shown of each kind at most; the rest is in the state.
const MAIL_LIMIT: usize = 100;
const EVENT_LIMIT: usize = 200;
const ROW_LIMIT: usize = 200;

/// Longer bodies are left to the state: a page should open at once.
const BODY_LIMIT_BYTES: usize = 200_000;

/// Mails bring their own inline styles; pictures may only come with the mail itself.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; \
                      base-uri 'none'; frame-ancestors 'none'";

#[derive(Template)]
#[template(path = "sandbox.html")]
struct Page<'a> {
    origin: &'a str,
    is_live: bool,
    mails: Vec<Mail>,
    more_mails: usize,
    drafts: Vec<Mail>,
    events: Vec<Entry>,
    sheets: Vec<Table>,
    faults: usize,
}

struct Mail {
    id: String,
    at: Timestamp,
    when: String,
    /// How it came: `SMTP`, `Gmail`, `Received` or `Draft`.
    way: &'static str,
    from: String,
    to: String,
    subject: String,
    notes: Vec<String>,
    headers: Vec<(String, String)>,
    text: Option<String>,
    html: Option<String>,
}

struct Entry {
    id: String,
    start: Timestamp,
    calendar: String,
    day: String,
    time: String,
    title: String,
    place: String,
    description: String,
    is_cancelled: bool,
}

struct Table {
    anchor: Option<String>,
    spreadsheet: String,
    sheet: String,
    rows: Vec<Vec<String>>,
    more_rows: usize,
}

/// Renders the page.
pub fn show(world: &World, origin: &str, is_live: bool) -> Result<Reply, Refusal> {
    let (mails, more_mails) = mails(world);
    let page = Page {
        origin,
        is_live,
        mails,
        more_mails,
        drafts: drafts(world),
        events: events(world),
        sheets: sheets(world),
        faults: world.faults.state().len(),
    };
    let html = page.render().map_err(|error| Refusal::usual(500, None, Some(error.to_string())))?;
    let frame = HeaderName::from_static("x-frame-options");
    Ok(Reply::html(html)
        .with_header(CONTENT_SECURITY_POLICY, POLICY)
        .with_header(X_CONTENT_TYPE_OPTIONS, "nosniff")
        .with_header(REFERRER_POLICY, "no-referrer")
        .with_header(frame, "DENY"))
}

/// Returns the newest mails and how many more there are.
fn mails(world: &World) -> (Vec<Mail>, usize) {
    let total =
        world.sink.len() + world.mailboxes.values().map(|mailbox| mailbox.messages.len()).sum::<usize>();
    let sunk = world.sink.iter().rev().take(MAIL_LIMIT).map(|received| {
        let mut notes = vec![if received.tls { "under TLS" } else { "in the clear" }.to_owned()];
        notes.extend(received.authenticated_as.iter().map(|user| format!("signed in as {user}")));
        let to = received.to.join(", ");
        mail("SMTP", &received.id, received.at, &received.from, &to, notes, &received.letter)
    });
    let kept = world.mailboxes.iter().flat_map(|(address, mailbox)| {
        mailbox.messages.iter().rev().take(MAIL_LIMIT).map(move |message| {
            let way = if message.has(SENT) { "Gmail" } else { "Received" };
            let (from, to) = (message.letter.header("From"), message.letter.header("To"));
            mail(way, &message.id, message.at, from, to, vec![format!("in {address}")], &message.letter)
        })
    });
    let mut mails: Vec<Mail> = sunk.chain(kept).collect();
    mails.sort_by_key(|mail| Reverse((mail.at, mail.id.clone())));
    mails.truncate(MAIL_LIMIT);
    let more = total - mails.len();
    (mails, more)
}

fn drafts(world: &World) -> Vec<Mail> {
    let drafts = world.mailboxes.iter().flat_map(|(address, mailbox)| {
        mailbox.drafts.iter().rev().map(move |draft| {
            let letter = &draft.message.letter;
            let (from, to) = (letter.header("From"), letter.header("To"));
            mail("Draft", &draft.id, draft.message.at, from, to, vec![format!("in {address}")], letter)
        })
    });
    drafts.take(MAIL_LIMIT).collect()
}

fn mail(
    way: &'static str,
    id: &str,
    at: Timestamp,
    from: &str,
    to: &str,
    mut notes: Vec<String>,
    letter: &ParsedMail,
) -> Mail {
    notes.extend(letter.attachments.iter().map(|attachment| {
        format!(
            "attached: {} ({}, {} bytes)",
            attachment.filename, attachment.mime_type, attachment.size_bytes
        )
    }));
    let short = |body: &Option<String>| body.clone().filter(|body| body.len() <= BODY_LIMIT_BYTES);
    let subject = letter.header("Subject");
    Mail {
        id: id.to_owned(),
        at,
        when: at.utc().format("%-d %b %Y, %H:%M:%S").to_string(),
        way,
        from: from.to_owned(),
        to: to.to_owned(),
        subject: if subject.is_empty() { "(no subject)" } else { subject }.to_owned(),
        notes,
        headers: letter.headers.clone(),
        text: short(&letter.text),
        html: short(&letter.html),
    }
}

fn events(world: &World) -> Vec<Entry> {
    let all = world.calendars.iter().flat_map(|(address, calendar)| entries(address, calendar));
    let mut all: Vec<Entry> = all.collect();
    all.sort_by_key(|entry| entry.start);
    all.truncate(EVENT_LIMIT);
    all
}

fn entries(address: &str, calendar: &Calendar) -> Vec<Entry> {
    let zone = calendar.time_zone;
    let entry = |event: &Event| {
        let (start, end) = (event.start.utc().with_timezone(&zone), event.end.utc().with_timezone(&zone));
        let is_all_day = event.body.get("start").is_some_and(|start| start.get("date").is_some());
        let until = if start.date_naive() == end.date_naive() { "%H:%M" } else { "%-d %b %H:%M" };
        let time = if is_all_day {
            "all day".to_owned()
        } else {
            format!("{} to {} {}", start.format("%H:%M"), end.format(until), zone.name())
        };
        Entry {
            id: event.id.clone(),
            start: event.start,
            calendar: address.to_owned(),
            day: start.format("%a %-d %b %Y").to_string(),
            time,
            title: event.text("summary").to_owned(),
            place: event.text("location").to_owned(),
            description: event.text("description").to_owned(),
            is_cancelled: event.is_cancelled(),
        }
    };
    calendar.events.iter().map(entry).collect()
}

fn sheets(world: &World) -> Vec<Table> {
    let mut tables = Vec::new();
    for (id, spreadsheet) in &world.spreadsheets {
        for (position, sheet) in spreadsheet.sheets.iter().enumerate() {
            let width = sheet.rows().map(<[Cell]>::len).max().unwrap_or(0);
            let rows = sheet.rows().take(ROW_LIMIT).map(|row| {
                let text = |column| row.get(column).map(Cell::text).unwrap_or_default();
                (0..width).map(text).collect()
            });
            let rows: Vec<Vec<String>> = rows.collect();
            tables.push(Table {
                anchor: (position == 0).then(|| id.clone()),
                spreadsheet: spreadsheet.title.clone(),
                sheet: sheet.title.clone(),
                more_rows: sheet.used_rows() - rows.len(),
                rows,
            });
        }
    }
    tables
}
