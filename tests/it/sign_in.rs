//! Who signs in to the status page, who does not, and when it ends.

mod links;
mod sessions;

use std::time::Duration;

use nexora::ops;
use nexora::ops::access::session;
use nexora::ops::access::sign_in;
use nexora::ops::access::totp;
use nexora::ops::access::user;
use nexora_core::base::secret::Secret;
use nexora_core::model::user::{Role, UserState};
use reqwest::StatusCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::{Backend, on_both};
use crate::site::Site;
use crate::visitor::{self, PASSWORD, Visitor, code, enrol, hidden};

const JO: &str = "jo@acme.example.com";
const OPERATOR: &str = "op@example.com";

async fn site(backend: Backend) -> Site {
    let site = Site::open(backend).await;
    visitor::user(&site.nexora.app, JO, Some((&site.nexora.tenant, Role::Owner))).await;
    site
}

async fn sessions(site: &Site) -> usize {
    session::list(&site.nexora.app, None).await.unwrap().len()
}

/// Tells whether the browser sees the tenant's page.
async fn sees(browser: &mut Visitor) -> bool {
    browser.get("/status").await.text.contains("Acme Plumbing")
}

/// Returns action and manner of the last entries about a subject, latest first.
async fn told(site: &Site, email: &str) -> Vec<String> {
    let view = user::find(&site.nexora.app, &email.parse().unwrap()).await.unwrap();
    let entries = sign_in::standing(&site.nexora.app, &view.user).await.unwrap().events;
    let how = |entry: &nexora_core::model::audit::Entry| {
        let after = entry.after.as_ref().map(nexora_core::base::text::Json::value).unwrap_or_default();
        format!("{} {}", entry.action, after["how"].as_str().unwrap_or_default()).trim().to_owned()
    };
    entries.iter().map(how).collect()
}

on_both!(
    whoever_signs_in_sees_their_tenant_until_they_sign_out,
    whatever_is_wrong_gets_the_same_answer,
    too_many_failures_lock_for_longer_and_longer,
    a_stranger_cannot_lock_out_a_browser_that_signed_in_before,
    a_flood_of_tries_gets_no_further_than_the_limit,
    a_try_is_counted_alike_whether_its_address_is_known_or_not,
    failures_beyond_so_many_are_counted_and_not_written_down,
    a_code_is_taken_once_however_many_send_it,
    a_client_network_that_only_fails_has_to_wait,
    whoever_hangs_up_has_tried_as_well,
    whoever_succeeds_has_not_tried_too_often,
    a_code_is_wanted_where_there_is_one_and_is_good_once,
    wrong_codes_beyond_so_many_are_counted_and_not_written_down,
    where_two_steps_are_required_one_is_not_enough,
    what_another_site_sends_is_refused,
);

async fn whoever_signs_in_sees_their_tenant_until_they_sign_out(backend: Backend) {
    let site = site(backend).await;
    let mut browser = Visitor::new(&site.base);
    assert!(!sees(&mut browser).await);
    let form = browser.get("/status/sign-in").await;
    for part in [
        "autocomplete=\"username\"",
        "autocomplete=\"current-password\"",
        "for=\"email\"",
        "for=\"password\"",
    ] {
        assert!(form.text.contains(part), "{part}: {}", form.text);
    }
    let answer = browser.sign_in("JO@Acme.example.com", PASSWORD).await;
    assert_eq!((answer.status, answer.location.as_str()), (StatusCode::SEE_OTHER, "/status"));
    let cookie = answer.cookies.iter().find(|line| line.starts_with("nexora=")).unwrap();
    for part in ["HttpOnly", "SameSite=Lax", "Path=/status", "Max-Age=43200"] {
        assert!(cookie.contains(part), "{part}: {cookie}");
    }
    assert!(!cookie.contains("Secure") && !browser.jar.contains_key("nexora-before"), "{cookie}");
    assert!(sees(&mut browser).await);
    let view = user::find(&site.nexora.app, &JO.parse().unwrap()).await.unwrap();
    let standing = sign_in::standing(&site.nexora.app, &view.user).await.unwrap();
    assert_eq!((standing.last_sign_in_at, standing.failures), (Some(site.nexora.app.clock.now()), 0));

    let old = browser.jar.clone();
    let left = browser.fill_in("/status/sign-out", &[]).await;
    assert_eq!(left.status, StatusCode::SEE_OTHER);
    assert!(!browser.jar.contains_key("nexora") && !sees(&mut browser).await);
    browser.jar = old;
    assert!(!sees(&mut browser).await, "the session has ended for whoever kept the cookie, too");
    assert_eq!(told(&site, JO).await, ["auth.sign_out", "auth.sign_in password"]);
}

