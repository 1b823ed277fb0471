//! What the daemon is told by signal: SIGTERM and SIGINT to stop, SIGHUP to read its file again.

use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

use nexora_core::base::{Error, Result};

pub enum Signal {
    Stop,
    Reload,
}

pub struct Signals {
    terminate: Stream,
    interrupt: Stream,
    hang_up: Stream,
}

impl Signals {
    pub fn new() -> Result<Signals> {
        let listen =
            |kind| signal(kind).map_err(|error| Error::internal("signals cannot be received").source(error));
        Ok(Signals {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.terminate.recv() => Signal::Stop,
            _ = self.interrupt.recv() => Signal::Stop,
            _ = self.hang_up.recv() => Signal::Reload,
        }
    }

    /// Waits for the next signal to stop; a reload is no longer of interest.
    pub async fn next_stop(&mut self) {
        while let Signal::Reload = self.next().await {}
    }
}
