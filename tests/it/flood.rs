//! Clients that are slow, many or endless: others are served as if they were not there.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::{Backend, on_both};
use crate::site::Site;

impl Site {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.base.strip_prefix("http://").unwrap()).await.unwrap()
    }

    /// Sends these bytes and returns what comes back until the server closes.
    async fn converse(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        // The server may close before all is sent.
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Sends what is held back as spam.
    async fn spam(&self, address: &str, name: &str) -> StatusCode {
        let request = self.client.post(format!("{}/lead/acme", self.base)).header("x-forwarded-for", address);
        let message = "https://a.example https://b.example https://c.example";
        let body = json!({ "name": name, "email": "bot@example.com", "message": message });
        request.json(&body).send().await.unwrap().status()
    }

    /// Sends a lead as an honest client from an address that a proxy tells.
    async fn honest(&self, address: &str) -> StatusCode {
        let request = self.client.post(format!("{}/lead/acme", self.base)).header("x-forwarded-for", address);
        request.json(&json!({ "name": "Jo", "email": "jo@example.com" })).send().await.unwrap().status()
    }
}

/// Nobody who is served waits for longer.
const SOON: Duration = Duration::from_secs(5);
/// Filling a connection's buffers takes a while.
const LATE: Duration = Duration::from_secs(60);

on_both!(
    slow_heads_and_idle_connections_are_cut_and_cost_nobody_anything,
    whoever_reads_nothing_is_cut_off,
    an_address_has_so_many_connections_and_others_have_theirs,
    huge_heads_and_endless_bodies_are_refused,
    who_sends_too_much_is_told_when_to_come_back_and_others_go_on,
    the_noise_of_many_strangers_takes_no_honest_leads_place,
    so_much_spam_is_kept_in_a_day_and_none_of_it_for_ever,
    a_request_names_its_host_and_no_other,
);

