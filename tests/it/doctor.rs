//! Whatever the installation needs, inside and outside, `nexora doctor` says how it stands and what mends it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, MX, TXT};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use nexora::app::App;
use nexora::config::{Config, Examined};
use nexora::ops::backup::{self, seal::Lock};
use nexora::ops::doctor::{Finding, Programs, Report, Surroundings, Verdict, examine};
use nexora::ops::report::survey::survey;
use nexora::ops::{automation, connection, tenant};
use nexora::pipeline::certificate::sweep_by;
use nexora_connector::dns::{Dns, Lookup, SystemDns};
use nexora_connector::site::Sites;
use nexora_core::base::clock::Clock;
use nexora_core::base::secret::Secret;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use crate::harness::{Backend, Nexora, enquiry, new_tenant, on_both};
use crate::machine::Machine;

/// What a name server knows: name, kind, and what it says.
type Records = Vec<(&'static str, RecordType, RData)>;

fn text(name: &'static str, text: &str) -> (&'static str, RecordType, RData) {
    (name, RecordType::TXT, RData::TXT(TXT::new(vec![text.to_owned()])))
}

/// Serves these records on loopback, as a name server that is sure of them.
async fn name_server(records: Records) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 2_048];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            let asked = Message::from_vec(&buffer[..length]).unwrap();
            let query = asked.queries[0].clone();
            let wanted = query.name().to_string().to_lowercase();
            let wanted = wanted.trim_end_matches('.');
            let mut answer = asked.clone().into_response();
            answer.edns = None;
            answer.metadata.recursion_available = true;
            for (name, kind, data) in &records {
                if *name == wanted && *kind == query.query_type() {
                    answer.add_answer(Record::from_rdata(query.name().clone(), 60, data.clone()));
                }
            }
            let below = format!(".{wanted}");
            let is_known = records.iter().any(|(name, ..)| *name == wanted || name.ends_with(&below));
            if !is_known {
                answer.metadata.response_code = ResponseCode::NXDomain;
            }
            socket.send_to(&answer.to_vec().unwrap(), from).await.unwrap();
        }
    });
    address
}

/// A web server before the daemon: it takes the encryption off, and passes all on.
async fn web_server(name: &str, to: SocketAddr) -> (SocketAddr, CertificateDer<'static>) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    let certificate = cert.der().clone();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let tls = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut secured) = acceptor.accept(stream).await else { return };
                let Ok(mut inner) = TcpStream::connect(to).await else { return };
                let _ = tokio::io::copy_bidirectional(&mut secured, &mut inner).await;
            });
        }
    });
    (address, certificate)
}

/// Serves the public pages of an application.
async fn pages(app: &Arc<App>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = nexora::http::public(Arc::clone(app));
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    address
}

struct Machinery;

impl Programs for Machinery {
    fn run<'a>(&'a self, program: &'a str, _: &'a [&'a str]) -> BoxFuture<'a, Option<String>> {
        Box::pin(async move {
            match program {
                "timedatectl" => Some("yes\n".to_owned()),
                _ => Some("LoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\nNRestarts=0\n".to_owned()),
            }
        })
    }
}

fn around(
    app: &Arc<App>,
    config: Config,
    dns: Arc<dyn Dns>,
    roots: Vec<CertificateDer<'static>>,
) -> Surroundings {
    Surroundings {
        path: "/etc/nexora/nexora.toml".into(),
        examined: Examined { config: Some(config), faults: Vec::new() },
        app: Ok(Arc::clone(app)),
        dns,
        sites: Sites::new(Duration::from_secs(5), roots).unwrap(),
        programs: Arc::new(Machinery),
        limit: Duration::from_secs(20),
        launch: None,
    }
}

fn of<'a>(report: &'a Report, check: &str) -> Vec<&'a Finding> {
    report.findings.iter().filter(|found| found.check == check).collect()
}

