//! `nexora tls`: the public listener's own certificate.

use std::path::PathBuf;

use clap::Subcommand;

use crate::cli::out::Out;
use crate::ops::certificate;
use nexora_core::base::Result;
use nexora_core::base::clock::Clock;

#[derive(Subcommand)]
pub enum Command {
    /// Make a certificate that signs itself: for a network of one's own, or a proxy that checks no names
    #[command(
        after_help = "Example:\n  nexora tls self-signed --dir /etc/nexora/tls leads.example.lan 10.0.0.5"
    )]
    SelfSigned {
        /// Host names and addresses that it is for
        #[arg(required = true, value_name = "HOST")]
        hosts: Vec<String>,
        /// Folder for `nexora.crt` and `nexora.key`
        #[arg(long, default_value = "/etc/nexora/tls")]
        dir: PathBuf,
        /// Days for which it is good
        #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3_650))]
        days: u32,
    },
}

pub fn run(command: &Command, out: &Out) -> Result<()> {
    let Command::SelfSigned { hosts, dir, days } = command;
    let made = certificate::self_signed(dir, hosts, *days, Clock::System.now())?;
    let (certificate, key) = (made.certificate.display().to_string(), made.key.display().to_string());
    let lines = [
        ("certificate", certificate.clone()),
        ("key", key.clone()),
        ("good until", made.ends_on.to_string()),
        ("SHA-256", made.fingerprint.clone()),
    ];
    out.item(&made, &lines)?;
    out.note(&format!(
        "\nUnder [http] in the configuration:\n  tls_cert = \"{certificate}\"\n  tls_key = \"{key}\"\n\
         The service's user must be able to read the key. Browsers warn of a certificate that no authority has signed."
    ));
    Ok(())
}
