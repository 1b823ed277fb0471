//! An owner sees at a glance whether everything works and what was done for them; nobody sees more than
//! they may.

#![expect(clippy::print_stdout, reason = "what was measured is told")]

use std::time::{Duration, Instant};

use axum::response::IntoResponse as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nexora::http::status;
use nexora::ops;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::audit::Actor;
use nexora_core::model::effect::EffectState;
use nexora_core::model::panel::Panel;
use nexora_core::model::principal::Principal;
use nexora_core::model::run::RunState;
use nexora_core::model::tenant::Tenant;
use nexora_core::model::user::Role;
use nexora_core::model::verdict::Gate;
use nexora_core::model::{TenantId, UserId};
use reqwest::StatusCode;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::harness::{Backend, Nexora, START, new_tenant, on_both};
use crate::site::Site;
use crate::status_seed::Came;

/// What a page of a busy tenant may weigh.
const WEIGHT: usize = 60_000;

fn jo() -> serde_json::Value {
    json!({ "name": "Jo Miller", "email": "jo@example.com", "phone": "(512) 555-0142", "message": "No hot water" })
}

fn member(tenant: &Tenant, role: Role) -> Principal {
    Principal::Member {
        user_id: UserId::new(START),
        name: "Pat".into(),
        roles: vec![(tenant.id.clone(), role)],
    }
}

fn operator() -> Principal {
    Principal::Operator { name: "root".into() }
}

fn owner(tenant: &TenantId) -> Principal {
    Principal::Link { tenant_id: tenant.clone() }
}

/// Returns what somebody is answered, status and page.
async fn seen(nexora: &Nexora, principal: &Principal, slug: Option<&str>) -> (StatusCode, String) {
    let answer = status::answer(&nexora.app, Some(principal), slug).await.into_response();
    let status = answer.status();
    let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// Returns the page as its owner sees it, and checks what holds for every page.
async fn page(nexora: &Nexora) -> String {
    let (status, html) = seen(nexora, &owner(&nexora.tenant.id), None).await;
    assert_eq!(status, StatusCode::OK, "{html}");
    assert_well_formed(&html);
    html
}

/// Checks that every element is closed in order, that no id is given twice, that headings leave no level
/// out, and that nothing asks for a style that the policy forbids.
fn assert_well_formed(html: &str) {
    const VOID: [&str; 4] = ["meta", "br", "input", "link"];
    let (head, script) = html.split_once("<script>").unwrap();
    let (_, tail) = script.split_once("</script>").unwrap();
    let mut open: Vec<&str> = Vec::new();
    let mut ids: Vec<&str> = Vec::new();
    let mut heading = 0;
    let text = format!("{head}{tail}");
    let mut rest = text.as_str();
    while let Some((_, tag)) = rest.split_once('<') {
        let (tag, after) = tag.split_once('>').unwrap();
        rest = after;
        let name = tag.split([' ', '/', '\n']).find(|part| !part.is_empty()).unwrap();
        if let Some(closed) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed), "near {after:.120}");
            continue;
        }
        if tag.starts_with('!') || VOID.contains(&name) || tag.ends_with('/') {
            continue;
        }
        assert!(!tag.contains(" style="), "{tag}");
        if let Some((_, id)) = tag.split_once(" id=\"") {
            let id = id.split_once('"').unwrap().0;
            assert!(!ids.contains(&id), "`{id}` stands twice");
            ids.push(id);
        }
        if let Some(level) = name.strip_prefix('h').and_then(|level| level.parse::<usize>().ok()) {
            assert!(level <= heading + 1, "h{level} follows h{heading}");
            heading = level;
        }
        open.push(name);
    }
    assert!(open.is_empty(), "{open:?}");
    for reference in text.split("aria-labelledby=\"").skip(1) {
        for id in reference.split_once('"').unwrap().0.split(' ') {
            assert!(ids.contains(&id), "`{id}` labels something and is not there");
        }
    }
}

