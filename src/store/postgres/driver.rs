//! What drives a connection: a small runtime of its own, on the thread that asks.
//!
//! On the program's runtime each statement would be handed to another thread and back, which costs more than the
//! statement.

use std::cell::Cell;

use diesel_async::AsyncPgConnection;
use diesel_async::async_connection_wrapper::BlockOn;
use tokio::runtime::{Builder, Runtime};

use super::Connection;
use nexora_core::base::{Error, Result};

/// There is always a runtime in it until it is dropped.
pub struct Driver(Option<Runtime>);

thread_local! {
    /// Where `connected` leaves the runtime for the wrapper, which asks for one by itself.
    static NEXT: Cell<Option<Runtime>> = const { Cell::new(None) };
}

/// Makes a connection on a runtime of its own.
///
/// # Errors
/// Those of `connecting`; `Internal` when there can be no runtime.
pub fn connected(connecting: impl Future<Output = Result<AsyncPgConnection>>) -> Result<Connection> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::internal("cannot drive a connection").source(error))?;
    let conn = runtime.block_on(connecting)?;
    NEXT.set(Some(runtime));
    Ok(Connection::from(conn))
}

impl BlockOn for Driver {
    fn block_on<F: Future>(&self, work: F) -> F::Output {
        match &self.0 {
            Some(runtime) => runtime.block_on(work),
            None => unreachable!("the runtime is there until the driver is dropped"),
        }
    }

    fn get_runtime() -> Driver {
        Driver(NEXT.take())
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // Dropping it would wait for its threads, which is refused on a thread of another runtime. It has none.
            runtime.shutdown_background();
        }
    }
}
