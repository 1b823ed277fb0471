//! The configuration, the master key, and whether it opens everything that was sealed with it.

use crate::app::App;
use crate::ops::doctor::surroundings::tenants;
use crate::ops::doctor::{Finding, Surroundings};
use nexora_connector::kind::Connectors;
use nexora_core::base::Result;
use nexora_core::base::secret::MasterKey;
use nexora_core::base::wording::count;
use nexora_core::model::tenant::Tenant;
use nexora_core::model::{TenantId, UserId};
use nexora_store::sealed::{self, Place};
use nexora_store::{Conn, user};

pub fn configuration(around: &Surroundings) -> Vec<Finding> {
    let path = around.path.display();
    let fix = format!("edit `{path}`, then run `nexora config check`");
    if around.examined.faults.is_empty() {
        return vec![Finding::good(format!("`{path}` is valid"))];
    }
    around.examined.faults.iter().map(|fault| Finding::of(fault, &fix)).collect()
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
    unsealed(app, &key, &file.to_string())
        .await
        .unwrap_or_else(|error| vec![Finding::of(&error, "nexora status")])
}

/// Opens everything that is sealed, of all tenants and users.
async fn unsealed(app: &App, key: &MasterKey, file: &str) -> Result<Vec<Finding>> {
    let tenants = tenants(app).await?;
    let (key, connectors) = (key.clone(), app.connectors().clone());
    let (closed, opened) = app
        .db
        .read(move |conn| {
            let all = sealed::all(conn)?;
            let number = all.len();
            let closed =
                all.into_iter().filter(|(place, value)| key.open(&place.seal_owner(), value).is_err());
            let closed =
                closed.map(|(place, _)| Closed::of(conn, &connectors, place)).collect::<Result<Vec<_>>>()?;
            let opened = number - closed.len();
            Ok((closed, opened))
        })
        .await?;
    let mut findings =
        vec![Finding::good(format!("`{file}` opens {}", count(opened, "credential", "credentials")))];
    findings.extend(closed.into_iter().map(|closed| closed.finding(&tenants)));
    Ok(findings)
}

/// A credential that the key does not open.
struct Closed {
    what: String,
    tenant: Option<TenantId>,
    /// What puts another one in its place, without the tenant.
    fix: String,
}

impl Closed {
    fn of(conn: &mut Conn, connectors: &Connectors, place: Place) -> Result<Closed> {
        let mut email = |id: &UserId| {
            user::find(conn, id)
                .map(|found| found.map_or_else(|| id.to_string(), |user| user.email.to_string()))
        };
        Ok(match place {
            Place::Connection(row) => Closed {
                what: format!("the credential of connection `{}`", row.name),
                fix: format!("nexora {}", connectors.of(&row)?.credential_command(&row)),
                tenant: Some(row.tenant_id),
            },
            Place::Source(row) => Closed {
                what: format!("the secret of source `{}`", row.name),
                fix: format!("nexora source rotate-secret {}", row.name),
                tenant: Some(row.tenant_id),
            },
            Place::Turnstile(row) => Closed {
                what: "the secret key of the form's puzzle".to_owned(),
                fix: "nexora form turnstile --site-key KEY --from-file SECRET".to_owned(),
                tenant: Some(row.tenant_id),
            },
            Place::Totp(user) => {
                let email = email(&user)?;
                Closed {
                    what: format!("the two-step sign-in of `{email}`"),
                    fix: format!("nexora user totp disable {email}"),
                    tenant: None,
                }
            }
            Place::TotpPending(user) => {
                let email = email(&user)?;
                Closed {
                    what: format!("the two-step sign-in of `{email}`, which is not confirmed"),
                    fix: format!("nexora user totp enrol {email}"),
                    tenant: None,
                }
            }
        })
    }

    fn finding(self, tenants: &[Tenant]) -> Finding {
        let said = format!("the master key does not open {}", self.what);
        match tenants.iter().find(|tenant| Some(&tenant.id) == self.tenant.as_ref()) {
            Some(tenant) => {
                Finding::broken(said, format!("{} --tenant {}", self.fix, tenant.slug)).about(tenant)
            }
            None => Finding::broken(said, self.fix),
        }
    }
}
