//! The configuration, the master key, and whether it opens everything that was sealed with it.

use crate::ops::LIST_LIMIT;
use crate::ops::doctor::surroundings::tenants;
use crate::ops::doctor::{Finding, Surroundings};
use nexora_core::base::Result;
use nexora_core::base::secret::MasterKey;
use nexora_core::base::wording::count;
use nexora_core::model::tenant::Tenant;
use nexora_store::{Tx, connection, source};

pub fn configuration(around: &Surroundings) -> Vec<Finding> {
    let path = around.path.display();
    let fix = format!("edit `{path}`, then run `nexora config check`");
    if around.examined.faults.is_empty() {
        return vec![Finding::good(format!("`{path}` is valid"))];
    }
    around.examined.faults.iter().map(|fault| Finding::of(fault, &fix)).collect()
}

/// A credential that the key does not open.
struct Sealed {
    what: String,
    owner: String,
    credential: Vec<u8>,
}

pub async fn master_key(around: &Surroundings) -> Vec<Finding> {
    let config = match around.config() {
        Ok(config) => config,
        Err(skipped) => return skipped,
    };
    let file = config.secrets.key_file.display();
    let key = match config.secrets.master_key() {
        Ok(key) => key,
        Err(error) => return vec![Finding::of(&error, "restore it from your backup")],
    };
    let app = match &around.app {
        Ok(app) => app,
        // Another key is why: the database itself says everything else.
        Err(error) if error.report().contains("master key") => {
            return vec![Finding::of(error, "restore it from your backup")];
        }
        Err(_) => return vec![Finding::good(format!("`{file}` is a key, for its owner alone"))],
    };
    let mut findings = Vec::new();
    let mut opened = 0;
    let found = match tenants(app).await {
        Ok(found) => found,
        Err(error) => return vec![Finding::of(&error, "nexora status")],
    };
    for tenant in found {
        match app.view(&tenant, |tx| sealed(tx)).await {
            Ok(all) => {
                let closed = all.iter().filter(|one| !opens(&key, one));
                findings.extend(closed.map(|one| unopened(&tenant, &one.what)));
                opened += all.iter().filter(|one| opens(&key, one)).count();
            }
            Err(error) => findings.push(Finding::of(&error, "nexora status").about(&tenant)),
        }
    }
    let opens = count(opened, "credential", "credentials");
    findings.insert(0, Finding::good(format!("`{file}` opens {opens}")));
    findings
}

fn opens(key: &MasterKey, one: &Sealed) -> bool {
    key.open(&one.owner, &one.credential).is_ok()
}

fn unopened(tenant: &Tenant, what: &str) -> Finding {
    let said = format!("the master key does not open the credential of {what}");
    let fix = match what.split_once('`').map(|(noun, name)| (noun, name.trim_end_matches('`'))) {
        Some((noun, name)) if noun.starts_with("source") => {
            format!("nexora source rotate-secret {name} --tenant {}", tenant.slug)
        }
        Some((_, name)) => {
            format!("nexora connection set {name} --tenant {}, or authorize it again", tenant.slug)
        }
        None => "restore the key from your backup".to_owned(),
    };
    Finding::broken(said, fix).about(tenant)
}

/// Returns what was sealed for a tenant.
fn sealed(tx: &mut Tx) -> Result<Vec<Sealed>> {
    let of_connections = connection::list(tx, LIST_LIMIT)?.into_iter().filter_map(|found| {
        let (what, owner) = (format!("connection `{}`", found.name), found.seal_owner());
        Some(Sealed { what, owner, credential: found.sealed? })
    });
    let mut all: Vec<Sealed> = of_connections.collect();
    all.extend(source::list(tx, LIST_LIMIT)?.into_iter().filter_map(|found| {
        let (what, owner) = (format!("source `{}`", found.name), found.seal_owner());
        Some(Sealed { what, owner, credential: found.sealed? })
    }));
    Ok(all)
}
