//! A tenant is written as text, and a tenant is brought to what text says: whole, once, or not at all.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use nexora::ops::access::key;
use nexora::ops::access::user::{self, Grant};
use nexora::ops::automation;
use nexora::ops::connection;
use nexora::ops::lead::form;
use nexora::ops::lead::source::{self, NewSource};
use nexora::ops::report::status;
use nexora::ops::tenant::text::apply::{Wish, apply};
use nexora::ops::tenant::text::plan::{Change, Plan};
use nexora::ops::tenant::text::{self};
use nexora::ops::tenant::{self, deletion};
use nexora_connector::smtp::{self, SmtpSettings, SmtpTls};
use nexora_connector::webhook::{self, WebhookSettings};
use nexora_core::base::secret::Secret;
use nexora_core::base::{Kind, Result};
use nexora_core::model::address::Slug;
use nexora_core::model::connection::{ConnectionState, Purpose, WhenInDoubt};
use nexora_core::model::consent::Channel;
use nexora_core::model::form::{Field, FieldName, Need};
use nexora_core::model::panel::Panel;
use nexora_core::model::source::{SourceKind, SourceSettings};
use nexora_core::model::user::{Role, UserState};
use nexora_engine::lead::lead_format::formats;
use nexora_store as store;

use crate::harness::{Backend, Nexora, on_both};
use crate::machine::Machine;

on_both!(
    what_is_written_comes_back_byte_for_byte,
    the_same_text_twice_changes_nothing_and_a_dry_run_changes_nothing,
    what_differs_is_changed_and_the_rest_goes_only_when_it_is_to,
    everything_that_is_wrong_is_said_at_once_and_nothing_is_done,
    a_credential_that_is_given_starts_what_waited_for_it,
    a_transaction_that_is_not_kept_leaves_nothing,
);

/// A picture as `form logo` takes it.
fn logo() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let picture = image::RgbImage::from_fn(64, 32, |x, y| {
        image::Rgb([u8::try_from(x).unwrap(), u8::try_from(y).unwrap(), 9])
    });
    picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// A folder of definitions with an automation whose message has a file.
fn definitions(folder: &Path) {
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "automations/thanks.toml",
        "# Says thank you.\n[automation]\nname = \"thanks\"\ntitle = \"Thanks\"\ndescription = \"Thank.\"\n\n\
         [settings]\ndelay = { type = \"duration\", default = \"2h\", help = \"wait\" }\n\n\
         [[trigger]]\non = \"job.completed\"\n\n\
         [[step]]\nid = \"wait\"\naction = \"wait\"\nwith = { for = \"{{ settings.delay }}\" }\n\n\
         [[step]]\nid = \"thank\"\naction = \"message.send\"\n\
         with = { to = \"{{ contact.email }}\", template = \"thanks\" }\n",
    );
    write(
        "messages/thanks.toml",
        "subject = \"Thank you ‘{{ contact.first_name }}’\"\ntext = \"\"\"\nHello \\\\ \\\"you\\\"\n\ttab ''' quotes\n\"\"\"\n\n\
         [[attachment]]\nfile = \"care.pdf\"\n",
    );
    write("files/care.pdf", "%PDF-1.4 care\u{0}\u{1}");
}

