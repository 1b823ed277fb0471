//! What a guide tells the person who sets a source up at the sender.

use nexora_core::base::secret::Secret;
use nexora_core::model::source::{Source, SourceSecrets, SourceSettings};

/// A source with what is shown of it once.
#[derive(Clone, Copy, Debug)]
pub struct Setup<'a> {
    pub source: &'a Source,
    pub settings: &'a SourceSettings,
    /// The address to give to the sender.
    pub url: &'a str,
    pub secrets: &'a SourceSecrets,
}

impl<'a> Setup<'a> {
    pub fn secret(&self) -> &'a str {
        self.secrets.secret.expose()
    }

    /// Returns the secret that the sender shows when it first calls.
    pub fn verify_token(&self) -> &'a str {
        self.secrets.verify_token.as_ref().map(Secret::expose).unwrap_or_default()
    }

    /// Returns the header that carries the secret.
    pub fn header<'b>(&'b self, usual: &'b str) -> &'b str {
        self.settings.header.as_deref().unwrap_or(usual)
    }

    /// Returns the step that gives the token by which leads are fetched; empty once it is given.
    pub fn token_step(&self) -> String {
        match self.secrets.access_token {
            Some(_) => String::new(),
            None => format!(
                "\n  Then give the token by which leads are fetched:
     nexora source set {} --access-token-from-file FILE",
                self.source.name
            ),
        }
    }
}
