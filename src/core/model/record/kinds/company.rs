//! Companies: customers that are more than one person.

use crate::model::principal::Noun;
use crate::model::record::FieldKind::{Email, Link, Note, Number, Phone, Tags, Text};
use crate::model::record::{Field, RecordKind, actions};

pub static COMPANY: RecordKind = RecordKind {
    noun: Noun::Company,
    plural: "companies",
    table: "companies",
    prefix: "company",
    about: "a customer that is more than one person: a landlord, a shop, a housing association",
    fields: &[
        Field::new("name", Text, "what it is called").column().required().searched().headed(&[
            "company",
            "company name",
            "organization",
            "account name",
        ]),
        Field::new(
            "account_number",
            Text,
            "the number by which other programs know it; no two have the same",
        )
        .column()
        .searched()
        .headed(&["account", "account no", "customer number", "customer id"]),
        Field::new("phone", Phone, "telephone number").searched().headed(&[
            "telephone",
            "phone number",
            "tel",
        ]),
        Field::new("email", Email, "mail address").searched().headed(&["e mail", "mail", "email address"]),
        Field::new("website", Link, "address on the web").headed(&["url", "web", "homepage", "domain"]),
        Field::new("industry", Text, "what it does").headed(&["sector", "trade"]),
        Field::new("employees", Number, "how many people work there")
            .headed(&["number of employees", "size"]),
        Field::new("address", Text, "street and number").searched().headed(&[
            "street",
            "address 1",
            "street address",
        ]),
        Field::new("address_2", Text, "floor, suite, building").headed(&[
            "address 2",
            "address line 2",
            "suite",
        ]),
        Field::new("city", Text, "city").searched().headed(&["town"]),
        Field::new("state", Text, "state, county or region").headed(&["region", "county", "province"]),
        Field::new("postcode", Text, "postcode").searched().headed(&[
            "zip",
            "zip code",
            "postal code",
            "plz",
        ]),
        Field::new("country", Text, "country").headed(&["land"]),
        Field::new("vat_number", Text, "number for tax").headed(&["vat", "tax id", "ein"]),
        Field::new("tags", Tags, "words that sort it").searched().headed(&["labels", "categories"]),
        Field::new("notes", Note, "what else is to be known").headed(&["note", "comments", "description"]),
        Field::new("contacts", Number, "how many contacts it has").elsewhere(
            "(SELECT count(*) FROM contacts c
               WHERE c.tenant_id = t.tenant_id AND c.company_id = t.id AND c.deleted_at IS NULL)",
        ),
        Field::new("assets", Number, "how many assets it has").elsewhere(
            "(SELECT count(*) FROM assets a
               WHERE a.tenant_id = t.tenant_id AND a.company_id = t.id AND a.deleted_at IS NULL)",
        ),
    ],
    listed: &["name", "account_number", "city", "phone", "contacts", "assets"],
    unique: Some("account_number"),
    actions: actions!("company"),
    searched_elsewhere: None,
};
