//! A crowd of photos made to be costly, from one address, against a daemon in a process of its own, while people elsewhere send
//! theirs: each of these is taken, soon, and the daemon's memory stays within bounds.
//!
//! The gate runs it briefly; `scripts/photo-attack` runs it for a minute and prints what docs/PERFORMANCE.md quotes.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::multipart::{Form, Part};
use reqwest::{Client, StatusCode};
use serde_json::json;

/// Photos under way at the same time.
const CROWD: usize = 48;
const ATTACKER: &str = "203.0.113.66";

/// What an honest request may take, and the daemon of memory.
const SOON: Duration = Duration::from_secs(20);
const MEMORY_MB: u64 = 640;

struct Daemon {
    process: Child,
    base: String,
    _folder: tempfile::TempDir,
}

impl Daemon {
    /// Sets up a tenant whose form takes photos, as an operator would, and starts the daemon.
    fn start() -> Daemon {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().to_str().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let nexora = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_nexora"));
            command.arg("--config").arg(folder.path().join("nexora.toml"));
            command.env("NEXORA_HTTP_LISTEN", format!("127.0.0.1:{port}"));
            command.env("NEXORA_HTTP_PRIVATE_LISTEN", "127.0.0.1:0");
            command.stdout(Stdio::null()).stderr(Stdio::piped());
            command
        };
        let run = |mut command: Command, arguments: &[&str]| {
            let output = command.args(arguments).output().unwrap();
            assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        };
        let init = ["init", "--no-input", "--operator", "op@example.com", "--dir", dir];
        run(Command::new(env!("CARGO_BIN_EXE_nexora")), &init);
        let tenant = ["tenant", "create", "acme", "--name", "Acme", "--timezone", "America/Chicago"];
        run(nexora(), &[&tenant[..], &["--owner-email", "owner@acme.example.com"]].concat());
        run(nexora(), &["form", "fields", "name=required", "email", "photos", "--tenant", "acme"]);
        let mut process = nexora().arg("serve").spawn().unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap()).lines().map(Result::unwrap);
        assert!(log.any(|line| line.contains("nexora serves")), "the daemon does not start");
        // What else it logs is read, so that it never waits for that.
        std::thread::spawn(move || log.count());
        Daemon { process, base: format!("http://127.0.0.1:{port}"), _folder: folder }
    }

    /// Returns the most memory that the process has had resident (proc(5)).
    fn peak_mb(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1_024
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Makes a grey progressive JPEG of one shade that is gone over `scans` times (ITU-T T.81, annex G).
fn progressive(side: u16, scans: usize) -> Vec<u8> {
    let segment = |marker: u8, content: &[u8]| {
        let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
        [&[0xff, marker], length.as_slice(), content].concat()
    };
    let [high, low] = side.to_be_bytes();
    let table = |class: u8| [&[class, 1], [0_u8; 15].as_slice(), &[0]].concat();
    let mut jpeg = vec![0xff, 0xd8];
    jpeg.extend(segment(0xdb, &[&[0], [1_u8; 64].as_slice()].concat()));
    jpeg.extend(segment(0xc2, &[8, high, low, high, low, 1, 1, 0x11, 0]));
    jpeg.extend(segment(0xc4, &table(0x00)));
    jpeg.extend(segment(0xc4, &table(0x10)));
    let data = vec![0_u8; usize::from(side).div_ceil(8).pow(2).div_ceil(8)];
    for scan in 0..scans {
        let (from, until) = if scan == 0 { (0, 0) } else { (1, 63) };
        jpeg.extend(segment(0xda, &[1, 1, 0, from, until, 0]));
        jpeg.extend(&data);
    }
    jpeg.extend([0xff, 0xd9]);
    jpeg
}

/// What a telephone sends: twelve million pixels, gone over once.
fn honest_photo() -> Vec<u8> {
    let image = image::RgbImage::from_fn(4_000, 3_000, |x, y| {
        image::Rgb([x, y, x ^ y].map(|value| u8::try_from(value / 16 % 256).unwrap()))
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

/// Sends a request as a client from an address that the proxy tells.
struct Sender {
    client: Client,
    url: String,
}

impl Sender {
    async fn photo(&self, address: &str, name: &str, photo: Vec<u8>) -> reqwest::Result<StatusCode> {
        let photo = Part::bytes(photo).file_name("a.jpg").mime_str("image/jpeg").unwrap();
        let email = format!("{name}@example.com");
        let form = Form::new().text("name", name.to_owned()).text("email", email).part("photos", photo);
        let request = self.client.post(&self.url).header("x-forwarded-for", address);
        Ok(request.header("accept", "text/html").multipart(form).send().await?.status())
    }

    async fn lead(&self, address: &str, name: &str) -> reqwest::Result<StatusCode> {
        let body = json!({ "name": name, "email": format!("{name}@example.com") });
        Ok(self.client.post(&self.url).header("x-forwarded-for", address).json(&body).send().await?.status())
    }
}

/// Keeps as many photos under way as there are in the crowd, until the end; returns how many were answered.
async fn attack(sender: &Sender, end: Instant) -> usize {
    // As much work as one photo may make, in large ones and in ones that are gone over often; and more than that.
    let photos = [progressive(4_990, 8), progressive(1_400, 100), progressive(7_000, 90)];
    let member = async |number: usize| {
        let mut answered = 0;
        while Instant::now() < end {
            let photo = photos[(number + answered) % photos.len()].clone();
            answered += usize::from(sender.photo(ATTACKER, &format!("bot{number}"), photo).await.is_ok());
        }
        answered
    };
    futures_util::future::join_all((0..CROWD).map(member)).await.into_iter().sum()
}

/// Sends a lead by JSON and one with a photo in turn, each by another person, and returns what each took.
async fn honest(sender: &Sender, photo: &[u8], end: Instant) -> [Vec<Duration>; 2] {
    let mut took = [Vec::new(), Vec::new()];
    let mut number = 0;
    while Instant::now() < end || number == 0 {
        number += 1;
        let (address, name) = (format!("198.51.100.{}", number % 200), format!("jo{number}"));
        let begun = Instant::now();
        let status = sender.lead(&address, &name).await.unwrap();
        took[0].push(begun.elapsed());
        assert_eq!(status, StatusCode::ACCEPTED, "lead {number}");
        let begun = Instant::now();
        let status = sender.photo(&address, &format!("al{number}"), photo.to_vec()).await.unwrap();
        took[1].push(begun.elapsed());
        assert_eq!(status, StatusCode::SEE_OTHER, "photo {number}");
    }
    took
}

#[expect(clippy::print_stderr, reason = "the script shows what was measured")]
fn told(what: &str, took: &mut [Duration]) -> Duration {
    took.sort_unstable();
    let at = |share: usize| took[(took.len() * share / 100).min(took.len() - 1)];
    eprintln!("{what}: {} sent, p50 {:?}, p99 {:?}", took.len(), at(50), at(99));
    at(99)
}

#[expect(clippy::print_stderr, reason = "the script shows what was measured")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_of_costly_photos_from_one_address_holds_up_nobody_elsewhere() {
    let seconds = std::env::var("NEXORA_TEST_PHOTO_ATTACK_S").ok().and_then(|text| text.parse().ok());
    let daemon = Daemon::start();
    // A connection that the daemon ended, as it may after a photo that it refused, is not used again.
    let client = Client::builder().redirect(reqwest::redirect::Policy::none()).pool_max_idle_per_host(0);
    let client = client.build().unwrap();
    let sender = Sender { client, url: format!("{}/lead/acme", daemon.base) };
    let photo = honest_photo();
    let quiet = honest(&sender, &photo, Instant::now() + Duration::from_secs(1)).await;
    let end = Instant::now() + Duration::from_secs(seconds.unwrap_or(5));
    let (answered, [mut leads, mut photos]) =
        tokio::join!(attack(&sender, end), honest(&sender, &photo, end));
    let memory = daemon.peak_mb();
    eprintln!("{answered} photos of the crowd were answered; the daemon took {memory} MB at most");
    let [mut quiet_leads, mut quiet_photos] = quiet;
    told("leads in peace", &mut quiet_leads);
    told("photos in peace", &mut quiet_photos);
    let (leads, photos) = (told("leads under attack", &mut leads), told("photos under attack", &mut photos));
    assert!(leads < SOON && photos < SOON, "honest requests took {leads:?} and {photos:?}");
    assert!(memory < MEMORY_MB, "the daemon took {memory} MB");
}
