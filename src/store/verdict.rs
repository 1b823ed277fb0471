//! Rows of `verdicts`.

use diesel::prelude::*;

use crate::base::Result;
use crate::model::verdict::{Verdict, verdicts};
use crate::model::{EffectId, TenantId};
use crate::store::Conn;
use crate::store::conn::on;

pub fn insert(conn: &mut Conn, verdict: &Verdict) -> Result<()> {
    let insert = diesel::insert_into(verdicts::table).values(verdict).on_conflict_do_nothing();
    on!(conn, |c| insert.execute(c)).map(|_| ())
}

/// Returns what was decided about an effect, oldest first. The gate notes only what differs from
/// what it said before, so there is no limit here.
pub fn of_effect(conn: &mut Conn, tenant: &TenantId, effect: &EffectId) -> Result<Vec<Verdict>> {
    on!(conn, |c| verdicts::table
        .filter(verdicts::tenant_id.eq(tenant))
        .filter(verdicts::effect_id.eq(effect))
        .order(verdicts::number)
        .select(Verdict::as_select())
        .load(c))
}
