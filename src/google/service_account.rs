//! Access tokens for a service account that acts in a mailbox's name (domain-wide delegation,
//! RFC 7523).

use yup_oauth2::authenticator::Authenticator;
use yup_oauth2::client::CustomHyperClientBuilder;
use yup_oauth2::{ServiceAccountAuthenticator, ServiceAccountKey};

use crate::fault::Fault;
use crate::http::TokenClient;
use crate::oauth::Grant;
use nexora_connector::https::Connect;
use nexora_core::base::clock::Clock;
use nexora_core::base::error::chain;
use nexora_core::base::secret::Secret;
use nexora_core::base::{Error, Result};
use nexora_core::model::address::EmailAddress;

pub struct ServiceAccount {
    key: ServiceAccountKey,
    subject: String,
    timeout: std::time::Duration,
    client: TokenClient,
    authenticator: tokio::sync::OnceCell<Authenticator<Connect>>,
}

impl ServiceAccount {
    /// # Errors
    /// `Config` when the text is not a service account's key file.
    pub fn new(
        key: &Secret,
        subject: &EmailAddress,
        token_url: &str,
        timeout: std::time::Duration,
        client: TokenClient,
    ) -> Result<ServiceAccount> {
        let mut key = parse_key(key)?;
        token_url.clone_into(&mut key.token_uri);
        let authenticator = tokio::sync::OnceCell::new();
        Ok(ServiceAccount { key, subject: subject.to_string(), timeout, client, authenticator })
    }

    /// Asks for a new token with these scopes. The library's own cache is passed by: ours knows
    /// which token was refused.
    pub async fn ask(&self, scopes: &[&'static str]) -> Result<Grant, Fault> {
        let answer = tokio::time::timeout(self.timeout, async {
            let authenticator = self.authenticator.get_or_try_init(|| self.authenticator()).await?;
            authenticator.force_refreshed_token(scopes).await.map_err(|error| refused(&error))
        });
        let token = answer
            .await
            .map_err(|_| Fault::NotSent("the token endpoint gave no answer in time".to_owned()))??;
        let text = token.token().ok_or_else(|| Fault::NotSent("the answer held no token".to_owned()))?;
        let ends_at = token.expiration_time().map(|at| at.unix_timestamp().saturating_mul(1_000));
        let life = ends_at.map_or(3_600_000, |at| at.saturating_sub(Clock::System.now().millis()));
        Ok(Grant {
            access_token: Secret::new(text),
            life: std::time::Duration::from_millis(u64::try_from(life).unwrap_or_default()),
            refresh_token: None,
            authorization_life: None,
            scopes: Vec::new(),
            id_token: None,
        })
    }

    async fn authenticator(&self) -> Result<Authenticator<Connect>, Fault> {
        let client = CustomHyperClientBuilder::from(self.client.clone());
        ServiceAccountAuthenticator::with_client(self.key.clone(), client)
            .subject(self.subject.clone())
            .build()
            .await
            // A key that cannot sign is refused before Google ever sees it.
            .map_err(|error| Fault::Credential(format!("the key cannot be used: {}", chain(&error))))
    }
}

/// Tells a refusal of the credential, which trying again cannot help, from a bad moment. The library
/// does not say with what status it was answered, so an error that is not listed counts as one.
fn refused(error: &yup_oauth2::Error) -> Fault {
    match error {
        yup_oauth2::Error::AuthError(error) => {
            let description = error.error_description.as_deref().unwrap_or_default();
            Fault::of_token_error(error.error.as_str(), description, false)
        }
        yup_oauth2::Error::LowLevelError(error) if error.kind() == std::io::ErrorKind::InvalidInput => {
            Fault::Credential(format!("the key cannot be used: {}", chain(error)))
        }
        // The parser quotes what it read, and so perhaps a token.
        yup_oauth2::Error::JSONError(_) => {
            Fault::NotSent("the token endpoint answered something that is not understood".to_owned())
        }
        error => Fault::NotSent(format!("no access token: {}", chain(error))),
    }
}

fn parse_key(key: &Secret) -> Result<ServiceAccountKey> {
    serde_json::from_str(key.expose()).map_err(|_| {
        Error::config("the file is not a Google service account key")
            .hint("download a JSON key of the service account from the Google Cloud console")
    })
}

/// Returns the address of the service account that a key file belongs to.
///
/// # Errors
/// `Config` when the text is not a key file.
pub fn service_account_email(key: &Secret) -> Result<String> {
    parse_key(key).map(|key| key.client_email)
}
