//! A tenant's secrets on their way to another installation, sealed by a passphrase in the format of age.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::ops::LIST_LIMIT;
use crate::ops::backup::seal::{Lock, Opener};
use crate::ops::tenant::data::{FOLDER, SECRETS};
use nexora_core::base::secret::{MasterKey, Secret};
use nexora_core::base::{Error, Kind, Result, file};
use nexora_core::model::form::Form;
use nexora_store::{Tx, connection, form, source};

/// Secrets by the id of what they belong to.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    connections: BTreeMap<String, String>,
    sources: BTreeMap<String, String>,
    turnstile: Option<String>,
}

impl Secrets {
    /// Opens what is sealed of a tenant.
    ///
    /// # Errors
    /// `Denied` when the master key does not open it.
    pub fn gather(tx: &mut Tx, key: &MasterKey) -> Result<Secrets> {
        let mut all = Secrets::default();
        let open =
            |owner: &str, sealed: &[u8]| key.open(owner, sealed).map(|secret| secret.expose().to_owned());
        for row in connection::list(tx, LIST_LIMIT)? {
            if let Some(sealed) = row.sealed.as_deref() {
                all.connections.insert(row.id.to_string(), open(&row.seal_owner(), sealed)?);
            }
        }
        for row in source::list(tx, LIST_LIMIT)? {
            if let Some(sealed) = row.sealed.as_deref() {
                all.sources.insert(row.id.to_string(), open(&row.seal_owner(), sealed)?);
            }
        }
        if let Some(sealed) = form::find(tx)?.and_then(|form| form.turnstile_sealed) {
            all.turnstile = Some(open(&Form::seal_owner(tx.tenant()), &sealed)?);
        }
        Ok(all)
    }

    /// Writes them, sealed.
    ///
    /// # Errors
    /// `Usage` when the passphrase is too short, or the file cannot be written.
    pub fn write(&self, folder: &Path, passphrase: &Secret) -> Result<()> {
        let text = serde_json::to_vec(self)
            .map_err(|error| Error::internal("secrets have no JSON form").source(error))?;
        let mut sealed = Vec::new();
        let failed = |error| Error::internal("secrets cannot be sealed").source(error);
        let mut stream = Lock::of_passphrase(passphrase.clone())?.seal(&mut sealed)?;
        stream.write_all(&text).map_err(failed)?;
        stream.finish().map_err(failed)?;
        file::write(&folder.join(FOLDER).join(SECRETS), sealed, Kind::Usage)
    }

    /// Reads what `write` wrote.
    ///
    /// # Errors
    /// `NotFound` when there is none; `Denied` when the passphrase does not open it.
    pub fn read(folder: &Path, passphrase: &Secret) -> Result<Secrets> {
        let path = folder.join(FOLDER).join(SECRETS);
        if !path.is_file() {
            return Err(Error::not_found(format!("`{}` holds no secrets", folder.display()))
                .hint("apply it without `--passphrase-file`: what lacks a secret is said then"));
        }
        let sealed = file::read(&path, Kind::Usage)?;
        let refused = |error: Error| {
            Error::denied(format!("the passphrase does not open `{}`", path.display())).source(error.report())
        };
        let mut stream = Opener::Passphrase(passphrase.clone()).open(sealed.as_slice()).map_err(refused)?;
        let mut text = Vec::new();
        let damaged = |_| Error::conflict(format!("`{}` is damaged", path.display()));
        stream.read_to_end(&mut text).map_err(damaged)?;
        serde_json::from_slice(&text)
            .map_err(|_| Error::conflict(format!("`{}` holds something else", path.display())))
    }

    pub fn of_connection(&self, id: &str) -> Option<Secret> {
        self.connections.get(id).map(Secret::new)
    }

    pub fn of_source(&self, id: &str) -> Option<Secret> {
        self.sources.get(id).map(Secret::new)
    }

    /// Returns Turnstile's secret key, sealed for this installation.
    ///
    /// # Errors
    /// `Internal` when it cannot be sealed.
    pub fn turnstile(&self, app: &App, owner: &str) -> Result<Option<Vec<u8>>> {
        self.turnstile.as_ref().map(|secret| app.key.seal(owner, &Secret::new(secret))).transpose()
    }
}