/// A tenant with something of everything.
async fn rich(backend: Backend, folder: &Path) -> Nexora {
    definitions(folder);
    let nexora =
        Nexora::with_sandbox_and(backend, |config| config.definitions.folder = folder.to_owned()).await;
    let Nexora { app, actor, tenant, .. } = &nexora;
    let set = [
        ("phone", "(512) 555-0199"),
        ("postal_address", "12 Main St, Austin, TX 78701"),
        ("business_hours", "Mon-Fri 08:00-18:00, Sat 09:00-12:00"),
        ("own_addresses", "acme.example.com, boss@example.net"),
        ("keep_photos", "90"),
        ("keep_people", "forever"),
        ("language", "de"),
    ];
    let set: Vec<(String, String)> = set.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let tenant = tenant::set(app, actor, &tenant.slug, &set).await.unwrap();
    let panels = vec![Panel::Week, Panel::Health];
    let tenant = status::set_panels(app, actor, tenant, panels).await.unwrap();
    let settings = SmtpSettings {
        host: "smtp.example.com".into(),
        port: 465,
        from: "Office@acme.example.com".parse().unwrap(),
        tls: SmtpTls::Implicit,
        username: Some("office".into()),
        ca_pem: Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".into()),
        when_in_doubt: WhenInDoubt::Hold,
        password_in_clear: false,
    };
    let new = smtp::connection(&settings, Some(Secret::new("hush-hush"))).unwrap();
    connection::add(app, actor, &tenant, "relay", new).await.unwrap();
    connection::choose(app, actor, &tenant, "relay", vec![Purpose::Customers], true).await.unwrap();
    connection::choose(app, actor, &tenant, "smtp", vec![Purpose::Alerts], true).await.unwrap();
    let hook = WebhookSettings { url: "https://hook.example.com/n".into(), allow_private: false };
    connection::add(app, actor, &tenant, "crm", webhook::connection(&hook).unwrap()).await.unwrap();
    connection::pause(app, actor, &tenant, "crm").await.unwrap();
    for (name, kind, secret) in
        [("ads", "google-ads", Some("a-secret-of-the-sender")), ("website", "json", None)]
    {
        let settings = SourceSettings {
            fields: match kind {
                "json" => BTreeMap::from([("betreff".to_owned(), "message".parse().unwrap())]),
                _ => BTreeMap::new(),
            },
            ..SourceSettings::default()
        };
        let webhook = formats::of(&SourceKind::new(kind)).unwrap();
        let new = NewSource {
            name: name.into(),
            webhook,
            settings,
            secret: secret.map(Secret::new),
            access_token: None,
        };
        source::add(app, actor, &tenant, new).await.unwrap();
    }
    source::disable(app, actor, &tenant, "website").await.unwrap();
    let field = |name, need| Field { name, need };
    let fields = vec![
        field(FieldName::Name, Need::Required),
        field(FieldName::Phone, Need::Required),
        field(FieldName::ConsentSms, Need::Optional),
    ];
    form::set_fields(app, actor, &tenant, fields).await.unwrap();
    let set =
        [("intro", "We fix “boilers”."), ("services", "Boiler; Leak"), ("embed_on", "https://acme.com")];
    let set = set.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    form::set(app, actor, &tenant, set).await.unwrap();
    form::set_wording(app, actor, &tenant, Channel::Email, "Write to me".into()).await.unwrap();
    form::set_logo(app, actor, &tenant, Some(logo())).await.unwrap();
    let given = BTreeMap::from([
        ("sheet_id".to_owned(), "leads".to_owned()),
        ("chase_after".to_owned(), String::new()),
    ]);
    automation::enable(app, actor, &tenant, "lead-capture", &given, false).await.unwrap();
    let given = BTreeMap::from([("delay".to_owned(), "3h".to_owned())]);
    automation::enable(app, actor, &tenant, "thanks", &given, false).await.unwrap();
    automation::enable(app, actor, &tenant, "daily-digest", &BTreeMap::new(), false).await.unwrap();
    automation::pause(app, actor, &tenant, "daily-digest").await.unwrap();
    automation::disable(app, actor, &tenant, "connection-alert").await.unwrap();
    for (email, name, role) in [
        ("Owner@acme.example.com", Some("Ann Owner"), Role::Owner),
        ("tech@acme.example.com", None, Role::Technician),
    ] {
        let grant = Grant::Member(Box::new(tenant.clone()), role);
        let name = name.map(str::to_owned);
        user::create(app, actor, email.parse().unwrap(), name, grant).await.unwrap();
    }
    user::set_state(app, actor, &"tech@acme.example.com".parse().unwrap(), UserState::Disabled)
        .await
        .unwrap();
    key::create(app, actor, &tenant, "crm", None).await.unwrap();
    nexora
}

