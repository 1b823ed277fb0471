//! What is pasted into a website for a tenant's form to be there.

use crate::ops::lead::form::FormView;
use nexora_core::model::form::{ConsentText, Field, FieldName, Need};
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
pub fn snippet(view: &FormView, tenant: &Tenant, kind: Snippet) -> (String, Option<String>) {
    let (url, slug) = (&view.url, &tenant.slug);
    let name = escaped(&tenant.name);
    let fields = fields_html(view);
    let allow = |key: &str, known: &[String]| {
        let command = format!("nexora form set {key}=https://your-website.example --tenant {slug}");
        known.is_empty().then(|| format!("first allow the website: run `{command}`"))
    };
    match kind {
        Snippet::Frame => (
            format!(
                "<iframe src=\"{url}\" title=\"Contact {name}\" width=\"100%\" height=\"900\" style=\"border:0\" loading=\"lazy\"></iframe>"
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
                script(url, slug.as_str())
            ),
            allow("scripts_from", &view.settings.scripts_from),
        ),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

/// Returns the form's own fields, for a website to put its own style on.
fn fields_html(view: &FormView) -> String {
    let fields: String = view.settings.fields.iter().map(|field| field_html(view, *field)).collect();
    let trap = "  <p hidden><label>Leave this empty <input name=\"website\" tabindex=\"-1\" autocomplete=\"off\"></label></p>\n";
    format!("{fields}{trap}  <button>Send request</button>\n")
}

/// Returns one field; nothing for photos, which go by the form itself alone.
fn field_html(view: &FormView, Field { name, need }: Field) -> String {
    let required = if need == Need::Required { " required" } else { "" };
    let input = |kind: &str, complete: &str| {
        format!("<input name=\"{name}\" type=\"{kind}\" autocomplete=\"{complete}\"{required}>")
    };
    let (label, control) = match name {
        FieldName::Name => ("Your name", input("text", "name")),
        FieldName::Phone => ("Phone", input("tel", "tel")),
        FieldName::Email => ("Email", input("email", "email")),
        FieldName::Service if view.settings.services.is_empty() => {
            ("What do you need?", input("text", "off"))
        }
        FieldName::Service => {
            let option = |service: &String| format!("<option>{}</option>", escaped(service));
            let options: String = view.settings.services.iter().map(option).collect();
            let list =
                format!("<select name=\"service\"{required}><option value=\"\"></option>{options}</select>");
            ("What do you need?", list)
        }
        FieldName::Postcode => ("Postcode", input("text", "postal-code")),
        FieldName::Address => ("Address", input("text", "street-address")),
        FieldName::PreferredTime => ("When suits you?", input("text", "off")),
        FieldName::Message => {
            ("How can we help?", format!("<textarea name=\"message\"{required}></textarea>"))
        }
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

fn script(url: &str, slug: &str) -> String {
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
    if (answer.ok) form.replaceChildren("Thank you. We get back to you soon.");
    else says.textContent = body.errors ? body.errors.map(fault => fault.message).join(" ") : body.title;
  }} catch {{ says.textContent = "This could not be sent. Please try again."; }}
}});
"#
    )
}
