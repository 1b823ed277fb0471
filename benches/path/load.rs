//! The load: leads of people with different names, addresses and numbers, posted as JSON.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::stub::{MARK, now};

/// Telephone numbers in all: later leads come from people who have asked before.
const NUMBERS: usize = 10_000;

pub struct Load {
    addresses: Vec<SocketAddr>,
    /// Leads accepted so far.
    pub accepted: usize,
    next: Arc<AtomicUsize>,
}

/// How one round posts.
#[derive(Clone, Copy)]
pub struct Round {
    connections: u32,
    per_second: Option<u32>,
    leads: usize,
    length: Duration,
    /// Whoever is told to come back later does.
    is_patient: bool,
}

impl Round {
    /// As fast as so many connections are answered.
    pub fn of(connections: u32) -> Round {
        Round { connections, per_second: None, leads: usize::MAX, length: Duration::MAX, is_patient: false }
    }

    pub fn rate(self, per_second: u32) -> Round {
        Round { per_second: Some(per_second), ..self }
    }

    pub fn leads(self, leads: usize) -> Round {
        Round { leads, ..self }
    }

    pub fn patient(self) -> Round {
        Round { is_patient: true, ..self }
    }

    pub fn lasting(self, length: Duration) -> Round {
        Round { length, ..self }
    }
}

pub struct Accepted {
    pub number: usize,
    sent_at: Duration,
    answered_after: Duration,
}

/// What became of a round's leads, in the order of their numbers.
#[derive(Default)]
pub struct Sent {
    pub accepted: Vec<Accepted>,
    pub refused: usize,
}

impl Sent {
    /// Returns how long each answer took, sorted.
    pub fn answers(&self) -> Vec<Duration> {
        let mut times: Vec<_> = self.accepted.iter().map(|lead| lead.answered_after).collect();
        times.sort_unstable();
        times
    }

    /// Returns how long it took from each lead's sending to the last of its effects, sorted.
    pub fn until_effects(&self, seen: &HashMap<usize, Duration>) -> Vec<Duration> {
        let until = |lead: &Accepted| seen[&lead.number].saturating_sub(lead.sent_at);
        let mut times: Vec<_> = self.accepted.iter().map(until).collect();
        times.sort_unstable();
        times
    }
}

impl Load {
    /// Posts to the addresses in turn.
    pub fn new(addresses: Vec<SocketAddr>) -> Load {
        Load { addresses, accepted: 0, next: Arc::default() }
    }

    pub async fn run(&mut self, round: Round) -> Sent {
        let until = self.next.load(Ordering::Relaxed).saturating_add(round.leads);
        let addresses = (0..round.connections).zip(self.addresses.iter().cycle());
        let tasks: Vec<_> = addresses
            .map(|(place, address)| {
                tokio::spawn(client(*address, Arc::clone(&self.next), place, until, round))
            })
            .collect();
        let mut sent = Sent::default();
        for task in tasks {
            let one = task.await.unwrap();
            sent.accepted.extend(one.accepted);
            sent.refused += one.refused;
        }
        sent.accepted.sort_unstable_by_key(|lead| lead.number);
        self.accepted += sent.accepted.len();
        self.next.store(until.min(self.next.load(Ordering::Relaxed)), Ordering::Relaxed);
        sent
    }
}

async fn client(address: SocketAddr, next: Arc<AtomicUsize>, place: u32, until: usize, round: Round) -> Sent {
    let mut stream = connect(address).await;
    let begun = Instant::now();
    let pause =
        round.per_second.map(|rate| Duration::from_secs_f64(f64::from(round.connections) / f64::from(rate)));
    // Each connection begins a little later than the one before, so that they do not post in step.
    let mut turn = tokio::time::Instant::now() + pause.unwrap_or_default() * place / round.connections;
    let mut sent = Sent::default();
    while begun.elapsed() < round.length {
        if let Some(pause) = pause {
            tokio::time::sleep_until(turn).await;
            turn += pause;
        }
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= until {
            break;
        }
        let (sent_at, started) = (now(), Instant::now());
        let status = loop {
            match post(&mut stream, number).await {
                Ok(503) if round.is_patient => tokio::time::sleep(Duration::from_millis(200)).await,
                Ok(status) => break status,
                // A daemon was killed: the same lead is posted again, under the same key.
                Err(_) => stream = connect(address).await,
            }
        };
        match status {
            200 | 202 => sent.accepted.push(Accepted { number, sent_at, answered_after: started.elapsed() }),
            _ => sent.refused += 1,
        }
    }
    sent
}

async fn connect(address: SocketAddr) -> TcpStream {
    loop {
        if let Ok(stream) = TcpStream::connect(address).await {
            stream.set_nodelay(true).unwrap();
            return stream;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn post(stream: &mut TcpStream, number: usize) -> std::io::Result<u16> {
    stream.write_all(request(number).as_bytes()).await?;
    answer(stream).await
}

/// Every third lead is from a mail address that was not seen before.
fn request(number: usize) -> String {
    let person = number % NUMBERS;
    let address = if number.is_multiple_of(3) { number } else { person };
    let (exchange, line) = (240 + person / 1_000, person % 1_000);
    let body = format!(
        r#"{{"name":"Jo Miller","email":"jo.miller.{address}@example.com","phone":"(512) {exchange}-4{line:03}","service":"boiler repair","message":"No hot water, {MARK}{number}"}}"#
    );
    format!(
        "POST /lead/acme HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nIdempotency-Key: {number}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Reads one answer with a body of known length; returns its status.
///
/// # Errors
/// When the connection ends before it.
pub async fn answer(stream: &mut TcpStream) -> std::io::Result<u16> {
    let mut buffer = Vec::with_capacity(1_024);
    loop {
        if stream.read_buf(&mut buffer).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let text = String::from_utf8_lossy(&buffer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map_or(0, |(_, length)| length.trim().parse().unwrap());
        if body.len() >= length {
            return Ok(head.split(' ').nth(1).unwrap().parse().unwrap());
        }
    }
}
