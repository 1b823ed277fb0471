//! Users set and change their passwords, without scripts.

use fantoccini::Locator;
use nexora::domain::alert::letter;
use nexora::ops::access::password_link::{self, Handover};
use nexora_core::model::user::Role;

use super::{Browser, VIEWS, driver_path, validate};
use crate::harness::Backend;
use crate::site::Site;
use crate::visitor::{self, PASSWORD, Visitor};

const OWNER: &str = "owner@acme.example.com";
const NEW: &str = "a brand new battery";

async fn site() -> Site {
    let site = Site::open(Backend::Sqlite).await;
    visitor::user(&site.nexora.app, OWNER, Some((&site.nexora.tenant, Role::Owner))).await;
    site
}

async fn sign_in(browser: &Browser, site: &Site, password: &str) {
    browser.goto(&format!("{}/status/sign-in", site.base)).await;
    browser.write("#email", OWNER).await;
    browser.write("#password", password).await;
    browser.click("button").await;
}

/// Returns the link for the owner, at the address of the test.
async fn link(site: &Site) -> String {
    let (app, actor) = (&site.nexora.app, &site.nexora.actor);
    let made = password_link::reset(app, actor, &OWNER.parse().unwrap(), Handover::Print).await.unwrap();
    let link = made.link.unwrap();
    format!("{}{}", site.base, &link[link.find("/status/").unwrap()..])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_changes_their_password_and_later_forgets_it() {
    let Some(browser) = Browser::open(false).await else { return };
    let site = site().await;
    sign_in(&browser, &site, PASSWORD).await;
    browser.arrive("/status").await;
    browser.client.find(Locator::LinkText("Sign out")).await.unwrap().click().await.unwrap();
    browser
        .client
        .find(Locator::Css("a[href='/status/sign-in/password']"))
        .await
        .unwrap()
        .click()
        .await
        .unwrap();
    browser.arrive("/status/sign-in/password").await;
    browser.write("#present", "not my password").await;
    browser.write("#new", NEW).await;
    browser.write("#again", NEW).await;
    browser.click("button").await;
    assert!(browser.text("[role=alert]:focus").await.contains("not your password"));
    browser.write("#present", PASSWORD).await;
    browser.write("#new", NEW).await;
    browser.write("#again", NEW).await;
    browser.click("button").await;
    assert!(browser.text("main").await.contains("Your password is changed"));
    // This browser stays signed in.
    browser.goto(&format!("{}/status", site.base)).await;
    browser.find("#verdict").await;

    browser.client.delete_all_cookies().await.unwrap();
    sign_in(&browser, &site, PASSWORD).await;
    assert!(browser.text("[role=alert]").await.contains("not right"), "the old one is no use any more");
    browser.client.find(Locator::LinkText("Forgot your password?")).await.unwrap().click().await.unwrap();
    browser.arrive("/status/sign-in/forgotten").await;
    browser.write("#email", OWNER).await;
    browser.click("button").await;
    assert!(browser.text("h1").await.contains("mailbox"));
    letter::rest(&site.nexora.app).await;
    let state = site.nexora.state();
    let text = state["smtp"][0]["text"].as_str().unwrap();
    let line = text.lines().find(|line| line.contains("/password/")).unwrap().trim();
    browser.goto(&format!("{}{}", site.base, &line[line.find("/status/").unwrap()..])).await;
    browser.write("#new", "short").await;
    browser.write("#again", "short").await;
    browser.click("button").await;
    assert!(browser.text("[role=alert]:focus").await.contains("at least 12"));
    browser.write("#new", PASSWORD).await;
    browser.write("#again", PASSWORD).await;
    browser.click("button").await;
    assert_eq!(browser.text("h1").await, "Your password is set");
    browser.client.find(Locator::LinkText("Sign in")).await.unwrap().click().await.unwrap();
    browser.arrive("/status/sign-in").await;
    sign_in(&browser, &site, PASSWORD).await;
    browser.arrive("/status").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pages_of_passwords_are_accessible_on_every_device() {
    let Some(browser) = Browser::open(true).await else { return };
    let site = site().await;
    let link = link(&site).await;
    for view in VIEWS {
        browser.look(view).await;
        for address in [&format!("{}/status/sign-in/forgotten", site.base), &link, &format!("{link}x")] {
            browser.goto(address).await;
            browser.audit(&format!("{address} {view:?}")).await;
        }
        browser.goto(&link).await;
        browser.write("#new", "short").await;
        browser.write("#again", "other").await;
        browser.click("button").await;
        browser.find("[role=alert]").await;
        browser.audit(&format!("the form with a fault, {view:?}")).await;
    }
    sign_in(&browser, &site, PASSWORD).await;
    browser.arrive("/status").await;
    browser.goto(&format!("{}/status/sign-in/password", site.base)).await;
    browser.find("#present").await;
    browser.audit("the change of one's own password").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pages_of_passwords_are_valid() {
    if driver_path().is_none() {
        return;
    }
    let site = site().await;
    let link = link(&site).await;
    let path = &link[site.base.len()..];
    let mut browser = Visitor::new(&site.base);
    let again = [("new", "short"), ("again", "short")];
    let pages = [
        browser.get("/status/sign-in/forgotten").await,
        browser.get(path).await,
        browser.get(&format!("{path}x")).await,
        browser.post(path, &again, &[]).await,
        browser.fill_in("/status/sign-in/forgotten", &[("email", "x@example.com")]).await,
        browser.post(path, &[("new", NEW), ("again", NEW)], &[]).await,
        browser.get(path).await,
    ];
    letter::rest(&site.nexora.app).await;
    browser.sign_in(OWNER, NEW).await;
    let own = browser.get("/status/sign-in/password").await;
    for (number, page) in pages.iter().chain([&own]).enumerate() {
        assert!(page.text.contains("<main>"), "{number}: {}", page.text);
        validate(&format!("page {number}"), &page.text);
    }
}
