//! The pages: server-rendered, one request each; only style sheets and scripts that the policy names apply.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use nexora_core::model::language::{Language, PageNotice};
use nexora_engine::report::color::Color;

/// The style sheets that pages carry, as they stand in the page.
const STYLES: [&str; 3] =
    [include_str!("pages/style.css"), include_str!("pages/form.css"), include_str!("pages/status.css")];

/// Where Turnstile's widget comes from.
const TURNSTILE: &str = "https://challenges.cloudflare.com";

/// The script that a page carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Script {
    #[default]
    None,
    /// The form's: it makes photos smaller and works out the puzzle.
    Form,
    /// The form's, and Turnstile's widget.
    FormWithTurnstile,
    /// That of pages that keep themselves up to date: it speaks to us alone.
    Live,
}

impl Script {
    /// Returns the policy's words about scripts.
    fn directives(self) -> String {
        let form = || hash(include_str!("pages/form.js"));
        match self {
            Script::None => String::new(),
            Script::Form => format!("script-src {}; ", form()),
            Script::FormWithTurnstile => {
                format!("script-src {} {TURNSTILE}; frame-src {TURNSTILE}; ", form())
            }
            Script::Live => {
                format!("script-src {}; connect-src 'self'; ", hash(include_str!("pages/live.js")))
            }
        }
    }
}

/// What one page needs besides our own style sheets.
#[derive(Clone, Copy, Default)]
pub struct Policy<'a> {
    /// A style sheet made for this page.
    pub style: &'a str,
    /// The origins whose pages may frame it.
    pub framed_by: &'a [String],
    pub script: Script,
}

impl Policy<'_> {
    /// Returns the header: nothing is loaded, run or framed but what is named here.
    pub fn header(self) -> HeaderValue {
        let own = Some(self.style).filter(|style| !style.is_empty());
        let styles = STYLES.into_iter().chain(own).map(hash).collect::<Vec<_>>().join(" ");
        let ancestors = match self.framed_by {
            [] => "'none'".to_owned(),
            origins => origins.join(" "),
        };
        let policy = format!(
            "default-src 'none'; style-src {styles}; {}img-src data:; form-action 'self'; base-uri 'none'; \
             frame-ancestors {ancestors}",
            self.script.directives()
        );
        HeaderValue::from_str(&policy).unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"))
    }
}

/// What text of the brand's colour stands on at worst, in light and in dark, as in the style sheet.
const PAPERS: [&str; 2] = ["#f3f5f7", "#18212a"];

/// Returns the style that gives a page a brand's colour, readable in light and dark.
pub fn brand(color: &str) -> String {
    let Some(brand) = Color::parse(color) else { return String::new() };
    let shade = |paper: &str| {
        let shown = brand.readable_on(Color::parse(paper).unwrap_or(Color::WHITE));
        format!(":root{{--brand:{};--on-brand:{}}}", shown.to_hex(), shown.ink().to_hex())
    };
    let [light, dark] = PAPERS.map(shade);
    format!("{light}@media (prefers-color-scheme:dark){{{dark}}}")
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
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy.header());
    uncached(response)
}

/// Keeps an answer out of caches.
pub fn uncached(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Says in which language a business speaks: in the header of a page, and to whatever shows a problem as one.
pub fn spoken(language: Language, mut response: Response) -> Response {
    response.extensions_mut().insert(language);
    response.headers_mut().insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.name()));
    response
}

#[derive(Template)]
#[template(path = "notice.html")]
struct Notice<'a> {
    language: Language,
    title: String,
    text: &'a str,
}

/// Answers with a short page in the language of a business.
pub fn notice(status: StatusCode, language: Language, notice: &PageNotice) -> Response {
    let (title, text) = (language.words().notice)(notice);
    let page = Notice { language, title: begun(&title), text: &text };
    spoken(language, render(status, &page))
}

/// Answers with a short page in English.
pub fn plain(status: StatusCode, title: &str, text: &str) -> Response {
    let language = Language::English;
    spoken(language, render(status, &Notice { language, title: begun(title), text }))
}

/// Begins a title with a capital letter.
fn begun(title: &str) -> String {
    let mut title = title.to_owned();
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    title
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_names_the_style_sheet_that_a_page_carries() {
        let page = Notice { language: Language::English, title: "T".into(), text: "t" }.render().unwrap();
        let (_, rest) = page.split_once("<style>").unwrap();
        let (style, _) = rest.split_once("</style>").unwrap();
        let policy = Policy::default().header();
        assert!(policy.to_str().unwrap().contains(&hash(style)));
        assert!(!policy.to_str().unwrap().contains("script-src"));
    }

    #[test]
    fn a_page_runs_its_own_script_and_no_other_pages() {
        let policy = |script| Policy { script, ..Policy::default() }.header().to_str().unwrap().to_owned();
        let [form, live] = [include_str!("pages/form.js"), include_str!("pages/live.js")].map(hash);
        assert!(policy(Script::Form).contains(&form) && !policy(Script::Form).contains(&live));
        assert!(policy(Script::Live).contains(&live) && policy(Script::Live).contains("connect-src 'self'"));
        assert!(policy(Script::FormWithTurnstile).contains("frame-src https://challenges.cloudflare.com"));
        assert!(!policy(Script::Form).contains("connect-src"));
    }
}
