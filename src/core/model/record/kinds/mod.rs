//! The kinds of records, one file each. A new one has its `mod` line here, and its place in [`KINDS`].

mod asset;
mod company;
mod contact;
mod group;
mod location;

pub use self::asset::ASSET;
pub use self::company::COMPANY;
pub use self::contact::CONTACT;
pub use self::group::GROUP;
pub use self::location::LOCATION;
use crate::model::record::RecordKind;

/// Every kind.
pub static KINDS: [&RecordKind; 5] = [&CONTACT, &COMPANY, &ASSET, &LOCATION, &GROUP];
