//! Whether the audit trail is as it was written, in the words of the tenants' names.

use serde::Serialize;

use crate::app::App;
use crate::domain::report::health::Level;
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::TenantId;
use nexora_core::model::audit::AuditHead;
use nexora_core::model::finding::Finding;
use nexora_store::audit::{self, Checked};
use nexora_store::{Conn, tenant};

/// The key of what is found of it.
pub const KEY: &str = "audit";

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// The tenant's slug; `system` for what belongs to none; an id where the tenant is gone.
    pub chain: String,
    pub number: Option<i64>,
    pub what: String,
}

/// What a look at the trail came to.
#[derive(Clone, Debug, Serialize)]
pub struct Looked {
    pub chains: usize,
    pub entries: i64,
    pub troubles: Vec<Trouble>,
}

impl Looked {
    /// Returns what is told of a trail that was changed.
    pub fn finding(&self, now: Timestamp) -> Option<Finding> {
        let first = self.troubles.first()?;
        let place = first.number.map(|number| format!("entry {number} ")).unwrap_or_default();
        let what =
            format!("the audit trail of `{}` was changed outside Nexora: {place}{}", first.chain, first.what);
        Some(Finding {
            key: KEY.to_owned(),
            tenant_id: None,
            level: Level::Broken.name().to_owned(),
            what,
            command: "nexora audit verify".to_owned(),
            affected: i64::try_from(self.troubles.len()).unwrap_or(i64::MAX),
            since: now,
            looked_at: now,
        })
    }
}

/// Looks at the chain of the system and at those of all tenants, or of one. `expected` is a head that was kept
/// elsewhere. What earlier versions wrote is chained first.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn look(app: &App, only: Option<TenantId>, expected: Option<AuditHead>) -> Result<Looked> {
    let (now, ledger) = (app.clock.now(), app.ledger.clone());
    app.db.write(move |conn| audit::adopt(conn, &ledger, now)).await?;
    let ledger = app.ledger.clone();
    let looked = app.db.read(move |conn| {
        let checked = audit::verify(conn, &ledger, only.as_ref(), expected.as_ref())?;
        let troubles = named(conn, &checked)?;
        Ok(Looked { chains: checked.chains, entries: checked.entries, troubles })
    });
    looked.await
}

fn named(conn: &mut Conn, checked: &Checked) -> Result<Vec<Trouble>> {
    let mut troubles = Vec::new();
    for fault in &checked.faults {
        let known = match TenantId::parse(&fault.chain) {
            Ok(id) => tenant::find(conn, &id)?,
            Err(_) => None,
        };
        let chain = known.map_or_else(|| fault.chain.clone(), |tenant| tenant.slug.to_string());
        troubles.push(Trouble { chain, number: fault.number, what: fault.what.clone() });
    }
    Ok(troubles)
}
