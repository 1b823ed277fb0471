//! The program that the daemon tells of leads: it answers at once and notes when it heard of which lead.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};

/// How the number of a lead begins in what the stub is told.
pub const MARK: &str = "no. ";

/// What was heard of a lead: each call by its id, and when the latest of them came first.
#[derive(Default)]
struct Calls {
    ids: HashSet<String>,
    at: Duration,
}

/// What was heard, by the number of the lead.
type Heard = Arc<Mutex<HashMap<usize, Calls>>>;

/// Plays the stub: prints its address, and serves until the process is ended.
pub async fn serve() {
    let heard = Heard::default();
    let router = Router::new()
        .route("/hook", post(hear))
        .route("/calls", get(calls))
        .route("/seen/{from}", get(seen))
        .with_state(heard);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    axum::serve(listener, router).await.unwrap();
}

/// Time since the epoch: the clock that all processes share.
pub fn now() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap()
}

/// A call that comes again, because its first answer was lost with a daemon, has the id of the first.
async fn hear(State(heard): State<Heard>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let text = std::str::from_utf8(&body).unwrap();
    let (_, rest) = text.split_once(MARK).unwrap();
    let number: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let mut heard = heard.lock().unwrap();
    let calls = heard.entry(number.parse().unwrap()).or_default();
    if calls.ids.insert(headers["webhook-id"].to_str().unwrap().to_owned()) {
        calls.at = now();
    }
    StatusCode::NO_CONTENT
}

async fn calls(State(heard): State<Heard>) -> String {
    heard.lock().unwrap().values().map(|calls| calls.ids.len()).sum::<usize>().to_string()
}

async fn seen(State(heard): State<Heard>, Path(from): Path<usize>) -> String {
    let mut lines = String::new();
    for (number, calls) in heard.lock().unwrap().iter().filter(|(number, _)| **number >= from) {
        assert_eq!(calls.ids.len(), 2, "lead {number}");
        writeln!(lines, "{number} {}", calls.at.as_micros()).unwrap();
    }
    lines
}

/// The stub's process.
pub struct Stub {
    process: Child,
    address: String,
}

impl Stub {
    pub fn start() -> Stub {
        let (process, address) = play("stub");
        Stub { process, address }
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Returns how many different calls it has heard.
    pub async fn calls(&self) -> usize {
        self.get("/calls").await.parse().unwrap()
    }

    /// Returns when the second call about each lead came, for leads from a number on.
    pub async fn seen(&self, from: usize) -> HashMap<usize, Duration> {
        let lines = self.get(&format!("/seen/{from}")).await;
        let read = |line: &str| {
            let (number, at) = line.split_once(' ').unwrap();
            (number.parse().unwrap(), Duration::from_micros(at.parse().unwrap()))
        };
        lines.lines().map(read).collect()
    }

    async fn get(&self, path: &str) -> String {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let mut stream = tokio::net::TcpStream::connect(&self.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: stub\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts this program once more in another part, and returns the address that it prints.
pub fn play(part: &str) -> (Child, String) {
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--play", part])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (process, line.trim().to_owned())
}
