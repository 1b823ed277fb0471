//! Nobody sees or changes another tenant's data, or does what their role does not permit: on every
//! route, and by every command. A route or command that these tables do not name fails the test.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use assert_cmd::Command;
use nexora::cli;
use nexora::ops;
use nexora::ops::report::status;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::principal::{Noun, Permission, Principal, Verb};
use nexora_core::model::tenant::Tenant;
use nexora_core::model::user::Role;
use nexora_core::model::{TenantId, UserId};
use nexora_engine::access::authority;
use nexora_engine::lead::enquiry::Enquiry;
use nexora_store as store;
use nexora_store::Url;

use crate::harness::{Backend, Nexora, enquiry, on_both};
use crate::isolation_tables::{COMMANDS, MAY, ROUTES, Shows};
use crate::site::Site;
use crate::visitor::{self, PASSWORD, Visitor};

const OPERATOR: &str = "op@example.com";

/// What only those may read who may read a tenant's leads.
const MARKS: [(&str, &[&str]); 2] = [
    ("acme", &["Zelda", "zelda@zeldahouse.example.com"]),
    ("beta", &["Boris", "boris@borishouse.example.com"]),
];

/// Tells whether a role permits `noun.verb`, by the table.
fn may(role: Role, permission: &str) -> bool {
    let (noun, verb) = permission.split_once('.').unwrap();
    let (_, roles) = MAY.iter().find(|(name, _)| *name == noun).unwrap();
    let place = Role::ALL.iter().position(|known| *known == role).unwrap();
    roles[place].contains(&verb[..1])
}

/// Two tenants with the same in both, and a user of each role in each.
pub struct World {
    site: Site,
    beta: Tenant,
    folder: tempfile::TempDir,
    /// Words of the tables that stand for ids of what acme has.
    ids: Vec<(&'static str, String)>,
}

impl World {
    pub async fn new(backend: Backend) -> World {
        let site = Site::open(backend).await;
        let nexora = &site.nexora;
        let Nexora { app, actor, .. } = nexora;
        let mut new = crate::harness::new_tenant("beta");
        new.name = "Beta Boilers".into();
        let beta = ops::tenant::create(app, actor, new).await.unwrap();
        nexora.add_smtp_to(&beta).await;
        nexora.enable_for(&beta, &[("sheet_id", ""), ("chase_after", ""), ("callback", "false")]).await;
        visitor::user(app, OPERATOR, None).await;
        for tenant in [&nexora.tenant, &beta] {
            for role in Role::ALL {
                let email = format!("{role}@{}.example.com", tenant.slug);
                visitor::user(app, &email, Some((tenant, *role))).await;
            }
        }
        for (tenant, name) in [(&nexora.tenant, "Zelda"), (&beta, "Boris")] {
            let house = name.to_lowercase();
            let email = format!("{house}@{house}house.example.com");
            let enquiry = Enquiry { name: name.into(), email, phone: String::new(), ..enquiry() };
            nexora.submit_to(tenant, enquiry).await;
        }
        nexora.settle().await;
        let status = status::of_tenant(app, nexora.tenant.clone()).await.unwrap();
        let lead = &status.leads[0];
        let messages = app
            .view(&nexora.tenant, move |tx| store::message::list(tx, &store::message::Filter::default(), 10))
            .await
            .unwrap();
        let ids = vec![
            ("LEAD", lead.id.to_string()),
            ("CONTACT", lead.contact_id.as_ref().unwrap().to_string()),
            ("RUN", status.runs[0].id.to_string()),
            ("EVENT", status.runs[0].event_id.to_string()),
            ("EFFECT", status.effects[0].id.to_string()),
            ("MESSAGE", messages[0].id.to_string()),
        ];
        World { folder: tempfile::tempdir().unwrap(), beta, ids, site }
    }

    /// Returns what there is of acme, as far as it is counted.
    async fn acme(&self) -> String {
        let app = &self.site.nexora.app;
        let tenant = ops::tenant::find(app, &self.site.nexora.tenant.slug).await.unwrap();
        let status = status::of_tenant(app, tenant).await.unwrap();
        let members = ops::access::user::list(app, Some(&status.tenant)).await.unwrap();
        let known = serde_json::json!([status.tenant, status.counts, status.connections, members]);
        known.to_string()
    }

