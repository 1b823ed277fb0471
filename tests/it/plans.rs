//! No query reads a table that grows from end to end, nor all rows of a tenant to find a few of them.
//!
//! What the tests of this process have had SQLite prepare is looked at by its own `EXPLAIN QUERY PLAN`. And every query
//! of tenants' rows names the tenant, so that a database that is spread by tenant asks one server alone, but for the
//! queues and the upkeep, which reach over all.

use std::collections::BTreeSet;
use std::sync::{Mutex, Once};

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use diesel::prelude::*;
use diesel::sql_types::Text;
use nexora::pipeline::prune;
use nexora_store::Conn;

use crate::harness::{Backend, Nexora, enquiry};

static PREPARED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

struct Listener;

impl Instrumentation for Listener {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if let InstrumentationEvent::CacheQuery { sql, .. } = event {
            PREPARED.lock().unwrap().insert(sql.to_owned());
        }
    }
}

/// Has every connection that is opened from now on tell what it prepares.
pub fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| set_default_instrumentation(|| Some(Box::new(Listener))).unwrap());
}

/// Tables with a row for each thing that happens.
const GROWING: [&str; 21] = [
    "appointments",
    "attempts",
    "audit",
    "consents",
    "contact_addresses",
    "contacts",
    "effects",
    "events",
    "items",
    "jobs",
    "leads",
    "messages",
    "notices",
    "photos",
    "runs",
    "sessions",
    "steps",
    "suppressions",
    "tasks",
    "timers",
    "verdicts",
];

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// Tells whether a line of a plan reads more than the query asks for. `partial` are the indexes of what still waits.
fn is_fault(sql: &str, line: &str, partial: &[Line]) -> bool {
    let mut words = line.split(' ');
    let (verb, table) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let asks_for_the_first = ["LIMIT", "min(", "max("].iter().any(|word| sql.contains(word));
    let asks_for_all = !sql.contains(" AND ");
    let of_few = partial.iter().any(|index| line.contains(&format!(" {} ", index.detail)));
    if !GROWING.contains(&table) || asks_for_the_first || asks_for_all || of_few {
        return false;
    }
    verb == "SCAN" || (verb == "SEARCH" && line.ends_with("(tenant_id=?)"))
}

/// What tells a query of a queue, or of the upkeep, from one of a tenant: by what it finds its rows.
const OVER_ALL: [&str; 8] = [
    "due_at",
    "lease_until",
    "leased_by",
    "finished_at",
    "expires_at",
    "ends_at <",
    "created_at <",
    "max(rowid)",
];

/// Growing tables whose rows belong to no tenant alone: sessions to a user, audit entries to a chain.
const OF_NO_TENANT: [&str; 2] = ["audit", "sessions"];

/// Tells whether a query looks for rows of a growing table without saying whose.
fn names_no_tenant(sql: &str) -> bool {
    let plain = sql.replace(['`', '"', '(', ')'], "").to_lowercase();
    let Some((_, condition)) = plain.split_once(" where ") else { return false };
    let of_tenants = |table: &str| {
        ["from ", "update ", "join "].iter().any(|word| plain.contains(&format!("{word}{table} ")))
    };
    GROWING.iter().any(|table| !OF_NO_TENANT.contains(table) && of_tenants(table))
        && !condition.contains("tenant_id")
        && !OVER_ALL.iter().any(|column| condition.contains(column))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_query_reads_more_than_it_is_asked_for() {
    let nexora = Nexora::with_sandbox(Backend::Sqlite).await;
    let id = nexora.submit(enquiry()).await;
    nexora.settle().await;
    nexora.lead(&id).await;
    prune::sweep(&nexora.app).await.unwrap();
    let faults = nexora
        .app
        .db
        .read(|conn| {
            let Conn::Sqlite(conn) = conn else { unreachable!() };
            let partial =
                "SELECT name AS detail FROM sqlite_schema WHERE type = 'index' AND sql LIKE '% WHERE %'";
            let partial: Vec<Line> = diesel::sql_query(partial).load(conn)?;
            let mut faults = Vec::new();
            for sql in PREPARED.lock().unwrap().iter() {
                if names_no_tenant(sql) {
                    faults.push(format!("of no tenant\n    {sql}"));
                }
                let explained = diesel::sql_query(format!("EXPLAIN QUERY PLAN {sql}")).load::<Line>(conn);
                let lines =
                    explained.into_iter().flatten().filter(|line| is_fault(sql, &line.detail, &partial));
                faults.extend(lines.map(|line| format!("{}\n    {sql}", line.detail)));
            }
            Ok(faults)
        })
        .await
        .unwrap();
    assert!(PREPARED.lock().unwrap().len() > 50);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
