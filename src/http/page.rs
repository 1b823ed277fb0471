//! The pages: server-rendered, one request each; only style sheets and scripts that the policy names apply.

use std::collections::BTreeMap;

use askama::Template;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::engine::enquiry::FieldFault;
use crate::model::tenant::Tenant;

/// The style sheets that pages carry, as they stand in the page.
const STYLES: [&str; 2] = [include_str!("pages/style.css"), include_str!("pages/status.css")];

/// Returns the policy of pages that nobody may frame: nothing is loaded, and only our own style sheets
/// apply.
pub fn content_security_policy() -> HeaderValue {
    let styles = STYLES.map(hash).join(" ");
    let policy = format!(
        "default-src 'none'; style-src {styles}; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"))
}

/// The script of pages that keep themselves up to date, as it stands in the page.
const LIVE_SCRIPT: &str = include_str!("pages/live.js");

/// Returns the policy of pages that keep themselves up to date: besides, our own script applies, and
/// speaks to us alone.
pub fn live_content_security_policy() -> HeaderValue {
    let basic = content_security_policy();
    let policy = basic.to_str().unwrap_or("default-src 'none'");
    let policy = format!("{policy}; script-src {}; connect-src 'self'", hash(LIVE_SCRIPT));
    HeaderValue::from_str(&policy).unwrap_or(basic)
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

/// One field of the form.
pub struct Input {
    pub name: &'static str,
    pub label: &'static str,
    pub note: &'static str,
    pub kind: &'static str,
    pub autocomplete: &'static str,
    pub long: bool,
    pub required: bool,
    pub value: String,
    pub fault: Option<String>,
}

#[derive(Template)]
#[template(path = "form.html")]
pub struct Form<'a> {
    pub tenant: &'a Tenant,
    pub inputs: Vec<Input>,
    /// The fields that are wrong, by name and label.
    pub wrong: Vec<(&'static str, &'static str)>,
    /// Makes a second press of the button a no-op.
    pub key: String,
    pub hidden: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "thanks.html")]
pub struct Thanks<'a> {
    pub tenant: &'a Tenant,
}

/// Name, label, note, type and autocomplete word of each field, in order.
const FIELDS: [(&str, &str, &str, &str, &str); 6] = [
    ("name", "Your name", "", "text", "name"),
    ("phone", "Phone", "", "tel", "tel"),
    ("email", "Email", "(phone or email, or both)", "email", "email"),
    ("service", "What do you need?", "(optional)", "text", "off"),
    ("postcode", "Postcode", "(optional)", "text", "postal-code"),
    ("message", "Anything else we should know?", "(optional)", "", "off"),
];

/// Returns the name and label of each field that is wrong.
pub fn wrong(faults: &[FieldFault]) -> Vec<(&'static str, &'static str)> {
    let label =
        |name| FIELDS.iter().find(|(known, ..)| *known == name).map_or("the form", |(_, label, ..)| label);
    faults.iter().map(|fault| (fault.field, label(fault.field))).collect()
}

/// Returns the form's fields with what was typed and what is wrong with it.
pub fn inputs(values: &BTreeMap<String, String>, faults: &[FieldFault]) -> Vec<Input> {
    let input = |(name, label, note, kind, autocomplete): (&'static str, _, _, _, _)| Input {
        name,
        label,
        note,
        kind,
        autocomplete,
        long: name == "message",
        required: name == "name",
        value: values.get(name).cloned().unwrap_or_default(),
        fault: faults.iter().find(|fault| fault.field == name).map(|fault| fault.message.clone()),
    };
    FIELDS.into_iter().map(input).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_names_the_style_sheet_that_a_page_carries() {
        let page = Notice { title: "T".into(), text: "t" }.render().unwrap();
        let (_, rest) = page.split_once("<style>").unwrap();
        let (style, _) = rest.split_once("</style>").unwrap();
        let policy = content_security_policy();
        assert!(policy.to_str().unwrap().contains(&hash(style)));
        assert!(!policy.to_str().unwrap().contains("script-src"));
        assert!(live_content_security_policy().to_str().unwrap().contains(&hash(LIVE_SCRIPT)));
    }
}
