//! Rows of `automatic_answers`: when an address that has not proven itself was written to, over all tenants.

use diesel::prelude::*;

use crate::conn::on;
use crate::{Conn, dialect};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::effect::Effect;
use nexora_core::model::verdict::automatic_answers;
use nexora_core::model::{EffectId, RunId};

/// Returns when other runs wrote to the address since a moment. Until the transaction ends, no other one can ask.
pub fn of_others(conn: &mut Conn, hash: &str, run: &RunId, since: Timestamp) -> Result<Vec<Timestamp>> {
    dialect::lock(conn, &format!("automatic-answer|{hash}"))?;
    on!(conn, |c| automatic_answers::table
        .filter(automatic_answers::hash.eq(hash))
        .filter(automatic_answers::at.gt(since))
        .filter(automatic_answers::run_id.ne(run))
        .select(automatic_answers::at)
        .load(c))
}

/// Notes that an effect writes to the address; a second attempt at it changes nothing.
pub fn insert(conn: &mut Conn, hash: &str, effect: &Effect, at: Timestamp) -> Result<()> {
    let row = (
        automatic_answers::effect_id.eq(&effect.id),
        automatic_answers::run_id.eq(&effect.run_id),
        automatic_answers::hash.eq(hash),
        automatic_answers::at.eq(at),
    );
    let insert = diesel::insert_into(automatic_answers::table).values(row).on_conflict_do_nothing();
    on!(conn, |c| insert.execute(c)).map(|_| ())
}

/// Deletes a share of the rows from before a moment, and returns how many.
pub fn prune(conn: &mut Conn, before: Timestamp, limit: i64) -> Result<usize> {
    let old: Vec<EffectId> = on!(conn, |c| automatic_answers::table
        .filter(automatic_answers::at.lt(before))
        .select(automatic_answers::effect_id)
        .limit(limit)
        .load(c))?;
    let delete = diesel::delete(automatic_answers::table.filter(automatic_answers::effect_id.eq_any(&old)));
    on!(conn, |c| delete.execute(c))
}
