//! What belongs to a person, gathered into a table of the transaction: sets of ids, by the name of the set.

use diesel::RunQueryDsl;
use diesel::sql_types::{Nullable, Text};

use crate::conn::on;
use crate::erasure::{Person, filled, word_of};
use crate::{Tx, dialect};
use nexora_core::base::Result;
use nexora_core::base::text::Json;
use nexora_core::model::erasure::Outside;

/// What refers to what, until nothing more is found: a set, a table, its column with the id, and what has to hold.
const REFERENCES: &[(&str, &str, &str, &str)] = &[
    ("lead", "leads", "id", "{contact_id in contact}"),
    // What was held back as spam belongs to no contact.
    ("lead", "leads", "id", "contact_id IS NULL AND ({lower(email) in address} OR {phone in address})"),
    ("job", "jobs", "id", "{contact_id in contact} OR {lead_id in lead}"),
    ("appointment", "appointments", "id", "{contact_id in contact}"),
    ("entry", "appointments", "entry_id", "{id in appointment}"),
    (
        "run",
        "runs",
        "id",
        "{contact_id in contact} OR {subject_id in lead} OR {subject_id in job} OR {event_id in event}",
    ),
    (
        "event",
        "events",
        "id",
        "{contact_id in contact} OR id IN (SELECT event_id FROM runs WHERE {own} AND {id in run})",
    ),
    ("effect", "effects", "id", "{run_id in run}"),
    ("task", "tasks", "id", "{contact_id in contact} OR {lead_id in lead} OR {run_id in run}"),
    (
        "message",
        "messages",
        "id",
        "{contact_id in contact} OR {lead_id in lead} OR {effect_id in effect} OR
         (contact_id IS NULL AND ({lower(sender) in address} OR {lower(recipient) in address}))",
    ),
    ("notice", "notices", "id", "{lead_id in lead}"),
];

/// Texts that refer to nobody and may name the person: a set, a table, the id, the text, and which rows are looked at.
const TEXTS: &[(&str, &str, &str, &str, &str)] = &[
    ("event", "events", "id", "payload", "(contact_id IS NULL OR {contact_id in contact})"),
    ("notice", "notices", "id", "payload", "lead_id IS NULL"),
    // A row that still stands in a sheet is read there again: it has to be removed there first, and then goes here, too.
    (
        "standing",
        "items",
        "cursor_id || '/' || key",
        "content",
        "gone_at IS NULL AND cursor_id IN (SELECT id FROM cursors WHERE {own} AND kind = 'sheet')",
    ),
    (
        "item",
        "items",
        "cursor_id || '/' || key",
        "content",
        "(gone_at IS NOT NULL OR cursor_id IN (SELECT id FROM cursors WHERE {own} AND kind <> 'sheet'))",
    ),
];

/// Makes the table and fills it.
pub fn all(tx: &mut Tx, person: &Person) -> Result<()> {
    let order = dialect::plain_order(tx.conn);
    let columns = format!("erasing (kind TEXT NOT NULL, id TEXT{order} NOT NULL, PRIMARY KEY (kind, id))");
    let table = dialect::temporary_table(tx.conn, &columns);
    dialect::run(tx.conn, &table)?;
    let known: Vec<(&str, String)> = [
        person.contact.iter().map(|id| ("contact", id.to_string())).collect::<Vec<_>>(),
        person.leads.iter().map(|id| ("lead", id.to_string())).collect(),
        person.addresses.iter().map(|address| ("address", address.to_lowercase())).collect(),
        person.hashes.iter().map(|hash| ("hash", hash.clone())).collect(),
    ]
    .concat();
    for (set, id) in known {
        add(tx, set, &id)?;
    }
    let mut before = -1;
    loop {
        follow(tx)?;
        let found = dialect::number(tx.conn, "SELECT count(*) AS tables FROM erasing")?;
        if found == before {
            return Ok(());
        }
        // Texts name addresses and ids, which are all known by now, or after the next round.
        for place in TEXTS {
            read_texts(tx, *place, person)?;
        }
        read_digests(tx, person)?;
        before = dialect::number(tx.conn, "SELECT count(*) AS tables FROM erasing")?;
        if before == found {
            return Ok(());
        }
    }
}

fn add(tx: &mut Tx, set: &str, id: &str) -> Result<()> {
    let sql = "INSERT INTO erasing (kind, id) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    let query = diesel::sql_query(sql).bind::<Text, _>(set).bind::<Text, _>(id);
    on!(tx.conn, |c| query.execute(c)).map(|_| ())
}

