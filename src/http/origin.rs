//! Whether a form comes from our own pages: browsers say so, and others cannot make them say otherwise.

use axum::http::{HeaderMap, HeaderName, Uri, header};

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Tells whether another site sent this. A client that says nothing is no browser of today; the form's
/// own token then decides alone.
pub fn is_foreign(headers: &HeaderMap, public_url: &str) -> bool {
    if let Some(site) = text(headers, &FETCH_SITE) {
        return !matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text(headers, &header::ORIGIN) else { return headers.contains_key(header::ORIGIN) };
    let Some(sender) = authority(origin) else { return true };
    let host = text(headers, &header::HOST).map(str::to_owned);
    ![host, authority(public_url)].into_iter().flatten().any(|ours| ours.eq_ignore_ascii_case(&sender))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn authority(url: &str) -> Option<String> {
    let url: Uri = url.parse().ok()?;
    url.authority().map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn foreign(pairs: &[(&'static str, &str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        is_foreign(&headers, "https://leads.example.com")
    }

    #[test]
    fn only_our_own_pages_are_ours() {
        let host = ("host", "10.0.0.5:8080");
        assert!(!foreign(&[host]));
        assert!(!foreign(&[host, ("sec-fetch-site", "same-origin")]));
        assert!(!foreign(&[host, ("sec-fetch-site", "none")]));
        assert!(foreign(&[host, ("sec-fetch-site", "same-site")]));
        assert!(foreign(&[host, ("sec-fetch-site", "cross-site")]));
        assert!(!foreign(&[host, ("origin", "https://leads.example.com")]));
        assert!(!foreign(&[host, ("origin", "http://10.0.0.5:8080")]));
        assert!(foreign(&[host, ("origin", "https://leads.example.com.evil.example")]));
        assert!(foreign(&[host, ("origin", "null")]));
        assert!(foreign(&[host, ("origin", "nonsense nonsense")]));
    }
}
