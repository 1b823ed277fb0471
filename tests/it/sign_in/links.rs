//! Links by which a user sets a password: the invitation, and the way out for whoever has forgotten theirs.

use std::time::Duration;

use nexora::domain::alert::letter;
use nexora::ops::access::password_link::{self, Handover, MadeLink};
use nexora::ops::access::session;
use nexora::ops::access::user::{self, Grant};
use nexora::ops::access::{own_password, sign_in};
use nexora::ops::{connection, tenant};
use nexora_core::base::secret::Secret;
use nexora_core::model::address::EmailAddress;
use nexora_core::model::audit::Actor;
use nexora_core::model::user::{Role, UserState};
use reqwest::StatusCode;

use crate::harness::{Backend, on_both};
use crate::site::Site;
use crate::visitor::{self, Answer, PASSWORD, Visitor, enrol};

use super::{JO, OPERATOR, sees, sessions, site, told};

const NEW: &str = "a brand new battery";
const FORGOTTEN: &str = "/status/sign-in/forgotten";

on_both!(
    an_invited_user_chooses_a_password_by_a_link_that_works_once,
    whoever_has_not_come_is_invited_anew_and_whoever_has_a_password_is_not,
    a_forgotten_password_is_set_anew_by_mail,
    a_link_ends_by_time_by_a_newer_one_and_by_every_change,
    known_and_unknown_addresses_are_answered_alike,
    too_many_wishes_bring_no_mails,
    what_carries_the_mail_is_found_or_said_to_be_missing,
    only_an_operator_is_handed_the_link,
    of_many_who_use_a_link_at_once_one_does,
);

fn email(text: &str) -> EmailAddress {
    text.parse().unwrap()
}

fn owner(site: &Site) -> Grant {
    Grant::Member(Box::new(site.nexora.tenant.clone()), Role::Owner)
}

/// Returns the mails that the relay took for an address: subject and text.
fn mails(site: &Site, to: &str) -> Vec<(String, String)> {
    let state = site.nexora.state();
    let taken = state["smtp"].as_array().unwrap().iter().filter(|mail| mail["to"][0] == to);
    let text = |mail: &serde_json::Value, key: &str| mail[key].as_str().unwrap_or_default().to_owned();
    taken.map(|mail| (text(mail, "subject"), text(mail, "text"))).collect()
}

/// Returns the path of the link in a text.
fn path(text: &str) -> String {
    let line = text.lines().find(|line| line.contains("/status/sign-in/password/"));
    let line = line.unwrap_or_else(|| panic!("no link: {text}")).trim();
    line[line.find("/status/").unwrap()..].to_owned()
}

async fn set(browser: &mut Visitor, path: &str, new: &str, again: &str) -> Answer {
    browser.post(path, &[("new", new), ("again", again)], &[]).await
}

async fn ask(site: &Site, browser: &mut Visitor, email: &str) -> Answer {
    let answer = browser.fill_in(FORGOTTEN, &[("email", email)]).await;
    letter::rest(&site.nexora.app).await;
    answer
}

async fn reset(site: &Site, to: &str) -> MadeLink {
    let (app, actor) = (&site.nexora.app, &site.nexora.actor);
    password_link::reset(app, actor, &email(to), Handover::Print).await.unwrap()
}

