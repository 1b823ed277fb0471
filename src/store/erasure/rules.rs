//! What becomes of each table when a person is forgotten. Every table of the schema is named here, which
//! `tests/it/forgetting.rs` holds against the schema: a new table cannot be left out unseen.
//!
//! A condition may hold `{own}`, which is true of the tenant's rows; `{slug}`, its slug; `{COLUMN in SET}`, which is
//! true where it holds an id of a set of what is forgotten; and `{named COLUMN}`, which is true where a text holds one of the person's addresses.

/// What is done with the rows of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// Those for which the condition holds are deleted.
    Delete(&'static str),
    /// Those for which the condition (the second) holds lose what they say; the first says what they become.
    Blank(&'static str, &'static str),
    /// They stay as they are, for this reason.
    Keep(&'static str),
}

/// A table, and what is done with its rows.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    pub table: &'static str,
    /// What its rows are called where they are counted and exported.
    pub kind: &'static str,
    pub treatment: Treatment,
}

const fn delete(table: &'static str, kind: &'static str, condition: &'static str) -> Rule {
    Rule { table, kind, treatment: Treatment::Delete(condition) }
}

const fn blank(
    table: &'static str,
    kind: &'static str,
    become_: &'static str,
    condition: &'static str,
) -> Rule {
    Rule { table, kind, treatment: Treatment::Blank(become_, condition) }
}

const fn keep(table: &'static str, reason: &'static str) -> Rule {
    Rule { table, kind: table, treatment: Treatment::Keep(reason) }
}

const SETTINGS: &str = "what the business set up";
const STAFF: &str = "users of the business, who are no customers";
const MACHINE: &str = "of the machine, and of no person";

/// In the order in which it is done: what refers to a row goes before the row.
pub const RULES: &[Rule] = &[
    delete("photos", "photos", "{own} AND {lead_id in lead}"),
    delete("verdicts", "verdicts", "{own} AND {effect_id in effect}"),
    delete("attempts", "attempts", "{own} AND {effect_id in effect}"),
    delete("automatic_answers", "automatic answers", "{effect_id in effect}"),
    delete("effects", "effects", "{own} AND {id in effect}"),
    delete("steps", "steps", "{own} AND {run_id in run}"),
    delete("runs", "runs", "{own} AND {id in run}"),
    // An event is kept as an empty shell, so that the same mail or row does not come in once more.
    blank(
        "events",
        "events",
        "kind = 'contact.forgotten', payload = '{}', contact_id = NULL, state = 'ignored', due_at = NULL, attempt = 0,
         reason = 'the person was forgotten',
         dedupe_key = CASE WHEN {named dedupe_key} THEN 'forgotten:' || id ELSE dedupe_key END",
        "{own} AND {id in event}",
    ),
    delete("tasks", "tasks", "{own} AND {id in task}"),
    // A job is what the business was paid for: its sum and its dates stay.
    blank(
        "jobs",
        "jobs",
        "title = '(forgotten)', contact_id = NULL, lead_id = NULL, address = NULL, timezone = NULL,
         state = CASE WHEN state IN ('open', 'scheduled') THEN 'cancelled' ELSE state END,
         source_key = CASE WHEN {named source_key} THEN 'forgotten:' || id ELSE source_key END",
        "{own} AND {id in job}",
    ),
    delete("timers", "timers", "{own} AND {entry_id in entry}"),
    delete("items", "items seen", "{own} AND ({key in entry} OR {cursor_id || '/' || key in item})"),
    delete("appointments", "appointments", "{own} AND {id in appointment}"),
    delete("messages", "messages", "{own} AND {id in message}"),
    blank("notices", "notices", "payload = '{}', lead_id = NULL, reason = NULL", "{own} AND {id in notice}"),
    delete("consents", "consents", "{own} AND ({contact_id in contact} OR {lead_id in lead})"),
    // It is what keeps the person from being written to, as a keyed hash.
    blank("suppressions", "suppressions kept as hashes", "detail = ''", "{own} AND {hash in hash}"),
    delete("contact_addresses", "addresses", "{own} AND {contact_id in contact}"),
    delete("leads", "leads", "{own} AND {id in lead}"),
    delete("group_members", "places in groups", "{own} AND {contact_id in contact}"),
    // The machine stays where it stands; whose it was does not.
    blank(
        "assets",
        "assets",
        "contact_id = NULL, fields = '{}', search = ' ' || lower(name) || ' '",
        "{own} AND {contact_id in contact}",
    ),
    delete("contacts", "contacts", "{own} AND {id in contact}"),
    delete("audit_people", "keys of audit entries", "{own} AND ({person in contact} OR {person in lead})"),
    keep("audit", "what entries say of the person is sealed with the key that goes"),
    keep("audit_heads", "the chains go on"),
    keep("erasures", "receipts, which hold nothing of a person"),
    blank("alerts", "alerts", "what = '(forgotten)'", "tenant = {slug} AND {named what}"),
    blank("findings", "findings", "what = '(forgotten)'", "{own} AND {named what}"),
    blank("connections", "errors of connections", "last_error = '(forgotten)'", "{own} AND {named last_error}"),
    blank("cursors", "errors of polls", "error = '(forgotten)'", "{own} AND {named error}"),
    blank("sources", "errors of sources", "last_error = '(forgotten)'", "{own} AND {named last_error}"),
    keep("companies", "a customer that is more than one person"),
    keep("locations", SETTINGS),
    keep("contact_groups", SETTINGS),
    keep("custom_fields", SETTINGS),
    keep("tenants", SETTINGS),
    keep("tenant_deletions", SETTINGS),
    keep("automations", SETTINGS),
    keep("automation_versions", SETTINGS),
    keep("schedules", SETTINGS),
    keep("forms", SETTINGS),
    keep("wordings", SETTINGS),
    keep("api_keys", SETTINGS),
    keep("users", STAFF),
    keep("memberships", STAFF),
    keep("sign_ins", STAFF),
    keep("password_links", STAFF),
    keep("sessions", STAFF),
    keep("uncounted_sign_ins", MACHINE),
    keep("daemons", MACHINE),
    keep("key_checks", MACHINE),
    keep("restores", MACHINE),
];
