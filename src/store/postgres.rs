//! Opening PostgreSQL through a pure Rust client, with TLS by rustls as the URL's `sslmode` says.
//!
//! The modes mean what they mean to libpq (PostgreSQL documentation, "SSL Support"), with one exception: `allow` and
//! `prefer`, the default, go without TLS to this machine only. What would go over a network in the clear needs an
//! explicit `sslmode=disable`.

pub(crate) mod address;
mod driver;
pub mod news;
pub mod statistics;
mod tls;

use std::error::Error as StdError;

use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use tokio_postgres::NoTls;
use tokio_postgres::config::SslMode;

use self::address::{Address, Mode};
pub use self::driver::Driver;
use nexora_core::base::error::chain;
use nexora_core::base::{Error, Result};

/// Connections that one daemon holds at most.
pub const CONNECTIONS: u32 = 12;

/// A connection that is driven by the thread that uses it.
pub type Connection = AsyncConnectionWrapper<AsyncPgConnection, Driver>;

/// Opens a connection. Must be called on a thread where blocking is allowed.
///
/// # Errors
/// `Config` when the URL cannot be read, `Unavailable` naming the mode when the server cannot be reached by it.
pub fn establish(url: &str) -> Result<Connection> {
    let address = Address::parse(url)?;
    driver::connected(async {
        let mut conn = connect(&address).await?;
        conn.batch_execute("SET client_min_messages = warning; SET lock_timeout = '5s'").await?;
        Ok(conn)
    })
}

async fn connect(address: &Address) -> Result<AsyncPgConnection> {
    let is_local = address.is_local();
    // A socket of this machine has no TLS, whatever the mode (libpq does the same).
    if address.is_socket() {
        return plain(address).await;
    }
    match address.mode {
        Mode::Disable => plain(address).await,
        Mode::Allow if is_local => match plain(address).await {
            Ok(conn) => Ok(conn),
            Err(refused) => encrypted(address, SslMode::Require).await.map_err(|_| refused),
        },
        Mode::Allow | Mode::Prefer => {
            encrypted(address, if is_local { SslMode::Prefer } else { SslMode::Require }).await
        }
        Mode::Require | Mode::VerifyCa | Mode::VerifyFull => encrypted(address, SslMode::Require).await,
    }
}

async fn plain(address: &Address) -> Result<AsyncPgConnection> {
    let mut config = address.config.clone();
    config.ssl_mode(SslMode::Disable);
    let (client, connection) = config.connect(NoTls).await.map_err(|error| failed(address, error))?;
    AsyncPgConnection::try_from_client_and_connection(client, connection).await.map_err(refused)
}

async fn encrypted(address: &Address, mode: SslMode) -> Result<AsyncPgConnection> {
    let mut config = address.config.clone();
    config.ssl_mode(mode);
    let connector = tls::connector(address.mode, address.root.as_ref())?;
    let (client, connection) = config.connect(connector).await.map_err(|error| failed(address, error))?;
    AsyncPgConnection::try_from_client_and_connection(client, connection).await.map_err(refused)
}

fn refused(error: diesel::ConnectionError) -> Error {
    Error::unavailable("the PostgreSQL server refused the connection").source(error)
}

fn failed(address: &Address, error: tokio_postgres::Error) -> Error {
    let cause = chain(&error as &(dyn StdError + 'static));
    let mode = address.mode;
    let hint = if cause.contains("does not support TLS") {
        "have the server offer TLS (`ssl = on`); `sslmode=disable` in `database.url` goes without, in the clear"
    } else if cause.contains("certificate") {
        "name the authority that signed the server's certificate: `sslrootcert=FILE` in `database.url`"
    } else {
        "check `database.url` and that the server runs"
    };
    Error::unavailable(format!("cannot connect to the PostgreSQL server with `sslmode={mode}`: {cause}"))
        .hint(hint)
}

#[cfg(test)]
mod tests;