async fn whatever_is_wrong_gets_the_same_answer(backend: Backend) {
    let site = site(backend).await;
    let app = &site.nexora.app;
    let actor = &site.nexora.actor;
    let off = visitor::user(app, "off@acme.example.com", Some((&site.nexora.tenant, Role::Viewer))).await;
    user::set_state(app, actor, &off, UserState::Disabled).await.unwrap();
    let grant = user::Grant::Member(Box::new(site.nexora.tenant.clone()), Role::Viewer);
    user::create(app, actor, "new@acme.example.com".parse().unwrap(), None, grant).await.unwrap();
    let tries = [
        (JO, "wrong password"),
        ("nobody@acme.example.com", PASSWORD),
        ("off@acme.example.com", PASSWORD),
        ("new@acme.example.com", ""),
        ("no address", PASSWORD),
    ];
    let mut texts = Vec::new();
    for (email, password) in tries {
        let mut browser = Visitor::new(&site.base);
        let answer = browser.sign_in(email, password).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{email}");
        assert!(answer.text.contains("role=\"alert\"") && !browser.jar.contains_key("nexora"), "{email}");
        for part in ["tabindex=\"-1\" id=\"faults\" autofocus", "aria-describedby=\"faults\""] {
            assert!(answer.text.contains(part), "{part}: {}", answer.text);
        }
        assert_eq!(answer.text.matches(" autofocus").count(), 1, "the fault is read first");
        texts.push(answer.text.replace(email, "").replace(&hidden(&answer.text, "token"), ""));
    }
    texts.dedup();
    assert_eq!(texts.len(), 1);
    assert_eq!(told(&site, JO).await, ["auth.failure password"]);
    assert_eq!(told(&site, "off@acme.example.com").await, ["auth.failure not let in"]);
}

async fn too_many_failures_lock_for_longer_and_longer(backend: Backend) {
    let site = site(backend).await;
    let clock = &site.nexora.app.clock;
    let other = site.nexora.second_daemon().await;
    let mut browser = Visitor::new(&site.base);
    for _ in 0..5 {
        browser.sign_in(JO, "wrong password").await;
    }
    assert_eq!(told(&site, JO).await[..2], ["auth.lockout password", "auth.failure password"]);
    assert_eq!(browser.sign_in(JO, PASSWORD).await.status, StatusCode::FORBIDDEN);
    let client = session::Client::default();
    let elsewhere = sign_in::with_password(&other, JO, &Secret::new(PASSWORD), &client, "x").await.unwrap();
    assert!(
        matches!(elsewhere, sign_in::SignInStep::Refused(sign_in::Refusal::Wrong)),
        "it holds for every daemon"
    );
    clock.advance(Duration::from_secs(61));
    browser.sign_in(JO, "wrong password").await;
    clock.advance(Duration::from_secs(61));
    assert_eq!(browser.sign_in(JO, PASSWORD).await.status, StatusCode::FORBIDDEN, "now it is two minutes");
    clock.advance(Duration::from_secs(60));
    assert_eq!(browser.sign_in(JO, PASSWORD).await.status, StatusCode::SEE_OTHER);

    for _ in 0..5 {
        browser.sign_in(JO, "wrong password").await;
    }
    assert_eq!(browser.sign_in(JO, PASSWORD).await.status, StatusCode::FORBIDDEN);
    sign_in::unlock(&site.nexora.app, &site.nexora.actor, &JO.parse().unwrap()).await.unwrap();
    assert_eq!(browser.sign_in(JO, PASSWORD).await.status, StatusCode::SEE_OTHER);
}

