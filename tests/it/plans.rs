//! No query reads a table that grows from end to end, nor all rows of a tenant to find a few of them.
//!
//! What the tests of this process have had SQLite prepare is looked at by its own `EXPLAIN QUERY PLAN`.

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

/// Returns what is wrong with a plan of SQLite's, if anything is.
fn fault(sql: &str, line: &str) -> bool {
    let mut words = line.split(' ');
    let (verb, table) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let reads_rows_in_order = sql.contains("LIMIT") || sql.contains("min(") || sql.contains("max(");
    match verb {
        _ if !GROWING.contains(&table) => false,
        "SCAN" => !reads_rows_in_order,
        "SEARCH" => line.ends_with("(tenant_id=?)") && !reads_rows_in_order,
        _ => false,
    }
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
            let mut faults = Vec::new();
            for sql in PREPARED.lock().unwrap().iter() {
                let explained = diesel::sql_query(format!("EXPLAIN QUERY PLAN {sql}")).load::<Line>(conn);
                let lines = explained.into_iter().flatten().filter(|line| fault(sql, &line.detail));
                faults.extend(lines.map(|line| format!("{}\n    {sql}", line.detail)));
            }
            Ok(faults)
        })
        .await
        .unwrap();
    assert!(PREPARED.lock().unwrap().len() > 50);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
