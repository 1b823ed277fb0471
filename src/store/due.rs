//! What is due, found by index and shared out fairly among tenants.
//!
//! Every queue keeps `due_at` exactly while a stage has something to do with the row, under two
//! partial indexes: by moment, and by tenant and moment. While little is due, the oldest goes
//! first. When more is due than one sweep may take, the sweep goes round the tenants instead and
//! gives each the same share, so that one tenant's long queue delays no other.

use std::time::Duration;

use diesel::RunQueryDsl;
use diesel::sql_types::{BigInt, Nullable, Text};

use crate::conn::on;
use crate::kept::kept;
use crate::{Conn, dialect};
use nexora_core::base::Result;
use nexora_core::base::clock::{Timestamp, whole_millis};
use nexora_core::model::TenantId;

/// A table whose rows become due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    Events,
    Runs,
    Effects,
    Cursors,
    Timers,
    Schedules,
    Notices,
}

impl Queue {
    /// Every queue, in the order in which work goes through them.
    pub const ALL: [Queue; 7] = [
        Queue::Cursors,
        Queue::Notices,
        Queue::Timers,
        Queue::Schedules,
        Queue::Events,
        Queue::Runs,
        Queue::Effects,
    ];

    /// Returns the name of what waits in it.
    pub fn table(self) -> &'static str {
        match self {
            Queue::Events => "events",
            Queue::Runs => "runs",
            Queue::Effects => "effects",
            Queue::Cursors => "cursors",
            Queue::Timers => "timers",
            Queue::Schedules => "schedules",
            Queue::Notices => "notices",
        }
    }

    /// Returns the column that a row's connection stands in, as SQL.
    fn connection(self) -> &'static str {
        match self {
            Queue::Effects => "connection_id",
            Queue::Events
            | Queue::Runs
            | Queue::Cursors
            | Queue::Timers
            | Queue::Schedules
            | Queue::Notices => "'' AS connection_id",
        }
    }
}

/// A row that is due: whose it is, and its id as text.
#[derive(Clone, Debug, PartialEq, Eq, diesel::QueryableByName)]
pub struct Due {
    #[diesel(sql_type = Text)]
    pub tenant_id: TenantId,
    #[diesel(sql_type = Text)]
    pub id: String,
    /// The connection that an effect goes through; nothing for other rows.
    #[diesel(sql_type = Text)]
    pub connection_id: String,
}

/// One sweep's share of what is due.
#[derive(Debug, Default)]
pub struct Share {
    pub rows: Vec<Due>,
    /// More is due than was handed out.
    pub more: bool,
    /// Where the next round begins: after this tenant.
    pub after: Option<TenantId>,
}

impl Share {
    /// Notes that the last `left` rows were not worked on: more is due, and the next round begins with the
    /// tenant after the last one that was served.
    pub fn cut_short(&mut self, left: usize) {
        if left > 0 {
            self.more = true;
            self.after = self.rows.last().map(|row| row.tenant_id.clone()).or(self.after.take());
        }
    }
}

/// Tenants that one sweep visits at most, so that its cost has a bound whatever their number.
const TENANTS_PER_ROUND: i64 = 256;

#[derive(diesel::QueryableByName)]
struct Moment {
    #[diesel(sql_type = Nullable<BigInt>)]
    moment: Option<Timestamp>,
}

#[derive(diesel::QueryableByName)]
struct Tenant {
    #[diesel(sql_type = Text)]
    tenant_id: TenantId,
}

/// Returns when the queue's next row becomes due; nothing when it is empty.
pub fn next(conn: &mut Conn, queue: Queue) -> Result<Option<Timestamp>> {
    let sql = format!("SELECT min(due_at) AS moment FROM {} WHERE due_at IS NOT NULL", queue.table());
    let rows: Vec<Moment> = on!(conn, |c| kept(diesel::sql_query(sql)).load(c))?;
    Ok(rows.first().and_then(|row| row.moment))
}

/// Returns at most `limit` rows that are due at `now`, each tenant's oldest first.
pub fn take(
    conn: &mut Conn,
    queue: Queue,
    now: Timestamp,
    limit: usize,
    after: Option<&TenantId>,
) -> Result<Share> {
    let mut oldest = oldest(conn, queue, now, limit.saturating_add(1))?;
    if oldest.len() <= limit {
        return Ok(Share { rows: oldest, more: false, after: after.cloned() });
    }
    let round = tenants_due(conn, queue, now, after)?;
    let share = (limit / round.len().max(1)).max(1);
    let mut rows = Vec::with_capacity(limit);
    let mut served = after.cloned();
    for tenant in round {
        if rows.len() >= limit {
            break;
        }
        rows.extend(oldest_of(conn, queue, now, &tenant, share.min(limit - rows.len()))?);
        served = Some(tenant);
    }
    if rows.is_empty() {
        oldest.truncate(limit);
        rows = oldest;
    }
    Ok(Share { rows, more: true, after: served })
}

/// Reads by the index `*_due`.
fn oldest(conn: &mut Conn, queue: Queue, now: Timestamp, limit: usize) -> Result<Vec<Due>> {
    let sql = format!(
        "SELECT tenant_id, id, {} FROM {} WHERE due_at <= $1 ORDER BY due_at, id LIMIT $2{}",
        queue.connection(),
        queue.table(),
        dialect::skip_locked(conn)
    );
    on!(conn, |c| kept(diesel::sql_query(sql).bind::<BigInt, _>(now).bind::<BigInt, _>(whole(limit))).load(c))
}

