//! What handlers ask for by their arguments: the client, the tenant's public profile, who is signed in, the holder
//! of a key, the body. Each refuses in its own words, so that a handler begins where all of it is there.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;

use crate::app::PublicProfile;
use crate::http::client_address::{self, client_network};
use crate::http::problem::Problem;
use crate::http::{Public, session};
use crate::ops;
use nexora_core::base::{Error, Kind};
use nexora_core::model::address::Slug;
use nexora_core::model::principal::Principal;
use nexora_core::model::source::ApiKey;
use nexora_core::model::tenant::Tenant;

/// The client's address, unless it is not known.
#[derive(Clone, Copy, Debug)]
pub struct ClientAddress(pub Option<IpAddr>);

impl ClientAddress {
    /// Returns the network that is shown and remembered for the client.
    pub fn network(self) -> Option<IpAddr> {
        self.0.map(client_network)
    }
}

impl FromRequestParts<Public> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, public: &Public) -> Result<ClientAddress, Infallible> {
        Ok(ClientAddress(client_address::of(&parts.extensions, &parts.headers, &public.proxies)))
    }
}

/// The public profile of the tenant that the path names by its slug.
pub struct Profile(pub Arc<PublicProfile>);

impl FromRequestParts<Public> for Profile {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, public: &Public) -> Result<Profile, Problem> {
        let missing = || Error::not_found("there is no such form").hint("check the address");
        let slug = Path::<String>::from_request_parts(parts, public).await.map_err(|_| missing())?;
        let slug: Slug = slug.parse().map_err(|_| missing())?;
        let profile = public.app.public_profile(&slug).await.map_err(|error| match error.kind() {
            Kind::NotFound => missing(),
            _ => error,
        })?;
        Ok(Profile(profile))
    }
}

/// Who is signed in; nothing when the request carries no session that counts.
pub struct SignedIn(pub Option<Principal>);

impl FromRequestParts<Public> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, public: &Public) -> Result<SignedIn, Problem> {
        Ok(SignedIn(session::principal(&public.app, &parts.headers).await?))
    }
}

/// A program that showed a tenant's active key.
pub struct KeyHolder {
    pub tenant: Tenant,
    pub key: ApiKey,
}

impl FromRequestParts<Public> for KeyHolder {
    type Rejection = Problem;

    /// Does not say what is wrong, so that guessing teaches nothing; refuses a client that guesses too often.
    async fn from_request_parts(parts: &mut Parts, public: &Public) -> Result<KeyHolder, Problem> {
        let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let found =
            ops::access::key::authenticate(&public.app, text("x-tenant-id"), text("x-api-key")).await?;
        if let Some((tenant, key)) = found {
            return Ok(KeyHolder { tenant, key });
        }
        let Ok(client) = ClientAddress::from_request_parts(parts, public).await;
        public.count_refusal(client)?;
        let detail = "Send `X-Tenant-ID` and a good `X-API-Key`.";
        Err(Problem::new(StatusCode::UNAUTHORIZED, "the tenant or the key is wrong", detail))
    }
}

/// The body of a program's request, whole.
pub struct WholeBody(pub Bytes);

impl FromRequest<Public> for WholeBody {
    type Rejection = Problem;

    async fn from_request(request: Request, public: &Public) -> Result<WholeBody, Problem> {
        let body = Bytes::from_request(request, public).await;
        let body =
            body.map_err(|rejection| Problem::new(rejection.status(), "the body cannot be read", ""))?;
        Ok(WholeBody(body))
    }
}

impl Public {
    /// Counts a call that showed no valid secret; other calls are not counted.
    ///
    /// # Errors
    /// `429` when the client has made too many of them.
    pub fn count_refusal(&self, client: ClientAddress) -> Result<(), Problem> {
        self.rates.refusals.take(client.0, 1).map_err(Problem::too_many)
    }

    /// Counts something that a client sends.
    ///
    /// # Errors
    /// `429` when the client has sent too much.
    pub fn count_request(&self, client: ClientAddress) -> Result<(), Problem> {
        self.rates.clients.take(client.0, 1).map_err(Problem::too_many)
    }
}
