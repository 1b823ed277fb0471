//! Lists are narrowed to what is looked for, reach over all tenants for operators, and go on while it is watched.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use nexora::ops::tenant;
use nexora_core::model::event::EventKind;
use nexora_store::Span;
use nexora_store::lead::Filter;

use crate::harness::{Backend, Nexora, enquiry, new_tenant, on_both};
use crate::machine::Machine;

on_both!(leads_are_found_by_what_they_say, what_came_of_a_source_is_found_by_it);

async fn leads_are_found_by_what_they_say(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    let start = nexora.app.clock.now();
    for (name, email, source, message) in [
        ("Jo Miller", "jo@example.com", "form", "No hot water: 100% cold."),
        ("Ana Ruiz", "ana_r@example.com", "yelp", "A leak under the sink: ÜBERLAUF."),
        ("Ben O'Neil", "ben@example.com", "form", "Heater_broken"),
    ] {
        let mut one = enquiry();
        (one.name, one.email, one.source, one.message) =
            (name.to_owned(), email.to_owned(), source.to_owned(), message.to_owned());
        nexora.submit(one).await;
        nexora.app.clock.advance(std::time::Duration::from_secs(60));
    }
    let minute = std::time::Duration::from_secs(60);
    let search = |text: &str| Filter { search: Some(text.to_owned()), ..Filter::default() };
    let since = Filter { span: Span { since: Some(start + minute), until: None }, ..Filter::default() };
    let until = Filter { span: Span { since: None, until: Some(start + minute) }, ..Filter::default() };
    let source = Filter { source: Some("form".to_owned()), ..Filter::default() };
    for (filter, wanted) in [
        (search("MILLER"), vec!["Jo Miller"]),
        (search("o'neil"), vec!["Ben O'Neil"]),
        // What stands for anything in a pattern stands for itself here.
        (search("100%"), vec!["Jo Miller"]),
        (search("ana_r"), vec!["Ana Ruiz"]),
        (search("r_b"), vec!["Ben O'Neil"]),
        (search("ÜBERLAUF"), vec!["Ana Ruiz"]),
        (search("a_a"), vec![]),
        (search("5550142"), vec!["Ben O'Neil", "Ana Ruiz", "Jo Miller"]),
        (since, vec!["Ben O'Neil", "Ana Ruiz"]),
        (until, vec!["Jo Miller"]),
        (source, vec!["Ben O'Neil", "Jo Miller"]),
    ] {
        let asked = format!("{filter:?}");
        let found = nexora.view(move |tx| nexora_store::lead::list(tx, &filter, 10)).await;
        let names: Vec<&str> = found.iter().map(|lead| lead.name.as_str()).collect();
        assert_eq!(names, wanted, "{asked}");
    }
}

