//! The program that the daemon tells of leads: it answers at once and notes when it heard of which lead.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};

/// How the number of a lead begins in what the stub is told.
pub const MARK: &str = "no. ";

/// By the number of a lead: how often it was told, and when last.
type Heard = Arc<Mutex<HashMap<usize, (usize, Duration)>>>;

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

async fn hear(State(heard): State<Heard>, body: Bytes) -> StatusCode {
    let text = std::str::from_utf8(&body).unwrap();
    let (_, rest) = text.split_once(MARK).unwrap();
    let number: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let mut heard = heard.lock().unwrap();
    let entry = heard.entry(number.parse().unwrap()).or_default();
    *entry = (entry.0 + 1, now());
    StatusCode::NO_CONTENT
}

async fn calls(State(heard): State<Heard>) -> String {
    heard.lock().unwrap().values().map(|(times, _)| times).sum::<usize>().to_string()
}

async fn seen(State(heard): State<Heard>, Path(from): Path<usize>) -> String {
    let mut lines = String::new();
    for (number, (times, at)) in heard.lock().unwrap().iter().filter(|(number, _)| **number >= from) {
        assert_eq!(*times, 2, "lead {number}");
        writeln!(lines, "{number} {}", at.as_micros()).unwrap();
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

    /// Returns how often it has been told anything.
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
