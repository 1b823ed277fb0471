//! The pages in a real browser: they work with and without scripts, in light and dark, narrow and wide,
//! and neither axe nor the validator finds a fault.
//!
//! `scripts/test` sets `NEXORA_TEST_CHROMEDRIVER` to the driver's path; without it these tests say
//! that they were skipped. With `NEXORA_TEST_WRITE_SCREENSHOTS` they write the pictures of docs/images.

mod form;
mod password;
mod status;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use serde_json::{Map, Value, json};

/// How long a page may take to become what is expected.
const PATIENCE: Duration = Duration::from_secs(20);

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What a reader's device is like.
#[derive(Clone, Copy, Debug)]
pub struct View {
    pub width: u32,
    pub dark: bool,
}

/// A phone and a desk, by day and by night.
pub const VIEWS: [View; 4] = [
    View { width: 360, dark: false },
    View { width: 360, dark: true },
    View { width: 1_280, dark: false },
    View { width: 1_280, dark: true },
];

/// The browser's driver, which ends with the process that asked for it.
struct Driver {
    url: String,
    _process: Child,
}

fn driver(path: &str) -> &'static Driver {
    static DRIVER: OnceLock<Driver> = OnceLock::new();
    DRIVER.get_or_init(|| {
        // The driver goes when its input does, however this process ends.
        let mut process = Command::new("sh")
            .args(["-c", "\"$0\" --port=0 & child=$!; cat > /dev/null; kill $child", path])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let told = lines.find_map(|line| {
            let line = line.unwrap();
            let (_, port) = line.split_once("started successfully on port ")?;
            Some(port.trim_end_matches('.').to_owned())
        });
        let url = format!("http://127.0.0.1:{}", told.expect("the driver's port"));
        std::thread::spawn(move || lines.for_each(drop));
        Driver { url, _process: process }
    })
}

/// Returns where the driver is; says that a test was skipped where there is none.
#[expect(clippy::print_stderr, reason = "whoever runs the tests sees what was not tested")]
fn driver_path() -> Option<String> {
    let path = std::env::var("NEXORA_TEST_CHROMEDRIVER").ok();
    if path.is_none() {
        eprintln!("skipped: NEXORA_TEST_CHROMEDRIVER is not set");
    }
    path
}

/// One window of a browser that nobody used before.
pub struct Browser {
    pub client: Client,
    session: String,
    driver: &'static Driver,
}

impl Browser {
    /// Opens a window; nothing where there is no browser.
    pub async fn open(scripts: bool) -> Option<Browser> {
        let path = driver_path()?;
        let driver = tokio::task::spawn_blocking(move || driver(&path)).await.unwrap();
        let mut options = json!({ "args": [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
        ] });
        if !scripts {
            options["prefs"] = json!({ "profile.managed_default_content_settings.javascript": 2 });
        }
        let mut capabilities = Map::new();
        capabilities.insert("goog:chromeOptions".to_owned(), options);
        let connector = hyper_util::client::legacy::connect::HttpConnector::new();
        let client =
            ClientBuilder::new(connector).capabilities(capabilities).connect(&driver.url).await.unwrap();
        let session = client.session_id().await.unwrap().unwrap();
        let browser = Browser { client, session, driver };
        browser.look(VIEWS[0]).await;
        Some(browser)
    }

    /// Asks the browser itself (Chrome DevTools Protocol).
    async fn ask(&self, command: &str, parameters: Value) -> Value {
        let url = format!("{}/session/{}/goog/cdp/execute", self.driver.url, self.session);
        let body = json!({ "cmd": command, "params": parameters });
        let answer = reqwest::Client::new().post(url).json(&body).send().await.unwrap();
        answer.json::<Value>().await.unwrap()["value"].take()
    }

    /// Looks from another device.
    pub async fn look(&self, view: View) {
        self.resize(view.width, 800).await;
        let scheme = if view.dark { "dark" } else { "light" };
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.ask("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    async fn resize(&self, width: u32, height: u32) {
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.ask("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    pub async fn goto(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    pub async fn find(&self, selector: &str) -> Element {
        self.client.wait().at_most(PATIENCE).for_element(Locator::Css(selector)).await.unwrap()
    }

    pub async fn write(&self, selector: &str, text: &str) {
        self.find(selector).await.send_keys(text).await.unwrap();
    }

    pub async fn click(&self, selector: &str) {
        self.find(selector).await.click().await.unwrap();
    }

    pub async fn text(&self, selector: &str) -> String {
        self.find(selector).await.text().await.unwrap()
    }

    pub async fn run(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// Waits until the address ends so.
    pub async fn arrive(&self, end: &str) {
        let arrived = tokio::time::timeout(PATIENCE, async {
            while !self.client.current_url().await.unwrap().as_str().ends_with(end) {
                tokio::task::yield_now().await;
            }
        });
        let is_there = arrived.await.is_ok();
        assert!(is_there, "never at {end}: {}", self.client.source().await.unwrap());
    }

    /// Holds the page as it stands against axe's rules, and against a page that is wider than its window.
    pub async fn audit(&self, what: &str) {
        let axe = std::fs::read_to_string(format!("{ROOT}/tests/browser/node_modules/axe-core/axe.min.js"))
            .unwrap();
        self.client.execute(&axe, Vec::new()).await.unwrap();
        let script = "const done = arguments[arguments.length - 1];
            axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
               .then(found => done(found.violations.map(v => v.id + ': ' + v.help + ': ' + v.nodes.map(n => n.html + ' ' + n.failureSummary).join(' | '))));";
        let found = self.client.execute_async(script, Vec::new()).await.unwrap();
        assert_eq!(found, json!([]), "{what}");
        let wider = self.run("return document.documentElement.scrollWidth - window.innerWidth").await;
        assert!(wider.as_i64().unwrap() <= 0, "{what}: the page is {wider} px wider than its window");
    }

    /// Writes a picture of the whole page for the documents, where that is asked for.
    pub async fn picture(&self, name: &str, view: View) {
        if std::env::var_os("NEXORA_TEST_WRITE_SCREENSHOTS").is_none() {
            return;
        }
        self.look(view).await;
        let height = self.run("return document.documentElement.scrollHeight").await.as_u64().unwrap();
        self.resize(view.width, u32::try_from(height).unwrap().min(4_000)).await;
        let png = self.client.screenshot().await.unwrap();
        let folder = Path::new(ROOT).join("docs/images");
        std::fs::create_dir_all(&folder).unwrap();
        let picture = image::load_from_memory(&png).unwrap().to_rgb8();
        let file = std::fs::File::create(folder.join(format!("{name}.png"))).unwrap();
        let encoder = PngEncoder::new_with_quality(file, CompressionType::Best, FilterType::Adaptive);
        picture.write_with_encoder(encoder).unwrap();
    }

    pub async fn close(self) {
        self.client.close().await.unwrap();
    }
}

/// Holds a page's text against the HTML standard.
pub fn validate(what: &str, html: &str) {
    let folder = Path::new(ROOT).join("tests/browser");
    let mut validator = Command::new("node")
        .args([
            "node_modules/html-validate/bin/html-validate.mjs",
            "--config",
            ".htmlvalidate.json",
            "--stdin",
        ])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    validator.stdin.take().unwrap().write_all(html.as_bytes()).unwrap();
    let told = validator.wait_with_output().unwrap();
    let [out, err] = [told.stdout, told.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(told.status.success(), "{what}: {out}{err}\n{html}");
}