/// Another installation, with another key, that has no such tenant.
async fn elsewhere(backend: Backend) -> Nexora {
    let other = Nexora::with_sandbox_and(backend, |_| {}).await;
    deletion::delete_now(&other.app, &other.actor, &other.tenant.slug).await.unwrap();
    other
}

async fn export(nexora: &Nexora, folder: &Path) {
    let slug = nexora.tenant.slug.clone();
    text::export(&nexora.app, &nexora.actor, &slug, folder).await.unwrap();
}

fn wish(folder: &Path) -> Wish {
    Wish { folder: folder.to_owned(), ..Wish::default() }
}

async fn applied(nexora: &Nexora, folder: &Path) -> Result<Plan> {
    apply(&nexora.app, &nexora.actor, &wish(folder)).await
}

fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            found.insert(name, String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned());
        }
    }
    found
}

/// Writes a file of the folder anew, with a text replaced.
fn edit(folder: &Path, file: &str, from: &str, to: &str) {
    let path = folder.join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{file} holds no {from}:\n{text}");
    std::fs::write(path, text.replacen(from, to, 1)).unwrap();
}

/// Counts what was done to the tenant, and what the installation did.
async fn recorded(nexora: &Nexora) -> usize {
    let slug: Slug = "acme".parse().unwrap();
    let found = tenant::find(&nexora.app, &slug).await.ok().map(|tenant| tenant.id);
    let count = move |conn: &mut store::Conn| {
        let own = found.as_ref().map(|id| store::audit::list(conn, Some(id), 1_000)).transpose()?;
        Ok(own.map_or(0, |own| own.len()) + store::audit::list(conn, None, 1_000)?.len())
    };
    nexora.app.db.read(count).await.unwrap()
}

fn told(plan: &Plan) -> Vec<String> {
    let line = |line: &nexora::ops::tenant::text::plan::Line| {
        format!("{} {} {}", line.change, line.noun, line.name).trim().to_owned()
    };
    plan.changes.iter().map(line).collect()
}

