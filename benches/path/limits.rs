//! What the machine itself can do, in the same run: HTTP without work, and the same rows without a program round them.

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::routing::post;
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sqlite::SqliteConnection;
use nexora_store::{Db, Url};

use crate::daemon::Daemons;
use crate::load::{Load, Round};
use crate::{per_second, stub};

/// Plays an HTTP server that reads what it is sent and does nothing with it.
pub async fn serve_bare() {
    let router = Router::new().route("/lead/acme", post(|_: Bytes| async { StatusCode::ACCEPTED }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    axum::serve(listener, router).await.unwrap();
}

pub async fn report(daemon: &Daemons, length: Duration) {
    let (mut process, address) = stub::play("bare");
    let begun = Instant::now();
    let sent = Load::new(vec![address.parse().unwrap()]).run(Round::of(64).lasting(length)).await;
    println!("raw limit, HTTP without work: {:.0}/s", per_second(sent.accepted.len(), begun.elapsed()));
    process.kill().unwrap();
    process.wait().unwrap();
    if let Url::Sqlite(path) = &daemon.database {
        let copy = daemon.folder().join("limit.db");
        Db::create(&Url::Sqlite(copy.clone())).await.unwrap();
        let path = path.clone();
        let leads = tokio::task::spawn_blocking(move || copy_rows(&path, &copy, length)).await.unwrap();
        println!("raw limit, the rows of a lead in commits of 64: {leads:.0}/s");
    }
}

/// What a lead has left behind when all is done, and by which column its rows are found.
const ROWS: [&str; 8] = [
    "INSERT OR IGNORE INTO contacts SELECT c.* FROM src.contacts c JOIN src.leads l ON l.tenant_id = c.tenant_id AND l.contact_id = c.id",
    "INSERT OR IGNORE INTO contact_addresses SELECT a.* FROM src.contact_addresses a JOIN src.leads l ON l.tenant_id = a.tenant_id AND l.contact_id = a.contact_id",
    "INSERT INTO leads SELECT l.* FROM src.leads l",
    "INSERT INTO events SELECT e.* FROM src.runs r JOIN src.events e ON e.tenant_id = r.tenant_id AND e.id = r.event_id JOIN src.leads l ON l.tenant_id = r.tenant_id AND l.id = r.subject_id",
    "INSERT INTO runs SELECT r.* FROM src.runs r JOIN src.leads l ON l.tenant_id = r.tenant_id AND l.id = r.subject_id",
    "INSERT INTO steps SELECT s.* FROM src.runs r JOIN src.steps s ON s.tenant_id = r.tenant_id AND s.run_id = r.id JOIN src.leads l ON l.tenant_id = r.tenant_id AND l.id = r.subject_id",
    "INSERT INTO effects SELECT f.* FROM src.runs r JOIN src.effects f ON f.tenant_id = r.tenant_id AND f.run_id = r.id JOIN src.leads l ON l.tenant_id = r.tenant_id AND l.id = r.subject_id",
    "INSERT INTO attempts SELECT t.* FROM src.runs r JOIN src.effects f ON f.tenant_id = r.tenant_id AND f.run_id = r.id JOIN src.attempts t ON t.tenant_id = f.tenant_id AND t.effect_id = f.id JOIN src.leads l ON l.tenant_id = r.tenant_id AND l.id = r.subject_id",
];

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = diesel::sql_types::Text)]
    id: String,
}

/// Copies leads with all their rows into an empty database of the same form, 64 leads to a synced commit, and returns
/// how many a second.
fn copy_rows(from: &std::path::Path, to: &std::path::Path, length: Duration) -> f64 {
    let mut conn = SqliteConnection::establish(&to.to_string_lossy()).unwrap();
    conn.batch_execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF")
        .unwrap();
    conn.batch_execute(&format!("ATTACH '{}' AS src", from.display())).unwrap();
    for whole in ["tenants", "connections", "automations", "automation_versions"] {
        conn.batch_execute(&format!("INSERT OR IGNORE INTO {whole} SELECT * FROM src.{whole}")).unwrap();
    }
    let leads: Vec<Id> =
        diesel::sql_query("SELECT id FROM src.leads ORDER BY id DESC LIMIT 100000").load(&mut conn).unwrap();
    let (begun, mut copied) = (Instant::now(), 0);
    for group in leads.chunks(64).take_while(|_| begun.elapsed() < length) {
        // An immediate one would lock the daemon's database as well.
        conn.batch_execute("BEGIN").unwrap();
        for lead in group {
            for rows in ROWS {
                let one = format!("{rows} WHERE l.id = $1");
                diesel::sql_query(one)
                    .bind::<diesel::sql_types::Text, _>(&lead.id)
                    .execute(&mut conn)
                    .unwrap();
            }
        }
        conn.batch_execute("COMMIT").unwrap();
        copied += group.len();
    }
    per_second(copied, begun.elapsed())
}
