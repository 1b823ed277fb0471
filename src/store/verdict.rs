//! Rows of `verdicts`.

use diesel::prelude::*;

use crate::conn::on;
use crate::{Conn, Tx};
use nexora_core::base::Result;
use nexora_core::model::EffectId;
use nexora_core::model::verdict::{GateDecisionRow, verdicts};

pub fn insert(conn: &mut Conn, verdict: &GateDecisionRow) -> Result<()> {
    let insert = diesel::insert_into(verdicts::table).values(verdict).on_conflict_do_nothing();
    on!(conn, |c| insert.execute(c)).map(|_| ())
}

/// Returns what was decided about an effect, oldest first. The gate notes only what differs from
/// what it said before, so there is no limit here.
pub fn of_effect(tx: &mut Tx, effect: &EffectId) -> Result<Vec<GateDecisionRow>> {
    on!(tx.conn, |c| verdicts::table
        .filter(verdicts::tenant_id.eq(tx.tenant))
        .filter(verdicts::effect_id.eq(effect))
        .order(verdicts::number)
        .select(GateDecisionRow::as_select())
        .load(c))
}