async fn what_is_written_comes_back_byte_for_byte(backend: Backend) {
    let folder = tempfile::tempdir().unwrap();
    let nexora = rich(backend, &folder.path().join("definitions")).await;
    let (one, two, three) =
        (folder.path().join("one"), folder.path().join("two"), folder.path().join("three"));
    export(&nexora, &one).await;
    export(&nexora, &two).await;
    assert_eq!(files(&one), files(&two), "a second export");
    export(&nexora, &one).await;
    assert_eq!(files(&one), files(&two), "an export over an earlier one");
    let written = files(&one);
    for (name, content) in &written {
        for secret in ["hush-hush", "PRIVATE KEY", "a-secret-of-the-sender", "whsec_", "nxk_", "argon2"] {
            assert!(!content.contains(secret), "{name} holds {secret}");
        }
        let mode = std::fs::metadata(one.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}");
    }
    assert_eq!(std::fs::metadata(one.join("automations")).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(written["automations/thanks/thanks.toml"].starts_with("# Says thank you."));
    assert!(written["automations/thanks/files/care.pdf"].starts_with("%PDF"));
    let other = elsewhere(backend).await;
    let plan = applied(&other, &one).await.unwrap();
    let told = told(&plan);
    assert_eq!(told[0], "create tenant acme");
    for line in [
        "change form",
        "create connection relay",
        "create connection google",
        "create source ads",
        "create automation thanks",
        "change automation connection-alert",
        "create user Owner@acme.example.com",
    ] {
        assert!(told.contains(&line.to_owned()), "{line}: {told:?}");
    }
    assert_eq!(plan.left_over, Vec::<String>::new());
    let commands: Vec<&str> = plan.missing.iter().map(|missing| missing.command.as_str()).collect();
    for command in [
        "nexora connection set relay --password-file FILE --tenant acme",
        "nexora connection set google --key-file FILE --tenant acme",
        "nexora source rotate-secret ads --tenant acme",
        "nexora key create crm --tenant acme",
        "nexora user set-password Owner@acme.example.com",
    ] {
        assert!(commands.contains(&command), "{command}: {commands:?}");
    }
    assert!(!commands.iter().any(|command| command.contains("tech@")), "one who may not sign in needs none");
    let [(what, _, secret)] = plan.shown_once.as_slice() else { panic!("{:?}", plan.shown_once) };
    assert!(what == "connection crm" && secret.expose().starts_with("whsec_"));
    // Keys of programs are made by hand.
    let slug: Slug = "acme".parse().unwrap();
    let there = tenant::find(&other.app, &slug).await.unwrap();
    key::create(&other.app, &other.actor, &there, "crm", None).await.unwrap();
    export(&other, &three).await;
    assert_eq!(files(&three), written);
    let found = connection::find(&other.app, &there, "relay").await.unwrap();
    assert_eq!(found.state, ConnectionState::Failing, "it waits for its password");
    assert!(found.sealed.is_none());
    let history = nexora::ops::automation::version::history(&other.app, &there, "thanks").await.unwrap();
    assert_eq!(history.len(), 1);
}

async fn the_same_text_twice_changes_nothing_and_a_dry_run_changes_nothing(backend: Backend) {
    let folder = tempfile::tempdir().unwrap();
    let nexora = rich(backend, &folder.path().join("definitions")).await;
    let one = folder.path().join("one");
    export(&nexora, &one).await;
    let before = recorded(&nexora).await;
    let plan = applied(&nexora, &one).await.unwrap();
    assert_eq!(told(&plan), Vec::<String>::new());
    assert_eq!(recorded(&nexora).await, before);
    // Another spelling of what is so already is no change.
    edit(&one, "tenant.toml", "phone = \"+15125550199\"", "phone = \"(512) 555-0199\"");
    edit(&one, "connections.toml", "port = 465", "port = \"465\"");
    let plan = applied(&nexora, &one).await.unwrap();
    assert_eq!((told(&plan), recorded(&nexora).await), (Vec::new(), before));
    let other = elsewhere(backend).await;
    let before = recorded(&other).await;
    let dry = Wish { dry_run: true, ..wish(&one) };
    let planned = apply(&other.app, &other.actor, &dry).await.unwrap();
    assert_eq!(recorded(&other).await, before);
    assert_eq!(tenant::find(&other.app, &"acme".parse().unwrap()).await.unwrap_err().kind(), Kind::NotFound);
    assert!(planned.shown_once.is_empty(), "what is not made is not shown");
    let done = applied(&other, &one).await.unwrap();
    assert_eq!(planned.changes, done.changes);
    assert_eq!(planned.missing, done.missing);
    let again = applied(&other, &one).await.unwrap();
    assert_eq!(told(&again), Vec::<String>::new());
    assert_eq!(again.missing, done.missing, "what is yet to be given is said again");
}

async fn what_differs_is_changed_and_the_rest_goes_only_when_it_is_to(backend: Backend) {
    let folder = tempfile::tempdir().unwrap();
    let nexora = rich(backend, &folder.path().join("definitions")).await;
    let Nexora { app, actor, tenant, .. } = &nexora;
    let one = folder.path().join("one");
    export(&nexora, &one).await;
    edit(&one, "tenant.toml", "keep_photos = \"90\"", "keep_photos = 120");
    edit(&one, "connections.toml", "port = 465", "port = 587");
    edit(&one, "connections.toml", "tls = \"implicit\"", "tls = \"starttls\"");
    edit(&one, "automations/thanks/thanks.toml", "# Says thank you.", "# Says thanks.");
    edit(&one, "automations/daily-digest/settings.toml", "paused", "enabled");
    edit(&one, "users.toml", "role = \"technician\"", "role = \"viewer\"");
    std::fs::write(one.join("sources.toml"), "").unwrap();
    std::fs::remove_dir_all(one.join("automations/lead-capture")).unwrap();
    let plan = applied(&nexora, &one).await.unwrap();
    let changed = [
        "change tenant acme",
        "change connection relay",
        "change automation daily-digest",
        "change automation thanks",
        "change user tech@acme.example.com",
    ];
    assert_eq!(told(&plan), changed);
    assert_eq!(plan.changes[0].parts, ["keep_photos: 90 -> 120"]);
    assert_eq!(plan.changes[1].parts, ["port: 465 -> 587", "tls: implicit -> starttls"]);
    assert_eq!(plan.left_over, ["automation lead-capture", "source ads", "source website"]);
    let relay = connection::find(app, tenant, "relay").await.unwrap();
    assert!(relay.sealed.is_some(), "its password stays");
    assert_eq!(relay.state, ConnectionState::Active);
    let versions = automation::version::history(app, tenant, "thanks").await.unwrap();
    assert_eq!(versions.len(), 2);
    let versions = automation::version::history(app, tenant, "daily-digest").await.unwrap();
    assert_eq!(versions.len(), 1, "switching it is no new version");
    let acts: Vec<String> = {
        let id = tenant.id.clone();
        let read = move |conn: &mut store::Conn| store::audit::list(conn, Some(&id), 8);
        app.db.read(read).await.unwrap().into_iter().map(|entry| entry.action).collect()
    };
    for act in ["tenant.set", "connection.set", "automation.enable", "automation.resume", "user.set_role"] {
        assert!(acts.contains(&act.to_owned()), "{act}: {acts:?}");
    }
    let prune = Wish { prune: true, ..wish(&one) };
    let plan = apply(app, actor, &prune).await.unwrap();
    assert_eq!(
        told(&plan),
        ["switch off automation lead-capture", "delete source ads", "delete source website"]
    );
    assert_eq!(told(&apply(app, actor, &prune).await.unwrap()), Vec::<String>::new());
    // The last owner stays, and with them everything else.
    let users = std::fs::read_to_string(one.join("users.toml")).unwrap();
    std::fs::write(
        one.join("users.toml"),
        users.replace("Owner@acme", "boss@acme").replace("\"owner\"", "\"viewer\""),
    )
    .unwrap();
    let error = apply(app, actor, &prune).await.unwrap_err();
    assert!(error.message().contains("is the last owner of tenant `acme`"), "{}", error.message());
    assert_eq!(user::list(app, Some(tenant)).await.unwrap().len(), 2);
    // Under another name it is another tenant.
    std::fs::write(one.join("users.toml"), users).unwrap();
    let second = Wish { slug: Some("acme-two".parse().unwrap()), ..wish(&one) };
    let plan = apply(app, actor, &second).await.unwrap();
    assert_eq!(told(&plan)[0], "create tenant acme-two");
    assert_eq!(tenant::list(app).await.unwrap().len(), 2);
}

async fn everything_that_is_wrong_is_said_at_once_and_nothing_is_done(backend: Backend) {
    let folder = tempfile::tempdir().unwrap();
    let nexora = rich(backend, &folder.path().join("definitions")).await;
    let one = folder.path().join("one");
    export(&nexora, &one).await;
    let before = recorded(&nexora).await;
    edit(&one, "tenant.toml", "cap = \"4\"", "cap = \"many\"");
    edit(&one, "tenant.toml", "spacing = ", "spaceing = ");
    edit(&one, "connections.toml", "port = 465", "port = 99999");
    edit(&one, "connections.toml", "state = \"paused\"", "state = \"paused\"\ncolour = \"red\"");
    edit(&one, "form.toml", "name=required", "name=optional");
    edit(&one, "sources.toml", "kind = \"json\"", "kind = \"jason\"");
    edit(&one, "users.toml", "role = \"owner\"", "role = \"king\"");
    edit(&one, "automations/thanks/thanks.toml", "settings.delay", "settings.dely");
    std::fs::write(one.join("automations/thanks/messages/thanks.toml"), "subject = 1\n").unwrap();
    std::fs::write(one.join("conections.toml"), "").unwrap();
    let error = applied(&nexora, &one).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Usage);
    let text = error.message().to_owned();
    let has = |file: &str, what: &str| {
        let line = text
            .lines()
            .find(|line| line.trim_start().starts_with(&format!("{file}:")) && line.contains(what));
        assert!(line.is_some(), "{file} {what}:\n{text}");
        line.unwrap().trim_start().split(':').nth(1).unwrap().parse::<usize>().unwrap()
    };
    let line_of = |file: &str, part: &str| {
        let text = std::fs::read_to_string(one.join(file)).unwrap();
        text.lines().position(|line| line.contains(part)).unwrap() + 1
    };
    assert_eq!(has("tenant.toml", "`cap`"), line_of("tenant.toml", "cap = \"many\""));
    assert_eq!(has("tenant.toml", "did you mean `spacing`"), line_of("tenant.toml", "spaceing"));
    assert_eq!(has("connections.toml", "connection `relay`"), line_of("connections.toml", "port = 99999"));
    assert_eq!(has("connections.toml", "unknown key `colour`"), line_of("connections.toml", "colour"));
    has("form.toml", "a form asks for the name");
    assert_eq!(has("sources.toml", "there is no kind of source `jason`"), line_of("sources.toml", "jason"));
    assert_eq!(has("users.toml", "`king`"), line_of("users.toml", "king"));
    has("automations/thanks/messages/thanks.toml", "string");
    has("conections.toml", "did you mean `connections.toml`?");
    assert!(error.hint_text().unwrap().contains("nothing was changed"));
    assert_eq!(recorded(&nexora).await, before);
    std::fs::remove_file(one.join("automations/thanks/messages/thanks.toml")).unwrap();
    let error = applied(&nexora, &one).await.unwrap_err();
    assert!(error.message().contains("settings.dely"), "{}", error.message());
    // A folder of a later version says so, and nothing else.
    edit(&one, "tenant.toml", "format = 1", "format = 2");
    let error = applied(&nexora, &one).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Conflict);
    assert!(error.message().starts_with("the folder has format 2"), "{}", error.message());
    let error = applied(&nexora, &folder.path().join("nothing")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::NotFound);
    // What holds something else is not written over.
    let error =
        text::export(&nexora.app, &nexora.actor, &nexora.tenant.slug, &folder.path().join("definitions"))
            .await
            .unwrap_err();
    assert_eq!(error.kind(), Kind::Conflict);
}

