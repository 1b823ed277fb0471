//! What is pasted into a website for a tenant's form to be there.

use crate::ops::lead::form::FormView;
use nexora_core::base::Result;
use nexora_core::model::form::{ConsentText, Field, FieldName, Need};
use nexora_core::model::language::FormWords;
use nexora_core::model::tenant::Tenant;

/// How a form gets onto a website.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Snippet {
    /// The form itself, in a frame.
    Frame,
    /// A form of the website's own, without scripts.
    Html,
    /// A form of the website's own that stays on its page.
    Script,
}

/// Returns what is to be pasted into a website, and what has yet to be allowed for it to work.
///
/// # Errors
/// `Internal` when what is stored of the tenant cannot be read.
pub fn snippet(view: &FormView, tenant: &Tenant, kind: Snippet) -> Result<(String, Option<String>)> {
    let (url, slug) = (&view.url, &tenant.slug);
    let words = &tenant.language()?.words().form;
    let title = escaped(&(words.title)(&tenant.name));
    let fields = fields_html(view, words);
    let allow = |key: &str, known: &[String]| {
        let command = format!("nexora form set {key}=https://your-website.example --tenant {slug}");
        known.is_empty().then(|| format!("first allow the website: run `{command}`"))
    };
    Ok(match kind {
        Snippet::Frame => (
            format!(
                "<iframe src=\"{url}\" title=\"{title}\" width=\"100%\" height=\"900\" style=\"border:0\" loading=\"lazy\"></iframe>"
            ),
            allow("embed_on", &view.settings.embed_on),
        ),
        Snippet::Html => (
            format!("<form method=\"post\" action=\"{url}\">\n{fields}</form>"),
            allow("scripts_from", &view.settings.scripts_from),
        ),
        Snippet::Script => (
            format!(
                "<form id=\"nexora-{slug}\">\n{fields}  <p role=\"status\"></p>\n</form>\n<script>\n{}</script>",
                script(url, slug.as_str(), words)
            ),
            allow("scripts_from", &view.settings.scripts_from),
        ),
    })
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

/// Returns the form's own fields, for a website to put its own style on.
fn fields_html(view: &FormView, words: &FormWords) -> String {
    let fields: String = view.settings.fields.iter().map(|field| field_html(view, words, *field)).collect();
    let trap = format!(
        "  <p hidden><label>{} <input name=\"website\" tabindex=\"-1\" autocomplete=\"off\"></label></p>\n",
        words.trap
    );
    format!("{fields}{trap}  <button>{}</button>\n", words.send)
}

/// Returns one field; nothing for photos, which go by the form itself alone.
fn field_html(view: &FormView, words: &FormWords, Field { name, need }: Field) -> String {
    let required = if need == Need::Required { " required" } else { "" };
    let input = |kind: &str, complete: &str| {
        format!("<input name=\"{name}\" type=\"{kind}\" autocomplete=\"{complete}\"{required}>")
    };
    let (label, control) = match name {
        FieldName::Name => (words.name, input("text", "name")),
        FieldName::Phone => (words.phone, input("tel", "tel")),
        FieldName::Email => (words.email, input("email", "email")),
        FieldName::Service if view.settings.services.is_empty() => (words.service, input("text", "off")),
        FieldName::Service => {
            let option = |service: &String| format!("<option>{}</option>", escaped(service));
            let options: String = view.settings.services.iter().map(option).collect();
            let list =
                format!("<select name=\"service\"{required}><option value=\"\"></option>{options}</select>");
            (words.service, list)
        }
        FieldName::Postcode => (words.postcode, input("text", "postal-code")),
        FieldName::Address => (words.address, input("text", "street-address")),
        FieldName::PreferredTime => (words.preferred_time, input("text", "off")),
        FieldName::Message => (words.message, format!("<textarea name=\"message\"{required}></textarea>")),
        FieldName::Photos => return String::new(),
        FieldName::ConsentSms | FieldName::ConsentMarketing => return consent_html(view, name),
    };
    format!("  <label>{label} {control}</label>\n")
}

fn consent_html(view: &FormView, name: FieldName) -> String {
    let wording =
        name.channel().and_then(|channel| view.wordings.iter().find(|known| known.channel == channel));
    let Some(ConsentText { version, wording, .. }) = wording else { return String::new() };
    format!(
        "  <label><input name=\"{name}\" type=\"checkbox\"> {}</label><input name=\"{name}_version\" type=\"hidden\" value=\"{version}\">\n",
        escaped(wording)
    )
}

fn script(url: &str, slug: &str, words: &FormWords) -> String {
    let [sent, not_sent] = [words.sent, words.not_sent].map(|text| serde_json::Value::from(text).to_string());
    format!(
        r#"document.getElementById("nexora-{slug}").addEventListener("submit", async event => {{
  event.preventDefault();
  const form = event.target, says = form.querySelector("[role=status]");
  form.dataset.key ||= crypto.randomUUID();
  try {{
    const answer = await fetch("{url}", {{
      method: "POST",
      headers: {{ "content-type": "application/json", "idempotency-key": form.dataset.key }},
      body: JSON.stringify(Object.fromEntries(new FormData(form))),
    }});
    const body = await answer.json();
    if (answer.ok) form.replaceChildren({sent});
    else says.textContent = body.errors ? body.errors.map(fault => fault.message).join(" ") : body.title;
  }} catch {{ says.textContent = {not_sent}; }}
}});
"#
    )
}
