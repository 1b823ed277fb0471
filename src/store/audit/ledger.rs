//! What makes entries and seals values: keys that come of the master key, and the hash of an entry.

use sha2::{Digest, Sha256};

use nexora_core::base::Result;
use nexora_core::base::mac::code_of;
use nexora_core::base::secret::{MasterKey, Secret};
use nexora_core::base::text::{Json, hex};
use nexora_core::model::audit::{ChainHead, Entry};

/// What the trail's own key is derived for.
const ROOT: &str = "audit root";

/// The keys of the audit trail.
#[derive(Clone, Debug)]
pub struct Ledger {
    root: MasterKey,
}

impl Ledger {
    /// Returns the ledger of an installation by its master key. It comes of the key's root, so that a rotation of the key
    /// leaves the trail as it is.
    pub fn of(key: &MasterKey) -> Ledger {
        Ledger { root: key.child(ROOT) }
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
