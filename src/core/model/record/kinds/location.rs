//! Locations: showrooms, branches and offices of the business itself.

use std::borrow::Cow;

use crate::model::principal::Noun;
use crate::model::record::FieldKind::{self, Choice, Email, Link, Note, Phone, Tags, Text, Zone};
use crate::model::record::{Field, RecordKind, actions};

const KINDS: FieldKind = Choice(Cow::Borrowed(&[
    Cow::Borrowed("retail"),
    Cow::Borrowed("franchise"),
    Cow::Borrowed("office"),
    Cow::Borrowed("warehouse"),
]));

pub static LOCATION: RecordKind = RecordKind {
    noun: Noun::Location,
    plural: "locations",
    table: "locations",
    prefix: "location",
    about: "a showroom, a branch or an office of the business",
    fields: &[
        Field::new("name", Text, "what it is called; no two have the same name")
            .column()
            .required()
            .searched()
            .headed(&["location", "location name", "showroom", "branch"]),
        Field::new("kind", KINDS, "what it is").headed(&["type"]),
        Field::new("address", Text, "street and number").searched().headed(&["street", "street address"]),
        Field::new("city", Text, "city").searched().headed(&["town"]),
        Field::new("state", Text, "state, county or region").headed(&["region", "county"]),
        Field::new("postcode", Text, "postcode").searched().headed(&["zip", "zip code", "postal code"]),
        Field::new("country", Text, "country"),
        Field::new("phone", Phone, "number that customers may call").headed(&["telephone", "phone number"]),
        Field::new("email", Email, "address that customers write to").headed(&["e mail", "mail"]),
        Field::new("website", Link, "address on the web").headed(&["url"]),
        Field::new("timezone", Zone, "IANA time zone").headed(&["time zone", "zone"]),
        Field::new("hours", Text, "when it is open, such as `Mon-Fri 08:00-18:00`")
            .headed(&["opening hours", "business hours"]),
        Field::new("currency", Text, "currency, such as `USD`"),
        Field::new("brand_color", Text, "colour of its brand, such as `#0b6bcb`")
            .headed(&["color", "colour"]),
        Field::new("tags", Tags, "words that sort it").searched(),
        Field::new("notes", Note, "what else is to be known").headed(&["note", "comments"]),
    ],
    listed: &["name", "kind", "city", "phone", "timezone"],
    unique: Some("name"),
    actions: actions!("location"),
    searched_elsewhere: None,
};
