//! The pages: server-rendered, one request each; only style sheets and scripts that the policy names apply.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// The style sheets that pages carry, as they stand in the page.
const STYLES: [&str; 3] =
    [include_str!("pages/style.css"), include_str!("pages/form.css"), include_str!("pages/status.css")];

/// The scripts that pages carry, as they stand in the page.
const SCRIPTS: [&str; 1] = [include_str!("pages/form.js")];

/// Where Turnstile's widget comes from.
const TURNSTILE: &str = "https://challenges.cloudflare.com";

/// What one page needs besides our own style sheets and scripts.
#[derive(Clone, Copy, Default)]
pub struct Policy<'a> {
    /// A style sheet made for this page.
    pub style: &'a str,
    /// The origins whose pages may frame it.
    pub framed_by: &'a [String],
    /// Whether it has Turnstile's widget.
    pub turnstile: bool,
}

impl Policy<'_> {
    /// Returns the header: nothing is loaded, run or framed but what is named here.
    pub fn header(self) -> HeaderValue {
        let own = Some(self.style).filter(|style| !style.is_empty());
        let styles = STYLES.into_iter().chain(own).map(hash).collect::<Vec<_>>().join(" ");
        let mut scripts = SCRIPTS.map(hash).join(" ");
        let mut frames = "'none'";
        if self.turnstile {
            scripts = format!("{scripts} {TURNSTILE}");
            frames = TURNSTILE;
        }
        let ancestors = match self.framed_by {
            [] => "'none'".to_owned(),
            origins => origins.join(" "),
        };
        let policy = format!(
            "default-src 'none'; style-src {styles}; script-src {scripts}; frame-src {frames}; img-src data:; \
             form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
        );
        HeaderValue::from_str(&policy).unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"))
    }
}

/// Returns how a policy names a style sheet or script. The template engine drops a file's last line
/// end.
fn hash(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.trim_end_matches('\n'))))
}

/// Renders a page, or says that it cannot.
pub fn render(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(reason = %error, "a page cannot be rendered");
            (StatusCode::INTERNAL_SERVER_ERROR, "something went wrong").into_response()
        }
    }
}

/// Renders a page under a policy of its own, kept in no cache.
pub fn render_under(status: StatusCode, page: &impl Template, policy: &Policy<'_>) -> Response {
    let mut response = render(status, page);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy.header());
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[derive(Template)]
#[template(path = "notice.html")]
struct Notice<'a> {
    title: String,
    text: &'a str,
}

/// Answers with a short page.
pub fn notice(status: StatusCode, title: &str, text: &str) -> Response {
    let mut title = title.to_owned();
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    render(status, &Notice { title, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_names_the_style_sheet_that_a_page_carries() {
        let page = Notice { title: "T".into(), text: "t" }.render().unwrap();
        let (_, rest) = page.split_once("<style>").unwrap();
        let (style, _) = rest.split_once("</style>").unwrap();
        let policy = Policy::default().header();
        assert!(policy.to_str().unwrap().contains(&hash(style)));
    }
}
