//! The public listener of a fresh application, and a client that follows no redirects.

use std::sync::Arc;

use nexora::config::Config;
use nexora::http::{self, Limits, Server};
use nexora_store as store;
use reqwest::{Client, StatusCode};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::harness::{Backend, Nexora};

/// The public listener of an application, for as long as this lives.
pub struct Site {
    pub nexora: Nexora,
    pub base: String,
    pub client: Client,
    stop: CancellationToken,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Site {
    pub async fn open(backend: Backend) -> Site {
        Site::open_and(backend, |_| {}).await
    }

    /// Opens a site whose configuration is changed.
    pub async fn open_and(backend: Backend, set: impl FnOnce(&mut Config)) -> Site {
        let nexora = Nexora::with_sandbox_and(backend, set).await;
        nexora.enable(&[("sheet_id", "leads"), ("chase_after", "")]).await;
        Site::of(nexora).await
    }

    /// The same with nothing enabled.
    pub async fn open_with(backend: Backend, set: impl FnOnce(&mut Config)) -> Site {
        Site::of(Nexora::with_sandbox_and(backend, set).await).await
    }

    /// Serves an application that is there.
    pub async fn of(nexora: Nexora) -> Site {
        let limits = Limits::of(&nexora.app.config.http).unwrap();
        let server = Server::bind("http.listen", "127.0.0.1:0".parse().unwrap(), limits).await.unwrap();
        let base = format!("http://{}", server.address());
        let stop = CancellationToken::new();
        tokio::spawn(server.serve(http::public(Arc::clone(&nexora.app)), stop.clone()));
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Site { nexora, base, client, stop }
    }

    pub async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        let answer = self.client.post(format!("{}{path}", self.base)).json(&body).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    pub async fn leads(&self) -> usize {
        self.nexora.view(move |tx| store::lead::list(tx, &store::lead::Filter::default(), 100)).await.len()
    }
}
