//! Another connector, added as docs/ADDING.md says: one description in a file of its own and one line in
//! the list. Everything else in the program must do with that.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use nexora::app::registry::{Registry, connectors};
use nexora::config::Config;
use nexora::ops::automation;
use nexora::ops::connection;
use nexora::ops::report::status;
use nexora_connector::kind::{
    self, Added, ConnectorKind, Connectors, Environment, Field, Form, NewConnection, Opener, Rehearsed,
    SandboxAccess,
};
use nexora_connector::port::{Connector, Delivery, Perform, Probe};
use nexora_core::base::clock::Clock;
use nexora_core::base::secret::Secret;
use nexora_core::base::text::Json;
use nexora_core::base::{Kind, Result};
use nexora_core::model::connection::{Connection, WhenInDoubt};
use nexora_core::model::connector::{ConnectionKind, KindFacts};
use nexora_core::model::effect::{EffectKind, EffectState};
use nexora_core::model::outcome::{Outcome, Receipt};
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};

use crate::architecture::sources;
use crate::harness::{Backend, Nexora, START, enquiry, environment};
use crate::scene::definition;

/// A service that prints letters and carries them to people's doors.
struct PostOfficeKind;

#[derive(Serialize, Deserialize)]
struct PostOfficeSettings {
    branch: String,
}

static FACTS: KindFacts = KindFacts {
    kind: ConnectionKind::new("postoffice"),
    carries: &[EffectKind::SendMail],
    is_mailbox: false,
    parallel: 8,
    has_abilities: false,
};

static FORM: Form = Form {
    about: "Connect a post office",
    example: "Example:\n  nexora connection create postoffice --branch Austin",
    fields: &[Field::needed::<String>("branch").shown_as("TOWN").help("Where letters are handed in")],
    prepare: |values, _| {
        let settings: PostOfficeSettings = kind::settings(values)?;
        let (kind, settings) = (FACTS.kind.clone(), Json::of(&settings)?);
        Ok(NewConnection { kind, settings, credential: None, shown_with: None })
    },
};

impl ConnectorKind for PostOfficeKind {
    fn facts(&self) -> &'static KindFacts {
        &FACTS
    }

    fn added(&self) -> Added {
        Added::ByForm(&FORM)
    }

    fn account(&self, connection: &Connection) -> Result<String> {
        let settings: PostOfficeSettings = connection.settings.read()?;
        Ok(settings.branch)
    }

    fn title(&self, name: &str) -> String {
        format!("Post office “{name}”")
    }

    fn details(&self, connection: &Connection, _: &Environment) -> Result<Vec<(&'static str, String)>> {
        Ok(vec![("branch", self.account(connection)?)])
    }

    fn in_doubt(&self, _: &Connection) -> Result<WhenInDoubt> {
        Ok(WhenInDoubt::Resend)
    }

    fn opener(&self, _: &Environment) -> Opener {
        Box::new(|_, _| Ok(Connector::new(&Arc::new(PostOffice::default()))))
    }

    fn rehearsed(&self, _: EffectKind) -> Rehearsed {
        Rehearsed::Nowhere
    }

    fn in_sandbox(&self, connection: &Connection, _: &SandboxAccess) -> Result<(Connection, Option<Secret>)> {
        Ok((connection.clone(), None))
    }
}

#[derive(Default)]
struct PostOffice {
    attempts: AtomicU32,
}

impl Perform for PostOffice {
    /// Loses the receipt of the first letter.
    fn perform<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Outcome> {
        let outcome = match self.attempts.fetch_add(1, Ordering::SeqCst) {
            0 => Outcome::InDoubt { reason: "the receipt is lost".into() },
            _ => Outcome::Delivered(Receipt::named(Some(delivery.effect_id.to_string()))),
        };
        Box::pin(async move { outcome })
    }
}

impl Probe for PostOffice {
    fn probe(&self) -> BoxFuture<'_, Result<String>> {
        Box::pin(async { Ok("the counter is open".to_owned()) })
    }
}

