//! Sessions: how they begin, by a password or a link, and how they end.

use std::time::Duration;

use nexora::config::Config;
use nexora::ops;
use nexora::ops::access::session;
use nexora::ops::access::user;
use nexora_core::base::secret::Secret;
use nexora_core::model::SessionId;
use nexora_core::model::user::{Role, UserState};
use reqwest::StatusCode;

use super::{JO, sees, sessions, site};
use crate::harness::{Backend, on_both};
use crate::site::Site;
use crate::visitor::{self, PASSWORD, Visitor};

on_both!(
    a_session_ends_by_age_by_rest_and_by_word,
    a_page_that_is_left_open_does_not_keep_the_session,
    signing_in_again_changes_the_session,
    a_link_becomes_a_session_that_ends_with_it,
    a_link_that_programs_open_over_and_over_has_so_many_sessions,
    a_link_signs_nobody_in_as_somebody_else_and_works_so_long,
    on_an_encrypted_address_the_cookie_never_leaves_it,
    a_user_changes_their_own_password_and_is_out_everywhere_else,
);

async fn a_session_ends_by_age_by_rest_and_by_word(backend: Backend) {
    let site = site(backend).await;
    let app = &site.nexora.app;
    let (clock, actor) = (&app.clock, &site.nexora.actor);
    let jo = JO.parse().unwrap();
    let mut browser = Visitor::new(&site.base);
    browser.sign_in(JO, PASSWORD).await;
    for _ in 0..14 {
        clock.advance(Duration::from_mins(50));
        assert!(sees(&mut browser).await, "use keeps it open");
    }
    clock.advance(Duration::from_mins(21));
    assert!(!sees(&mut browser).await, "after twelve hours it ends");

    browser.sign_in(JO, PASSWORD).await;
    clock.advance(Duration::from_mins(60));
    assert!(!sees(&mut browser).await, "after an hour of rest it ends");
    assert_eq!(sessions(&site).await, 0);

    browser.sign_in(JO, PASSWORD).await;
    let listed = session::list(app, Some(&site.nexora.tenant)).await.unwrap();
    assert_eq!(
        (listed.len(), listed[0].user.as_ref().unwrap().as_str(), listed[0].session.address.as_str()),
        (1, JO, "127.0.0.1")
    );
    session::revoke(app, actor, &listed[0].session.id).await.unwrap();
    assert!(!sees(&mut browser).await);

    browser.sign_in(JO, PASSWORD).await;
    assert_eq!(session::revoke_of_user(app, actor, &jo).await.unwrap(), 1);
    assert!(!sees(&mut browser).await);

    browser.sign_in(JO, PASSWORD).await;
    user::set_password(app, actor, &jo, &Secret::new("another password")).await.unwrap();
    assert!(!sees(&mut browser).await, "a new password ends what the old one began");

    browser.sign_in(JO, "another password").await;
    assert!(sees(&mut browser).await);
    user::set_state(app, actor, &jo, UserState::Disabled).await.unwrap();
    assert!(!sees(&mut browser).await, "a disabled user is out at once");
    user::set_state(app, actor, &jo, UserState::Active).await.unwrap();
    assert!(!sees(&mut browser).await, "and stays out until they sign in");

    browser.sign_in(JO, "another password").await;
    // The last owner of a tenant is not taken out.
    let grant = user::Grant::Member(Box::new(site.nexora.tenant.clone()), Role::Owner);
    user::create(app, actor, "other@acme.example.com".parse().unwrap(), None, grant).await.unwrap();
    user::remove(app, actor, &site.nexora.tenant, &jo).await.unwrap();
    assert!(!sees(&mut browser).await, "who is no member sees nothing");
    assert_eq!(session::revoke_all(app, actor).await.unwrap(), 1);

    // What has ended long ago is forgotten.
    let id = listed[0].session.id.clone();
    let kept = |id: SessionId| app.db.read(move |conn| nexora_store::session::find(conn, &id));
    assert!(kept(id.clone()).await.unwrap().is_some());
    clock.advance(Duration::from_secs(32 * 86_400));
    nexora::pipeline::prune::sweep(app).await.unwrap();
    assert!(kept(id).await.unwrap().is_none());
}

async fn a_page_that_is_left_open_does_not_keep_the_session(backend: Backend) {
    let site = site(backend).await;
    let mut browser = Visitor::new(&site.base);
    browser.sign_in(JO, PASSWORD).await;
    for _ in 0..2 {
        site.nexora.app.clock.advance(Duration::from_mins(29));
        assert!(browser.refresh("/status").await.text.contains("Acme Plumbing"));
    }
    site.nexora.app.clock.advance(Duration::from_mins(3));
    assert!(!browser.refresh("/status").await.text.contains("Acme Plumbing"), "an hour went by");
    assert!(!sees(&mut browser).await);
}