async fn slow_heads_and_idle_connections_are_cut_and_cost_nobody_anything(backend: Backend) {
    let site = Site::open_and(backend, |config| {
        config.http.header_timeout_s = 1;
        config.http.trusted_proxies = String::new();
        config.http.connections_per_address = 40;
    })
    .await;
    let mut slow = Vec::new();
    for number in 0..30 {
        let mut stream = site.connect().await;
        stream
            .write_all(if number % 2 == 0 { b"POST /lead/acme HTTP/1.1\r\nHost: a\r\nX-A: " } else { b"" })
            .await
            .unwrap();
        slow.push(stream);
    }
    let served = tokio::time::timeout(SOON, site.honest("")).await.expect("served at once");
    assert_eq!(served, StatusCode::ACCEPTED);
    for mut stream in slow {
        let mut rest = Vec::new();
        let cut = tokio::time::timeout(SOON, stream.read_to_end(&mut rest)).await;
        assert!(cut.is_ok(), "a slow connection was not cut");
    }
    // One that was answered and then says nothing is cut as well.
    let mut idle = site.connect().await;
    idle.write_all(b"GET /status HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(SOON, idle.read_to_end(&mut answer))
        .await
        .expect("an idle connection was cut")
        .unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"));
}

async fn whoever_reads_nothing_is_cut_off(backend: Backend) {
    let site = Site::open_and(backend, |config| {
        config.http.write_timeout_s = 1;
        config.http.connection_limit = 2;
    })
    .await;
    let address = site.base.strip_prefix("http://").unwrap().parse().unwrap();
    let mut deaf = Vec::new();
    for _ in 0..2 {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        let mut stream = socket.connect(address).await.unwrap();
        deaf.push(tokio::spawn(async move {
            let ask = b"GET /lead/acme HTTP/1.1\r\nHost: a\r\n\r\n".repeat(1_000);
            while stream.write_all(&ask).await.is_ok() {}
        }));
    }
    for deaf in deaf {
        tokio::time::timeout(LATE, deaf).await.expect("one that reads nothing was not cut off").unwrap();
    }
    let served = tokio::time::timeout(SOON, site.honest("203.0.113.7")).await.expect("the places are free");
    assert_eq!(served, StatusCode::ACCEPTED);
}

async fn an_address_has_so_many_connections_and_others_have_theirs(backend: Backend) {
    let site = Site::open_and(backend, |config| {
        config.http.trusted_proxies = String::new();
        config.http.connections_per_address = 8;
    })
    .await;
    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(site.connect().await);
    }
    let refused = tokio::time::timeout(SOON, site.converse(b"GET /status HTTP/1.1\r\nHost: a\r\n\r\n"))
        .await
        .expect("closed at once");
    assert_eq!(refused, "");
    let address = site.base.strip_prefix("http://127.0.0.1:").unwrap();
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut other = socket.connect(format!("127.0.0.1:{address}").parse().unwrap()).await.unwrap();
    other.write_all(b"GET /status HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(SOON, other.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

async fn huge_heads_and_endless_bodies_are_refused(backend: Backend) {
    let site = Site::open_and(backend, |config| {
        config.http.request_timeout_s = 1;
        config.intake.upload_timeout_s = 1;
    })
    .await;
    let head = format!("GET /lead/acme HTTP/1.1\r\nHost: a\r\nX-A: {}\r\n\r\n", "x".repeat(200_000));
    let answer = site.converse(head.as_bytes()).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    let many = format!("GET /lead/acme HTTP/1.1\r\nHost: a\r\n{}\r\n", "X-A: 1\r\n".repeat(500));
    assert!(site.converse(many.as_bytes()).await.starts_with("HTTP/1.1 431"));

    let chunk = format!("{:x}\r\n{}\r\n", 60_000, "x".repeat(60_000));
    let endless = format!(
        "POST /lead/acme HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        chunk.repeat(10)
    );
    assert!(site.converse(endless.as_bytes()).await.starts_with("HTTP/1.1 413"));

    // Nor does a form with photos take more than is meant for it, by heads, names or parts without end.
    let part = |name: &str| format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n\r\n");
    let long = part(&"n".repeat(300_000));
    let named = part(&"n".repeat(500));
    let many = (0..200).map(|number| part(&number.to_string())).collect::<String>();
    for (what, body) in [("head", long), ("name", named), ("parts", many)] {
        let sent = format!(
            "POST /lead/acme HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}--b--\r\n",
            body.len() + 7
        );
        let answer = site.converse(sent.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 413"), "{what}: {answer}");
    }

    // A body that never comes is not waited for.
    for kind in ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"] {
        let silent = format!(
            "POST /lead/acme HTTP/1.1\r\nHost: a\r\nContent-Type: {kind}\r\nContent-Length: 500\r\nConnection: close\r\n\r\n--b\r\n"
        );
        let answer =
            tokio::time::timeout(SOON, site.converse(silent.as_bytes())).await.expect("not waited for");
        assert!(answer.starts_with("HTTP/1.1 408"), "{kind}: {answer}");
    }
    assert_eq!(site.honest("203.0.113.7").await, StatusCode::ACCEPTED);
}

async fn who_sends_too_much_is_told_when_to_come_back_and_others_go_on(backend: Backend) {
    let site = Site::open_and(backend, |config| {
        config.intake.address_per_minute = 3;
        config.intake.tenant_per_minute = 6;
    })
    .await;
    for _ in 0..3 {
        assert_eq!(site.honest("203.0.113.7").await, StatusCode::ACCEPTED);
    }
    let request =
        site.client.post(format!("{}/lead/acme", site.base)).header("x-forwarded-for", "203.0.113.7");
    let refused = request.json(&json!({ "name": "Jo", "email": "jo@example.com" })).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=21).contains(&wait), "{wait}");
    assert_eq!(refused.headers()["content-type"], "application/problem+json");
    // What a client writes before the proxy's own word is not believed.
    assert_eq!(site.honest("198.51.100.1, 203.0.113.7").await, StatusCode::TOO_MANY_REQUESTS);
    // One client network has one bucket, whatever address it makes up within its network.
    for host in 1..=3 {
        assert_eq!(site.honest(&format!("2001:db8:1:9::{host}")).await, StatusCode::ACCEPTED);
    }
    assert_eq!(site.honest("2001:db8:1:9::99").await, StatusCode::TOO_MANY_REQUESTS);
    // And so has the tenant, for what could become a lead.
    let rubbish =
        site.client.post(format!("{}/lead/acme", site.base)).header("x-forwarded-for", "203.0.113.9");
    assert_eq!(
        rubbish.json(&json!({ "name": "" })).send().await.unwrap().status(),
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(site.honest("203.0.113.8").await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(site.leads().await, 6);
    // A mail provider unsubscribes many people from the same address.
    for _ in 0..10 {
        let click =
            site.client.post(format!("{}/u/unknown", site.base)).header("x-forwarded-for", "203.0.113.7");
        assert_eq!(click.send().await.unwrap().status(), StatusCode::NOT_FOUND);
    }
    let page = site
        .client
        .get(format!("{}/lead/acme", site.base))
        .header("x-forwarded-for", "203.0.113.7")
        .send()
        .await
        .unwrap();
    assert_eq!(page.status(), StatusCode::OK);
}

async fn the_noise_of_many_strangers_takes_no_honest_leads_place(backend: Backend) {
    let site = Site::open_and(backend, |config| {
        config.intake.tenant_per_minute = 40;
        config.intake.spam_per_minute = 10;
    })
    .await;
    let mut kept = 0;
    for round in 0..3 {
        for stranger in 1..=20 {
            let status = site.spam(&format!("198.51.100.{stranger}"), &format!("Bot {round}")).await;
            kept += usize::from(status == StatusCode::ACCEPTED);
        }
    }
    // A second or two may have given back a place.
    assert!((10..=15).contains(&kept), "{kept}");
    for person in 1..=30 {
        assert_eq!(site.honest(&format!("203.0.113.{person}")).await, StatusCode::ACCEPTED, "{person}");
    }
    // What one client sends beyond its share is counted with the noise, whatever it looks like.
    let mut passed = 0;
    for _ in 0..10 {
        passed += usize::from(site.honest("203.0.113.77").await == StatusCode::ACCEPTED);
    }
    assert!((6..=8).contains(&passed), "{passed}");
    assert_eq!(site.honest("203.0.113.78").await, StatusCode::ACCEPTED);
}

async fn so_much_spam_is_kept_in_a_day_and_none_of_it_for_ever(backend: Backend) {
    let site = Site::open_and(backend, |config| config.intake.spam_per_day = 3).await;
    for number in 0..3 {
        assert_eq!(site.spam("203.0.113.7", &format!("Bot {number}")).await, StatusCode::ACCEPTED);
    }
    assert_eq!(site.spam("203.0.113.7", "Bot").await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(site.honest("203.0.113.7").await, StatusCode::ACCEPTED);
    site.nexora.settle().await;
    let after = async |days: u64| {
        site.nexora.app.clock.advance(Duration::from_secs(days * 86_400));
        nexora::pipeline::prune::sweep(&site.nexora.app).await.unwrap();
        site.leads().await
    };
    assert_eq!(after(89).await, 4);
    assert_eq!(site.spam("203.0.113.7", "Bot").await, StatusCode::ACCEPTED, "another day");
    assert_eq!(after(2).await, 2, "the honest lead and the latest spam");
}

async fn a_request_names_its_host_and_no_other(backend: Backend) {
    let site = Site::open(backend).await;
    for (version, hosts, expected) in [
        ("1.1", "Host: a\r\n", "HTTP/1.1 200"),
        ("1.1", "", "HTTP/1.1 400"),
        ("1.1", "Host: a\r\nHost: b\r\n", "HTTP/1.1 400"),
        ("1.1", "Host: a\r\nhost: a\r\n", "HTTP/1.1 400"),
        ("1.1", "Host: a b\r\n", "HTTP/1.1 400"),
        ("1.1", "Host: me@a\r\n", "HTTP/1.1 400"),
        ("1.1", "Host: a/b\r\n", "HTTP/1.1 400"),
        ("1.1", "Host: [::1]:8080\r\n", "HTTP/1.1 200"),
        ("1.0", "", "HTTP/1.0 200"),
    ] {
        let request = format!("GET /status HTTP/{version}\r\n{hosts}Connection: close\r\n\r\n");
        let answer = site.converse(request.as_bytes()).await;
        assert!(answer.starts_with(expected), "{version} {hosts:?}: {answer}");
    }
}
