//! What decisions have to know of connectors: plain data that each connector declares in its own file
//! (docs/ADDING.md).

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::base::text::store_as_text;
use crate::model::connection::Connection;
use crate::model::effect::EffectKind;

/// Which connector a connection uses, by the word under which it is stored. The set is open: a connector
/// declares its word in its [`KindFacts`], and a stored word may be one that this program does not know.
#[derive(
    Clone,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[serde(transparent)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub struct ConnectionKind(Cow<'static, str>);

store_as_text!(ConnectionKind, |kind| kind.name(), |text| Ok(ConnectionKind(Cow::Owned(text))));

impl ConnectionKind {
    /// Makes the word of a connector: lower-case letters, as conditions name it.
    pub const fn new(name: &'static str) -> ConnectionKind {
        ConnectionKind(Cow::Borrowed(name))
    }

    /// Returns the word that is stored and shown.
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ConnectionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What decisions rest on, of one connector.
#[derive(Debug, PartialEq, Eq)]
pub struct KindFacts {
    pub kind: ConnectionKind,
    /// The effects that its connections can carry.
    pub carries: &'static [EffectKind],
    /// Whether mails go out of the business's own mailbox, so that answers come back to it.
    pub is_mailbox: bool,
    /// Deliveries that one connection may have under way: as many as its provider takes well, so that a slow one
    /// leaves room for others.
    pub parallel: usize,
    /// Whether what a connection may do depends on the abilities that were granted to it.
    pub has_abilities: bool,
}

impl KindFacts {
    pub fn can_carry(&self, effect: EffectKind) -> bool {
        self.carries.contains(&effect)
    }
}

/// The connectors of a program, in the order in which they are listed.
#[derive(Clone, Debug)]
pub struct Kinds(Arc<[&'static KindFacts]>);

impl Kinds {
    pub fn new(facts: impl IntoIterator<Item = &'static KindFacts>) -> Kinds {
        Kinds(facts.into_iter().collect())
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &'static KindFacts> {
        self.0.iter().copied()
    }

    /// Returns the words of all connectors.
    pub fn names(&self) -> Vec<&'static str> {
        self.iter().map(|facts| facts.kind.name()).collect()
    }

    pub fn find(&self, kind: &ConnectionKind) -> Option<&'static KindFacts> {
        self.iter().find(|facts| facts.kind == *kind)
    }
}

/// A tenant's connections, and what their connectors can do.
#[derive(Clone, Copy, Debug)]
pub struct Connections<'a> {
    rows: &'a [Connection],
    kinds: &'a Kinds,
}

impl<'a> Connections<'a> {
    pub fn new(rows: &'a [Connection], kinds: &'a Kinds) -> Connections<'a> {
        Connections { rows, kinds }
    }

    pub fn rows(self) -> &'a [Connection] {
        self.rows
    }

    /// Returns the connections, oldest first.
    pub fn iter(self) -> std::slice::Iter<'a, Connection> {
        self.rows.iter()
    }

    pub fn kinds(self) -> &'a Kinds {
        self.kinds
    }

    pub fn has(self, kind: &ConnectionKind) -> bool {
        self.iter().any(|connection| connection.kind == *kind)
    }

    /// Returns what is known of a connection's connector; nothing when this program does not have it.
    pub fn facts(self, connection: &Connection) -> Option<&'static KindFacts> {
        self.kinds.find(&connection.kind)
    }
}