async fn signing_in_again_changes_the_session(backend: Backend) {
    let site = site(backend).await;
    let mut browser = Visitor::new(&site.base);
    browser.sign_in(JO, PASSWORD).await;
    let mut old = Visitor::new(&site.base);
    old.jar = browser.jar.clone();
    browser.sign_in(JO, PASSWORD).await;
    assert_ne!(old.jar["nexora"], browser.jar["nexora"]);
    assert!(sees(&mut browser).await && !sees(&mut old).await);
    assert_eq!(sessions(&site).await, 1);
}

async fn a_link_becomes_a_session_that_ends_with_it(backend: Backend) {
    let site = site(backend).await;
    let (app, tenant) = (&site.nexora.app, &site.nexora.tenant);
    let link = |days: u64| {
        let until = app.clock.now() + Duration::from_secs(days * 86_400);
        format!("/status?token={}", ops::report::status::sign_link(&app.key, tenant, until))
    };
    let week = link(7);
    let mut browser = Visitor::new(&site.base);
    let answer = browser.get(&week).await;
    assert_eq!((answer.status, answer.location.as_str()), (StatusCode::SEE_OTHER, "/status"));
    assert!(sees(&mut browser).await);
    browser.get(&week).await;
    assert_eq!(sessions(&site).await, 1, "opening it again begins nothing new");
    app.clock.advance(Duration::from_secs(6 * 86_400));
    assert!(sees(&mut browser).await, "it does not end by rest");
    app.clock.advance(Duration::from_secs(86_401));
    assert!(!sees(&mut browser).await);
    assert_eq!(browser.get(&week).await.status, StatusCode::FORBIDDEN);

    let second = link(7);
    browser.get(&second).await;
    assert!(sees(&mut browser).await);
    assert_eq!(session::revoke_links(app, &site.nexora.actor, tenant).await.unwrap(), 1);
    assert!(!sees(&mut browser).await, "what came of the links ends with them");
    assert_eq!(browser.get(&second).await.status, StatusCode::FORBIDDEN);
    let tenant = ops::tenant::find(app, &tenant.slug).await.unwrap();
    let token = ops::report::status::sign_link(&app.key, &tenant, app.clock.now() + Duration::from_secs(60));
    browser.get(&format!("/status?token={token}")).await;
    assert!(sees(&mut browser).await, "a new link opens");

    // Somebody who is signed in stays who they are.
    let mut owner = Visitor::new(&site.base);
    owner.sign_in(JO, PASSWORD).await;
    let before = owner.jar.clone();
    owner.get(&format!("/status?token={token}")).await;
    assert_eq!(owner.jar, before);
}

async fn a_link_that_programs_open_over_and_over_has_so_many_sessions(backend: Backend) {
    let site = site(backend).await;
    let (app, tenant) = (&site.nexora.app, &site.nexora.tenant);
    let until = app.clock.now() + Duration::from_secs(7 * 86_400);
    let link = format!("/status?token={}", ops::report::status::sign_link(&app.key, tenant, until));
    let opened = async || {
        let id = tenant.id.clone();
        let find = app.db.read(move |conn| nexora_store::audit::list(conn, Some(&id), 1_000));
        find.await.unwrap().iter().filter(|entry| entry.action == "auth.link").count()
    };
    let mut owner = Visitor::new(&site.base);
    owner.get(&link).await;
    app.clock.advance(Duration::from_mins(2));
    assert!(sees(&mut owner).await);
    let mut first = Visitor::new(&site.base);
    for number in 0..30 {
        let mut scanner = Visitor::new(&site.base);
        scanner.get(&link).await;
        if number == 0 {
            first = scanner;
        }
        app.clock.advance(Duration::from_secs(1));
        if number == 10 {
            app.clock.advance(Duration::from_mins(2));
            assert!(sees(&mut owner).await);
        }
    }
    assert_eq!((sessions(&site).await, opened().await), (20, 1));
    assert!(!sees(&mut first).await, "the one least lately used made room");
    assert!(sees(&mut owner).await);
    app.clock.advance(Duration::from_secs(86_400));
    for _ in 0..2 {
        Visitor::new(&site.base).get(&link).await;
    }
    assert_eq!((sessions(&site).await, opened().await), (20, 2));
}