async fn what_came_of_a_source_is_found_by_it(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    nexora.submit(enquiry()).await;
    let mut other = enquiry();
    (other.name, other.email, other.phone) = ("Ana Ruiz".into(), "ana@example.com".into(), String::new());
    other.source = "yelp".into();
    nexora.submit(other).await;
    // Who is held back as spam is no contact: only the event says whose it is.
    let mut spam = enquiry();
    (spam.name, spam.email, spam.phone) = ("Pat Doe".into(), "pat@example.net".into(), String::new());
    (spam.source, spam.honeypot) = ("yelp".into(), "filled in".into());
    nexora.submit(spam).await;
    nexora.settle().await;
    for (source, wanted) in [("form", [1, 1, 1]), ("yelp", [2, 1, 1]), ("nowhere", [0, 0, 0])] {
        let source = Some(source.to_owned());
        let events = nexora_store::event::Filter {
            kind: Some(EventKind::LeadReceived),
            source: source.clone(),
            ..Default::default()
        };
        let runs = nexora_store::run::Filter { source: source.clone(), ..Default::default() };
        let messages = nexora_store::message::Filter { source: source.clone(), ..Default::default() };
        let found = nexora.view(move |tx| {
            let events = nexora_store::event::list(tx, &events, 10)?.len();
            let runs = nexora_store::run::list(tx, &runs, 10)?.len();
            Ok([events, runs, nexora_store::message::list(tx, &messages, 10)?.len()])
        });
        assert_eq!(found.await, wanted, "{source:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_list_is_narrowed_and_reaches_over_tenants() {
    let nexora = Nexora::with_sandbox(Backend::Sqlite).await;
    let other = tenant::create(&nexora.app, &nexora.actor, new_tenant("beta")).await.unwrap();
    nexora.submit(enquiry()).await;
    let mut theirs = enquiry();
    theirs.name = "Zoe Beta".into();
    nexora.submit_to(&other, theirs).await;
    nexora.settle().await;
    let machine = Machine::of(&nexora);
    for slug in ["acme", "beta"] {
        for line in
            ["task create --title Call", "job create --title Repair", "source create site --kind json"]
        {
            let words: Vec<&str> = line.split(' ').chain(["--tenant", slug]).collect();
            let (status, _, error) = machine.run(&words);
            assert_eq!(status, 0, "{line}: {error}");
        }
    }
    let rows = |words: &str| -> Vec<serde_json::Value> {
        let words: Vec<&str> = words.split(' ').chain(["--output", "json"]).collect();
        let (status, out, error) = machine.run(&words);
        assert_eq!(status, 0, "{words:?}: {error}");
        serde_json::from_str(&out).unwrap()
    };
    let all = rows("lead list --all-tenants");
    let of: Vec<(&str, &str)> =
        all.iter().map(|lead| (lead["tenant"].as_str().unwrap(), lead["name"].as_str().unwrap())).collect();
    assert_eq!(of, [("beta", "Zoe Beta"), ("acme", "Jo Miller")]);
    for (words, count) in [
        ("lead list --tenant acme --since 2026-09-01", 1),
        ("lead list --tenant acme --until 2026-09-01", 0),
        ("lead list --tenant acme --search nobody", 0),
        ("event list --tenant acme --kind lead.received --search ignored-nothing", 0),
        ("event list --all-tenants --kind lead.received", 2),
        ("run list --all-tenants --automation lead-capture", 1),
        ("run list --tenant acme --state failed", 0),
        ("run list --tenant acme --since 2026-09-01 --search lead_", 1),
        ("message list --tenant acme --by nexora --search jo@example.com", 1),
        ("message list --tenant acme --by contact", 0),
        ("effect list --tenant acme --state delivered --search acknowledge", 1),
        ("effect list --all-tenants --since 2026-09-01 --search nothing-like-it", 0),
        ("connection list --all-tenants", 2),
        ("contact list --all-tenants", 2),
        ("contact list --all-tenants --limit 1", 1),
        ("contact list --tenant acme", 1),
        ("task list --all-tenants", 2),
        ("task list --all-tenants --state done", 0),
        ("job list --all-tenants", 2),
        ("job list --all-tenants --limit 1", 1),
        ("appointment list --all-tenants", 0),
        ("source list --all-tenants", 2),
        ("source list --tenant beta", 1),
        ("message list --tenant acme --source form", 1),
        ("message list --tenant acme --source yelp", 0),
        ("event list --tenant acme --source form --kind lead.received", 1),
        ("event list --tenant acme --source yelp", 0),
        ("run list --all-tenants --source form", 1),
        ("run list --all-tenants --source yelp", 0),
        ("automation list --all-tenants", 2),
    ] {
        assert_eq!(rows(words).len(), count, "{words}");
    }
    // The newest of all come first, and each says whose it is.
    for (words, key) in [("contact list --all-tenants", "name"), ("task list --all-tenants", "tenant")] {
        let (all, first) = (rows(words), if key == "name" { "Zoe Beta" } else { "beta" });
        assert_eq!((&all[0]["tenant"], &all[0][key]), (&"beta".into(), &first.into()), "{words}");
    }
    let (status, _, error) = machine.run(&["task", "list", "--all-tenants", "--tenant", "acme"]);
    assert!(status == 2 && error.contains("do not go together"), "{error}");
    let (status, out, error) = machine.run(&["lead", "list", "--tenant", "acme", "--csv"]);
    assert_eq!(status, 0, "{error}");
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].starts_with("id,received_at,name,phone,email") && lines.len() == 2, "{out}");
    assert!(lines[1].contains("Jo Miller,+15125550142,jo@example.com"), "{out}");
    let (status, _, error) = machine.run(&["lead", "list", "--tenant", "acme", "--since", "soon"]);
    assert!(status == 2 && error.contains("write it like"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tenant_may_stand_in_the_environment() {
    let nexora = Nexora::with_sandbox(Backend::Sqlite).await;
    tenant::create(&nexora.app, &nexora.actor, new_tenant("beta")).await.unwrap();
    nexora.submit(enquiry()).await;
    let machine = Machine::of(&nexora);
    assert_eq!(machine.run(&["lead", "list"]).0, 2, "there are two");
    let run = |slug: &str| {
        let mut command = assert_cmd::Command::cargo_bin("nexora").unwrap();
        command.arg("--config").arg(machine.config()).args(["lead", "list"]).env("NEXORA_TENANT", slug);
        let output = command.output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let (status, out) = run("acme");
    assert!(status == 0 && out.contains("Jo Miller"), "{out}");
    assert_eq!(run("beta"), (0, String::new()));
    assert_eq!(run("gamma").0, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_in_is_followed() {
    let nexora = Nexora::with_sandbox(Backend::Sqlite).await;
    nexora.submit(enquiry()).await;
    let machine = Machine::of(&nexora);
    let program = assert_cmd::cargo::cargo_bin("nexora");
    let mut follower = Command::new(program)
        .arg("--config")
        .arg(machine.config())
        .args(["lead", "list", "--tenant", "acme", "--follow", "--output", "jsonl"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    let mut next = || -> serde_json::Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    assert_eq!(next()["name"], "Jo Miller");
    for name in ["Ana Ruiz", "Ben Hall"] {
        let mut one = enquiry();
        one.name = name.to_owned();
        nexora.submit(one).await;
        assert_eq!(next()["name"], *name);
    }
    follower.kill().unwrap();
    follower.wait().unwrap();
}
