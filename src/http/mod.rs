//! What is served: the form and the status page in public, health and metrics in private.

mod client_address;
mod connection_limiter;
mod extract;
mod former_address;
mod health;
mod hook;
mod lead;
mod link;
mod origin;
mod page;
mod password;
mod password_link;
mod problem;
mod proof;
mod rate;
mod routes;
mod server;
mod session;
mod sign_in;
pub mod status;
mod tls;
mod webhook;
mod write_timeout;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRef;
use ipnet::IpNet;
use metrics_exporter_prometheus::PrometheusHandle;

pub use routes::{private, public};
pub use server::{Limits, Server};
pub use tls::Tls;

use crate::app::App;
use crate::app::fair_queue::FairQueue;
use crate::http::lead::Budget;
use crate::http::rate::{Buckets, ClientBuckets, Rates};
use nexora_core::model::TenantId;

/// How long a photo waits to be decoded.
const DECODING_PATIENCE: Duration = Duration::from_secs(60);

/// What the public listener needs.
#[derive(Clone)]
pub struct Public {
    pub app: Arc<App>,
    /// The networks that are believed about a client's address.
    proxies: Arc<[IpNet]>,
    rates: Arc<Rates>,
    uploads: Arc<Budget>,
    /// Lets one photo be decoded at a time: it takes much memory.
    /// Photos that wait to be decoded, by tenant and by client.
    decoding: Arc<FairQueue<TenantId, Option<IpAddr>>>,
}

impl Public {
    fn new(app: Arc<App>) -> Public {
        let settings = &app.config.intake;
        let rates = Rates {
            clients: ClientBuckets::new(settings.address_per_minute),
            tenants: Buckets::new(settings.tenant_per_minute),
            noise: Buckets::new(settings.spam_per_minute),
            shares: Buckets::new(match settings.address_per_minute {
                0 => 0,
                _ => rate::SHARE_PER_MINUTE,
            }),
            decoding: ClientBuckets::new(rate::DECODED_PER_MINUTE),
            refusals: ClientBuckets::new(rate::REFUSALS_PER_MINUTE),
            notes: Buckets::new(rate::NOTES_PER_MINUTE),
        };
        Public {
            // The configuration was checked when it was read.
            proxies: app.config.http.proxies().unwrap_or_default().into(),
            rates: Arc::new(rates),
            uploads: Arc::new(Budget::new(settings.upload_memory_bytes)),
            decoding: Arc::new(FairQueue::new(1, DECODING_PATIENCE)),
            app,
        }
    }
}

impl FromRef<Public> for Arc<App> {
    fn from_ref(public: &Public) -> Arc<App> {
        Arc::clone(&public.app)
    }
}

/// What only the private listener needs.
#[derive(Clone)]
pub struct Private {
    pub app: Arc<App>,
    pub metrics: PrometheusHandle,
}
