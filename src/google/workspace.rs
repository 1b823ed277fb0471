//! What all Google connections of a process share: addresses, HTTP clients and quotas.

use std::sync::{Arc, OnceLock};

use crate::http;
use crate::oauth::Endpoint;
use crate::quota::Quotas;
use nexora_core::base::Result;
use nexora_core::base::clock::Clock;
use nexora_core::model::google::GoogleEndpoints;

/// Google's services and the HTTP client that every connection shares.
pub struct Workspace {
    pub endpoints: GoogleEndpoints,
    client: OnceLock<http::Client>,
    token_client: OnceLock<http::TokenClient>,
    pub quotas: Arc<Quotas>,
}

impl Workspace {
    pub fn new(endpoints: GoogleEndpoints, clock: Clock) -> Workspace {
        let quotas = Arc::new(Quotas::new(endpoints.quota, clock));
        Workspace { endpoints, client: OnceLock::new(), token_client: OnceLock::new(), quotas }
    }

    /// Returns where tokens are had.
    ///
    /// # Errors
    /// `Config` when the system's certificates cannot be read.
    pub fn oauth(&self) -> Result<Endpoint> {
        Ok(Endpoint {
            client: self.client()?,
            token_url: self.endpoints.token_url.clone(),
            revoke_url: self.endpoints.revoke_url.clone(),
            timeout: self.endpoints.timeout,
        })
    }

    /// Returns the client that every connection shares.
    ///
    /// # Errors
    /// `Config` when the system's certificates cannot be read.
    pub fn client(&self) -> Result<http::Client> {
        if let Some(client) = self.client.get() {
            return Ok(client.clone());
        }
        let client = http::client()?;
        Ok(self.client.get_or_init(|| client).clone())
    }

    /// Returns the client that every service account asks for tokens through.
    ///
    /// # Errors
    /// `Config` when the system's certificates cannot be read.
    pub fn token_client(&self) -> Result<http::TokenClient> {
        if let Some(client) = self.token_client.get() {
            return Ok(client.clone());
        }
        let client = http::token_client()?;
        Ok(self.token_client.get_or_init(|| client).clone())
    }
}
