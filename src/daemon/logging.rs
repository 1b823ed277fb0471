//! The log: text for people or JSON for a collector, on standard error, with a settable level.

use std::io::IsTerminal as _;

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

/// The handle that changes the level of a log that runs.
pub struct Logging(Option<reload::Handle<EnvFilter, Registry>>);

impl Logging {
    /// Starts the log. A process has one; a second call changes nothing.
    pub fn start(level: &str, format: &str) -> Logging {
        let (filter, handle) = reload::Layer::new(filter(level));
        let registry = tracing_subscriber::registry().with(filter);
        let started = if format == "json" {
            registry.with(fmt::layer().json().flatten_event(true).with_writer(std::io::stderr)).try_init()
        } else {
            let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            registry
                .with(fmt::layer().with_target(false).with_ansi(colour).with_writer(std::io::stderr))
                .try_init()
        };
        Logging(started.is_ok().then_some(handle))
    }

    pub fn set_level(&self, level: &str) {
        if let Some(handle) = &self.0 {
            // It fails only once the log is gone, at the end of the process.
            let _ = handle.reload(filter(level));
        }
    }
}

/// Libraries are heard from `warn` on: at finer levels some would write addresses and tokens.
fn filter(level: &str) -> EnvFilter {
    EnvFilter::new(format!("warn,nexora={level}"))
}