async fn a_credential_that_is_given_starts_what_waited_for_it(backend: Backend) {
    let folder = tempfile::tempdir().unwrap();
    let nexora = rich(backend, &folder.path().join("definitions")).await;
    let one = folder.path().join("one");
    export(&nexora, &one).await;
    let other = elsewhere(backend).await;
    applied(&other, &one).await.unwrap();
    let slug: Slug = "acme".parse().unwrap();
    let there = tenant::find(&other.app, &slug).await.unwrap();
    // What the connection is may be changed before it has its password.
    edit(&one, "connections.toml", "port = 465", "port = 466");
    assert_eq!(told(&applied(&other, &one).await.unwrap()), ["change connection relay"]);
    let key = Secret::new(other.sandbox.as_ref().unwrap().service_account_json());
    let known = connection::authorization::find_google(&other.app, &there, "google").await.unwrap().1;
    connection::authorization::extend(&other.app, &other.actor, &there, "google", known.abilities, Some(key))
        .await
        .unwrap();
    let google = connection::find(&other.app, &there, "google").await.unwrap();
    assert_eq!(google.state, ConnectionState::Active);
    let status = status::of_tenant(&other.app, there.clone()).await.unwrap();
    let commands: Vec<&str> = status.troubles.iter().map(|trouble| trouble.command.as_str()).collect();
    assert!(
        commands.iter().any(|command| command.contains("connection set relay --password-file")),
        "{commands:?}"
    );
    assert!(commands.iter().any(|command| command.contains("source rotate-secret ads")), "{commands:?}");
    let rotated = source::rotate_secret(
        &other.app,
        &other.actor,
        &there,
        "ads",
        Some(Secret::new("the-one-it-had-before")),
    );
    assert_eq!(rotated.await.unwrap().secrets.secret.expose(), "the-one-it-had-before");
    let plan = applied(&other, &one).await;
    // The service account is the sandbox's own, and so another than the text has.
    match plan {
        Ok(plan) => assert!(!plan.missing.iter().any(|missing| missing.what.contains("`ads`"))),
        Err(error) => assert!(error.message().contains("what was granted to it"), "{}", error.message()),
    }
}