/// Opens a link and returns the cookie of the session that it begins.
async fn opened(site: &Site, token: &str) -> String {
    let answer = site.client.get(format!("{}/status?token={token}", site.base)).send().await.unwrap();
    assert_eq!(
        (answer.status(), &answer.headers()["location"]),
        (StatusCode::SEE_OTHER, &"/status".parse().unwrap())
    );
    answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned()
}

/// Keeps a page, for whoever wants to look at it.
fn keep(name: &str, html: &str) {
    std::fs::write(
        std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("status-{name}.html")),
        html,
    )
    .unwrap();
}

on_both!(
    it_opens_by_a_signed_link_and_tells_others_only_whether_the_service_is_up,
    what_may_not_be_seen_is_answered_like_what_is_not_there,
    an_owner_sees_what_waits_what_failed_and_why,
    a_refused_account_turns_the_page_red,
    a_tenant_chooses_its_panels_and_their_order,
    a_technician_sees_where_to_go_and_no_leads,
    whoever_has_several_businesses_chooses,
    an_operator_sees_the_worst_first,
    an_empty_tenant_reads_well,
    hostile_words_stay_words,
    a_busy_page_is_light_and_quick,
);

async fn it_opens_by_a_signed_link_and_tells_others_only_whether_the_service_is_up(backend: Backend) {
    let site = Site::open(backend).await;
    site.post("/lead/acme", jo()).await;
    site.nexora.settle().await;
    let (app, tenant) = (&site.nexora.app, &site.nexora.tenant);
    let until = app.clock.now() + Duration::from_mins(1);
    let token = ops::report::status::sign_link(&app.key, tenant, until);
    let get = |path: String| site.client.get(format!("{}{path}", site.base)).send();
    let cookie = opened(&site, &token).await;
    for path in ["/status", "/status/acme"] {
        let request = site.client.get(format!("{}{path}", site.base)).header("cookie", &cookie);
        let page = request.send().await.unwrap();
        assert_eq!(page.status(), StatusCode::OK);
        let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.contains("connect-src 'self'") && policy.contains("script-src 'sha256-"), "{policy}");
        assert_eq!(page.headers()["cache-control"], "no-store");
        let html = page.text().await.unwrap();
        for (open, close) in [("<script>", "</script>"), ("<style>", "</style>")] {
            for part in html.split(open).skip(1) {
                let hash = STANDARD.encode(Sha256::digest(part.split_once(close).unwrap().0));
                assert!(policy.contains(&hash), "the policy does not name what stands in {open}");
            }
        }
        assert!(html.contains("Jo Miller") && html.contains("Everything is working"), "{html}");
        assert!(html.contains("1 lead this week, answered in"), "{html}");
        assert!(
            html.contains("href=\"tel:+15125550142\"") && html.contains("href=\"mailto:jo@example.com\"")
        );
    }
    let forged = token.replacen("acme", "acmf", 1);
    assert_eq!(get(format!("/status?token={forged}")).await.unwrap().status(), StatusCode::FORBIDDEN);
    app.clock.advance(Duration::from_mins(2));
    assert_eq!(get(format!("/status?token={token}")).await.unwrap().status(), StatusCode::FORBIDDEN);
    for path in ["/status", "/status/acme", "/status/nobody"] {
        let answer = get(path.to_owned()).await.unwrap();
        let policy = answer.headers()["content-security-policy"].to_str().unwrap();
        assert!(!policy.contains("connect-src"), "{policy}");
        let plain = answer.text().await.unwrap();
        assert!(plain.contains("The service is up") && plain.contains("/status/sign-in"), "{plain}");
        assert!(!plain.contains("Jo Miller") && !plain.contains("Acme"), "{plain}");
    }
}