async fn a_stranger_cannot_lock_out_a_browser_that_signed_in_before(backend: Backend) {
    let site = Site::open_and(backend, |config| config.sessions.failure_limit = 3).await;
    let app = &site.nexora.app;
    visitor::user(app, JO, Some((&site.nexora.tenant, Role::Owner))).await;
    let mut owner = Visitor::new(&site.base);
    let answer = owner.sign_in(JO, PASSWORD).await;
    let cookie = answer.cookies.iter().find(|line| line.starts_with("nexora-known=")).unwrap();
    for part in ["HttpOnly", "SameSite=Lax", "Max-Age=15552000"] {
        assert!(cookie.contains(part), "{part}: {cookie}");
    }
    owner.fill_in("/status/sign-out", &[]).await;
    let since = app.clock.now();
    let mut stranger = Visitor::new(&site.base);
    for _ in 0..3 {
        stranger.sign_in(JO, "wrong password").await;
    }
    assert_eq!(stranger.sign_in(JO, PASSWORD).await.status, StatusCode::FORBIDDEN);
    let status = ops::report::status::of_tenant(app, site.nexora.tenant.clone()).await.unwrap();
    let told = status.troubles.iter().find(|trouble| trouble.what.starts_with("sign-in of")).unwrap();
    assert!(told.what.contains(&format!("{JO} is locked")), "{}", told.what);
    assert_eq!(told.since, Some(since));
    assert_eq!(told.command, format!("nexora user unlock {JO}"));

    // Another user's mark, and one that was tampered with, are a stranger's.
    visitor::user(app, "al@acme.example.com", Some((&site.nexora.tenant, Role::Viewer))).await;
    let mut other = Visitor::new(&site.base);
    other.sign_in("al@acme.example.com", PASSWORD).await;
    assert_eq!(other.sign_in(JO, PASSWORD).await.status, StatusCode::FORBIDDEN);
    let mut forged = Visitor::new(&site.base);
    forged.jar.insert("nexora-known".into(), format!("{}x", owner.jar["nexora-known"]));
    assert_eq!(forged.sign_in(JO, PASSWORD).await.status, StatusCode::FORBIDDEN);

    assert_eq!(owner.sign_in(JO, PASSWORD).await.status, StatusCode::SEE_OTHER);
    assert_eq!(stranger.sign_in(JO, PASSWORD).await.status, StatusCode::FORBIDDEN, "strangers stay out");

    // Whoever guesses with the mark is locked out like anybody.
    for _ in 0..3 {
        owner.sign_in(JO, "wrong password").await;
    }
    assert_eq!(owner.sign_in(JO, PASSWORD).await.status, StatusCode::FORBIDDEN);
    sign_in::unlock(app, &site.nexora.actor, &JO.parse().unwrap()).await.unwrap();
    assert_eq!(owner.sign_in(JO, PASSWORD).await.status, StatusCode::SEE_OTHER);

    // With a new password, every browser is strange again.
    user::set_password(app, &site.nexora.actor, &JO.parse().unwrap(), &Secret::new("another password"))
        .await
        .unwrap();
    for _ in 0..3 {
        stranger.sign_in(JO, "wrong password").await;
    }
    assert_eq!(owner.sign_in(JO, "another password").await.status, StatusCode::FORBIDDEN);
}