async fn a_transaction_that_is_not_kept_leaves_nothing(backend: Backend) {
    let nexora = Nexora::with_sandbox_and(backend, |_| {}).await;
    let Nexora { app, actor, .. } = &nexora;
    let names = || async {
        tenant::list(app).await.unwrap().iter().map(|of| of.slug.to_string()).collect::<Vec<_>>()
    };
    let whole = app.in_transaction().await.unwrap();
    tenant::create(&whole, actor, crate::harness::new_tenant("beta")).await.unwrap();
    assert_eq!(tenant::list(&whole).await.unwrap().len(), 2, "it sees its own");
    drop(whole);
    assert_eq!(names().await, ["acme"]);
    let whole = app.in_transaction().await.unwrap();
    whole.db.mark().await.unwrap();
    tenant::create(&whole, actor, crate::harness::new_tenant("beta")).await.unwrap();
    whole.db.undo().await.unwrap();
    whole.db.mark().await.unwrap();
    tenant::create(&whole, actor, crate::harness::new_tenant("gamma")).await.unwrap();
    let refused = tenant::create(&whole, actor, crate::harness::new_tenant("gamma")).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Conflict, "a failure undoes itself alone");
    whole.db.keep().await.unwrap();
    whole.db.keep_all().await.unwrap();
    assert_eq!(names().await, ["acme", "gamma"]);
    let ended = tenant::list(&whole).await.unwrap_err();
    assert_eq!(ended.kind(), Kind::Internal);
    let changes = [Change::Create, Change::SwitchOff].map(Change::name);
    assert_eq!(changes, ["create", "switch off"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_commands_write_and_apply() {
    let folder = tempfile::tempdir().unwrap();
    let nexora = rich(Backend::Sqlite, &folder.path().join("definitions")).await;
    let machine = Machine::of(&nexora);
    let one = folder.path().join("one");
    let to = one.to_str().unwrap();
    let (status, said, error) = machine.run(&["tenant", "export", to]);
    assert_eq!(status, 0, "{error}");
    assert!(said.contains("acme"), "{said}");
    let (status, said, _) = machine.run(&["apply", "-f", to]);
    assert_eq!((status, said.lines().next()), (0, Some("nothing to change")));
    edit(&one, "tenant.toml", "cap = \"4\"", "cap = 5");
    std::fs::write(one.join("sources.toml"), "").unwrap();
    let plan = machine.json(&["apply", "-f", to, "--dry-run"]);
    assert_eq!(plan["changes"][0]["parts"][0], "cap: 4 -> 5");
    assert_eq!(plan["left_over"][0], "source ads");
    let (status, said, error) = machine.run(&["apply", "-f", to]);
    assert_eq!(status, 0, "{error}");
    assert!(said.contains("cap: 4 -> 5") && error.contains("left over: source ads"), "{said}{error}");
    let (status, ..) = machine.run(&["apply", "-f", to, "--prune", "--no-input"]);
    assert_eq!(status, 8, "it asks before something goes");
    let (status, said, _) = machine.run(&["apply", "-f", to, "--prune", "--yes"]);
    assert!(status == 0 && said.contains("delete"), "{said}");
    let (status, _, error) = machine.run(&["apply", "-f", to, "--tenant", "other", "--dry-run"]);
    assert_eq!(status, 0, "{error}");
    edit(&one, "tenant.toml", "cap = 5", "cap = \"x\"");
    let (status, _, error) = machine.run(&["apply", "-f", to]);
    assert!(status == 2 && error.contains("tenant.toml:"), "{error}");
    let (status, _, error) = machine.run(&["apply", "-f", "/nonexistent/acme"]);
    assert!(status == 4 && error.contains("nexora tenant export"), "{error}");
}
