//! Groups of contacts: those that were put in, or, with a condition, all that meet it.

use crate::model::principal::Noun;
use crate::model::record::FieldKind::{Filter, Note, Number, Text};
use crate::model::record::{Field, RecordKind, actions};

pub static GROUP: RecordKind = RecordKind {
    noun: Noun::Group,
    plural: "groups",
    table: "contact_groups",
    prefix: "group",
    about: "contacts that belong together: those that were put in, or all that meet a condition (a segment)",
    fields: &[
        Field::new("name", Text, "what it is called; no two have the same name")
            .column()
            .required()
            .searched()
            .headed(&["group", "group name"]),
        Field::new(
            "condition",
            Filter(Noun::Contact),
            "the filter that its contacts meet; nothing where they are put in",
        )
        .column(),
        Field::new("notes", Note, "what it is for").headed(&["note", "description"]),
        Field::new("members", Number, "how many contacts were put in").elsewhere(
            "(SELECT count(*) FROM group_members m WHERE m.tenant_id = t.tenant_id AND m.group_id = t.id)",
        ),
    ],
    listed: &["name", "condition", "members"],
    unique: Some("name"),
    actions: actions!("group"),
    searched_elsewhere: None,
};
