//! Who is written to, and whose word counts: what anyone can type into a form or a mail proves nothing.

use super::MORNING;
use crate::harness::{Backend, Nexora, enquiry, on_both};
use crate::scene::{OFFICE, Scene};
use nexora::domain::contact::consent::{self, Given};
use nexora::ops::contact;
use nexora_core::model::consent::Channel;
use nexora_core::model::contact::{AddressKind, AddressProof};
use nexora_core::model::lead::{ConsentRecord, LeadState};
use nexora_core::model::message::Author;
use nexora_core::model::run::RunState;
use nexora_store as store;
use serde_json::json;

on_both!(
    a_stranger_with_a_customers_number_gets_none_of_their_mails,
    people_who_share_a_number_get_each_their_own_mail,
    a_colleague_who_answers_is_no_customer,
    a_contact_that_was_kept_by_the_shown_form_of_its_domain_is_found,
    a_mail_that_is_not_from_its_sender_ends_nothing,
    a_consent_that_was_taken_back_is_not_given_again_by_a_form,
    an_address_that_others_type_in_gets_one_answer_an_hour,
);

/// Sends a mail to the office in the conversation of the first mail that went out; `genuine` says whether the office's
/// provider found that its sender sent it.
fn reply(scene: &Scene, from: &str, text: &str, genuine: Option<bool>) {
    let state = scene.nexora.state();
    let raw = state["mailboxes"][OFFICE]["messages"][0]["raw"].as_str().unwrap().to_owned();
    let id = raw.split("Message-ID: <").nth(1).unwrap().split('>').next().unwrap().to_owned();
    let raw = format!(
        "From: {from}\r\nTo: {OFFICE}\r\nSubject: Re: your request\r\nMessage-ID: <reply@example.com>\r\n\
         In-Reply-To: <{id}>\r\nReferences: <{id}>\r\n\r\n{text}\r\n"
    );
    let mut delivery = json!({ "mailbox": OFFICE, "raw": raw });
    if let Some(genuine) = genuine {
        let dkim = if genuine { "pass" } else { "fail" };
        delivery["authentication"] = json!({ "dkim": dkim, "domain": "example.com" });
    }
    scene.seed(json!({ "deliveries": [delivery] }));
}

async fn authors(scene: &Scene) -> Vec<Author> {
    let mut messages =
        scene.nexora.view(move |tx| store::message::list(tx, &store::message::Filter::default(), 50)).await;
    messages.reverse();
    messages.into_iter().map(|message| message.author).collect()
}

/// The addresses that the office has written to.
fn recipients(scene: &Scene) -> Vec<String> {
    let state = scene.nexora.state();
    let mails = state["mailboxes"][OFFICE]["messages"].as_array().cloned().unwrap_or_default();
    let sent = mails.iter().filter(|mail| mail["labelIds"].as_array().unwrap().contains(&json!("SENT")));
    sent.map(|mail| {
        let headers = mail["headers"].as_array().unwrap();
        let to = headers.iter().find(|header| header["name"] == "To").unwrap();
        to["value"].as_str().unwrap().to_owned()
    })
    .collect()
}

async fn a_stranger_with_a_customers_number_gets_none_of_their_mails(backend: Backend) {
    let mut scene = Scene::new(backend).await;
    scene.at(MORNING).await;
    scene.nexora.submit(enquiry()).await;
    // Another address, in front by the alphabet, with the customer's number.
    let mut stranger = enquiry();
    stranger.email = "aaa@stranger.example".into();
    stranger.message = "Hello".into();
    let lead = scene.nexora.submit(stranger).await;
    let customer = contact::find(&scene.nexora.app, &scene.nexora.tenant, "jo@example.com").await.unwrap();
    let addresses: Vec<&str> = customer.addresses.iter().map(|address| address.value.as_str()).collect();
    assert_eq!(addresses, ["jo@example.com", "+15125550142"]);
    let stranger = scene.nexora.lead(&lead).await.lead.contact_id.unwrap();
    assert_ne!(stranger, customer.contact.id);
    scene.use_built_in("review-request", &[("delay", "1h"), ("hours", "Mon-Sun 00:00-24:00")]).await;
    scene.complete_job("Boiler").await;
    scene.hours(2).await;
    assert_eq!(recipients(&scene), ["jo@example.com"]);
}