async fn a_flood_of_tries_gets_no_further_than_the_limit(backend: Backend) {
    let site = site(backend).await;
    let app = &site.nexora.app;
    let other = site.nexora.second_daemon().await;
    let wrong = Secret::new("wrong password");
    let client = session::Client::default();
    let tries = (0..16).map(|number| {
        let app = if number % 2 == 0 { app } else { &other };
        sign_in::with_password(app, JO, &wrong, &client, "x")
    });
    for answer in futures_util::future::join_all(tries).await {
        assert!(matches!(answer.unwrap(), sign_in::SignInStep::Refused(sign_in::Refusal::Wrong)));
    }
    let view = user::find(app, &JO.parse().unwrap()).await.unwrap();
    assert_eq!(sign_in::standing(app, &view.user).await.unwrap().failures, 5, "the others were not judged");
    let right = sign_in::with_password(app, JO, &Secret::new(PASSWORD), &client, "x").await.unwrap();
    assert!(matches!(right, sign_in::SignInStep::Refused(_)));
}

async fn a_code_is_taken_once_however_many_send_it(backend: Backend) {
    let site = site(backend).await;
    let app = &site.nexora.app;
    let (secret, _) = enrol(app, &JO.parse().unwrap()).await;
    app.clock.advance(Duration::from_secs(30));
    let client = session::Client::default();
    let asked = sign_in::with_password(app, JO, &Secret::new(PASSWORD), &client, "x").await.unwrap();
    let sign_in::SignInStep::Code(step) = asked else { panic!("{asked:?}") };
    let code = code(&secret, app.clock.now());
    let tries = (0..4).map(|_| sign_in::with_code(app, &step, &code, &client, "x"));
    let answers = futures_util::future::join_all(tries).await;
    let entered = answers.iter().filter(|answer| matches!(answer, Ok(sign_in::SignInStep::In(_))));
    assert_eq!((entered.count(), sessions(&site).await), (1, 1));
}

async fn a_client_network_that_only_fails_has_to_wait(backend: Backend) {
    let site = site(backend).await;
    let mut browser = Visitor::new(&site.base);
    for number in 0..20 {
        let answer = browser.sign_in(&format!("guess{number}@acme.example.com"), PASSWORD).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(browser.sign_in(JO, PASSWORD).await.status, StatusCode::TOO_MANY_REQUESTS);
    site.nexora.app.clock.advance(Duration::from_secs(61));
    assert_eq!(browser.sign_in(JO, PASSWORD).await.status, StatusCode::SEE_OTHER);
}

async fn whoever_hangs_up_has_tried_as_well(backend: Backend) {
    let site = Site::open_and(backend, |config| config.sessions.failure_limit = 100).await;
    let app = &site.nexora.app;
    visitor::user(app, JO, Some((&site.nexora.tenant, Role::Owner))).await;
    let user = user::find(app, &JO.parse().unwrap()).await.unwrap().user;
    let mut browser = Visitor::new(&site.base);
    let token = hidden(&browser.get("/status/sign-in").await.text, "token");
    let body = format!("token={token}&email={JO}&password=wrong");
    let request = format!(
        "POST /status/sign-in HTTP/1.1\r\nHost: a\r\nCookie: nexora-before={}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        browser.jar["nexora-before"],
        body.len(),
    );
    for number in 1..=20 {
        let mut stream = TcpStream::connect(site.base.strip_prefix("http://").unwrap()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let begun = async {
            while sign_in::standing(app, &user).await.unwrap().failures < number {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), begun).await.expect("the password is looked at");
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let end = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer));
        end.await.expect("the server hangs up as well").unwrap();
    }
    assert_eq!(browser.sign_in(JO, PASSWORD).await.status, StatusCode::TOO_MANY_REQUESTS);
}

async fn whoever_succeeds_has_not_tried_too_often(backend: Backend) {
    let site = site(backend).await;
    let mut browser = Visitor::new(&site.base);
    for _ in 0..21 {
        assert_eq!(browser.sign_in(JO, PASSWORD).await.status, StatusCode::SEE_OTHER);
    }
}

