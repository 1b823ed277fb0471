//! Assets: machines that a business looks after.

use std::borrow::Cow;

use crate::model::principal::Noun;
use crate::model::record::FieldKind::{self, Choice, Date, Note, Record, Tags, Text};
use crate::model::record::{Field, RecordKind, actions};

const STATES: FieldKind = Choice(Cow::Borrowed(&[
    Cow::Borrowed("in use"),
    Cow::Borrowed("broken"),
    Cow::Borrowed("in repair"),
    Cow::Borrowed("retired"),
]));

pub static ASSET: RecordKind = RecordKind {
    noun: Noun::Asset,
    plural: "assets",
    table: "assets",
    prefix: "asset",
    about: "a machine that is looked after: a boiler, an air conditioner, a computer",
    fields: &[
        Field::new("name", Text, "what it is called, such as `Boiler in the cellar`")
            .column()
            .required()
            .searched()
            .headed(&["asset", "asset name", "device", "device name", "equipment"]),
        Field::new("kind", Text, "what it is, such as `boiler`").searched().headed(&[
            "type",
            "asset type",
            "device type",
            "category",
        ]),
        Field::new("make", Text, "who made it").searched().headed(&["manufacturer", "brand", "vendor"]),
        Field::new("model", Text, "which model").searched().headed(&["model number", "model no"]),
        Field::new("serial", Text, "serial number; no two have the same").column().searched().headed(&[
            "serial number",
            "serial no",
            "sn",
        ]),
        Field::new("state", STATES, "whether it works").headed(&["status", "condition"]),
        Field::new("installed_on", Date, "when it was installed").headed(&["installed", "install date"]),
        Field::new("warranty_until", Date, "when its warranty ends").headed(&[
            "warranty",
            "warranty date",
            "warranty expires",
        ]),
        Field::new("service_due", Date, "when it is to be serviced next").column().headed(&[
            "next service",
            "service date",
            "service due date",
        ]),
        Field::new("place", Text, "where it stands").searched().headed(&["location", "room", "site"]),
        Field::new("company_id", Record(Noun::Company), "the company that it belongs to").column(),
        Field::new("contact_id", Record(Noun::Contact), "the contact that it belongs to").column(),
        Field::new("tags", Tags, "words that sort it").searched().headed(&["labels"]),
        Field::new("notes", Note, "what else is to be known").headed(&["note", "comments", "description"]),
    ],
    listed: &["name", "make", "model", "serial", "service_due", "state"],
    unique: Some("serial"),
    actions: actions!("asset"),
    searched_elsewhere: None,
};