    pub fn words(&self, line: &str) -> Vec<String> {
        let word = |word: &str| match self.ids.iter().find(|(name, _)| *name == word) {
            Some((_, id)) => id.clone(),
            None => word.to_owned(),
        };
        line.split_whitespace().map(word).collect()
    }

    /// Writes a configuration by which the program opens the same database.
    pub fn config(&self) -> std::path::PathBuf {
        let (path, key) = (self.folder.path().join("nexora.toml"), self.folder.path().join("master.key"));
        std::fs::write(&key, self.site.nexora.app.key.to_hex().expose()).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&key, mode).unwrap();
        let url = match &self.site.nexora.database.url {
            Url::Sqlite(path) | Url::Scratch(path) => format!("sqlite:{}", path.display()),
            Url::Postgres(url) => url.clone(),
        };
        let mut text = format!("[database]\nurl = \"{url}\"\n");
        writeln!(text, "[secrets]\nkey_file = \"{}\"", key.display()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Runs the program; returns its exit status and everything that it said.
    fn run(&self, words: &[String]) -> (i32, String) {
        let mut command = Command::cargo_bin("nexora").unwrap();
        command.arg("--config").arg(self.folder.path().join("nexora.toml")).args(words);
        let output = command.output().unwrap();
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        (output.status.code().unwrap(), said)
    }
}

/// Somebody with a browser, and the tenant and role that they have rights by.
struct Guest {
    name: String,
    browser: Visitor,
    rights: Option<(String, Role)>,
}

impl World {
    fn link(&self, tenant: &Tenant) -> String {
        let app = &self.site.nexora.app;
        status::sign_link(&app.key, tenant, app.clock.now() + Duration::from_secs(600))
    }