async fn on_an_encrypted_address_the_cookie_never_leaves_it(backend: Backend) {
    let site = Site::open_with(backend, |config: &mut Config| {
        config.http.public_url = "https://leads.example.com".into();
    })
    .await;
    visitor::user(&site.nexora.app, JO, Some((&site.nexora.tenant, Role::Viewer))).await;
    let mut browser = Visitor::new(&site.base);
    let answer = browser.sign_in(JO, PASSWORD).await;
    let cookie = answer.cookies.iter().find(|line| line.starts_with("__Host-nexora=")).unwrap();
    for part in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/;"] {
        assert!(format!("{cookie};").contains(part), "{part}: {cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
}

async fn a_link_signs_nobody_in_as_somebody_else_and_works_so_long(backend: Backend) {
    let site = site(backend).await;
    let (app, actor) = (&site.nexora.app, &site.nexora.actor);
    let rival = ops::tenant::create(app, actor, crate::harness::new_tenant("rival")).await.unwrap();
    let day = Duration::from_secs(86_400);
    let (url, _) = ops::report::status::make_link(app, actor, &rival, day).await.unwrap();
    let path = url.split_once("/status").map(|(_, rest)| format!("/status{rest}")).unwrap();
    let mut owner = Visitor::new(&site.base);
    owner.sign_in(JO, PASSWORD).await;
    let before = owner.jar.clone();
    let answer = owner.get(&path).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(answer.text.contains("/status/sign-out"), "{}", answer.text);
    assert_eq!(owner.jar, before);
    assert!(sees(&mut owner).await, "the page is still the owner's");
    assert_eq!(Visitor::new(&site.base).get(&path).await.status, StatusCode::SEE_OTHER);

    let id = rival.id.clone();
    let trail = app.db.read(move |conn| nexora_store::audit::list(conn, Some(&id), 9)).await.unwrap();
    let made =
        trail.iter().find(|entry| entry.action == "status.link").expect("the link is in the audit trail");
    assert!(made.after.is_some(), "with its end");
    let refused = ops::report::status::make_link(app, actor, &rival, day * 401).await.unwrap_err();
    assert!(refused.message().contains("400 days"), "{refused}");
    // One that was made to work for longer, by an earlier version, works for no more than that before its end.
    let until = app.clock.now() + day * 500;
    let token = ops::report::status::sign_link(&app.key, &rival, until);
    let old = format!("/status?token={token}");
    assert_eq!(Visitor::new(&site.base).get(&old).await.status, StatusCode::FORBIDDEN);
}

async fn a_user_changes_their_own_password_and_is_out_everywhere_else(backend: Backend) {
    const PATH: &str = "/status/sign-in/password";
    const NEW: &str = "a much better sentence";
    let site = site(backend).await;
    let app = &site.nexora.app;
    let mut stranger = Visitor::new(&site.base);
    let sent_away = stranger.get(PATH).await;
    assert_eq!((sent_away.status, sent_away.location.as_str()), (StatusCode::SEE_OTHER, "/status/sign-in"));
    let (mut browser, mut other) = (Visitor::new(&site.base), Visitor::new(&site.base));
    browser.sign_in(JO, PASSWORD).await;
    other.sign_in(JO, PASSWORD).await;
    let fields = |present: &'static str, new: &'static str, again: &'static str| {
        [("present", present), ("new", new), ("again", again)]
    };
    let answer = browser.fill_in(PATH, &fields("not mine", NEW, NEW)).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.text.contains("That is not your password now"), "{}", answer.text);
    let answer = browser.fill_in(PATH, &fields(PASSWORD, NEW, "another one")).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.text.contains("twice"), "{}", answer.text);
    let answer = browser.fill_in(PATH, &fields(PASSWORD, "short", "short")).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.text.contains("5 characters"), "{}", answer.text);
    // Without the form's own token, or from another site, nothing is taken.
    let answer = browser.post(PATH, &fields(PASSWORD, NEW, NEW), &[]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let token = visitor::hidden(&browser.get(PATH).await.text, "token");
    let sent = [&fields(PASSWORD, NEW, NEW)[..], &[("token", token.as_str())]].concat();
    let answer = browser.post(PATH, &sent, &[("origin", "https://evil.example.com")]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(sees(&mut other).await, "nothing has changed so far");

    let answer = browser.fill_in(PATH, &fields(PASSWORD, NEW, NEW)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert!(answer.text.contains("Your password is changed"), "{}", answer.text);
    assert!(sees(&mut browser).await && !sees(&mut other).await);
    other.sign_in(JO, PASSWORD).await;
    assert!(!sees(&mut other).await, "the old one is good no more");
    other.sign_in(JO, NEW).await;
    assert!(sees(&mut other).await);
    let trail = app.db.read(|conn| nexora_store::audit::list(conn, None, 20)).await.unwrap();
    let changed: Vec<_> = trail.iter().filter(|entry| entry.action == "user.change_password").collect();
    assert_eq!(changed.len(), 1);
    assert_eq!((changed[0].actor.as_str(), changed[0].after.is_none()), ("user:jo@acme.example.com", true));

    // A browser that was left open is no way to try passwords out.
    for _ in 0..12 {
        let answer = browser.fill_in(PATH, &fields("guessed", PASSWORD, PASSWORD)).await;
        assert_ne!(answer.status, StatusCode::OK);
    }
    let answer = browser.fill_in(PATH, &fields(NEW, PASSWORD, PASSWORD)).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text);
    // Whoever came by a link has no password.
    let until = app.clock.now() + Duration::from_mins(60);
    let token = ops::report::status::sign_link(&app.key, &site.nexora.tenant, until);
    stranger.get(&format!("/status?token={token}")).await;
    assert!(sees(&mut stranger).await);
    assert_eq!(stranger.get(PATH).await.location, "/status/sign-in");
}