async fn a_code_is_wanted_where_there_is_one_and_is_good_once(backend: Backend) {
    let site = site(backend).await;
    let app = &site.nexora.app;
    let (secret, recovery) = enrol(app, &JO.parse().unwrap()).await;
    app.clock.advance(Duration::from_secs(30));
    let now = code(&secret, app.clock.now());
    let mut browser = Visitor::new(&site.base);
    let asked = browser.sign_in(JO, PASSWORD).await;
    assert_eq!(asked.status, StatusCode::OK);
    assert!(asked.text.contains("autocomplete=\"one-time-code\"") && !browser.jar.contains_key("nexora"));
    assert_eq!(browser.give_code(&asked, "000000").await.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.give_code(&asked, &now).await.status, StatusCode::SEE_OTHER);
    assert!(sees(&mut browser).await);

    let mut second = Visitor::new(&site.base);
    let asked = second.sign_in(JO, PASSWORD).await;
    assert_eq!(second.give_code(&asked, &now).await.status, StatusCode::FORBIDDEN, "a code is good once");
    let used = second.give_code(&asked, &recovery[3].to_uppercase()).await;
    assert_eq!(used.status, StatusCode::SEE_OTHER);
    let asked = second.sign_in(JO, PASSWORD).await;
    assert_eq!(second.give_code(&asked, &recovery[3]).await.status, StatusCode::FORBIDDEN);
    let manners = told(&site, JO).await;
    assert_eq!(manners[..2], ["auth.failure code", "auth.sign_in recovery code"], "{manners:?}");

    // The step belongs to the browser whose password was right, and to five minutes.
    let mut thief = Visitor::new(&site.base);
    thief.get("/status/sign-in").await;
    let fresh = code(&secret, app.clock.now() + Duration::from_secs(30));
    let own = hidden(&thief.get("/status/sign-in").await.text, "token");
    let step = hidden(&asked.text, "step");
    let fields = [("token", own.as_str()), ("step", step.as_str()), ("code", fresh.as_str())];
    assert_eq!(thief.post("/status/sign-in", &fields, &[]).await.status, StatusCode::FORBIDDEN);
    app.clock.advance(Duration::from_mins(6));
    let late = second.give_code(&asked, &code(&secret, app.clock.now())).await;
    assert!(late.status == StatusCode::FORBIDDEN && late.text.contains("begin anew"), "{late:?}");

    // Wrong codes lock as wrong passwords do, though the password is right each time.
    for _ in 0..4 {
        let asked = second.sign_in(JO, PASSWORD).await;
        second.give_code(&asked, "000000").await;
    }
    let locked = second.sign_in(JO, PASSWORD).await;
    assert_eq!(locked.status, StatusCode::FORBIDDEN);
    assert_eq!(told(&site, JO).await[1], "auth.lockout code");

    totp::disable(app, &site.nexora.actor, &JO.parse().unwrap()).await.unwrap();
    assert!(!sees(&mut browser).await, "the sessions ended with it");
}

async fn where_two_steps_are_required_one_is_not_enough(backend: Backend) {
    let site = Site::open_with(backend, |config| config.sessions.require_totp = "operators".into()).await;
    let app = &site.nexora.app;
    visitor::user(app, JO, Some((&site.nexora.tenant, Role::Owner))).await;
    let operator = visitor::user(app, OPERATOR, None).await;
    let mut browser = Visitor::new(&site.base);
    assert_eq!(browser.sign_in(JO, PASSWORD).await.status, StatusCode::SEE_OTHER);
    let refused = browser.sign_in(OPERATOR, PASSWORD).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.text.contains("nexora user totp enrol op@example.com"), "{}", refused.text);
    let (secret, _) = enrol(app, &operator).await;
    app.clock.advance(Duration::from_secs(30));
    let asked = browser.sign_in(OPERATOR, PASSWORD).await;
    let answer = browser.give_code(&asked, &code(&secret, app.clock.now())).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

