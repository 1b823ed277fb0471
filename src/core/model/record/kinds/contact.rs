//! Contacts: people.

use std::borrow::Cow;

use crate::model::principal::Noun;
use crate::model::record::FieldKind::{
    self, Choice, Date, Email, Link, Moment, Note, Number, Phone, Record, Tags, Text, Zone,
};
use crate::model::record::{Field, RecordKind, actions};

const PRIORITIES: FieldKind =
    Choice(Cow::Borrowed(&[Cow::Borrowed("low"), Cow::Borrowed("normal"), Cow::Borrowed("high")]));

pub static CONTACT: RecordKind = RecordKind {
    noun: Noun::Contact,
    plural: "contacts",
    table: "contacts",
    prefix: "contact",
    about: "a person: a customer, or somebody who may become one",
    fields: &[
        Field::new("name", Text, "whole name, as they write it")
            .column()
            .searched()
            .headed(&["full name", "contact", "contact name", "customer", "customer name", "display name"]),
        Field::new("title", Text, "what stands before the name").headed(&["salutation", "prefix", "name prefix"]),
        Field::new("first_name", Text, "first name").headed(&["given name", "forename", "first", "vorname"]),
        Field::new("middle_name", Text, "middle name").headed(&["additional name", "middle"]),
        Field::new("last_name", Text, "family name").headed(&["family name", "surname", "last", "nachname"]),
        Field::new("nickname", Text, "what friends call them").searched(),
        Field::new("email", Email, "mail address that is written to").linked(concat!(
            "(SELECT a.value FROM contact_addresses a WHERE a.tenant_id = t.tenant_id AND a.contact_id = t.id",
            " AND a.kind = 'email' ORDER BY CASE WHEN a.proof IN ('wrote', 'calendar', 'person') THEN 0",
            " WHEN a.proof = 'claimed' THEN 1 ELSE 2 END,",
            " CASE WHEN a.proof IN ('wrote', 'calendar', 'person') THEN -a.added_at ELSE a.added_at END, a.value LIMIT 1)"
        ))
        .headed(&["e mail", "mail", "email address", "e mail address", "e mail 1 value", "email 1 value", "primary email"]),
        Field::new("phone", Phone, "telephone number").linked(concat!(
            "(SELECT a.value FROM contact_addresses a WHERE a.tenant_id = t.tenant_id AND a.contact_id = t.id",
            " AND a.kind = 'phone' ORDER BY CASE WHEN a.proof IN ('wrote', 'calendar', 'person') THEN 0",
            " WHEN a.proof = 'claimed' THEN 1 ELSE 2 END,",
            " CASE WHEN a.proof IN ('wrote', 'calendar', 'person') THEN -a.added_at ELSE a.added_at END, a.value LIMIT 1)"
        ))
        .headed(&["telephone", "phone number", "tel", "phone 1 value", "primary phone", "home phone", "telefon"]),
        Field::new("email_2", Email, "another mail address")
            .searched()
            .headed(&["e mail 2 value", "email 2 value", "other email", "secondary email", "email 2"]),
        Field::new("mobile", Phone, "mobile number")
            .searched()
            .headed(&["mobile phone", "cell", "cell phone", "phone 2 value", "mobil", "handy"]),
        Field::new("fax", Phone, "fax number").headed(&["fax number", "business fax"]),
        Field::new("address", Text, "street and number")
            .searched()
            .headed(&["street", "address 1", "street address", "address 1 street", "home street", "strasse"]),
        Field::new("address_2", Text, "floor, flat, building")
            .headed(&["address 2", "address line 2", "apartment", "address 1 extended address"]),
        Field::new("city", Text, "city").searched().headed(&["town", "address 1 city", "home city", "ort", "stadt"]),
        Field::new("state", Text, "state, county or region")
            .headed(&["region", "county", "province", "address 1 region", "home state"]),
        Field::new("postcode", Text, "postcode")
            .searched()
            .headed(&["zip", "zip code", "postal code", "address 1 postal code", "home postal code", "plz"]),
        Field::new("country", Text, "country").headed(&["address 1 country", "home country region", "land"]),
        Field::new("timezone", Zone, "zone in which they read a clock").column().headed(&["time zone"]),
        Field::new("company_id", Record(Noun::Company), "the company that they belong to").column(),
        Field::new("company_name", Text, "who they work for, where that is no company of its own")
            .searched()
            .headed(&["company", "organization", "organisation", "organization name", "organization 1 name", "firma"]),
        Field::new("job_title", Text, "what they do there")
            .headed(&["position", "role", "organization title", "organization 1 title"]),
        Field::new("department", Text, "where in the company").headed(&["organization department"]),
        Field::new("industry", Text, "what the company does").headed(&["sector"]),
        Field::new("website", Link, "address on the web").headed(&["url", "web", "web page", "website 1 value"]),
        Field::new("birthday", Date, "day of birth").headed(&["date of birth", "born", "dob", "geburtstag"]),
        Field::new("gender", Text, "gender").headed(&["sex"]),
        Field::new("marital_status", Text, "marital status"),
        Field::new("language", Text, "language they speak").headed(&["locale"]),
        Field::new("linkedin", Text, "LinkedIn").headed(&["linkedin url"]),
        Field::new("twitter", Text, "X, once Twitter").headed(&["x", "twitter handle"]),
        Field::new("facebook", Text, "Facebook").headed(&["facebook url"]),
        Field::new("instagram", Text, "Instagram").headed(&["instagram handle"]),
        Field::new("skype", Text, "Skype"),
        Field::new("whatsapp", Phone, "WhatsApp number").headed(&["whatsapp number"]),
        Field::new("telegram", Text, "Telegram").headed(&["telegram handle"]),
        Field::new("heard_from", Text, "how they found the business")
            .headed(&["lead source", "source", "how did you hear about us"]),
        Field::new("status", Text, "where they stand, in words of the business").headed(&["lead status"]),
        Field::new("priority", PRIORITIES, "how much they matter now"),
        Field::new("tags", Tags, "words that sort them").searched().headed(&["labels", "groups", "categories"]),
        Field::new("notes", Note, "what else is to be known").headed(&["note", "comments", "description"]),
        Field::new("last_lead_at", Moment, "when they enquired last").elsewhere(
            "(SELECT max(l.received_at) FROM leads l WHERE l.tenant_id = t.tenant_id AND l.contact_id = t.id)",
        ),
        Field::new("leads", Number, "how often they enquired")
            .elsewhere("(SELECT count(*) FROM leads l WHERE l.tenant_id = t.tenant_id AND l.contact_id = t.id)"),
        Field::new("open_jobs", Number, "jobs that are not done yet").elsewhere(
            "(SELECT count(*) FROM jobs j WHERE j.tenant_id = t.tenant_id AND j.contact_id = t.id
                AND j.state IN ('open', 'scheduled'))",
        ),
    ],
    listed: &["name", "email", "phone", "city", "tags", "last_lead_at"],
    unique: None,
    actions: actions!("contact"),
    searched_elsewhere: Some(
        "t.id IN (SELECT a.contact_id FROM contact_addresses a
                   WHERE a.tenant_id = t.tenant_id AND a.value LIKE {pattern} ESCAPE '\\')",
    ),
};