async fn people_who_share_a_number_get_each_their_own_mail(backend: Backend) {
    let mut scene = Scene::new(backend).await;
    scene.at(MORNING).await;
    scene.use_built_in("lead-capture", &[("callback", "false"), ("chase_after", "")]).await;
    for email in ["jo@example.com", "al@example.com"] {
        let mut one = enquiry();
        one.email = email.into();
        scene.nexora.submit(one).await;
        scene.nexora.settle().await;
    }
    // Without a mail address, the number says whose the lead is.
    let mut called = enquiry();
    called.email.clear();
    let lead = scene.nexora.submit(called).await;
    scene.nexora.settle().await;
    assert_eq!(recipients(&scene), ["jo@example.com", "al@example.com"]);
    let jo = contact::find(&scene.nexora.app, &scene.nexora.tenant, "jo@example.com").await.unwrap();
    assert_eq!(scene.nexora.lead(&lead).await.lead.contact_id, Some(jo.contact.id));
}

async fn follow_up(backend: Backend) -> Scene {
    let mut scene = Scene::new(backend).await;
    scene.at(MORNING).await;
    let touches = [("touches", "1h follow-up-1, 3h follow-up-2"), ("hours", "Mon-Sun 00:00-24:00")];
    scene.use_built_in("follow-up-sequence", &touches).await;
    scene.nexora.submit(enquiry()).await;
    scene.nexora.settle().await;
    scene.hours(2).await;
    assert_eq!(scene.sent().len(), 1);
    scene
}

async fn a_colleague_who_answers_is_no_customer(backend: Backend) {
    for colleague in
        ["Sam <sam@acme.example.com>", "owner@acme.example.com", "Office <office@acme.example.com>"]
    {
        let scene = follow_up(backend).await;
        reply(&scene, colleague, "Jo, I can come on Monday.", None);
        scene.pass(60).await;
        assert_eq!(authors(&scene).await, [Author::Nexora, Author::Person], "{colleague}");
        let leads =
            scene.nexora.view(move |tx| store::lead::list(tx, &store::lead::Filter::default(), 5)).await;
        assert_eq!(leads[0].state, LeadState::Contacted, "{colleague}");
        assert!(leads[0].responded_at.is_some(), "{colleague}");
    }
    // What the business writes from besides its accounts it names.
    for (own, sender) in
        [("office@acme-plumbing.net", "Sam <Office@acme-plumbing.net>"), ("acme.net", "kim@acme.net")]
    {
        let mut scene = follow_up(backend).await;
        scene.set(&[("own_addresses", own)]).await;
        reply(&scene, sender, "Jo, I can come on Monday.", None);
        scene.pass(60).await;
        assert_eq!(authors(&scene).await, [Author::Nexora, Author::Person], "{sender}");
    }
    // What its mailbox may send from Gmail says, once the owner of the address has agreed.
    for (status, author) in [("accepted", Author::Person), ("pending", Author::Contact)] {
        let scene = follow_up(backend).await;
        scene.steer_gmail(json!({ "send_as": { OFFICE: { "Info@acme-plumbing.net": status } } }));
        scene.pass(86_400).await;
        reply(&scene, "Sam <info@acme-plumbing.net>", "Jo, I can come on Monday.", None);
        scene.pass(60).await;
        assert_eq!(authors(&scene).await.last(), Some(&author), "{status}");
    }
    let scene = follow_up(backend).await;
    reply(&scene, "Jo <jo@example.com>", "Monday is fine.", Some(true));
    scene.pass(60).await;
    assert_eq!(authors(&scene).await, [Author::Nexora, Author::Contact]);
}