async fn an_invited_user_chooses_a_password_by_a_link_that_works_once(backend: Backend) {
    let site = Site::open(backend).await;
    let (app, actor) = (&site.nexora.app, &site.nexora.actor);
    let name = Some("Jo Miller".to_owned());
    let invited =
        password_link::invite(app, actor, (email(JO), name), owner(&site), Handover::Mail).await.unwrap();
    let link = invited.link.unwrap();
    assert!(link.is_mailed && link.link.is_none() && link.reason.is_none(), "{link:?}");
    let mailed = mails(&site, JO);
    assert_eq!(mailed.len(), 1, "{mailed:?}");
    let (subject, text) = &mailed[0];
    assert!(subject.contains("Acme Plumbing"), "{subject}");
    assert!(text.contains("Jo") && text.contains("72 hours"), "{text}");
    let path = path(text);

    let mut browser = Visitor::new(&site.base);
    for _ in 0..3 {
        let page = browser.get(&path).await;
        assert_eq!(page.status, StatusCode::OK, "a program that looks into mails uses nothing up");
        assert!(
            page.text.contains(JO) && page.text.contains("autocomplete=\"new-password\""),
            "{}",
            page.text
        );
    }
    let page = site.client.get(format!("{}{path}", site.base)).send().await.unwrap();
    for (name, value) in
        [("referrer-policy", "no-referrer"), ("x-robots-tag", "noindex"), ("cache-control", "no-store")]
    {
        assert_eq!(page.headers()[name], value, "{name}");
    }
    assert!(page.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
    for (new, again, part) in [("short", "short", "at least 12"), (NEW, PASSWORD, "the same way")] {
        let answer = set(&mut browser, &path, new, again).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{new}");
        assert!(answer.text.contains(part) && answer.text.contains("role=\"alert\""), "{}", answer.text);
        assert!(!answer.text.contains(new), "what was typed is not sent back");
    }
    let done = set(&mut browser, &path, NEW, NEW).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    assert!(done.text.contains("Your password is set"), "{}", done.text);
    for answer in [set(&mut browser, &path, PASSWORD, PASSWORD).await, browser.get(&path).await] {
        assert_eq!(answer.status, StatusCode::GONE);
        assert!(answer.text.contains("does not work any more"), "{}", answer.text);
    }
    assert_eq!(browser.sign_in(JO, PASSWORD).await.status, StatusCode::FORBIDDEN);
    browser.sign_in(JO, NEW).await;
    assert!(sees(&mut browser).await);
    let told = told(&site, JO).await;
    assert!(told.contains(&"auth.password_set by an invitation's link".to_owned()), "{told:?}");
}

async fn whoever_has_not_come_is_invited_anew_and_whoever_has_a_password_is_not(backend: Backend) {
    let site = Site::open(backend).await;
    let (app, actor) = (&site.nexora.app, &site.nexora.actor);
    let invite = async |to: &str, grant: Grant| {
        password_link::invite(app, actor, (email(to), None), grant, Handover::Print).await
    };
    let first = invite(JO, owner(&site)).await.unwrap().link.unwrap().link.unwrap();
    let again = invite(JO, owner(&site)).await.unwrap().link.unwrap().link.unwrap();
    let mut browser = Visitor::new(&site.base);
    assert_eq!(browser.get(&path(&first)).await.status, StatusCode::GONE, "the newer one is the only one");
    assert_eq!(browser.get(&path(&again)).await.status, StatusCode::OK);
    let viewer = Grant::Member(Box::new(site.nexora.tenant.clone()), Role::Viewer);
    let error = invite(JO, viewer).await.unwrap_err();
    assert!(error.hint_text().unwrap().contains("user set-role"), "{error:?}");
    let error = invite(JO, Grant::Operator).await.unwrap_err();
    assert_eq!(error.kind().exit_code(), 5, "an invitation makes no operator of a member");
    assert_eq!(set(&mut browser, &path(&again), NEW, NEW).await.status, StatusCode::OK);
    let error = invite(JO, owner(&site)).await.unwrap_err();
    assert!(error.hint_text().unwrap().contains("user reset-link"), "{error:?}");
    // Whoever has a password is given the further membership, and no link.
    let other = tenant::create(app, actor, crate::harness::new_tenant("beta")).await.unwrap();
    let further = invite(JO, Grant::Member(Box::new(other), Role::Viewer)).await.unwrap();
    assert!(further.link.is_none() && further.user.memberships.len() == 2, "{further:?}");
    assert!(invite("boss@example.com", Grant::Operator).await.unwrap().link.is_some());
}

async fn a_forgotten_password_is_set_anew_by_mail(backend: Backend) {
    let site = site(backend).await;
    let app = &site.nexora.app;
    let mut browser = Visitor::new(&site.base);
    let mut elsewhere = Visitor::new(&site.base);
    elsewhere.sign_in(JO, PASSWORD).await;
    assert!(sees(&mut elsewhere).await);
    assert!(browser.get("/status/sign-in").await.text.contains(FORGOTTEN));
    let answer = ask(&site, &mut browser, " JO@acme.example.com ").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let mailed = mails(&site, JO);
    assert!(mailed.len() == 1 && mailed[0].1.contains("1 hour"), "{mailed:?}");
    assert!(sees(&mut elsewhere).await, "nothing has changed yet");
    // The lock that too many tries with the old one brought ends with it.
    for _ in 0..5 {
        browser.sign_in(JO, "wrong password").await;
    }
    assert_eq!(set(&mut browser, &path(&mailed[0].1), NEW, NEW).await.status, StatusCode::OK);
    assert_eq!(sessions(&site).await, 0, "whoever was signed in is out");
    assert!(!sees(&mut elsewhere).await);
    assert_eq!(browser.sign_in(JO, NEW).await.status, StatusCode::SEE_OTHER);
    let told = told(&site, JO).await;
    assert!(told.contains(&"auth.password_set by a reset link".to_owned()), "{told:?}");
    assert!(told.contains(&"auth.password_link asked for".to_owned()), "{told:?}");

    // A code stays wanted, and a link brings no further tries at it.
    let (_, _) = enrol(app, &email(JO)).await;
    let mut stranger = Visitor::new(&site.base);
    for _ in 0..5 {
        let asked = stranger.sign_in(JO, NEW).await;
        stranger.give_code(&asked, "000000").await;
    }
    let link = reset(&site, JO).await.link.unwrap();
    assert_eq!(set(&mut browser, &path(&link), PASSWORD, PASSWORD).await.status, StatusCode::OK);
    assert_eq!(stranger.sign_in(JO, PASSWORD).await.status, StatusCode::FORBIDDEN, "it is locked as before");
    // The texts are in the language of the tenant, whatever the browser speaks.
    let (slug, actor) = (&site.nexora.tenant.slug, &site.nexora.actor);
    tenant::set(app, actor, slug, &[("language".into(), "de".into())]).await.unwrap();
    let link = reset(&site, JO).await.link.unwrap();
    let page = browser.get(&path(&link)).await;
    assert!(page.text.contains("lang=\"de\"") && page.text.contains("Passwort wählen"), "{}", page.text);
}

async fn a_link_ends_by_time_by_a_newer_one_and_by_every_change(backend: Backend) {
    let site = site(backend).await;
    let (app, actor) = (&site.nexora.app, &site.nexora.actor);
    let mut browser = Visitor::new(&site.base);
    let works = async |browser: &mut Visitor, link: &str| {
        let (seen, took) =
            (browser.get(&path(link)).await, set(browser, &path(link), "too short", "too short").await);
        assert_eq!(seen.status == StatusCode::OK, took.status == StatusCode::UNPROCESSABLE_ENTITY);
        seen.status == StatusCode::OK
    };
    let first = reset(&site, JO).await.link.unwrap();
    let second = reset(&site, JO).await.link.unwrap();
    assert!(!works(&mut browser, &first).await && works(&mut browser, &second).await);
    user::set_password(app, actor, &email(JO), &Secret::new(NEW)).await.unwrap();
    assert!(!works(&mut browser, &second).await, "an operator has set the password");

    let link = reset(&site, JO).await.link.unwrap();
    let answer = browser.sign_in(JO, NEW).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let (token, client) = (Secret::new(browser.jar["nexora"].as_str()), session::Client::default());
    let passwords = (&Secret::new(NEW), &Secret::new(PASSWORD));
    let changed = own_password::change(app, &token, passwords, &client).await.unwrap();
    assert_eq!(changed, own_password::Changed::Done);
    assert!(!works(&mut browser, &link).await, "they remembered");

    let link = reset(&site, JO).await.link.unwrap();
    user::set_state(app, actor, &email(JO), UserState::Disabled).await.unwrap();
    assert!(!works(&mut browser, &link).await);
    assert!(password_link::reset(app, actor, &email(JO), Handover::Print).await.is_err());
    user::set_state(app, actor, &email(JO), UserState::Active).await.unwrap();
    assert!(!works(&mut browser, &link).await, "it does not come back");

    let link = reset(&site, JO).await.link.unwrap();
    app.clock.advance(Duration::from_secs(24 * 3_600 - 1));
    assert!(works(&mut browser, &link).await);
    app.clock.advance(Duration::from_secs(1));
    assert!(!works(&mut browser, &link).await);
    ask(&site, &mut browser, JO).await;
    let asked = mails(&site, JO)[0].1.clone();
    app.clock.advance(Duration::from_secs(3_600));
    assert!(!works(&mut browser, &asked).await, "one that was asked for has an hour");
    for wrong in ["x", "%20", "../../sign-in"] {
        let answer = browser.get(&format!("/status/sign-in/password/{wrong}")).await;
        assert!(
            matches!(answer.status, StatusCode::GONE | StatusCode::OK | StatusCode::NOT_FOUND),
            "{wrong}"
        );
    }
    user::delete(app, actor, &visitor::user(app, "gone@acme.example.com", None).await).await.unwrap();
}

async fn known_and_unknown_addresses_are_answered_alike(backend: Backend) {
    let site = site(backend).await;
    let app = &site.nexora.app;
    let off = visitor::user(app, "off@acme.example.com", Some((&site.nexora.tenant, Role::Viewer))).await;
    user::set_state(app, &site.nexora.actor, &off, UserState::Disabled).await.unwrap();
    let before = app.db.read(nexora_store::sign_in::uncounted).await.unwrap();
    let mut texts = Vec::new();
    let asked = [JO, "nobody@acme.example.com", "off@acme.example.com", "no address"];
    for address in asked {
        let mut browser = Visitor::new(&site.base);
        let answer = ask(&site, &mut browser, address).await;
        assert_eq!(answer.status, StatusCode::OK, "{address}");
        assert!(!answer.text.contains(address), "{}", answer.text);
        texts.push(answer.text);
    }
    texts.dedup();
    assert_eq!(texts.len(), 1);
    let after = app.db.read(nexora_store::sign_in::uncounted).await.unwrap();
    assert_eq!(after - before, 4, "before the answer, the same is written for each");
    assert_eq!(mails(&site, JO).len(), 1);
    assert_eq!(mails(&site, "off@acme.example.com").len(), 0);
    assert_eq!(site.nexora.state()["smtp"].as_array().unwrap().len(), 1);
    // Another site cannot have a browser ask.
    let mut browser = Visitor::new(&site.base);
    let page = browser.get(FORGOTTEN).await;
    let token = visitor::hidden(&page.text, "token");
    let fields = [("token", token.as_str()), ("email", JO)];
    let answer = browser.post(FORGOTTEN, &fields, &[("sec-fetch-site", "cross-site")]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.post(FORGOTTEN, &[("email", JO)], &[]).await.status, StatusCode::FORBIDDEN);
    // Nobody is known yet, so that the browser's language counts.
    let page =
        site.client.get(format!("{}{FORGOTTEN}", site.base)).header("accept-language", "fr-CA, en;q=0.5");
    assert!(page.send().await.unwrap().text().await.unwrap().contains("Mot de passe oublié"));
}

async fn too_many_wishes_bring_no_mails(backend: Backend) {
    let site = site(backend).await;
    let clock = &site.nexora.app.clock;
    let other = site.nexora.second_daemon().await;
    let client = session::Client::default();
    for _ in 0..3 {
        password_link::ask(&other, JO, &client).await.unwrap();
        letter::rest(&other).await;
    }
    assert_eq!(mails(&site, JO).len(), 3);
    let mut browser = Visitor::new(&site.base);
    let last = path(&mails(&site, JO)[2].1);
    for _ in 0..6 {
        assert_eq!(ask(&site, &mut browser, JO).await.status, StatusCode::OK);
    }
    assert_eq!(mails(&site, JO).len(), 3, "the user is left in peace, by every daemon");
    assert_eq!(browser.get(&last).await.status, StatusCode::OK, "and the link that they have works");
    assert_eq!(ask(&site, &mut browser, JO).await.status, StatusCode::TOO_MANY_REQUESTS, "this client waits");
    assert_eq!(ask(&site, &mut browser, "x@example.com").await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(
        browser.sign_in(JO, PASSWORD).await.status,
        StatusCode::SEE_OTHER,
        "signing in is another matter"
    );
    clock.advance(Duration::from_secs(16 * 60));
    ask(&site, &mut browser, JO).await;
    assert_eq!(mails(&site, JO).len(), 4);

    // A stranger who asks does not shorten the time of an invitation.
    let (app, actor) = (&site.nexora.app, &site.nexora.actor);
    let new = "new@acme.example.com";
    let invited = password_link::invite(app, actor, (email(new), None), owner(&site), Handover::Mail).await;
    let ends = invited.unwrap().link.unwrap().expires_at;
    password_link::ask(app, new, &client).await.unwrap();
    letter::rest(app).await;
    let view = user::find(app, &email(new)).await.unwrap();
    assert_eq!(sign_in::standing(app, &view.user).await.unwrap().link_ends_at, Some(ends));
    assert!(mails(&site, new)[1].1.contains("72 hours"), "{:?}", mails(&site, new));
}

async fn what_carries_the_mail_is_found_or_said_to_be_missing(backend: Backend) {
    let site = site(backend).await;
    let (app, actor, tenant) = (&site.nexora.app, &site.nexora.actor, &site.nexora.tenant);
    let by_mail = async || password_link::reset(app, actor, &email(JO), Handover::Mail).await.unwrap();
    assert!(by_mail().await.is_mailed, "by the tenant's relay");
    connection::pause(app, actor, tenant, "smtp").await.unwrap();
    let paused = by_mail().await;
    assert!(
        !paused.is_mailed && paused.link.is_some(),
        "a connection that was paused carries nothing: {paused:?}"
    );
    assert!(paused.reason.unwrap().contains("`[alerts]` names no relay"));
    assert!(paused.hint.unwrap().contains("smtp_host"));
    let mut browser = Visitor::new(&site.base);
    let page = browser.get(FORGOTTEN).await;
    assert!(page.text.contains("Ask whoever runs it") && !page.text.contains("<form"), "{}", page.text);
    connection::removal::remove(app, actor, tenant, "smtp", None).await.unwrap();
    assert!(by_mail().await.is_mailed, "by the tenant's mailbox");
    let sent = site.nexora.state().to_string();
    assert!(sent.contains("Another password for"), "{sent}");
    // A tenant that rehearses writes to nobody.
    tenant::set(app, actor, &tenant.slug, &[("mode".into(), "rehearsal".into())]).await.unwrap();
    assert!(!by_mail().await.is_mailed);
    // An operator belongs to no tenant.
    visitor::user(app, OPERATOR, None).await;
    let link = password_link::reset(app, actor, &email(OPERATOR), Handover::Mail).await.unwrap();
    assert!(!link.is_mailed && link.link.is_some(), "{link:?}");

    // The relay of the operator comes before all of these.
    let port = site.nexora.sandbox.as_ref().unwrap().smtp_address().port();
    let own = Site::open_with(backend, |config| {
        config.alerts.smtp_host = "127.0.0.1".to_owned();
        config.alerts.smtp_port = port;
        config.alerts.smtp_tls = "none".to_owned();
        config.alerts.from = "nexora@example.com".to_owned();
    })
    .await;
    visitor::user(&own.nexora.app, OPERATOR, None).await;
    let link = password_link::reset(&own.nexora.app, actor, &email(OPERATOR), Handover::Mail).await.unwrap();
    assert!(link.is_mailed, "{link:?}");
    let state = site.nexora.state();
    let last = state["smtp"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["from"], &last["to"][0]), (&"nexora@example.com".into(), &OPERATOR.into()));
    // It does not get through: the operator has the link, and the user's record says why.
    site.nexora
        .faults(serde_json::json!([{ "service": "smtp", "call": "rcpt", "fault": "status", "status": 550, "times": 2 }]))
        .await;
    let link = password_link::reset(&own.nexora.app, actor, &email(OPERATOR), Handover::Mail).await.unwrap();
    assert!(link.link.is_some() && link.reason.unwrap().contains("did not get through"));
    ask(&own, &mut Visitor::new(&own.base), OPERATOR).await;
    let told = told(&own, OPERATOR).await;
    assert!(
        told[0].starts_with("auth.password_link_not_mailed a mail to a user did not get through"),
        "{told:?}"
    );
}

async fn only_an_operator_is_handed_the_link(backend: Backend) {
    let site = site(backend).await;
    let (app, actor, tenant) = (&site.nexora.app, &site.nexora.actor, &site.nexora.tenant);
    let jo = Actor::User(JO.to_owned());
    let invite = async |to: &str, handover| {
        password_link::invite(app, &jo, (email(to), None), owner(&site), handover).await
    };
    let error = invite("al@acme.example.com", Handover::Print).await.unwrap_err();
    assert_eq!(error.kind().exit_code(), 7);
    assert!(user::find(app, &email("al@acme.example.com")).await.is_err(), "nobody was made");
    assert!(invite("al@acme.example.com", Handover::Mail).await.unwrap().link.unwrap().link.is_none());
    connection::pause(app, actor, tenant, "smtp").await.unwrap();
    let error = invite("bo@acme.example.com", Handover::Mail).await.unwrap_err();
    assert!(error.kind().exit_code() == 6 && error.hint_text().unwrap().contains("an operator"), "{error:?}");
    assert!(password_link::reset(app, &jo, &email(JO), Handover::Print).await.is_err());
}

async fn of_many_who_use_a_link_at_once_one_does(backend: Backend) {
    let site = site(backend).await;
    let app = &site.nexora.app;
    let link = reset(&site, JO).await.link.unwrap();
    let token = link.rsplit('/').next().unwrap().to_owned();
    let tries = (0..6).map(|number| {
        let (app, token) = (app.clone(), token.clone());
        tokio::spawn(async move {
            let new = Secret::new(format!("{NEW} {number}"));
            password_link::take(&app, &token, &new, &session::Client::default()).await.unwrap()
        })
    });
    let tries: Vec<_> = tries.collect();
    let mut done = 0;
    for tried in tries {
        done += usize::from(tried.await.unwrap() == password_link::Taken::Done);
    }
    assert_eq!(done, 1);
    // What is kept is a hash, and the trail does not have the link either.
    let trail = app.db.read(|conn| nexora_store::audit::list_of(conn, JO, "", 50)).await.unwrap();
    let trail = serde_json::to_string(&trail).unwrap();
    assert!(trail.contains("user.reset_link") && !trail.contains(&token), "{trail}");
}
