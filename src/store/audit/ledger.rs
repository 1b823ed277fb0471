//! What makes entries and seals values: keys that come of the master key, and the hash of an entry.

use diesel::prelude::*;
use sha2::{Digest, Sha256};

use crate::Conn;
use crate::conn::on;
use nexora_core::base::Result;
use nexora_core::base::mac::code_of;
use nexora_core::base::secret::{MasterKey, Secret};
use nexora_core::base::text::{Json, hex};
use nexora_core::model::audit::{ChainHead, Entry, audit_roots};

/// What the stored root is bound to.
const ROOT: &str = "audit root";

/// There is one row of `audit_roots`.
const ONLY: i64 = 1;

/// The keys of the audit trail.
#[derive(Clone, Debug)]
pub struct Ledger {
    root: MasterKey,
}

impl Ledger {
    /// Returns the ledger of an installation whose master key is the one that it began with.
    pub fn of(key: &MasterKey) -> Ledger {
        Ledger { root: key.child(ROOT) }
    }

    /// Returns the ledger of an installation, whatever its master key has been.
    ///
    /// # Errors
    /// `Denied` when the key does not open what is stored.
    pub fn open(conn: &mut Conn, key: &MasterKey) -> Result<Ledger> {
        let sealed: Option<Vec<u8>> =
            on!(conn, |c| audit_roots::table.find(ONLY).select(audit_roots::sealed).first(c).optional())?;
        match sealed {
            None => Ok(Ledger::of(key)),
            Some(sealed) => Ok(Ledger { root: MasterKey::parse(key.open(ROOT, &sealed)?.expose())? }),
        }
    }

    /// Has the trail go on under another master key: what sealed it so far is stored, sealed by the new one. It
    /// belongs into the write that has everything else opened by the new key.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be written.
    pub fn carry_over(&self, conn: &mut Conn, new: &MasterKey) -> Result<()> {
        let sealed = new.seal(ROOT, &self.root.to_hex())?;
        let update = diesel::update(audit_roots::table.find(ONLY)).set(audit_roots::sealed.eq(&sealed));
        if on!(conn, |c| update.execute(c))? == 0 {
            let row = (audit_roots::id.eq(ONLY), audit_roots::sealed.eq(&sealed));
            on!(conn, |c| diesel::insert_into(audit_roots::table).values(row).execute(c))?;
        }
        Ok(())
    }

    /// Returns the hash of an entry.
    pub(super) fn hash(&self, entry: &Entry) -> String {
        let number = entry.number.to_string();
        let at = entry.at.millis().to_string();
        let form = entry.form.to_string();
        code_of(
            &self.root.derive("audit entry"),
            &[
                &entry.previous_hash,
                &form,
                &entry.chain,
                &number,
                &at,
                &entry.actor,
                &entry.action,
                &entry.subject,
                entry.before.as_ref().map_or("", Json::as_str),
                entry.after.as_ref().map_or("", Json::as_str),
                entry.person.as_deref().unwrap_or_default(),
            ],
        )
    }

    /// Returns the code of a head.
    pub(super) fn mac(&self, head: &ChainHead) -> String {
        let (entries, at) = (head.entries.to_string(), head.changed_at.millis().to_string());
        code_of(&self.root.derive("audit head"), &[&head.chain, &entries, &head.hash, &at])
    }

    /// Seals the key of a person for the tenant that knows them.
    pub(super) fn wrap(&self, owner: &str, key: &MasterKey) -> Result<Vec<u8>> {
        self.root.child("audit people").seal(owner, &key.to_hex())
    }

    /// Opens what `wrap` made.
    pub(super) fn unwrap(&self, owner: &str, sealed: &[u8]) -> Result<MasterKey> {
        let opened: Secret = self.root.child("audit people").open(owner, sealed)?;
        MasterKey::parse(opened.expose())
    }
}

/// Returns the hash that entries of form 0 have: SHA-256 over each field, with its length before it.
pub(super) fn plain_hash(entry: &Entry) -> String {
    let mut digest = Sha256::new();
    let mut add = |text: &str| {
        digest.update(text.len().to_be_bytes());
        digest.update(text.as_bytes());
    };
    add(&entry.previous_hash);
    add(&entry.chain);
    add(&entry.number.to_string());
    add(&entry.at.millis().to_string());
    add(&entry.actor);
    add(&entry.action);
    add(&entry.subject);
    add(entry.before.as_ref().map_or("", Json::as_str));
    add(entry.after.as_ref().map_or("", Json::as_str));
    hex(digest.finalize())
}
