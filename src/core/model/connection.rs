//! A connection: one tenant's configured use of a connector, with its sealed credential.

use std::collections::BTreeSet;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::base::Result;
use crate::base::clock::Timestamp;
use crate::base::text::{Json, define_words};
use crate::model::connector::ConnectionKind;
use crate::model::{ConnectionId, TenantId};

define_words! {
    /// Whether work goes through. `failing` is `paused` by us: the credential was refused.
    ConnectionState = "connection state" { Active = "active", Paused = "paused", Failing = "failing" }

    /// What happens to an effect of which it is unknown whether it took place, where the provider cannot
    /// be asked.
    WhenInDoubt = "in-doubt rule" {
        /// Makes another attempt with the same idempotency key: at least once.
        Resend = "resend",
        /// Holds it for a person to decide: at most once.
        Hold = "hold",
    }

    /// What a connection can be chosen for, before others that could carry the same.
    Purpose = "purpose" {
        /// Mails to customers.
        Customers = "customers",
        /// Mails to the business itself.
        Alerts = "alerts",
    }

    /// What a Google connection may do. Which of Google's scopes stand for it is the connector's matter.
    Ability = "ability" {
        /// Make drafts and send them.
        MailSend = "mail.send",
        /// Read mails; sending exactly once needs it, to find what was sent.
        MailRead = "mail.read",
        /// Label and archive mails; includes sending and reading.
        MailLabel = "mail.label",
        /// Read and change entries, and see when a calendar is free.
        Calendar = "calendar",
        /// Read and change spreadsheets.
        Sheets = "sheets",
        /// See cheaply whether a spreadsheet has changed.
        SheetsWatch = "sheets.watch",
    }
}

/// A set of abilities, in a fixed order.
pub type Abilities = BTreeSet<Ability>;

impl Ability {
    /// Returns the default set.
    pub fn usual() -> Abilities {
        Abilities::from([Ability::MailSend, Ability::MailRead, Ability::Calendar, Ability::Sheets])
    }

    /// Says what it allows, as a person would.
    pub fn meaning(self) -> &'static str {
        match self {
            Ability::MailSend => "send mail",
            Ability::MailRead => "read mail",
            Ability::MailLabel => "label mail",
            Ability::Calendar => "read and change the calendar",
            Ability::Sheets => "read and change spreadsheets",
            Ability::SheetsWatch => "see whether spreadsheets changed",
        }
    }

    /// Returns those of `needed` that `granted` does not include.
    pub fn missing(needed: &Abilities, granted: &Abilities) -> Abilities {
        let labels = granted.contains(&Ability::MailLabel);
        let covered = |ability: &Ability| {
            granted.contains(ability) || (labels && matches!(ability, Ability::MailSend | Ability::MailRead))
        };
        needed.iter().copied().filter(|ability| !covered(ability)).collect()
    }

    /// Names abilities in one line: `send mail (mail.send), label mail (mail.label)`.
    pub fn in_words(abilities: &Abilities) -> String {
        let words: Vec<String> = abilities.iter().map(|a| format!("{} ({a})", a.meaning())).collect();
        words.join(", ")
    }
}

diesel::table! {
    connections (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        kind -> Text,
        name -> Text,
        settings -> Text,
        sealed -> Nullable<Binary>,
        send_as -> Nullable<Text>,
        state -> Text,
        last_ok_at -> Nullable<BigInt>,
        last_error -> Nullable<Text>,
        last_error_at -> Nullable<BigInt>,
        for_customers -> Bool,
        for_alerts -> Bool,
        retired_at -> Nullable<BigInt>,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset, Serialize)]
#[diesel(table_name = connections, primary_key(tenant_id, id))]
#[diesel(treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct Connection {
    pub tenant_id: TenantId,
    pub id: ConnectionId,
    #[diesel(skip_update)]
    pub kind: ConnectionKind,
    #[diesel(skip_update)]
    pub name: String,
    pub settings: Json,
    #[serde(skip)]
    pub sealed: Option<Vec<u8>>,
    /// The addresses that the mailbox may send from, in the form that matching uses, as its provider last said.
    #[diesel(skip_update)]
    #[serde(skip)]
    pub send_as: Option<Json>,
    pub state: ConnectionState,
    #[diesel(skip_update)]
    pub last_ok_at: Option<Timestamp>,
    pub last_error: Option<String>,
    pub last_error_at: Option<Timestamp>,
    /// Chosen for mails to customers, before others that could carry them.
    #[diesel(skip_update)]
    pub for_customers: bool,
    /// Chosen for mails to the business, before others that could carry them.
    #[diesel(skip_update)]
    pub for_alerts: bool,
    /// When it was deleted, where history refers to it. It is in no list any more.
    #[diesel(skip_update)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<Timestamp>,
    #[diesel(skip_update)]
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Connection {
    /// Returns the addresses that the mailbox may send from, as far as they were read.
    ///
    /// # Errors
    /// `Internal` when what is stored cannot be read.
    pub fn send_as(&self) -> Result<Vec<String>> {
        self.send_as.as_ref().map(Json::read).transpose().map(Option::unwrap_or_default)
    }

    /// Returns a connection that is active and was never used.
    pub fn new(
        tenant: &TenantId,
        kind: ConnectionKind,
        name: &str,
        settings: Json,
        now: Timestamp,
    ) -> Connection {
        Connection {
            tenant_id: tenant.clone(),
            id: ConnectionId::new(now),
            kind,
            name: name.to_owned(),
            settings,
            sealed: None,
            send_as: None,
            state: ConnectionState::Active,
            last_ok_at: None,
            last_error: None,
            last_error_at: None,
            for_customers: false,
            for_alerts: false,
            retired_at: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// Returns what it was chosen for.
    pub fn purposes(&self) -> Vec<Purpose> {
        let chosen = [(self.for_customers, Purpose::Customers), (self.for_alerts, Purpose::Alerts)];
        chosen.into_iter().filter(|(is_chosen, _)| *is_chosen).map(|(_, purpose)| purpose).collect()
    }

    /// Returns the name that binds the sealed credential to this row.
    pub fn seal_owner(&self) -> String {
        format!("{}/{}", self.tenant_id, self.id)
    }

    /// Returns the person's authorization that the connection rests on, if it does. Every connector
    /// that signs in by OAuth keeps it under the same names in its settings.
    pub fn authorization(&self) -> Option<Authorization> {
        self.settings.read().ok()
    }
}

/// A person's authorization of an OAuth client, which can end and has to be given again then.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Authorization {
    /// The OAuth client that was authorized.
    pub client_id: String,
    /// When it ends, if the provider said so.
    #[serde(rename = "consent_ends_at")]
    pub ends_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labelling_includes_sending_and_reading() {
        let granted = Abilities::from([Ability::MailLabel]);
        assert_eq!(
            Ability::missing(&Ability::usual(), &granted),
            [Ability::Calendar, Ability::Sheets].into()
        );
    }
}