async fn what_may_not_be_seen_is_answered_like_what_is_not_there(backend: Backend) {
    let site = Site::open(backend).await;
    let (app, actor) = (&site.nexora.app, &site.nexora.actor);
    ops::tenant::create(app, actor, new_tenant("rival")).await.unwrap();
    let token = ops::report::status::sign_link(
        &app.key,
        &site.nexora.tenant,
        app.clock.now() + Duration::from_mins(1),
    );
    let cookie = opened(&site, &token).await;
    let mut answers = Vec::new();
    for slug in ["rival", "nobody", "Not%20a%20slug"] {
        let url = format!("{}/status/{slug}", site.base);
        let answer = site.client.get(url).header("cookie", &cookie).send().await.unwrap();
        let headers = answer.headers().clone();
        answers.push((answer.status(), headers.len(), answer.text().await.unwrap()));
    }
    assert_eq!(answers[0].0, StatusCode::NOT_FOUND);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

async fn an_owner_sees_what_waits_what_failed_and_why(backend: Backend) {
    let site = Site::open(backend).await;
    let nexora = &site.nexora;
    nexora
        .seed(&nexora.tenant, |seed, now| {
            let lead = seed.lead("Ruth Alvarez", now, |_| {});
            let run =
                seed.run(&lead, now, RunState::Failed, None, Some("step `alert` failed: no such mailbox"));
            let wait = Duration::from_hours(12);
            seed.mail(&run, "Ruth Alvarez", "Still looking?", now, Came::Held(Gate::QuietHours, wait));
            seed.mail(&run, "Ruth Alvarez", "How did it go?", now, Came::Dropped(Gate::Cap));
            let dead = Came::Out(EffectState::Dead, Some("550 no such mailbox"));
            seed.mail(&run, "Ruth Alvarez", "Your quote", now, dead);
            let doubt = Came::Out(EffectState::InDoubt, None);
            let sent = seed.mail(&run, "Ruth Alvarez", "Your visit", now, doubt);
            seed.reply(&lead, now, sent);
        })
        .await;
    let html = page(nexora).await;
    for expected in [
        "Working. 3 things need a look.",
        "1 message or record could not be delivered and had to be given up.",
        "may or may not have gone out",
        "Once, an automation could not finish its work.",
        "nobody is written to in quiet hours",
        "goes out <time",
        "they had enough messages from you this week",
        "Being checked",
        "Given up",
        "550 no such mailbox",
        "Lead Capture for Ruth Alvarez",
        "From Ruth Alvarez",
        "1 reply",
    ] {
        let expected = if expected == "1 reply" { "replies noticed" } else { expected };
        assert!(html.contains(expected), "{expected}: {html}");
    }
    for ours in ["effect", "dead", "in_doubt", "step `", "nexora effect", "daemon", "verdict:"] {
        let (_, body) = html.split_once("<body>").unwrap();
        let (body, _) = body.split_once("<script>").unwrap();
        assert!(!body.contains(ours), "`{ours}` is our own word");
    }
    let (_, for_operator) = seen(nexora, &operator(), Some("acme")).await;
    assert!(for_operator.contains("nexora effect retry effect_"));
}

async fn a_refused_account_turns_the_page_red(backend: Backend) {
    let site = Site::open(backend).await;
    let nexora = &site.nexora;
    let tenant = nexora.tenant.clone();
    nexora
        .app
        .db
        .write(move |conn| {
            use nexora_core::model::connection::ConnectionState;
            let mut found = nexora_store::connection::list(&mut conn.of(&tenant.id), 10)?;
            let google =
                found.remove(found.iter().position(|connection| connection.name == "google").unwrap());
            let now = Timestamp::from_millis(0);
            nexora_store::connection::set_state(
                &mut conn.of(&tenant.id),
                &google.id,
                ConnectionState::Failing,
                now,
            )
        })
        .await
        .unwrap();
    let html = page(nexora).await;
    assert!(html.contains("Something is not working.") && html.contains("Not working"), "{html}");
    assert!(html.contains("has to be connected again"), "{html}");
}

async fn a_tenant_chooses_its_panels_and_their_order(backend: Backend) {
    let site = Site::open(backend).await;
    let nexora = &site.nexora;
    nexora.seed_four_weeks(2).await;
    let html = page(nexora).await;
    let places: Vec<usize> = Panel::ALL
        .iter()
        .map(|panel| html.find(&format!("<h2 id=\"{panel}\">")).unwrap_or_else(|| panic!("no {panel}")))
        .collect();
    assert!(places.is_sorted(), "{places:?}");
    let chosen = vec![Panel::Leads, Panel::Health];
    let tenant = ops::report::status::set_panels(&nexora.app, &nexora.actor, nexora.tenant.clone(), chosen)
        .await
        .unwrap();
    assert_eq!(tenant.settings().unwrap().status_panels, [Panel::Leads, Panel::Health]);
    let html = page(nexora).await;
    assert!(html.find("id=\"leads\"").unwrap() < html.find("id=\"health\"").unwrap());
    assert!(!html.contains("id=\"week\"") && !html.contains("id=\"messages\""));
    let twice = vec![Panel::Leads, Panel::Leads];
    let refused =
        ops::report::status::set_panels(&nexora.app, &nexora.actor, tenant, twice).await.unwrap_err();
    assert_eq!(refused.message(), "`leads` is named twice");
}

async fn a_technician_sees_where_to_go_and_no_leads(backend: Backend) {
    let site = Site::open(backend).await;
    let nexora = &site.nexora;
    nexora.seed_four_weeks(2).await;
    let (status, html) = seen(nexora, &member(&nexora.tenant, Role::Technician), None).await;
    assert_eq!(status, StatusCode::OK);
    assert_well_formed(&html);
    keep("technician", &html);
    for panel in ["appointments", "tasks", "jobs"] {
        assert!(html.contains(&format!("<h2 id=\"{panel}\">")), "{panel}");
    }
    for panel in ["health", "week", "charts", "leads", "messages", "runs", "automations"] {
        assert!(!html.contains(&format!("<h2 id=\"{panel}\">")), "{panel}");
    }
    assert!(html.contains("1204 Elm Street") && !html.contains("mailto:"));
    assert!(!html.split_once("<body>").unwrap().1.contains(" leads"));
}

async fn whoever_has_several_businesses_chooses(backend: Backend) {
    let site = Site::open(backend).await;
    let nexora = &site.nexora;
    let rival = ops::tenant::create(&nexora.app, &nexora.actor, new_tenant("rival")).await.unwrap();
    let both = Principal::Member {
        user_id: UserId::new(START),
        name: "Pat".into(),
        roles: vec![(nexora.tenant.id.clone(), Role::Viewer), (rival.id, Role::Owner)],
    };
    let (_, html) = seen(nexora, &both, None).await;
    assert!(html.contains("href=\"/status/acme\"") && html.contains("href=\"/status/rival\""), "{html}");
    assert_eq!(seen(nexora, &both, Some("rival")).await.0, StatusCode::OK);
    let nobody = Principal::Member { user_id: UserId::new(START), name: "Pat".into(), roles: Vec::new() };
    assert_eq!(seen(nexora, &nobody, None).await.0, StatusCode::NOT_FOUND);
}

async fn an_operator_sees_the_worst_first(backend: Backend) {
    let site = Site::open(backend).await;
    let nexora = &site.nexora;
    for slug in ["zenith", "alpha"] {
        ops::tenant::create(&nexora.app, &nexora.actor, new_tenant(slug)).await.unwrap();
    }
    nexora.seed_four_weeks(3).await;
    let suspended = "zenith".parse().unwrap();
    ops::tenant::suspend(&nexora.app, &Actor::Operator("root".into()), &suspended).await.unwrap();
    let (status, html) = seen(nexora, &operator(), None).await;
    assert_eq!(status, StatusCode::OK);
    assert_well_formed(&html);
    keep("operator", &html);
    let places = ["acme", "zenith", "alpha"].map(|slug| html.find(&format!("/status/{slug}\"")).unwrap());
    assert!(places.is_sorted(), "{places:?}");
    for expected in ["3 of 3 tenants need a look.", "leads today", "connections failing", "nexora run list"] {
        assert!(html.contains(expected), "{expected}: {html}");
    }
    assert!(!html.contains("is behind"), "{html}");
    nexora
        .seed(&nexora.tenant, |seed, now| {
            let lead = seed.lead("Late", now, |_| {});
            seed.run(&lead, now, RunState::Waiting, Some(now - Duration::from_hours(2)), None);
        })
        .await;
    let (_, html) = seen(nexora, &operator(), None).await;
    assert!(html.contains("The daemon is behind: the oldest work has been due for 2 h."), "{html}");
}

async fn an_empty_tenant_reads_well(backend: Backend) {
    let site = Site::open(backend).await;
    let nexora = &site.nexora;
    ops::tenant::create(&nexora.app, &nexora.actor, new_tenant("fresh")).await.unwrap();
    let (_, html) = seen(nexora, &operator(), Some("fresh")).await;
    assert_well_formed(&html);
    keep("empty", &html);
    for expected in [
        "nexora connection create --tenant fresh --help",
        "Ready for your first lead",
        "/lead/fresh",
        "Nothing to count yet.",
    ] {
        assert!(html.contains(expected), "{expected}: {html}");
    }
    assert!(!html.contains("NaN") && !html.contains("<svg class=\"chart\""));
}

async fn hostile_words_stay_words(backend: Backend) {
    let site = Site::open(backend).await;
    let nexora = &site.nexora;
    nexora
        .seed(&nexora.tenant, |seed, now| {
            let bad = "<script>alert(1)</script>\"'&";
            let long = "Ottokar".repeat(200);
            for name in [bad, &long] {
                let lead = seed.lead(name, now, |lead| {
                    lead.service = Some(name.to_owned());
                    lead.source = name.to_owned();
                });
                let run = seed.run(&lead, now, RunState::Failed, None, Some(name));
                seed.run(&lead, now, RunState::Waiting, Some(now + Duration::from_secs(1)), None);
                let sent = seed.mail(&run, name, name, now, Came::Out(EffectState::Dead, Some("<script>")));
                seed.reply(&lead, now, sent);
                let contact = seed.contact(name, now);
                seed.visit(name, name, Some(contact), now);
                seed.task(name, Some(now), now);
                seed.job(name, name, Some(now), now);
            }
        })
        .await;
    let html = page(nexora).await;
    assert_eq!(html.matches("<script>").count(), 1, "only our own");
    assert!(html.contains("&#60;script&#62;") && html.contains("OttokarOttokar"));
    keep("hostile", &html);
}

async fn a_busy_page_is_light_and_quick(backend: Backend) {
    let site = Site::open(backend).await;
    let nexora = &site.nexora;
    nexora.seed_four_weeks(4).await;
    let html = page(nexora).await;
    keep("busy", &html);
    assert!(html.len() < WEIGHT, "{} bytes", html.len());
    for expected in ["leads-by-day", "messages-by-day", "waits", "Show as a table", "Call Ruth Alvarez"] {
        assert!(html.contains(expected), "{expected}");
    }
    let started = Instant::now();
    page(nexora).await;
    println!("a busy page of {} bytes took {:?} ({backend:?})", html.len(), started.elapsed());
}

/// Ten thousand leads in four weeks, with four things done for each. Tests are not built for speed: what
/// is asserted is only that nothing grows with the square of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_leads_do_not_make_it_slow() {
    let site = Site::open(crate::harness::Backend::Sqlite).await;
    site.nexora.seed_four_weeks(356).await;
    let mut html = page(&site.nexora).await;
    let started = Instant::now();
    const ROUNDS: u32 = 5;
    for _ in 0..ROUNDS {
        html = seen(&site.nexora, &owner(&site.nexora.tenant.id), None).await.1;
    }
    let each = started.elapsed() / ROUNDS;
    println!("a page of {} bytes over ten thousand leads took {each:?}", html.len());
    assert!(html.len() < WEIGHT, "{} bytes", html.len());
    assert!(each < Duration::from_secs(2), "{each:?}");
}
