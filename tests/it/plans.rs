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