fn follow(tx: &mut Tx) -> Result<()> {
    loop {
        let before = dialect::number(tx.conn, "SELECT count(*) AS tables FROM erasing")?;
        for (set, table, id, condition) in REFERENCES {
            let condition = filled(tx, condition);
            let own = filled(tx, "{own}");
            let sql = format!(
                "INSERT INTO erasing (kind, id) SELECT DISTINCT '{set}', {id} FROM {table}
                  WHERE {own} AND ({condition}) ON CONFLICT DO NOTHING"
            );
            dialect::run(tx.conn, &sql)?;
        }
        if dialect::number(tx.conn, "SELECT count(*) AS tables FROM erasing")? == before {
            return Ok(());
        }
    }
}

#[derive(diesel::QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    said: String,
}

/// Returns rows whose text may hold another one, however it is capitalised.
fn candidates(
    tx: &mut Tx,
    table: &str,
    (id, text): (&str, &str),
    condition: &str,
    wanted: &str,
) -> Result<Vec<Found>> {
    let (place, order) = (dialect::place_of(tx.conn), dialect::plain_order(tx.conn));
    let condition = filled(tx, &format!("{{own}} AND {condition}"));
    let sql = format!(
        "SELECT {id} AS id, {text} AS said FROM {table}
          WHERE {condition} AND ({place}(lower({text}){order}, $1) > 0 OR {place}({text}{order}, $2) > 0)"
    );
    let query = diesel::sql_query(sql).bind::<Text, _>(wanted.to_lowercase()).bind::<Text, _>(wanted);
    on!(tx.conn, |c| query.load(c))
}

fn read_texts(
    tx: &mut Tx,
    (set, table, id, text, condition): (&str, &str, &str, &str, &str),
    person: &Person,
) -> Result<()> {
    // An id is as long as every other one, so that none is a part of another.
    let ids =
        person.contact.iter().map(ToString::to_string).chain(person.leads.iter().map(ToString::to_string));
    let wanted: Vec<String> = ids.chain(person.addresses.iter().cloned()).collect();
    for wanted in wanted {
        for found in candidates(tx, table, (id, text), condition, &wanted)? {
            if holds(&found.said, &wanted) {
                add(tx, set, &found.id)?;
            }
        }
    }
    Ok(())
}

/// Finds what was composed for the business about many people, such as digests: the whole run goes.
fn read_digests(tx: &mut Tx, person: &Person) -> Result<()> {
    let of_nobody =
        "settled_at IS NOT NULL AND run_id IN (SELECT id FROM runs WHERE {own} AND contact_id IS NULL)";
    for wanted in person.addresses.iter().chain(&person.written) {
        for found in candidates(tx, "effects", ("run_id", "request"), of_nobody, wanted)? {
            if holds(&found.said, wanted) {
                add(tx, "run", &found.id)?;
            }
        }
    }
    Ok(())
}

/// Tells whether a text holds another one that is not a part of a longer address, number or name.
fn holds(text: &str, wanted: &str) -> bool {
    let (text, wanted) = (text.to_lowercase(), wanted.to_lowercase());
    let is_part = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '+' | '%');
    // A full stop, a hyphen or an at sign goes on with an address only where more of it follows.
    let goes_on = |mut rest: std::str::Chars<'_>| match rest.next() {
        Some('.' | '-' | '@') => rest.next().is_some_and(char::is_alphanumeric),
        Some(letter) => is_part(letter),
        None => false,
    };
    let comes_after = |before: &str| {
        let mut letters = before.chars().rev();
        match letters.next() {
            Some('.' | '-') => letters.next().is_some_and(char::is_alphanumeric),
            // JSON writes a line break with a letter.
            Some('n' | 't' | 'r') if letters.next() == Some('\\') => false,
            Some(letter) => is_part(letter),
            None => false,
        }
    };
    text.match_indices(&wanted).any(|(at, found)| {
        let (before, after) =
            (text.get(..at).unwrap_or_default(), text.get(at + found.len()..).unwrap_or_default());
        !comes_after(before) && !goes_on(after.chars())
    })
}

#[derive(diesel::QueryableByName)]
struct Made {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    connection: String,
    #[diesel(sql_type = Nullable<Text>)]
    id: Option<String>,
    #[diesel(sql_type = Text)]
    said: String,
}