async fn what_another_site_sends_is_refused(backend: Backend) {
    let site = site(backend).await;
    let mut browser = Visitor::new(&site.base);
    let form = browser.get("/status/sign-in").await;
    let token = hidden(&form.text, "token");
    let right = [("email", JO), ("password", PASSWORD), ("token", token.as_str())];
    let foreign: [&[(&str, &str)]; 4] = [
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
    ];
    for headers in foreign {
        assert_eq!(browser.post("/status/sign-in", &right, headers).await.status, StatusCode::FORBIDDEN);
    }
    let wrong = [("email", JO), ("password", PASSWORD), ("token", "AAAAAAAAAAAAAAAAAAAAAA")];
    assert_eq!(browser.post("/status/sign-in", &wrong, &[]).await.status, StatusCode::FORBIDDEN);
    let mut stranger = Visitor::new(&site.base);
    stranger.get("/status/sign-in").await;
    assert_eq!(stranger.post("/status/sign-in", &right, &[]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        Visitor::new(&site.base).post("/status/sign-in", &right, &[]).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(sessions(&site).await, 0);
    let ours = [("sec-fetch-site", "same-origin"), ("origin", site.base.as_str())];
    assert_eq!(browser.post("/status/sign-in", &right, &ours).await.status, StatusCode::SEE_OTHER);

    let token = hidden(&browser.get("/status/sign-out").await.text, "token");
    let fields = [("token", token.as_str())];
    assert_eq!(browser.post("/status/sign-out", &fields, foreign[0]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.post("/status/sign-out", &[], &[]).await.status, StatusCode::FORBIDDEN);
    assert!(sees(&mut browser).await);
}

async fn a_try_is_counted_alike_whether_its_address_is_known_or_not(backend: Backend) {
    let site = site(backend).await;
    let app = &site.nexora.app;
    let (wrong, client) = (Secret::new("wrong password"), session::Client::default());
    let uncounted = async || app.db.read(nexora_store::sign_in::uncounted).await.unwrap();
    for (email, expected) in [("nobody@acme.example.com", 1), ("no address", 2), (JO, 2)] {
        let answer = sign_in::with_password(app, email, &wrong, &client, "x").await.unwrap();
        assert!(matches!(answer, sign_in::SignInStep::Refused(sign_in::Refusal::Wrong)));
        assert_eq!(uncounted().await, expected, "{email}");
    }
}

async fn wrong_codes_beyond_so_many_are_counted_and_not_written_down(backend: Backend) {
    let site = site(backend).await;
    let app = &site.nexora.app;
    enrol(app, &JO.parse().unwrap()).await;
    let now = app.clock.now();
    while app.failure_notes.take(now) {}
    while app.failure_notes.take_lockout(now) {}
    let mut browser = Visitor::new(&site.base);
    let written = async || told(&site, JO).await.iter().filter(|told| told.ends_with(" code")).count();
    for _ in 0..app.config.sessions.failure_limit + 2 {
        let asked = browser.sign_in(JO, PASSWORD).await;
        if asked.status == StatusCode::OK {
            browser.give_code(&asked, "000000").await;
        }
    }
    assert_eq!(written().await, 0, "neither failures nor the lockout");
    let uncounted = app.db.read(nexora_store::sign_in::uncounted).await.unwrap();
    assert!(u64::try_from(uncounted).unwrap() >= app.config.sessions.failure_limit, "{uncounted}");
    app.clock.advance(Duration::from_secs(24 * 3_600));
    let asked = browser.sign_in(JO, PASSWORD).await;
    browser.give_code(&asked, "000000").await;
    assert_eq!(written().await, 1);
}

async fn failures_beyond_so_many_are_counted_and_not_written_down(backend: Backend) {
    let site = site(backend).await;
    let app = &site.nexora.app;
    while app.failure_notes.take(app.clock.now()) {}
    let written = async || {
        let failures =
            app.db.read(|conn| nexora_store::audit::list_of(conn, "nobody@acme.example.com", "auth.", 9));
        failures.await.unwrap().len()
    };
    let (wrong, client) = (Secret::new("wrong password"), session::Client::default());
    let fail =
        async || sign_in::with_password(app, "nobody@acme.example.com", &wrong, &client, "x").await.unwrap();
    fail().await;
    assert_eq!(written().await, 0);
    app.clock.advance(Duration::from_secs(3_600));
    fail().await;
    assert_eq!(written().await, 1);
}
