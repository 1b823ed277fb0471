//! Consent over SSH: one address to open anywhere, and the answer by whichever way comes first:
//! pasted into the terminal, or from the browser to a port of this machine (RFC 8252, section 7.3).

use std::io::{BufRead as _, IsTerminal as _};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Html;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::cli::out::Out;
use nexora_core::base::secret::Secret;
use nexora_core::base::{Error, Kind, Result};
use nexora_google::consent::Consent;

/// How long an answer is waited for.
const WAIT: Duration = Duration::from_secs(600);

/// How long the browser is given to read its page once all is done.
const LAST_PAGE: Duration = Duration::from_secs(2);

/// How the answer may come.
pub struct Ways {
    /// The port that the browser is sent to; 0 for any that is free.
    pub port: u16,
    /// Nothing is read from standard input.
    pub no_input: bool,
}

/// Sends a person to the browser and waits for what comes back.
///
/// # Errors
/// `Denied` when they say no; `Declined` when nothing comes in time; `Usage` when something else
/// comes, or the port is taken.
pub async fn ask(
    ways: Ways,
    out: &Out,
    begin: impl FnOnce(&str) -> Result<Consent>,
) -> Result<(Arc<Consent>, Secret)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, ways.port)).await.map_err(|error| {
        Error::usage(format!("port {} cannot be listened on", ways.port))
            .source(error)
            .hint("name another with `--port`")
    })?;
    let port = listener.local_addr().map_err(|error| Error::internal("no port").source(error))?.port();
    let consent = Arc::new(begin(&format!("http://127.0.0.1:{port}/"))?);
    say_what_to_do(&consent, port, &ways, out);
    let (sender, mut answers) = mpsc::channel(4);
    let stopping = CancellationToken::new();
    let app = Router::new()
        .fallback(answer)
        .with_state(Arc::new(Page { consent: Arc::clone(&consent), sender: sender.clone() }));
    let stopped = stopping.clone();
    let serving = tokio::spawn(async move {
        let served = axum::serve(listener, app);
        let _ = served.with_graceful_shutdown(async move { stopped.cancelled().await }).await;
    });
    if !ways.no_input {
        read_input(Arc::clone(&consent), sender.clone());
    }
    let code = tokio::time::timeout(WAIT, first_answer(&mut answers, out)).await;
    stopping.cancel();
    let _ = tokio::time::timeout(LAST_PAGE, serving).await;
    let code = code.map_err(|_| {
        Error::new(Kind::Declined, "no answer came within ten minutes").hint("run the command again")
    })??;
    Ok((consent, code))
}

fn say_what_to_do(consent: &Consent, port: u16, ways: &Ways, out: &Out) {
    let what = match ways.no_input {
        true => format!("Open this address in a browser that reaches port {port} of this machine (ssh -L {port}:127.0.0.1:{port} HOST):"),
        false => "Open this address in any browser, allow access, and paste here the address that the browser ends at (a page that does not load is fine):".to_owned(),
    };
    out.ask(&format!("{what}\n\n{}\n", consent.url));
}

/// What came back, and whether it was pasted at a terminal, where another try is possible.
struct Came {
    answer: Result<Secret>,
    can_retry: bool,
}

async fn first_answer(answers: &mut mpsc::Receiver<Came>, out: &Out) -> Result<Secret> {
    while let Some(Came { answer, can_retry }) = answers.recv().await {
        match answer {
            Err(error) if can_retry && error.kind() == Kind::Usage => out.error(&error),
            answer => return answer,
        }
    }
    Err(Error::internal("the listener has ended"))
}

/// Reads pasted lines on a thread of its own, which ends with the process.
fn read_input(consent: Arc<Consent>, sender: mpsc::Sender<Came>) {
    let can_retry = std::io::stdin().is_terminal();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let is_sent = line.trim().is_empty()
                || sender.blocking_send(Came { answer: consent.read(&line), can_retry }).is_ok();
            if !is_sent {
                break;
            }
        }
    });
}

struct Page {
    consent: Arc<Consent>,
    sender: mpsc::Sender<Came>,
}

/// Takes the browser's visit. What does not belong to this consent is answered and forgotten.
async fn answer(State(page): State<Arc<Page>>, uri: Uri) -> (StatusCode, Html<String>) {
    let Some(query) = uri.query().filter(|_| uri.path() == "/") else {
        return (StatusCode::NOT_FOUND, html("Nothing is here", "This address only takes Google's answer."));
    };
    let answer = page.consent.read(&format!("/?{query}"));
    let shown = match &answer {
        Ok(_) => (
            StatusCode::OK,
            html(
                "Thank you",
                "The answer has arrived. The terminal says what came of it; this page can be closed.",
            ),
        ),
        Err(error) if error.kind() == Kind::Usage => {
            return (
                StatusCode::BAD_REQUEST,
                html(
                    "Not this one",
                    "This answer belongs to another request. Open the address that the terminal shows.",
                ),
            );
        }
        Err(_) => (
            StatusCode::OK,
            html(
                "No access was given",
                "Nothing was connected. The terminal says more; this page can be closed.",
            ),
        ),
    };
    let _ = page.sender.send(Came { answer, can_retry: false }).await;
    shown
}

fn html(title: &str, text: &str) -> Html<String> {
    Html(format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta name=\"color-scheme\" content=\"light dark\"><meta name=\"referrer\" content=\"no-referrer\"><title>{title}</title></head>\
         <body style=\"font:18px/1.5 system-ui,sans-serif;max-width:32em;margin:15vh auto;padding:0 24px\">\
         <h1 style=\"font-size:24px\">{title}</h1><p>{text}</p></body></html>"
    ))
}
