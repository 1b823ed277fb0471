//! The accept loop: a bounded number of connections, in all and for each address, bounds of size and time
//! for each request's head and of time for a client to read the answer, and a stop that lets requests under
//! way finish.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use ipnet::IpNet;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::config::http::Settings;
use crate::http::connection_limiter::ConnectionLimiter;
use crate::http::write_timeout::WriteTimeout;
use nexora_core::base::{Error, Result};

/// What a listener allows.
#[derive(Clone, Debug)]
pub struct Limits {
    pub connections: usize,
    pub per_address: usize,
    /// Networks whose addresses may have any number of connections.
    pub trusted: Vec<IpNet>,
    pub header_timeout: Duration,
    /// How long what is written may wait to be read.
    pub write_timeout: Duration,
}

impl Limits {
    /// # Errors
    /// `Config` when the trusted proxies are none.
    pub fn of(settings: &Settings) -> Result<Limits> {
        let size = |limit: u64| usize::try_from(limit).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Ok(Limits {
            connections: size(settings.connection_limit),
            per_address: size(settings.connections_per_address),
            trusted: settings.proxies()?,
            header_timeout: settings.header_timeout(),
            write_timeout: settings.write_timeout(),
        })
    }
}

/// A listener that is bound and not yet served, so that a taken port is told before anything runs.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    limits: Limits,
    tls: Option<TlsAcceptor>,
}

/// How long requests under way may take to finish once a stop was asked for.
const DRAIN: Duration = Duration::from_secs(10);

/// The largest head of a request, in bytes.
const HEAD_LIMIT: usize = 32_768;

/// How long to wait when no connection can be taken: all descriptors are in use.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

impl Server {
    /// Takes the address; `key` is the configuration key that names it.
    ///
    /// # Errors
    /// `Unavailable` when the address is taken or is not ours.
    pub async fn bind(key: &str, address: SocketAddr, limits: Limits) -> Result<Server> {
        let failed = |error| {
            Error::unavailable(format!("cannot listen on {address}"))
                .source(error)
                .hint(format!("choose another address in `{key}`, or stop what uses this one"))
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Server { listener, address, limits, tls: None })
    }

    /// Has every connection encrypted.
    #[must_use]
    pub fn encrypted(self, tls: TlsAcceptor) -> Server {
        Server { tls: Some(tls), ..self }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop`, then lets requests under way finish.
    pub async fn serve(self, router: Router, stop: CancellationToken) {
        let mut builder = hyper::server::conn::http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.header_timeout)
            .max_buf_size(HEAD_LIMIT);
        let limiter = ConnectionLimiter::default();
        let places = Arc::new(Semaphore::new(self.limits.connections));
        let graceful = GracefulShutdown::new();
        loop {
            let accepted = tokio::select! {
                accepted = accept(&self.listener, &places) => accepted,
                () = stop.cancelled() => break,
            };
            let Some((stream, peer, place)) = accepted else {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let address = peer.ip().to_canonical();
            let is_trusted = self.limits.trusted.iter().any(|network| network.contains(&address));
            let slot = match is_trusted {
                true => None,
                false => match limiter.take(address, self.limits.per_address) {
                    Some(slot) => Some(slot),
                    None => continue,
                },
            };
            let routes = TowerToHyperService::new(router.clone());
            let service = service_fn(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(ConnectInfo(peer));
                routes.call(request)
            });
            let stream = WriteTimeout::new(stream, self.limits.write_timeout);
            let (builder, watcher) = (builder.clone(), graceful.watcher());
            let (tls, handshake) = (self.tls.clone(), self.limits.header_timeout);
            tokio::spawn(async move {
                // A client that breaks off, or is too slow, is its own affair.
                match tls {
                    None => {
                        let _ = watcher.watch(builder.serve_connection(TokioIo::new(stream), service)).await;
                    }
                    Some(tls) => {
                        if let Ok(Ok(stream)) = tokio::time::timeout(handshake, tls.accept(stream)).await {
                            let _ =
                                watcher.watch(builder.serve_connection(TokioIo::new(stream), service)).await;
                        }
                    }
                }
                drop((place, slot));
            });
        }
        drop(self.listener);
        if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
            tracing::warn!("some requests did not finish in time and were cut off");
        }
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    let (stream, peer) = listener.accept().await.ok()?;
    stream.set_nodelay(true).ok()?;
    Some((stream, peer, place))
}