async fn a_contact_that_was_kept_by_the_shown_form_of_its_domain_is_found(backend: Backend) {
    let mut scene = Scene::new(backend).await;
    scene.at(MORNING).await;
    let Nexora { app, tenant, .. } = &scene.nexora;
    scene.nexora.submit(enquiry()).await;
    let id = contact::find(app, tenant, "jo@example.com").await.unwrap().contact.id;
    let (tenant_id, now, kept) = (tenant.id.clone(), app.clock.now(), id.clone());
    let keep = move |conn: &mut store::Conn| {
        let address = (AddressKind::Email, "jo@bücher.example");
        store::contact::add_address(&mut conn.of(&tenant_id), &kept, address, AddressProof::Wrote, now)
    };
    app.db.write(keep).await.unwrap();
    let found = contact::find(app, tenant, "jo@bücher.example").await.unwrap();
    assert_eq!(found.contact.id, id);
    let raw = "From: Jo <jo@xn--bcher-kva.example>\r\nSubject: Tomorrow\r\n\r\nAt nine?\r\n";
    scene.seed(json!({ "deliveries": [{ "mailbox": OFFICE, "raw": raw }] }));
    scene.pass(120).await;
    assert_eq!(authors(&scene).await.last(), Some(&Author::Contact), "the mail is the contact's");
}

async fn a_mail_that_is_not_from_its_sender_ends_nothing(backend: Backend) {
    let scene = follow_up(backend).await;
    reply(&scene, "Jo <jo@example.com>", "Never mind, it works again.", Some(false));
    scene.pass(60).await;
    assert_eq!(authors(&scene).await, [Author::Nexora, Author::Unverified]);
    let leads = scene.nexora.view(move |tx| store::lead::list(tx, &store::lead::Filter::default(), 5)).await;
    let run = scene.nexora.lead(&leads[0].id).await.runs.remove(0).run;
    assert_eq!((leads[0].state, run.state), (LeadState::New, RunState::Waiting), "the follow-up goes on");
}

async fn a_consent_that_was_taken_back_is_not_given_again_by_a_form(backend: Backend) {
    let mut scene = Scene::new(backend).await;
    scene.at(MORNING).await;
    scene.nexora.submit(enquiry()).await;
    let Nexora { app, tenant, .. } = &scene.nexora;
    let id = contact::find(app, tenant, "jo@example.com").await.unwrap().contact.id;
    let (tenant_id, contact_id, now) = (tenant.id.clone(), id.clone(), app.clock.now());
    let withdrawn = move |conn: &mut store::Conn| {
        let word = ConsentRecord { channel: Channel::Email, given: false, wording: "no more".into() };
        let given = Given { source: "phone", actor: "owner", lead: None };
        consent::note(&mut conn.of(&tenant_id), &contact_id, word, given, now)
    };
    app.db.write(withdrawn).await.unwrap();
    let site = crate::site::Site::of(scene.nexora).await;
    let body = json!({ "name": "Jo", "email": "jo@example.com", "consent_marketing": true,
        "consent_marketing_text": "Yes, write to me.", "message": "Hello again" });
    assert_eq!(site.post("/lead/acme", body.clone()).await.0, 202);
    let latest = site.nexora.view(move |tx| store::consent::latest(tx, &id, Channel::Email)).await;
    assert!(!latest.unwrap().given);
    // One who took nothing back gives it.
    let mut other = body;
    other["email"] = json!("al@example.com");
    site.post("/lead/acme", other).await;
    let al = contact::find(&site.nexora.app, &site.nexora.tenant, "al@example.com").await.unwrap();
    assert!(al.consents[0].given);
}

async fn an_address_that_others_type_in_gets_one_answer_an_hour(backend: Backend) {
    let mut scene = Scene::new(backend).await;
    scene.at(MORNING).await;
    scene.use_built_in("lead-capture", &[("callback", "false"), ("chase_after", "")]).await;
    for number in 0..20 {
        let mut one = enquiry();
        one.message = format!("Enquiry {number}");
        scene.nexora.submit(one).await;
    }
    scene.nexora.settle().await;
    assert_eq!(recipients(&scene).len(), 1);
    for _ in 0..6 {
        scene.hours(2).await;
        scene.nexora.submit(enquiry()).await;
        scene.nexora.settle().await;
    }
    assert_eq!(recipients(&scene).len(), 3, "three in a day");
}