    /// Returns somebody who is signed out, and for each tenant a holder of a link and one of each role.
    async fn guests(&self) -> Vec<Guest> {
        let new = || Visitor::new(&self.site.base);
        let mut guests = vec![Guest { name: "signed out".into(), browser: new(), rights: None }];
        for tenant in [&self.site.nexora.tenant, &self.beta] {
            let slug = tenant.slug.to_string();
            let mut browser = new();
            browser.get(&format!("/status?token={}", self.link(tenant))).await;
            let rights = Some((slug.clone(), Role::Owner));
            guests.push(Guest { name: format!("link of {slug}"), browser, rights });
            for role in Role::ALL {
                let mut browser = new();
                let entered = browser.sign_in(&format!("{role}@{slug}.example.com"), PASSWORD).await;
                assert_eq!(entered.status, 303);
                let rights = Some((slug.clone(), *role));
                guests.push(Guest { name: format!("{role} of {slug}"), browser, rights });
            }
        }
        guests
    }
}

fn assert_unseen(said: &str, tenant: &str, context: &str) {
    for mark in MARKS.iter().filter(|(slug, _)| *slug == tenant).flat_map(|(_, marks)| *marks) {
        assert!(!said.contains(mark), "{context} tells `{mark}` of {tenant}: {said}");
    }
}

#[test]
fn a_role_permits_what_the_table_says_in_its_own_tenant_and_nothing_elsewhere() {
    let now = Timestamp::from_millis(0);
    let (ours, theirs) = (TenantId::new(now), TenantId::new(now));
    let link = Principal::Link { tenant_id: ours.clone() };
    let operator = Principal::Operator { name: "op".into() };
    for (noun, verb) in Noun::ALL.iter().flat_map(|noun| Verb::ALL.iter().map(move |verb| (*noun, *verb))) {
        let asked = Permission(noun, verb);
        for role in Role::ALL {
            let roles = vec![(ours.clone(), *role)];
            let member = Principal::Member { user_id: UserId::new(now), name: "Jo".into(), roles };
            let expected = may(*role, &asked.to_string());
            assert_eq!(authority::allows(&member, Some(&ours), asked), expected, "{role} {asked}");
            assert_eq!(authority::permissions_of(*role).contains(&asked), expected, "{role} {asked}");
            assert!(!authority::allows(&member, Some(&theirs), asked), "{role} {asked}");
            assert!(!authority::allows(&member, None, asked), "{role} {asked}");
        }
        assert_eq!(authority::allows(&link, Some(&ours), asked), verb == Verb::Read, "{asked}");
        assert!(!authority::allows(&link, Some(&theirs), asked) && !authority::allows(&link, None, asked));
        assert!(
            authority::allows(&operator, Some(&theirs), asked) && authority::allows(&operator, None, asked)
        );
    }
}

#[test]
fn every_public_route_is_in_the_table() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http");
    let source = std::fs::read_to_string(folder.join("routes.rs")).unwrap();
    let (before, rest) = source.split_once("pub fn private(").unwrap();
    let (_, after) = rest.split_once("\n}\n").unwrap();
    let router = format!("{before}{after}");
    for hidden in [".nest(", ".nest_service(", ".route_service("] {
        assert!(!router.contains(hidden), "the routes behind `{hidden}` are not seen by this test");
    }
    let mut routes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for route in router.split(".route(").skip(1) {
        let path = route.split('"').nth(1).unwrap().to_owned();
        let methods = ["get(", "post(", "put(", "patch(", "delete("];
        let used = methods.iter().filter(|method| route.contains(**method));
        let used = used.map(|method| method.trim_end_matches('(').to_uppercase());
        routes.entry(path).or_default().extend(used);
    }
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<BTreeSet<_>>();
    let table = ROUTES.iter().map(|(path, methods, _)| ((*path).to_owned(), words(methods)));
    assert_eq!(routes, table.collect::<BTreeMap<_, _>>(), "name each route in `ROUTES`");
    let elsewhere: Vec<_> = rust_files(&folder)
        .into_iter()
        .filter(|path| !path.ends_with("routes.rs"))
        .filter(|path| std::fs::read_to_string(path).unwrap().contains(".route("))
        .collect();
    assert!(elsewhere.is_empty(), "routes stand in `routes.rs` alone, not in {elsewhere:?}");
}

fn rust_files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

#[test]
fn every_command_is_in_the_table() {
    fn walk(command: &clap::Command, path: &str, missing: &mut Vec<String>) {
        let runs = command.get_subcommands().next().is_none() || !command.is_subcommand_required_set();
        let begins = |line: &str| format!("{line} ").starts_with(&format!("{path} "));
        if !path.is_empty() && runs && !COMMANDS.iter().any(|(line, _)| begins(line)) {
            missing.push(path.to_owned());
        }
        for next in command.get_subcommands().filter(|next| next.get_name() != "help") {
            walk(next, format!("{path} {}", next.get_name()).trim_start(), missing);
        }
    }
    let mut missing = Vec::new();
    walk(&cli::commands(), "", &mut missing);
    assert!(missing.is_empty(), "name these commands in `COMMANDS`: {missing:?}");
}

on_both!(
    a_command_runs_as_a_user_only_within_their_role,
    the_program_refuses_a_stranger_and_tells_them_nothing,
    every_page_shows_a_visitor_what_they_may_see_and_no_more,
);

async fn a_command_runs_as_a_user_only_within_their_role(backend: Backend) {
    let world = World::new(backend).await;
    let app = &world.site.nexora.app;
    for (line, needs) in COMMANDS {
        let words = world.words(line);
        let run = |email: String, tenant: &'static str| {
            let mut words: Vec<String> = words.clone();
            words.extend(["--as".to_owned(), email, "--tenant".to_owned(), tenant.to_owned()]);
            async move {
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                cli::may_run(app, &words).await.map_err(|error| error.kind().exit_code())
            }
        };
        for role in Role::ALL {
            let permitted = needs.split_whitespace().all(|need| need != "operator" && may(*role, need));
            let expected = if permitted { Ok(()) } else { Err(7) };
            assert_eq!(run(format!("{role}@acme.example.com"), "acme").await, expected, "{role}: {line}");
            let expected = if needs.is_empty() { Ok(()) } else { Err(7) };
            assert_eq!(
                run(format!("{role}@beta.example.com"), "acme").await,
                expected,
                "a {role} of beta: {line}"
            );
            if !line.starts_with("tenant ") {
                assert_eq!(
                    run(format!("{role}@acme.example.com"), "nowhere").await,
                    expected,
                    "{role} nowhere: {line}"
                );
            }
        }
        assert_eq!(run(OPERATOR.to_owned(), "acme").await, Ok(()), "{line}");
        assert_eq!(run("nobody@example.com".to_owned(), "acme").await, Err(7), "{line}");
    }
}

