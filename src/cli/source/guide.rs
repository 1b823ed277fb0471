//! What to do at the sender, step by step, once a source is there.

use crate::base::secret::Secret;
use crate::engine::lead_format::answer::SUCCESS;
use crate::engine::lead_format::verify::SECRET_HEADER;
use crate::model::source::{SourceKind, SourceSettings};
use crate::ops::source::Shown;

/// Returns the address, the secrets and the steps, to be shown once.
pub fn of(shown: &Shown) -> String {
    let settings: SourceSettings = shown.source.settings.read().unwrap_or_default();
    let steps = steps(shown, &settings);
    format!("\n{steps}\n\nThe secret is not shown again; `nexora source rotate-secret` makes another.")
}

fn steps(shown: &Shown, settings: &SourceSettings) -> String {
    let (url, secret) = (&shown.url, shown.secrets.secret.expose());
    let header = settings.header.as_deref();
    match shown.source.kind {
        SourceKind::GoogleAds => format!(
            "In Google Ads, open the lead form asset, \"Export leads\", \"Webhook integration\":
  1. Webhook URL  {url}
  2. Key          {secret}
  3. Press \"Send test data\". A test lead comes in, and runs nothing."
        ),
        SourceKind::Facebook => format!(
            "At developers.facebook.com, open your app, \"Webhooks\", object \"Page\", \"Subscribe\":
  1. Callback URL  {url}
  2. Verify token  {}
  3. Subscribe to the field `leadgen`, and add the app to the page (POST /PAGE-ID/subscribed_apps).{}",
            shown.secrets.verify_token.as_ref().map(Secret::expose).unwrap_or_default(),
            token_step(shown)
        ),
        SourceKind::Angi => format!(
            "Send these to your account manager at Angi, and ask for leads by JSON:
  1. URL        {url}
  2. x-api-key  {secret}
     If no header can be sent, the URL is {url}/{secret} instead.
  3. The answer to a lead that was taken is 200 with the text `{}`.",
            settings.success.as_deref().unwrap_or(SUCCESS)
        ),
        SourceKind::Thumbtack => format!(
            "At Thumbtack, make a webhook for new leads and messages:
  1. URL       {url}
  2. Username  {}
  3. Password  {secret}",
            settings.username.as_deref().unwrap_or_default()
        ),
        SourceKind::Yelp => format!(
            "Give this address to Yelp for webhooks of leads; it is a secret:
  1. URL  {url}
  2. Subscribe your businesses to lead events with subscription type WEBHOOK.{}",
            token_step(shown)
        ),
        SourceKind::Typeform => format!(
            "In Typeform, open the form, \"Connect\", \"Webhooks\", \"Add a webhook\":
  1. Endpoint  {url}
  2. Edit it, and set the secret  {secret}
  3. Switch it on, and press \"Send test request\"."
        ),
        SourceKind::Jotform => format!(
            "In Jotform, open the form, \"Settings\", \"Integrations\", \"Webhooks\". The address is a secret:
  1. URL  {url}"
        ),
        SourceKind::GravityForms => format!(
            "In WordPress, open the form, \"Settings\", \"Webhooks\", \"Add New\":
  1. Request URL     {url}
  2. Request method  POST, format JSON, body \"All Fields\"
  3. Header          {}: {secret}
  Field numbers become fields by `nexora source set {} --map email=2`.",
            header.unwrap_or(SECRET_HEADER),
            shown.source.name
        ),
        SourceKind::Json => json_steps(shown, settings),
    }
}

fn json_steps(shown: &Shown, settings: &SourceSettings) -> String {
    let (url, secret) = (&shown.url, shown.secrets.secret.expose());
    let header = settings.header.as_deref().unwrap_or(SECRET_HEADER);
    match settings.signed {
        true => format!(
            "POST JSON, signed as Standard Webhooks 1.0 has it:
  1. URL     {url}
  2. Secret  {secret}"
        ),
        false => format!(
            "POST JSON or a form:
  1. URL     {url}
  2. Header  {header}: {secret}   (or `Authorization: Bearer {secret}`)
     If no header can be sent, the URL is {url}/{secret} instead."
        ),
    }
}

fn token_step(shown: &Shown) -> String {
    match shown.secrets.access_token {
        Some(_) => String::new(),
        None => format!(
            "\n  Then give the token by which leads are fetched:
     nexora source set {} --access-token-from-file FILE",
            shown.source.name
        ),
    }
}