/// Returns what of the person is in other places: what Nexora made there, and what it read there.
pub fn outside(tx: &mut Tx) -> Result<Vec<Outside>> {
    let made = "SELECT e.kind AS kind, c.name AS connection, e.provider_id AS id, e.request AS said
                  FROM effects e JOIN connections c ON c.tenant_id = e.tenant_id AND c.id = e.connection_id
                 WHERE e.{own} AND e.state IN ('delivered', 'in_doubt') AND {e.id in effect}";
    let read = "SELECT CASE WHEN m.effect_id IS NULL THEN 'mail' ELSE '' END AS kind, c.name AS connection,
                       m.provider_id AS id, '{}' AS said
                  FROM messages m JOIN connections c ON c.tenant_id = m.tenant_id AND c.id = m.connection_id
                 WHERE m.{own} AND m.effect_id IS NULL AND m.provider_id IS NOT NULL AND {m.id in message}";
    let entries = "SELECT 'calendar' AS kind, c.name AS connection, a.entry_id AS id, a.calendar AS said
                     FROM appointments a JOIN connections c ON c.tenant_id = a.tenant_id AND c.id = a.connection_id
                    WHERE a.{own} AND a.state <> 'cancelled' AND {a.id in appointment}";
    let seen = "SELECT k.kind AS kind, c.name AS connection, i.key AS id, k.target AS said
                  FROM items i JOIN cursors k ON k.tenant_id = i.tenant_id AND k.id = i.cursor_id
                               JOIN connections c ON c.tenant_id = k.tenant_id AND c.id = k.connection_id
                 WHERE i.{own} AND i.gone_at IS NULL AND k.kind <> 'mail'
                   AND ({i.cursor_id || '/' || i.key in item} OR {i.cursor_id || '/' || i.key in standing})";
    let (connection, mail) = (
        dialect::json_text(tx.conn, "e.payload", "connection_id"),
        dialect::json_text(tx.conn, "e.payload", "id"),
    );
    let told = format!(
        "SELECT 'mail' AS kind, c.name AS connection, {mail} AS id, '' AS said
           FROM events e JOIN connections c ON c.tenant_id = e.tenant_id AND c.id = {connection}
          WHERE e.{{own}} AND e.kind IN ('gmail.message', 'message.received') AND {{e.id in event}}"
    );
    let mut found = Vec::new();
    for row in query(tx, made)? {
        found.extend(of_effect(row));
    }
    for row in query(tx, seen)? {
        found.push(of_item(row));
    }
    let as_read = |what: &str, row: Made, place: String| Outside {
        what: what.to_owned(),
        connection: row.connection,
        place,
        id: row.id.unwrap_or_default(),
    };
    found.extend(query(tx, &told)?.into_iter().map(|row| as_read("mail in the mailbox", row, String::new())));
    found.extend(query(tx, read)?.into_iter().map(|row| as_read("mail in the mailbox", row, String::new())));
    for row in query(tx, entries)? {
        let place = row.said.clone();
        found.push(as_read("calendar entry", row, place));
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn query(tx: &mut Tx, sql: &str) -> Result<Vec<Made>> {
    let sql = filled(tx, sql);
    on!(tx.conn, |c| diesel::sql_query(sql).load(c))
}

/// Says where something stands that is still read.
fn of_item(row: Made) -> Outside {
    let connection = row.connection;
    if row.kind != "sheet" {
        let id = row.id.unwrap_or_default();
        return Outside { what: "calendar entry".to_owned(), connection, place: row.said, id };
    }
    // The key of a row may be the person's own address.
    let target: serde_json::Value = serde_json::from_str(&row.said).unwrap_or_default();
    let word = |name: &str| target.get(name).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
    let place = format!("{} / {}", word("spreadsheet"), word("sheet"));
    Outside { what: "row of a sheet that is read".to_owned(), connection, place, id: String::new() }
}

fn of_effect(row: Made) -> Option<Outside> {
    let request = Json::of(&serde_json::from_str::<serde_json::Value>(&row.said).ok()?).ok()?;
    let word = |name: &str| word_of(&request, name);
    let (what, place) = match row.kind.as_str() {
        "mail.send" => ("mail sent", String::new()),
        "mail.draft" => ("draft of a mail", String::new()),
        "calendar.create_event" | "calendar.update_event" => ("calendar entry", word("calendar")),
        "sheets.append_row" | "sheets.update_row" => {
            ("row of a sheet", format!("{} / {}", word("spreadsheet"), word("sheet")))
        }
        "webhook.post" => ("told to a webhook", String::new()),
        // What changes nothing there, or takes something away, leaves nothing of the person.
        _ => return None,
    };
    Some(Outside { what: what.to_owned(), connection: row.connection, place, id: row.id.unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_not_found_in_a_longer_one() {
        for text in [
            "jo@example.com",
            "<Jo@Example.com>",
            "write to jo@example.com.",
            r#"{"from":"jo@example.com","x":1}"#,
            r"line\njo@example.com",
            "mailto:jo@example.com?subject",
        ] {
            assert!(holds(text, "jo@example.com"), "{text}");
        }
        for text in [
            "bojo@example.com",
            "a.jo@example.com",
            "jo@example.com.au",
            "jo@example.community",
            "x+jo@example.com",
        ] {
            assert!(!holds(text, "jo@example.com"), "{text}");
        }
        assert!(holds("call +15125550142 now", "+15125550142"));
        assert!(!holds("+151255501421", "+15125550142"));
        assert!(holds("Jo Miller, Elm Street", "jo miller"));
        assert!(!holds("Jo Millerson", "jo miller"));
    }
}