async fn the_program_refuses_a_stranger_and_tells_them_nothing(backend: Backend) {
    let world = World::new(backend).await;
    world.config();
    let before = world.acme().await;
    let stranger = |tenant: &str| {
        ["--as", "owner@beta.example.com", "--no-input", "--yes", "--tenant", tenant].map(str::to_owned)
    };
    for (line, needs) in COMMANDS.iter().filter(|(_, needs)| !needs.is_empty()) {
        let (status, said) = world.run(&[world.words(line), stranger("acme").to_vec()].concat());
        assert_eq!(status, 7, "{line} ({needs}): {said}");
        assert_unseen(&said, "acme", line);
    }
    // In their own tenant they may, and what is another's is not there.
    let mut tried = 0;
    for (line, _) in COMMANDS {
        let names_ours = world.ids.iter().any(|(name, _)| line.split(' ').any(|word| word == *name));
        let lists = line.ends_with(" list") || *line == "status";
        if names_ours || (lists && !["tenant list", "alerts list", "backup list"].contains(line)) {
            tried += 1;
            let (status, said) = world.run(&[world.words(line), stranger("beta").to_vec()].concat());
            assert_unseen(&said, "acme", line);
            assert!(!names_ours || status != 0, "{line} took what is acme's: {said}");
            // That no daemon runs is said to operators alone.
            assert!(!lists || status == 0, "{line}: {said}");
            assert!(!said.contains("acme.example.com"), "{line} names users of acme: {said}");
        }
    }
    assert!(tried > 20, "{tried}");
    assert_eq!(world.acme().await, before);
    // The same as an operator works, and is done in their name.
    let rename =
        ["tenant", "set", "acme", "website=https://acme.example.com", "--as", OPERATOR].map(str::to_owned);
    let (status, said) = world.run(&rename);
    assert_eq!(status, 0, "{said}");
    let acme = world.site.nexora.tenant.id.clone();
    let entries = world
        .site
        .nexora
        .app
        .db
        .read(move |conn| nexora_store::audit::list(conn, Some(&acme), 1))
        .await
        .unwrap();
    assert_eq!(
        (entries[0].action.as_str(), entries[0].actor.as_str()),
        ("tenant.set", "user:op@example.com")
    );
}

async fn every_page_shows_a_visitor_what_they_may_see_and_no_more(backend: Backend) {
    let world = World::new(backend).await;
    let site = &world.site;
    let before = world.acme().await;
    for Guest { name, browser, rights } in &mut world.guests().await {
        for (path, methods, shows) in ROUTES {
            for (slug, _) in MARKS {
                let path = path
                    .replace("{slug}", slug)
                    .replace("{tenant}", slug)
                    .replace("{source}", "website")
                    .replace("{event_name}", "hello")
                    .replace("{token}", "forged.AAAAAAAAAAAAAAAAAAAAAA");
                let context = format!("{name}: {path}");
                let permission = match shows {
                    Shows::Public => None,
                    Shows::Own => Some("lead.read"),
                    Shows::Tenant(permission) => Some(*permission),
                };
                let sees = |of: &str| {
                    permission.is_some_and(|permission| {
                        rights.as_ref().is_some_and(|(tenant, role)| tenant == of && may(*role, permission))
                    })
                };
                let answer = browser.get(&path).await;
                for (tenant, marks) in MARKS {
                    let shown = sees(tenant) && may(rights.as_ref().unwrap().1, "lead.read");
                    if !shown {
                        assert_unseen(&answer.text, tenant, &context);
                    } else if matches!(shows, Shows::Own) {
                        assert!(answer.text.contains(marks[0]), "{context}: {}", answer.text);
                    }
                }
                if let Shows::Tenant(_) = shows {
                    // Signed out, every tenant's page says whether the service is up.
                    let expected = if sees(slug) || rights.is_none() { 200 } else { 404 };
                    assert_eq!(answer.status, expected, "{context}");
                }
                // The form and the unsubscription are for everybody; what else is sent needs its form.
                if methods.contains("POST") && !matches!(path.as_str(), "/lead/acme" | "/lead/beta") {
                    let answer = browser.post(&path, &[("token", "forged")], &[]).await;
                    assert!(answer.status.is_client_error(), "{context}: {}", answer.status);
                    assert_unseen(&answer.text, slug, &context);
                }
            }
        }
    }
    assert_eq!(world.acme().await, before);
    let forged = world.link(&site.nexora.tenant).replacen("acme", "beta", 1);
    let answer = Visitor::new(&site.base).get(&format!("/status?token={forged}")).await;
    assert_eq!(answer.status, 403);
    let mut operator = Visitor::new(&site.base);
    operator.sign_in(OPERATOR, PASSWORD).await;
    assert_eq!(operator.get("/status").await.status, 200);
}
