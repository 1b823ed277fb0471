//! Addresses at which an installation was reached before: whoever follows a link of one is led to the present one. What programs
//! send, and forms on pages that were not changed yet, is taken wherever it comes in.

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use crate::config::http::Settings;
use crate::ops::doctor::proof;

/// Where links lead that were made before.
#[derive(Clone, Debug)]
pub struct FormerAddresses {
    /// Host, with the port where it is no usual one.
    hosts: Vec<String>,
    present: String,
}

impl FormerAddresses {
    /// Returns those of a configuration that was checked when it was read.
    pub fn of(settings: &Settings) -> FormerAddresses {
        let host = |url: &str| {
            let url: Uri = url.parse().ok()?;
            url.authority().map(|host| host.as_str().to_ascii_lowercase())
        };
        // The present one leads nowhere else.
        let present = host(&settings.public_url);
        let hosts =
            settings.former_addresses().filter_map(host).filter(|host| Some(host) != present.as_ref());
        FormerAddresses { hosts: hosts.collect(), present: settings.public_url.clone() }
    }

    /// Returns where a request is led; nothing where it is answered.
    fn target(&self, method: &Method, headers: &HeaderMap, uri: &Uri) -> Option<String> {
        // Providers that ask before they send follow no redirect, and `nexora doctor` asks whether the address leads here.
        let is_asked = ["/hooks/", proof::PATH].iter().any(|path| uri.path().starts_with(path));
        let is_read = matches!(*method, Method::GET | Method::HEAD) && !is_asked;
        let named = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let host = named.or(uri.authority().map(Authority::as_str))?.to_ascii_lowercase();
        let rest = uri.path_and_query().map_or("/", |rest| rest.as_str());
        (is_read && self.hosts.contains(&host)).then(|| format!("{}{rest}", self.present))
    }
}

pub async fn lead_on(State(former): State<FormerAddresses>, request: Request, next: Next) -> Response {
    match former.target(request.method(), request.headers(), request.uri()) {
        Some(present) => Redirect::permanent(&present).into_response(),
        None => next.run(request).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_led_on_and_what_is_sent_is_taken() {
        let settings = Settings {
            public_url: "https://leads.example.com".to_owned(),
            former_urls: "https://old.example.com, http://10.0.0.5:8080, https://leads.example.com"
                .to_owned(),
            ..Settings::default()
        };
        let former = FormerAddresses::of(&settings);
        for (method, host, path, expected) in [
            ("GET", "old.example.com", "/u/abc?x=1", Some("https://leads.example.com/u/abc?x=1")),
            ("HEAD", "OLD.example.com", "/lead/acme", Some("https://leads.example.com/lead/acme")),
            ("GET", "10.0.0.5:8080", "/", Some("https://leads.example.com/")),
            ("GET", "10.0.0.5", "/", None),
            ("GET", "leads.example.com", "/status", None),
            ("POST", "old.example.com", "/lead/acme", None),
            ("POST", "old.example.com", "/u/abc", None),
            ("GET", "old.example.com", "/hooks/acme/facebook?hub.challenge=1", None),
            ("GET", "old.example.com", "/.well-known/nexora/abc", None),
        ] {
            let headers = HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]);
            let found = former.target(&method.parse().unwrap(), &headers, &path.parse().unwrap());
            assert_eq!(found.as_deref(), expected, "{method} {host}{path}");
        }
    }
}