/// Reads by the index `*_due_by_tenant`.
fn oldest_of(
    conn: &mut Conn,
    queue: Queue,
    now: Timestamp,
    tenant: &TenantId,
    limit: usize,
) -> Result<Vec<Due>> {
    let sql = format!(
        "SELECT tenant_id, id, {} FROM {} WHERE tenant_id = $1 AND due_at <= $2 ORDER BY due_at, id LIMIT $3{}",
        queue.connection(),
        queue.table(),
        dialect::skip_locked(conn)
    );
    on!(conn, |c| kept(
        diesel::sql_query(sql).bind::<Text, _>(tenant).bind::<BigInt, _>(now).bind::<BigInt, _>(whole(limit))
    )
    .load(c))
}

/// Walks the tenants that have due rows, from `after` on and round to it again, by seeking in the
/// index `*_due_by_tenant` from one tenant to the next.
fn tenants_due(
    conn: &mut Conn,
    queue: Queue,
    now: Timestamp,
    after: Option<&TenantId>,
) -> Result<Vec<TenantId>> {
    let start = after.map_or("", TenantId::as_str);
    let mut tenants = tenants_between(conn, queue, now, (start, "~"))?;
    if !start.is_empty() && whole(tenants.len()) < TENANTS_PER_ROUND {
        tenants.extend(tenants_between(conn, queue, now, ("", start))?);
        if let Some(last) = after.filter(|last| !tenants.contains(last)) {
            tenants.push(last.clone());
        }
    }
    Ok(tenants)
}

/// The bounds are exclusive; `~` sorts after every id.
fn tenants_between(
    conn: &mut Conn,
    queue: Queue,
    now: Timestamp,
    (low, high): (&str, &str),
) -> Result<Vec<TenantId>> {
    let sql = format!(
        "WITH RECURSIVE round (tenant_id, visit) AS (
           SELECT (SELECT min(tenant_id) FROM {table} WHERE due_at IS NOT NULL AND tenant_id > $1), 1
           UNION ALL
           SELECT (SELECT min(d.tenant_id) FROM {table} d
                    WHERE d.due_at IS NOT NULL AND d.tenant_id > round.tenant_id), visit + 1
             FROM round WHERE round.tenant_id < $2 AND visit < {TENANTS_PER_ROUND}
         )
         SELECT tenant_id FROM round
          WHERE tenant_id IS NOT NULL AND tenant_id < $2
            AND (SELECT min(due_at) FROM {table} d
                  WHERE d.tenant_id = round.tenant_id AND d.due_at IS NOT NULL) <= $3",
        table = queue.table()
    );
    let rows: Vec<Tenant> = on!(conn, |c| kept(
        diesel::sql_query(sql).bind::<Text, _>(low).bind::<Text, _>(high).bind::<BigInt, _>(now)
    )
    .load(c))?;
    Ok(rows.into_iter().map(|row| row.tenant_id).collect())
}

/// Brings back what waits, after the clock went from `before` back to `now`: what is tried again, by as much; what was
/// due already, and what is read again and again, to now. No lease lasts for longer than `lease` from now.
pub fn bring_back(conn: &mut Conn, (now, before): (Timestamp, Timestamp), lease: Duration) -> Result<()> {
    let by = before.since(now);
    for queue in Queue::ALL {
        match queue {
            // The hour that people see decides about these.
            Queue::Timers | Queue::Schedules => {}
            Queue::Cursors => set_due(conn, queue, "$1", (now, None))?,
            Queue::Runs => set_due(conn, queue, "$1", (now, Some(before)))?,
            Queue::Events | Queue::Effects | Queue::Notices => {
                set_due(conn, queue, &format!("due_at - {}", whole_millis(by)), (now, None))?;
            }
        }
    }
    for table in ["cursors", "effects"] {
        let sql = format!("UPDATE {table} SET lease_until = $1 WHERE lease_until > $1");
        let until = now + lease;
        on!(conn, |c| kept(diesel::sql_query(sql).bind::<BigInt, _>(until)).execute(c))?;
    }
    Ok(())
}

/// Sets when rows are due that are due after `now`, and not after `until`.
fn set_due(
    conn: &mut Conn,
    queue: Queue,
    due_at: &str,
    (now, until): (Timestamp, Option<Timestamp>),
) -> Result<()> {
    let until = until.map_or_else(String::new, |until| format!(" AND due_at <= {}", until.millis()));
    let table = queue.table();
    let sql = format!("UPDATE {table} SET due_at = {due_at} WHERE due_at > $1{until}");
    // It happens once in years: its statement need not be kept.
    on!(conn, |c| diesel::sql_query(sql).bind::<BigInt, _>(now).execute(c)).map(|_| ())
}

/// How much is due in a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, diesel::QueryableByName, serde::Serialize)]
pub struct Depth {
    /// Counted up to `DEPTH_LIMIT`.
    #[diesel(sql_type = BigInt)]
    pub due: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub oldest: Option<Timestamp>,
}

pub const DEPTH_LIMIT: i64 = 10_000;

/// Counts what is due at `now`, of every tenant.
pub fn depth(conn: &mut Conn, queue: Queue, now: Timestamp) -> Result<Depth> {
    let sql = format!(
        "SELECT count(*) AS due, min(due_at) AS oldest FROM
           (SELECT due_at FROM {} WHERE due_at <= $1 ORDER BY due_at, id LIMIT {DEPTH_LIMIT}) AS waiting",
        queue.table()
    );
    let rows: Vec<Depth> = on!(conn, |c| kept(diesel::sql_query(sql).bind::<BigInt, _>(now)).load(c))?;
    Ok(rows.first().copied().unwrap_or_default())
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
