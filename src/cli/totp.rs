//! `nexora user totp`.

use clap::Subcommand;
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use serde_json::json;

use crate::cli::Context;
use crate::cli::out::{Out, print};
use crate::ops::access::totp;
use nexora_core::base::{Error, Result};
use nexora_core::model::address::EmailAddress;
use nexora_engine::access::totp::Enrolment;

#[derive(Subcommand)]
pub enum Command {
    /// Switch two-step sign-in on: shows a secret for an authenticator, and asks for a code of it
    #[command(after_help = "Examples:
  nexora user totp enrol jo@acme.com
  nexora user totp enrol jo@acme.com --no-input
  nexora user totp enrol jo@acme.com --no-input --code 123456")]
    Enrol {
        email: EmailAddress,
        /// Confirm the secret that was shown before, by the code that the authenticator shows now
        #[arg(long)]
        code: Option<String>,
    },
    /// Switch two-step sign-in off, after a lost telephone for instance
    #[command(after_help = "Example:\n  nexora user totp disable jo@acme.com")]
    Disable { email: EmailAddress },
}

pub async fn run(context: &Context, command: Command, out: &Out) -> Result<()> {
    let (app, actor) = (&context.app, &context.actor);
    match command {
        Command::Enrol { email, code: Some(code) } => confirm(context, &email, &code, out).await,
        Command::Enrol { email, code: None } => {
            show(&totp::begin(app, actor, &email).await?, out)?;
            if context.global.no_input {
                out.note(&format!(
                    "\nTo switch it on, run `nexora user totp enrol {email} --code CODE` with a code of it."
                ));
                return Ok(());
            }
            let code = out.prompt("\nCode that the authenticator shows")?;
            confirm(context, &email, &code, out).await
        }
        Command::Disable { email } => {
            totp::disable(app, actor, &email).await?;
            let words = format!("two-step sign-in of `{email}` is off, and they are signed out");
            out.done(&json!({ "email": email, "two_step_sign_in": false }), &words)
        }
    }
}

fn show(enrolment: &Enrolment, out: &Out) -> Result<()> {
    let (url, secret) = (enrolment.url.expose(), enrolment.secret.expose());
    if out.is_json() {
        return out.json(&json!({ "url": url, "secret": secret }));
    }
    let code = QrCode::new(url.as_bytes())
        .map_err(|error| Error::internal("the QR code cannot be made").source(error.to_string()))?;
    // Terminals are dark for the most part, so what is light in the picture is what is printed.
    let picture = code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build();
    print(&format!("{picture}\n\n{url}\nSecret: {secret}"))
}

async fn confirm(context: &Context, email: &EmailAddress, code: &str, out: &Out) -> Result<()> {
    let codes = totp::confirm(&context.app, &context.actor, email, code).await?;
    out.note(&format!(
        "two-step sign-in of `{email}` is on. These recovery codes are good once each and are not shown again:"
    ));
    match out.is_json() {
        true => out.json(&json!({ "recovery_codes": codes })),
        false => print(&codes.join("\n")),
    }
}