const LETTER: &str = r#"
[[trigger]]
on = "lead.received"

[[step]]
id = "letter"
action = "notify.owner"
when = "connections.postoffice and not connections.smtp"
with = { to = "{{ tenant.owner_email }}", template = "lead-alert", via = "postoffice" }
"#;

async fn with_post_office(definitions: &Path) -> Nexora {
    fs::create_dir_all(definitions.join("automations")).unwrap();
    let mut config = Config::default();
    config.definitions.folder = definitions.to_owned();
    let clock = Clock::hand_set(START);
    // As if the list in src/connector/lib.rs had one line more.
    let connectors = Connectors::new(connectors().iter().chain([&PostOfficeKind as &dyn ConnectorKind]));
    let registry = Registry::new(connectors, environment(&config, clock.clone()));
    let nexora = Nexora::assemble(Backend::Sqlite, config, registry, clock).await;
    let Nexora { app, actor, tenant, .. } = &nexora;
    let new = (FORM.prepare)(Map::from_iter([("branch".to_owned(), json!("Austin"))]), None).unwrap();
    connection::add(app, actor, tenant, "letters", new).await.unwrap();
    nexora
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connector_that_describes_itself_carries_what_automations_send() {
    let folder = tempfile::tempdir().unwrap();
    let nexora = with_post_office(folder.path()).await;
    let Nexora { app, actor, tenant, .. } = &nexora;
    assert_eq!(connection::test(app, actor, tenant, "letters").await.unwrap(), "the counter is open");
    fs::write(folder.path().join("automations/letter.toml"), definition("letter", LETTER)).unwrap();
    automation::enable(app, actor, tenant, "letter", &BTreeMap::new(), false).await.unwrap();
    let id = nexora.submit(enquiry()).await;
    nexora.settle().await;
    app.clock.advance(Duration::from_secs(3_600));
    nexora.settle().await;
    assert_eq!(nexora.effects(&id).await["letter"], EffectState::Delivered, "it was sent again, in doubt");
    connection::pause(app, actor, tenant, "letters").await.unwrap();
    let troubles = status::of_tenant(app, tenant.clone()).await.unwrap().troubles;
    assert!(troubles.iter().any(|trouble| trouble.plain.starts_with("Post office “letters” is paused")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_definition_may_name_the_connectors_that_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let nexora = with_post_office(folder.path()).await;
    let Nexora { app, actor, tenant, .. } = &nexora;
    for (right, wrong) in
        [("via = \"postoffice\"", "via = \"postofice\""), ("connections.postoffice", "connections.pigeon")]
    {
        let text = definition("letter", &LETTER.replace(right, wrong));
        fs::write(folder.path().join("automations/letter.toml"), text).unwrap();
        let enabled = automation::enable(app, actor, tenant, "letter", &BTreeMap::new(), true).await;
        let error = enabled.unwrap_err();
        assert_eq!(error.kind(), Kind::Usage, "{}", error.report());
        assert!(error.report().contains(wrong.split('"').nth(1).unwrap_or(wrong)), "{}", error.report());
    }
}

/// Where connectors are listed: those of the common crate, and those that are members of their own.
const LISTS: [&str; 2] = ["connector/lib.rs", "app/registry.rs"];

#[test]
fn a_connector_is_named_in_its_own_files_and_in_the_list() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (kind, own) in
        [("SmtpKind", "connector/smtp/"), ("GoogleKind", "google/"), ("WebhookKind", "connector/webhook/")]
    {
        let elsewhere: Vec<String> = sources(&root)
            .iter()
            .filter(|path| fs::read_to_string(path).unwrap().contains(kind))
            .map(|path| path.strip_prefix(&root).unwrap().display().to_string())
            .filter(|path| !path.starts_with(own) && !LISTS.contains(&path.as_str()))
            .collect();
        assert!(elsewhere.is_empty(), "{kind} is named in {}", elsewhere.join(", "));
    }
}
