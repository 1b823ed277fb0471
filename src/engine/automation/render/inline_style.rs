//! The style rules of a mail, written into its elements as well: some mail programs drop `<style>`. It stays all the
//! same, for its rules about dark mode and narrow screens, which have to say `!important` to win over an element's own.
//!
//! The inliner has no bounds of its own, so that a mail is given to it only where its work is bounded.

use std::sync::LazyLock;

use css_inline::CSSInliner;

use super::allowance::BYTES;

/// Start tags at most: the inliner descends by calls, one for each element within another, and a stack has an end.
const TAGS: usize = 1_000;

static INLINER: LazyLock<CSSInliner<'static>> =
    LazyLock::new(|| CSSInliner::options().keep_style_tags(true).load_remote_stylesheets(false).build());

/// Returns the HTML with the rules of its style sheets in its elements; as it is where it has none, or where there is
/// too much of both.
pub fn inlined(html: String) -> String {
    let styles = style_bytes(&html);
    let tags = html.as_bytes().windows(2).filter(|two| is_start(two)).count();
    if styles == 0 || tags > TAGS || tags.saturating_mul(styles) > BYTES {
        return html;
    }
    INLINER.inline(&html).unwrap_or(html)
}

fn style_bytes(html: &str) -> usize {
    let html = html.to_ascii_lowercase();
    html.split("<style").skip(1).map(|rest| rest.find("</style").unwrap_or(rest.len())).sum()
}

fn is_start(two: &[u8]) -> bool {
    matches!(two, [b'<', letter] if letter.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(style: &str, body: &str) -> String {
        format!("<!doctype html>\n<html><head><style>{style}</style></head><body>{body}</body></html>")
    }

    #[test]
    fn rules_go_into_the_elements_and_those_for_some_screens_stay_behind() {
        let style =
            ".card{color:#111} a{color:red} @media (prefers-color-scheme:dark){.card{color:#eee!important}}";
        let html = inlined(page(
            style,
            r#"<div class="card">Tom &amp; Jo &lt;x&gt; <a href="tel:+1">call</a></div>"#,
        ));
        assert!(html.starts_with("<!DOCTYPE html>"), "{html}");
        assert!(html.contains(r#"<div class="card" style="color: #111;">Tom &amp; Jo &lt;x&gt;"#), "{html}");
        assert!(html.contains(r#"<a href="tel:+1" style="color: red;">"#), "{html}");
        assert!(html.contains("@media (prefers-color-scheme:dark){.card{color:#eee!important}}"), "{html}");
    }

    #[test]
    fn what_is_too_much_or_has_no_rules_stays_as_it_is() {
        let plain = "<p>Hello</p>".to_owned();
        assert_eq!(inlined(plain.clone()), plain);
        let deep = page("div{margin:0}", &["<div>".repeat(60_000), "</div>".repeat(60_000)].concat());
        assert_eq!(inlined(deep.clone()), deep, "a stack has an end");
        let wide = page(&"p{margin:0}".repeat(3_000), &"<p>x</p>".repeat(900));
        assert_eq!(inlined(wide.clone()), wide, "rules in every element would fill the memory");
        let allowed = page("div{margin:0}", &["<div>".repeat(TAGS - 4), "</div>".repeat(TAGS - 4)].concat());
        assert_eq!(inlined(allowed).matches("margin: 0").count(), TAGS - 4, "as deep as it may be");
    }
}
