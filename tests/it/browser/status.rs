//! An owner looks at their page.

use std::time::Duration;

use fantoccini::Locator;
use nexora::ops::report::status;
use nexora::ops::tenant;
use nexora_core::model::user::Role;

use super::{Browser, VIEWS, View, driver_path, validate};
use crate::harness::Backend;
use crate::site::Site;
use crate::visitor::{self, PASSWORD, Visitor};

const OWNER: &str = "owner@acme.example.com";
const OPERATOR: &str = "op@example.com";

/// A tenant of four busy weeks, with its owner and an operator.
async fn site() -> Site {
    let site = Site::open(Backend::Sqlite).await;
    let (app, owner) = (&site.nexora.app, &site.nexora.tenant);
    site.nexora.seed_four_weeks(5).await;
    visitor::user(app, OWNER, Some((owner, Role::Owner))).await;
    visitor::user(app, OPERATOR, None).await;
    site
}

async fn sign_in(browser: &Browser, site: &Site, email: &str) {
    browser.goto(&format!("{}/status", site.base)).await;
    browser.client.find(Locator::LinkText("Sign in")).await.unwrap().click().await.unwrap();
    browser.write("#email", email).await;
    browser.write("#password", PASSWORD).await;
    browser.click("button").await;
    browser.arrive("/status").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_signs_in_without_scripts_looks_and_signs_out() {
    let Some(browser) = Browser::open(false).await else { return };
    let site = site().await;
    browser.goto(&format!("{}/status/sign-in", site.base)).await;
    browser.write("#email", OWNER).await;
    browser.write("#password", "not my password").await;
    browser.click("button").await;
    assert!(browser.text("[role=alert]:focus").await.contains("password"));
    sign_in(&browser, &site, OWNER).await;
    assert!(browser.text("#verdict").await.starts_with("Working."));
    assert!(browser.text(".lede").await.contains("leads this week, answered in"));
    browser.client.find(Locator::LinkText("Sign out")).await.unwrap().click().await.unwrap();
    browser.click("button").await;
    browser.arrive("/status").await;
    browser.goto(&format!("{}/status/acme", site.base)).await;
    assert!(!browser.client.source().await.unwrap().contains("leads this week"));
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pages_of_owner_and_operator_are_accessible_on_every_device() {
    let Some(browser) = Browser::open(true).await else { return };
    let site = site().await;
    for path in ["/status", "/status/sign-in"] {
        browser.goto(&format!("{}{path}", site.base)).await;
        browser.audit(path).await;
    }
    browser.picture("sign-in", View { width: 420, dark: false }).await;
    for (email, name) in [(OWNER, "owner"), (OPERATOR, "operator")] {
        browser.client.delete_all_cookies().await.unwrap();
        sign_in(&browser, &site, email).await;
        for view in VIEWS {
            browser.look(view).await;
            browser.run("document.querySelectorAll('details').forEach(details => details.open = true)").await;
            browser.audit(&format!("the {name}'s page, {view:?}")).await;
        }
        browser.client.refresh().await.unwrap();
        let light = View { width: 1_280, dark: false };
        browser.picture(&format!("status-{name}"), light).await;
        browser.picture(&format!("status-{name}-dark"), View { dark: true, ..light }).await;
        browser.picture(&format!("status-{name}-phone"), View { width: 390, dark: false }).await;
    }
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_keeps_itself_up_to_date_and_its_reader_in_place() {
    let Some(browser) = Browser::open(true).await else { return };
    let site = site().await;
    sign_in(&browser, &site, OWNER).await;
    let (app, actor, slug) = (&site.nexora.app, &site.nexora.actor, &site.nexora.tenant.slug);
    browser.run("document.querySelector('details').open = true; document.querySelector('details summary').focus(); scrollTo(0, 700)").await;
    let place = browser.run("return [scrollY, document.activeElement.parentElement.id]").await;
    tenant::set(app, actor, slug, &[("name".into(), "Acme Plumbing and Sons".into())]).await.unwrap();
    // Half a minute later the page looks again.
    browser.run("const now = Date.now(); Date.now = () => now + 60000; document.dispatchEvent(new Event('visibilitychange'))").await;
    let renamed = "//p[@class='who' and contains(., 'and Sons')]";
    browser
        .client
        .wait()
        .at_most(Duration::from_secs(20))
        .for_element(Locator::XPath(renamed))
        .await
        .unwrap();
    assert_eq!(browser.run("return [scrollY, document.activeElement.parentElement.id]").await, place);
    assert_eq!(browser.run("return document.querySelector('details').open").await, true);
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_is_left_open_shows_nothing_once_the_session_has_ended() {
    let Some(browser) = Browser::open(true).await else { return };
    let site = site().await;
    sign_in(&browser, &site, OWNER).await;
    site.nexora.app.clock.advance(Duration::from_mins(60));
    browser.run("const now = Date.now(); Date.now = () => now + 60000; document.dispatchEvent(new Event('visibilitychange'))").await;
    let wait = browser.client.wait().at_most(Duration::from_secs(20));
    wait.for_element(Locator::LinkText("Sign in")).await.unwrap();
    assert!(!browser.client.source().await.unwrap().contains("leads this week"));
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_of_the_status_is_valid() {
    let Some(_) = driver_path() else { return };
    let site = site().await;
    let mut visitor = Visitor::new(&site.base);
    for path in ["/status", "/status/sign-in"] {
        validate(path, &visitor.get(path).await.text);
    }
    validate("a refused sign-in", &visitor.sign_in(OWNER, "wrong").await.text);
    visitor.sign_in(OWNER, PASSWORD).await;
    for path in ["/status", "/status/acme", "/status/nobody", "/status/sign-out"] {
        validate(path, &visitor.get(path).await.text);
    }
    let mut operator = Visitor::new(&site.base);
    operator.sign_in(OPERATOR, PASSWORD).await;
    validate("the operator's page", &operator.get("/status").await.text);
    let link = status::sign_link(
        &site.nexora.app.key,
        &site.nexora.tenant,
        site.nexora.app.clock.now() + Duration::from_mins(5),
    );
    let mut holder = Visitor::new(&site.base);
    assert_eq!(holder.get(&format!("/status?token={link}")).await.location, "/status");
    validate("by a link", &holder.get("/status").await.text);
}
