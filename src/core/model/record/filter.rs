//! Which records are meant: a condition on their fields, read and checked, of which a query can be made.

use crate::model::record::Field;

/// A condition on a record. It is true or false of every record: what a record does not say fails every test but that
/// for being empty.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// All of them hold; with none, it always holds.
    All(Vec<Filter>),
    /// At least one holds.
    Any(Vec<Filter>),
    Not(Box<Filter>),
    /// A field passes a test.
    Field(Field, Test),
    /// It is one of a group, by the group's id.
    InGroup(String),
}

/// What is asked of a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// It says nothing.
    Empty,
    /// It is this text, however it is capitalised.
    Is(String),
    /// It has this text in it, however it is capitalised.
    Contains(String),
    /// It has this word among its words, however it is capitalised.
    Has(String),
    /// It stands so to a number.
    Number(Order, f64),
    /// It stands so to a day, `2026-11-30`.
    Day(Order, String),
}

/// How two values stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Equal,
    Less,
    AtMost,
    More,
    AtLeast,
}

impl Order {
    /// Returns the sign, as SQL and the filter have it.
    pub fn sign(self) -> &'static str {
        match self {
            Order::Equal => "=",
            Order::Less => "<",
            Order::AtMost => "<=",
            Order::More => ">",
            Order::AtLeast => ">=",
        }
    }

    /// Returns the order seen from the other side.
    #[must_use]
    pub fn turned(self) -> Order {
        match self {
            Order::Equal => Order::Equal,
            Order::Less => Order::More,
            Order::AtMost => Order::AtLeast,
            Order::More => Order::Less,
            Order::AtLeast => Order::AtMost,
        }
    }
}
