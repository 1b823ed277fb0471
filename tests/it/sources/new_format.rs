//! A format is added by its own file and its line in the list: this one is taken in, read and answered with nothing
//! else, and none of those that exist is named anywhere else in the program.

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::Backend;
use nexora::pipeline::hook::{self, Incoming, Taken};
use nexora_engine::lead::lead_format::LeadFormat;
use nexora_engine::lead::lead_format::fields::Fields;
use nexora_engine::lead::lead_format::formats::FORMATS;
use nexora_engine::lead::lead_format::guide::Setup;
use nexora_engine::lead::lead_format::mail::{IncomingMail, MailFormat, MailResult, Rules};
use nexora_engine::lead::lead_format::parsed_lead::ParsedLead;
use nexora_engine::lead::lead_format::verify::{Call as Shown, Verification};
use nexora_engine::lead::lead_format::webhook::{Needs, ParseResult, Sender, WebhookFormat};
use nexora_engine::message::mail::from_rfc822;

use super::*;

static FORMAT: LeadFormat =
    LeadFormat { name: "bark", lead_source: Some("bark"), webhook: Some(&Bark), mail: Some(&Bark) };

struct Bark;

impl WebhookFormat for Bark {
    fn needs(&self) -> Needs {
        Needs { default_username: Some("bark"), ..Needs::default() }
    }

    fn guide(&self, setup: &Setup<'_>) -> String {
        format!("Give {} and {} to Bark.", setup.url, setup.secret())
    }

    fn verify(&self, call: &Shown<'_>) -> Verification {
        call.by_basic()
    }

    fn read(&self, _sender: Sender<'_>, body: &Value) -> ParseResult {
        let mut fields = Fields::default();
        fields.offer(SourceField::Name, body["buyer"].as_str().unwrap_or_default());
        fields.offer(SourceField::Phone, body["call"].as_str().unwrap_or_default());
        fields.offer(SourceField::Id, body["number"].as_str().unwrap_or_default());
        ParseResult::Lead(Box::new(fields.into_lead()))
    }
}

impl MailFormat for Bark {
    fn read(&self, incoming: IncomingMail<'_>) -> Option<MailResult> {
        let mail = incoming.mail;
        let name = mail.subject.strip_prefix("Bark: ")?;
        let mut fields = Fields::default();
        fields.offer(SourceField::Name, name);
        Some(MailResult::Leads(vec![fields.into_lead()]))
    }
}

fn incoming(password: &str, body: &Value) -> Incoming {
    let basic = format!("Basic {}", BASE64.encode(format!("bark:{password}")));
    let headers = [("authorization", basic.as_str()), ("content-type", "application/json")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Incoming { headers: headers.into(), token: None, body: body.to_string().into_bytes() }
}

on_both!(a_format_that_brings_everything_itself_makes_leads);

async fn a_format_that_brings_everything_itself_makes_leads(backend: Backend) {
    let site = Site::open(backend).await;
    let (app, tenant) = (&site.nexora.app, &site.nexora.tenant);
    let webhook = FORMAT.as_webhook().unwrap();
    let new = NewSource { webhook, ..new_source("json") };
    let new = NewSource { settings: SourceSettings::default(), ..new };
    let shown = add(&site.nexora, tenant, new).await;
    assert_eq!((shown.source.kind.as_str(), shown.settings.username.as_deref()), ("bark", Some("bark")));
    let setup =
        Setup { source: &shown.source, settings: &shown.settings, url: &shown.url, secrets: &shown.secrets };
    assert!(webhook.handling.guide(&setup).contains("/hooks/acme/hook"));

    let body = json!({ "buyer": "Ann Lee", "call": "5125550142", "number": "b-1" });
    let refused = hook::take(app, tenant, &shown.source, webhook, incoming("wrong", &body)).await.unwrap();
    assert_eq!(refused, Taken::Refused(Verification::Wrong, None));
    let secret = shown.secrets.secret.expose();
    let taken = hook::take(app, tenant, &shown.source, webhook, incoming(secret, &body)).await.unwrap();
    let kept = leads(&site).await;
    assert_eq!(taken, Taken::Kept(Some(kept[0].id.clone())));
    assert_eq!((kept[0].name.as_str(), kept[0].source.as_str()), ("Ann Lee", "bark"));
    let again = hook::take(app, tenant, &shown.source, webhook, incoming(secret, &body)).await.unwrap();
    assert_eq!((again, leads(&site).await.len()), (taken, 1));
    let nothing =
        hook::take(app, tenant, &shown.source, webhook, incoming(secret, &json!({}))).await.unwrap();
    assert!(matches!(nothing, Taken::Kept(Some(_))));
    assert_eq!(leads(&site).await.iter().filter(|lead| lead.state == LeadState::NeedsReview).count(), 1);
}

#[test]
fn a_format_reads_its_mails_itself() {
    let mail = |subject: &str| from_rfc822(format!("Subject: {subject}\r\n\r\n").as_bytes());
    let format = FORMAT.mail.unwrap();
    let rules = Rules::default();
    let read =
        |subject| format.read(IncomingMail { mail: &mail(subject), rules: &rules, is_contacts: false });
    let named = |leads: Vec<ParsedLead>| leads.into_iter().map(|lead| lead.enquiry.name).collect::<Vec<_>>();
    assert!(
        matches!(read("Bark: Ann Lee"), Some(MailResult::Leads(leads)) if named(leads.clone()) == ["Ann Lee"])
    );
    assert_eq!(read("Lunch?"), None);
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => rust_files(&path),
            false => vec![path],
        })
        .collect()
}

/// Where the same words mean something else: the address of a provider's API is configuration, and a contact has a page on
/// Facebook.
const ELSEWHERE: [&str; 2] = ["src/config/sources.rs", "src/core/model/record/kinds/contact.rs"];

#[test]
fn no_format_is_named_outside_its_own_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = rust_files(&root.join("src"));
    // `json` is a word of many other things.
    for format in FORMATS.iter().filter(|format| format.name != "json") {
        let name = format!("\"{}\"", format.name);
        let names = |path: &&PathBuf| {
            let text = fs::read_to_string(path).unwrap();
            text.split("#[cfg(test)]").next().unwrap().contains(&name)
        };
        let is_test = |path: &&PathBuf| path.to_string_lossy().ends_with("tests.rs");
        let named: Vec<String> = files
            .iter()
            .filter(|path| !is_test(path))
            .filter(names)
            .map(|path| path.strip_prefix(root).unwrap().display().to_string())
            .filter(|path| !ELSEWHERE.contains(&path.as_str()))
            .collect();
        let own = format!("src/engine/lead/lead_format/formats/{}.rs", format.name.replace('-', "_"));
        assert_eq!(named, [own], "{}", format.name);
    }
}

#[test]
fn docs_say_how_each_format_is_connected() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/SOURCES.md");
    let text = fs::read_to_string(path).unwrap();
    for kind in kinds() {
        assert!(text.contains(&format!("\n| `{kind}` |")), "no row about `{kind}` at a glance");
        assert!(text.contains(&format!("--kind {kind} ")), "no command that adds a source of kind `{kind}`");
    }
}