fn assert_found(report: &Report, check: &str, verdict: Verdict, what: &str) {
    let found = of(report, check);
    let is_there = found.iter().any(|found| found.verdict == verdict && found.what.contains(what));
    assert!(is_there, "{check}: {verdict} {what}: {found:#?}");
    let fixed = found.iter().all(|found| found.verdict < Verdict::Look || found.fix.is_some());
    assert!(fixed, "each of them says what mends it: {found:#?}");
}

#[tokio::test]
async fn a_name_that_is_not_there_differs_from_one_without_such_records() {
    let known = vec![
        ("acme.com", RecordType::A, RData::A(A::new(203, 0, 113, 7))),
        ("acme.com", RecordType::MX, RData::MX(MX::new(10, Name::from_ascii("mx.acme.com.").unwrap()))),
        text("odd._domainkey.acme.com", "v=DKIM1; p=A"),
    ];
    let dns = SystemDns::at(name_server(known).await).unwrap();
    assert_eq!(dns.texts("acme.com").await.unwrap(), Lookup::NoRecords);
    assert_eq!(dns.texts("_domainkey.acme.com").await.unwrap(), Lookup::NoRecords);
    assert_eq!(dns.texts("other.acme.com").await.unwrap(), Lookup::NoName);
    assert_eq!(dns.mail_servers("acme.com").await.unwrap(), Lookup::Found(vec!["mx.acme.com".to_owned()]));
    assert_eq!(dns.addresses("acme.com").await.unwrap(), Lookup::Found(vec!["203.0.113.7".parse().unwrap()]));
    let texts = dns.texts("odd._domainkey.acme.com").await.unwrap();
    assert_eq!(texts, Lookup::Found(vec!["v=DKIM1; p=A".to_owned()]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_installation_on_which_everything_works() {
    let nexora = Nexora::with_sandbox(Backend::Sqlite).await;
    let inner = pages(&nexora.app).await;
    let (outer, certificate) = web_server("leads.example.com", inner).await;
    let records = vec![
        ("leads.example.com", RecordType::A, RData::A(A::new(127, 0, 0, 1))),
        text("acme.example.com", "v=spf1 include:relay.example.com -all"),
        text("k7._domainkey.acme.example.com", "v=DKIM1; p=AAAA"),
        text("_dmarc.example.com", "v=DMARC1; p=quarantine"),
        (
            "acme.example.com",
            RecordType::MX,
            RData::MX(MX::new(10, Name::from_ascii("mx.example.com.").unwrap())),
        ),
    ];
    let dns = Arc::new(SystemDns::at(name_server(records).await).unwrap());
    let machine = Machine::of(&nexora);
    let mut config = Config::load(&machine.config(), std::iter::empty()).unwrap();
    config.google = nexora.app.config.google.clone();
    config.smtp.allow_private = true;
    config.http.public_url = format!("https://leads.example.com:{}", outer.port());
    config.http.former_urls = "https://gone.example.com".to_owned();
    config.http.listen = inner.to_string();
    config.http.private_listen = inner.to_string();
    let backups = tempfile::tempdir().unwrap();
    config.backup.folder = backups.path().to_owned();
    config.backup.recipient = age::x25519::Identity::generate().to_public().to_string();
    let lock = Lock::of_settings(&config.backup).unwrap();
    let wish = backup::Wish { to: None, with_key: false, lock };
    // Any file stands for that of the configuration.
    backup::create(&config, &config.secrets.key_file, &wish, &|_, _| {}).unwrap();
    let app = App::open(config.clone(), Clock::System).await.unwrap();
    app.heart.beat(&app.db, &app.clock).await.unwrap();
    let report = examine(&around(&app, config, dns, vec![certificate]), Clock::System.now()).await;
    for (check, what) in [
        ("backups", "a secret key of age opens it, and the master key is not in it"),
        ("configuration", "is valid"),
        ("master key", "opens 1 credential"),
        ("database", "it is whole"),
        ("database", "its schema is up to date"),
        ("disk", "MiB are free"),
        ("ports", "the daemon answers at"),
        ("public address", "it reaches this installation"),
        ("public address", "the certificate of `leads.example.com` is good"),
        ("clock", "it is kept right"),
        ("connections", "connection `smtp`: 127.0.0.1"),
        ("connections", "connection `google`"),
        ("mail senders", "SPF of `acme.example.com`"),
        ("mail senders", "has a DKIM key"),
        ("mail senders", "DMARC of `acme.example.com`"),
        ("mail senders", "go to mx.example.com"),
        ("service", "starts with the machine"),
        ("versions", "this program is version"),
    ] {
        assert_found(&report, check, Verdict::Good, what);
    }
    // All but that the test's name leads to this machine, and an address of before nowhere.
    assert_found(&report, "public address", Verdict::Look, "which is in no public network");
    let gone = "before, `https://gone.example.com`: the DNS has no address of `gone.example.com`";
    assert_found(&report, "public address", Verdict::Look, gone);
    let wrong: Vec<_> = report.findings.iter().filter(|found| found.verdict >= Verdict::Look).collect();
    assert_eq!(wrong.len(), 2, "{wrong:#?}");
}

on_both!(the_database_looks_at_itself);

async fn the_database_looks_at_itself(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    nexora.submit(enquiry()).await;
    let db = &nexora.app.db;
    let seen = db.read(nexora_store::inspection::inspect).await.unwrap();
    assert_eq!((&seen.faults, seen.is_read_only), (&Vec::new(), false), "{seen:?}");
    assert!(seen.size_bytes > 100_000 && seen.version.contains("SQL"), "{seen:?}");
    let time = db.read(nexora_store::daemon::server_time).await.unwrap();
    let off = time.map(|time| Clock::System.now().since(time).max(time.since(Clock::System.now())));
    assert_eq!(time.is_some(), matches!(backend, Backend::Postgres));
    assert!(off.is_none_or(|off| off < Duration::from_secs(60)), "{off:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_is_not_good_is_a_trouble_until_it_is() {
    let mut public_url = String::new();
    let (outer, certificate) = web_server("localhost", "127.0.0.1:9".parse().unwrap()).await;
    let nexora = Nexora::with_sandbox_and(Backend::Sqlite, |config| {
        config.http.public_url = format!("https://localhost:{}", outer.port());
        public_url.clone_from(&config.http.public_url);
    })
    .await;
    let app = &nexora.app;
    let troubles = async || {
        let seen = survey(app, None).await;
        seen.machine.iter().map(|trouble| trouble.what.clone()).collect::<Vec<_>>().join("\n")
    };
    let nobody = Sites::new(Duration::from_secs(5), Vec::new()).unwrap();
    sweep_by(app, &nobody).await.unwrap();
    assert!(troubles().await.contains("the certificate of `localhost"), "{}", troubles().await);
    // Nothing stands behind that web server, which answers nothing: what was known before holds.
    let known = Sites::new(Duration::from_secs(5), vec![certificate]).unwrap();
    sweep_by(app, &known).await.unwrap();
    assert!(troubles().await.contains("the certificate of `localhost"), "{}", troubles().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_does_not_lead_here() {
    let nexora = Nexora::with_sandbox(Backend::Sqlite).await;
    let other = Nexora::with_sandbox(Backend::Sqlite).await;
    let machine = Machine::of(&nexora);
    let records = || vec![("leads.example.com", RecordType::A, RData::A(A::new(127, 0, 0, 1)))];
    nexora.app.heart.beat(&nexora.app.db, &nexora.app.clock).await.unwrap();
    let look = async |url: &str, roots: Vec<CertificateDer<'static>>| {
        let dns = Arc::new(SystemDns::at(name_server(records()).await).unwrap());
        let mut config = nexora.app.config.clone();
        config.secrets.key_file = machine.folder().join("master.key");
        config.http.public_url = url.to_owned();
        examine(&around(&nexora.app, config, dns, roots), Clock::System.now()).await
    };
    let at = |address: SocketAddr| format!("https://leads.example.com:{}", address.port());
    // Another installation answers as another.
    let (outer, certificate) = web_server("leads.example.com", pages(&other.app).await).await;
    let report = look(&at(outer), vec![certificate]).await;
    assert_found(&report, "public address", Verdict::Broken, "another program or another installation");
    // A certificate that nobody vouches for, and one for another name.
    let report = look(&at(outer), Vec::new()).await;
    assert_found(&report, "public address", Verdict::Broken, "the certificate of `leads.example.com");
    let (outer, certificate) = web_server("www.example.com", pages(&nexora.app).await).await;
    let report = look(&at(outer), vec![certificate]).await;
    assert_found(&report, "public address", Verdict::Broken, "is not good");
    // Nobody is there, and the name is not.
    let report = look("https://leads.example.com:1", Vec::new()).await;
    assert_found(&report, "public address", Verdict::Broken, "takes no connection");
    let report = look("https://laeds.example.com", Vec::new()).await;
    assert_found(&report, "public address", Verdict::Broken, "the DNS has no address of `laeds.example.com`");
    let report = look("http://leads.example.com:1", Vec::new()).await;
    assert_found(&report, "public address", Verdict::Look, "is not encrypted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_refuses_and_a_domain_that_nobody_can_believe() {
    let nexora = Nexora::with_sandbox(Backend::Sqlite).await;
    let Nexora { app, actor, tenant, .. } = &nexora;
    let account = connection::settings::Change {
        values: serde_json::json!({ "username": "office" }).as_object().unwrap().clone(),
        credential: Some(Secret::new("a password")),
        ..Default::default()
    };
    connection::settings::set(app, actor, tenant, "smtp", account).await.unwrap();
    let refused = serde_json::json!([{ "service": "smtp", "call": "auth", "fault": "status", "status": 535, "times": 0 }]);
    nexora.faults(refused).await;
    let dns = Arc::new(SystemDns::at(name_server(Vec::new()).await).unwrap());
    let config = app.config.clone();
    let report =
        examine(&around(&nexora.app, config.clone(), dns.clone(), Vec::new()), Clock::System.now()).await;
    assert_found(&report, "connections", Verdict::Broken, "refuses the sign-in: ");
    for what in ["has no SPF record", "has no DKIM key", "has no DMARC record", "has no mail server"] {
        assert_found(&report, "mail senders", Verdict::Look, what);
    }
    assert_found(&report, "master key", Verdict::Broken, "master.key");
    assert_found(&report, "versions", Verdict::Broken, "no daemon runs");
    assert_eq!(report.verdict, Verdict::Broken);
    // It noted nothing, as it is to change nothing.
    let found = connection::find(app, tenant, "smtp").await.unwrap();
    assert_eq!(found.last_error, None);
    // A check that takes too long is cut off, and the others are told all the same.
    let hasty = Surroundings { limit: Duration::ZERO, ..around(&nexora.app, config, dns, Vec::new()) };
    let report = examine(&hasty, Clock::System.now()).await;
    assert_found(&report, "connections", Verdict::Look, "no answer within");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_before_it_goes_live() {
    let nexora = Nexora::with_sandbox(Backend::Sqlite).await;
    let Nexora { app, actor, .. } = &nexora;
    let fresh = tenant::create(app, actor, new_tenant("fresh")).await.unwrap();
    let dns: Arc<dyn Dns> = Arc::new(SystemDns::at(name_server(Vec::new()).await).unwrap());
    let look = async || {
        let mut around = around(&nexora.app, app.config.clone(), Arc::clone(&dns), Vec::new());
        around.launch = Some(tenant::find(app, &fresh.slug).await.unwrap());
        examine(&around, Clock::System.now()).await
    };
    let report = look().await;
    for what in [
        "no telephone number",
        "no postal address",
        "no link where customers leave a review",
        "business hours are the usual ones",
        "`lead-capture` is not enabled",
        "nobody can sign in",
        "no lead has come in yet",
    ] {
        assert_found(&report, "launch", Verdict::Look, what);
    }
    assert_found(&report, "launch", Verdict::Broken, "nothing carries mails to customers");
    let changes = [
        ("phone", "512 555 0199"),
        ("postal_address", "12 Main St, Austin, TX 78701"),
        ("review_url", "https://g.page/r/acme/review"),
        ("business_hours", "Mon-Fri 07:00-17:00"),
    ];
    let changes = changes.map(|(name, value)| (name.to_owned(), value.to_owned()));
    tenant::set(app, actor, &fresh.slug, &changes).await.unwrap();
    nexora.add_smtp_to(&fresh).await;
    nexora.enable_for(&fresh, &[("chase_after", "")]).await;
    nexora.submit_to(&fresh, enquiry()).await;
    nexora.settle().await;
    let report = look().await;
    let wrong: Vec<_> =
        of(&report, "launch").into_iter().filter(|found| found.verdict >= Verdict::Look).collect();
    assert!(wrong.len() == 1 && wrong[0].what.contains("nobody can sign in"), "{wrong:#?}");
    assert!(of(&report, "launch").iter().all(|found| found.tenant.as_ref() == Some(&fresh.slug)));
    automation::pause(app, actor, &fresh, "lead-capture").await.unwrap();
    assert_found(&look().await, "launch", Verdict::Look, "automation `lead-capture` is paused");
}

#[test]
fn whatever_is_broken_the_command_answers() {
    let machine = Machine::initialised();
    let json = |words: &[&str]| {
        let (status, out, error) = machine.run(words);
        let told: serde_json::Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{error}"));
        (status, told)
    };
    let (status, told) = json(&["doctor", "--json"]);
    assert_eq!((status, &told["verdict"]), (11, &"broken".into()), "{told:#}");
    let said = told["findings"].as_array().unwrap();
    let broken: Vec<_> = said.iter().filter(|found| found["verdict"] == "broken").collect();
    assert!(broken.len() == 1 && broken[0]["what"].as_str().unwrap().contains("no daemon runs"), "{told:#}");
    let (status, out, _) = machine.run(&["doctor"]);
    assert!(
        status == 11 && out.contains("BROKEN   versions") && out.contains("systemctl start nexora"),
        "{out}"
    );

    let config = std::fs::read_to_string(machine.config()).unwrap();
    let wrong =
        config.replace("[smtp]\n", "[smtp]\ntimeout = 3\n").replace("level = \"info\"", "level = \"loud\"");
    std::fs::write(machine.config(), &wrong).unwrap();
    let (status, told) = json(&["config", "check", "--json"]);
    assert_eq!((status, &told["valid"]), (3, &false.into()), "{told:#}");
    assert_eq!(told["faults"].as_array().unwrap().len(), 2, "{told:#}");
    let (status, _, error) = machine.run(&["config", "check"]);
    assert!(status == 3 && error.contains("`smtp.timeout`") && error.contains("`log.level`"), "{error}");
    let (_, out, _) = machine.run(&["doctor"]);
    assert!(
        out.contains("unknown configuration key `smtp.timeout`") && out.contains("did you mean"),
        "{out}"
    );
    assert!(out.contains("it is whole") && out.contains("`log.level` is not one of"), "{out}");
    std::fs::write(machine.config(), "[http").unwrap();
    let (status, told) = json(&["doctor", "--json"]);
    assert_eq!(status, 11);
    assert!(
        told["findings"].as_array().unwrap().iter().any(|found| found["verdict"] == "skipped"),
        "{told:#}"
    );
    std::fs::write(machine.config(), config).unwrap();
    std::fs::write(machine.folder().join("master.key"), "ab".repeat(32)).unwrap();
    let (status, out, _) = machine.run(&["doctor"]);
    assert!(status == 11 && out.contains("is not the one that this database was made with"), "{out}");
    let (status, _, error) = machine.run(&["doctor", "--launch", "acme"]);
    assert!(status == 6 && error.contains("without `--launch`"), "{error}");
}
