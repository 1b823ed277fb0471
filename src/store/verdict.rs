//! Rows of `verdicts`.

use diesel::prelude::*;

use crate::base::Result;
use crate::model::verdict::GateDecisionRow;
use crate::model::{EffectId, TenantId};
use crate::store::Conn;
use crate::store::conn::on;
use crate::store::schema::verdicts;

pub fn insert(conn: &mut Conn, verdict: &GateDecisionRow) -> Result<()> {
    let row = (
        verdicts::tenant_id.eq(&verdict.tenant_id),
        verdicts::effect_id.eq(&verdict.effect_id),
        verdicts::number.eq(verdict.number),
        verdicts::gate.eq(verdict.gate),
        verdicts::decision.eq(verdict.decision),
        verdicts::reason.eq(&verdict.reason),
        verdicts::at.eq(verdict.at),
        verdicts::until.eq(verdict.until),
    );
    let insert = diesel::insert_into(verdicts::table).values(row).on_conflict_do_nothing();
    on!(conn, c => insert.execute(c)).map(|_| ())
}

/// Returns what was decided about an effect, oldest first. The gate notes only what differs from
/// what it said before, so there is no limit here.
pub fn of_effect(conn: &mut Conn, tenant: &TenantId, effect: &EffectId) -> Result<Vec<GateDecisionRow>> {
    on!(conn, c => verdicts::table
        .filter(verdicts::tenant_id.eq(tenant))
        .filter(verdicts::effect_id.eq(effect))
        .order(verdicts::number)
        .load(c))
}
