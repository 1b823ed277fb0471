//! Opening PostgreSQL through a pure Rust client, with TLS by rustls where the URL asks for it.

use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use tokio::runtime::Handle;
use tokio_postgres::NoTls;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use nexora_core::base::{Error, Result};

/// Connections that one daemon holds at most.
pub const CONNECTIONS: u32 = 12;

/// Opens a connection. Must be called on a thread where blocking is allowed.
pub fn establish(url: &str) -> Result<AsyncConnectionWrapper<AsyncPgConnection>> {
    let config: tokio_postgres::Config =
        url.parse().map_err(|error| Error::config("`database.url` is not a PostgreSQL URL").source(error))?;
    let handle = Handle::try_current()
        .map_err(|error| Error::internal("PostgreSQL needs the runtime").source(error))?;
    let conn = handle.block_on(connect(&config))?;
    Ok(AsyncConnectionWrapper::from(conn))
}

async fn connect(config: &tokio_postgres::Config) -> Result<AsyncPgConnection> {
    let failed = |error: tokio_postgres::Error| {
        Error::unavailable("cannot reach the PostgreSQL server")
            .source(error)
            .hint("check `database.url` and that the server runs")
    };
    let refused = |error: diesel::ConnectionError| {
        Error::unavailable("the PostgreSQL server refused the connection").source(error)
    };
    let mut conn = match config.get_ssl_mode() {
        SslMode::Disable | SslMode::Prefer => {
            let (client, connection) = config.connect(NoTls).await.map_err(failed)?;
            AsyncPgConnection::try_from_client_and_connection(client, connection).await.map_err(refused)?
        }
        _ => {
            let (client, connection) = config.connect(tls()?).await.map_err(failed)?;
            AsyncPgConnection::try_from_client_and_connection(client, connection).await.map_err(refused)?
        }
    };
    conn.batch_execute("SET client_min_messages = warning; SET lock_timeout = '5s'").await?;
    Ok(conn)
}

fn tls() -> Result<MakeRustlsConnect> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in rustls_native_certs::load_native_certs().certs {
        // A certificate that rustls cannot read only means one authority fewer.
        let _ = roots.add(certificate);
    }
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::internal("TLS cannot be set up").source(error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}
