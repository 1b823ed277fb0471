//! Rows of `notices`.

use diesel::prelude::*;

use crate::conn::on;
use crate::kept;
use crate::{Claim, Conn, Inserted, Tx, Whose, whose};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::daemon::Lease;
use nexora_core::model::source::{Notice, NoticeState, notices};
use nexora_core::model::{DaemonId, NoticeId, SourceId, TenantId};

/// Inserts the notice, unless its source told of the same lead before.
pub fn insert(conn: &mut Conn, notice: &Notice) -> Result<Inserted> {
    let insert = diesel::insert_into(notices::table).values(notice).on_conflict_do_nothing();
    on!(conn, |c| insert.execute(c)).map(Inserted::from_count)
}

pub fn find(tx: &mut Tx, id: &NoticeId) -> Result<Option<Notice>> {
    on!(tx.conn, |c| notices::table.find((tx.tenant, id)).select(Notice::as_select()).first(c).optional())
}

pub fn find_by_external_id(tx: &mut Tx, source: &SourceId, external_id: &str) -> Result<Option<Notice>> {
    on!(tx.conn, |c| notices::table
        .filter(notices::tenant_id.eq(tx.tenant))
        .filter(notices::source_id.eq(source))
        .filter(notices::external_id.eq(external_id))
        .select(Notice::as_select())
        .first(c)
        .optional())
}

/// What a list of notices is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub source: Option<SourceId>,
    pub state: Option<NoticeState>,
}

/// Lists a tenant's notices, latest first.
pub fn list(tx: &mut Tx, filter: &Filter, limit: i64) -> Result<Vec<Notice>> {
    on!(tx.conn, |c| {
        let mut query = notices::table.filter(notices::tenant_id.eq(tx.tenant)).into_boxed();
        if let Some(source) = &filter.source {
            query = query.filter(notices::source_id.eq(source));
        }
        if let Some(state) = filter.state {
            query = query.filter(notices::state.eq(state));
        }
        query.order(notices::id.desc()).limit(limit).select(Notice::as_select()).load(c)
    })
}

/// Takes a due notice for one attempt that counts as lost when its lease ends.
pub fn claim(conn: &mut Conn, notice: &Notice, lease: &Lease) -> Result<Claim> {
    let unchanged = notices::table
        .find((&notice.tenant_id, &notice.id))
        .filter(notices::epoch.eq(notice.epoch))
        .filter(notices::due_at.is_not_null());
    let update = kept::update(unchanged).set((
        notices::epoch.eq(notice.epoch + 1),
        notices::due_at.eq(Some(lease.until)),
        notices::leased_by.eq(&lease.holder),
    ));
    on!(conn, |c| update.execute(c)).map(Claim::from_count)
}

/// Writes what an attempt came to, unless another writer changed the notice since `epoch`.
pub fn save(conn: &mut Conn, notice: &Notice, epoch: i64) -> Result<Claim> {
    let unchanged = notices::table.find((&notice.tenant_id, &notice.id)).filter(notices::epoch.eq(epoch));
    let update = kept::update(unchanged).set((
        notice,
        notices::epoch.eq(epoch + 1),
        notices::leased_by.eq(None::<DaemonId>),
    ));
    on!(conn, |c| update.execute(c)).map(Claim::from_count)
}

/// Deletes at most `limit` notices that were fetched or dismissed before `before`; returns how many. Uses
/// `notices_settled`.
pub fn prune(conn: &mut Conn, whose: &Whose, before: Timestamp, limit: i64) -> Result<usize> {
    let old: Vec<(TenantId, NoticeId)> = on!(conn, |c| {
        let mut query = notices::table
            .filter(notices::settled_at.lt(before))
            .filter(notices::state.eq_any([NoticeState::Fetched, NoticeState::Dismissed]))
            .into_boxed();
        whose!(query, notices, whose);
        let query = query.order((notices::settled_at, notices::tenant_id, notices::id)).limit(limit);
        query.select((notices::tenant_id, notices::id)).load(c)
    })?;
    for (tenant, id) in &old {
        on!(conn, |c| diesel::delete(notices::table.find((tenant, id))).execute(c))?;
    }
    Ok(old.len())
}
