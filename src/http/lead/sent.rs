//! Who sends something to a form: which form it is, who reads the answer, and from where it comes.

use axum::http::HeaderMap;

use crate::app::PublicProfile;
use crate::http::extract::ClientAddress;
use crate::http::lead::embed;
use crate::http::problem::Reader;

/// A request that sends something, and the form that it is for.
pub struct Sent<'a> {
    pub profile: &'a PublicProfile,
    pub reader: Reader,
    pub headers: &'a HeaderMap,
    pub client: ClientAddress,
}

impl Sent<'_> {
    /// Tells whether it comes from a page of a website that the tenant named.
    pub fn is_trusted(&self) -> bool {
        embed::trusted_origin(self.profile, self.headers).is_some()
    }
}
