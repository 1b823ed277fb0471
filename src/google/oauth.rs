//! Google's token endpoint for a person's authorization: a code or a refresh token becomes an access
//! token, and a grant is revoked (RFC 6749, 7009).
//!
//! What the endpoint says of a refusal is kept apart from its being out of reach: only a refusal
//! speaks against the credential. No answer is ever shown or logged whole, for it holds tokens.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use futures_util::future::BoxFuture;
use google_apis_common as common;
use http_body_util::{BodyExt as _, Limited};
use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AuthType, AuthorizationCode, ClientId, ClientSecret, EndpointNotSet, EndpointSet, ExtraTokenFields,
    HttpRequest, HttpResponse, PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError,
    StandardRevocableToken, StandardTokenResponse, TokenResponse as _, TokenUrl,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::fault::Fault;
use crate::http::Client;
use nexora_core::base::error::chain;
use nexora_core::base::secret::Secret;
use nexora_core::base::{Error, Result};

/// The OAuth client that people authorize.
#[derive(Clone, Debug)]
pub struct OAuthClient {
    pub id: String,
    secret: Secret,
}

/// What a connection keeps of a person's authorization.
#[derive(Clone, Debug)]
pub struct UserCredential {
    pub client: OAuthClient,
    pub refresh_token: Secret,
}

/// The most that is read of an answer.
const ANSWER_LIMIT: usize = 65_536;

impl OAuthClient {
    /// Reads the JSON that the console hands out for a Desktop app.
    ///
    /// # Errors
    /// `Config` when the text is something else.
    pub fn parse(text: &str) -> Result<OAuthClient> {
        #[derive(Deserialize)]
        struct File {
            installed: Option<Installed>,
            web: Option<serde::de::IgnoredAny>,
        }
        #[derive(Deserialize)]
        struct Installed {
            client_id: String,
            client_secret: String,
        }
        let wrong = |message: &str| {
            Error::config(message).hint("in the Google Cloud console create an OAuth client of type Desktop app and download its JSON")
        };
        let file: File = serde_json::from_str(text)
            .map_err(|_| wrong("the client file is not the JSON of an OAuth client"))?;
        match file {
            File { installed: Some(Installed { client_id, client_secret }), .. } => {
                Ok(OAuthClient { id: client_id, secret: Secret::new(client_secret) })
            }
            File { web: Some(_), .. } => {
                Err(wrong("the client file is that of a web application, which cannot be sent back here"))
            }
            File { .. } => Err(wrong("the client file is not the JSON of an installed app")),
        }
    }
}

impl UserCredential {
    /// Reads what `write` wrote.
    ///
    /// # Errors
    /// `Config` when the text is anything else.
    pub fn parse(secret: &Secret) -> Result<UserCredential> {
        #[derive(Deserialize)]
        struct Stored {
            client_id: String,
            client_secret: String,
            refresh_token: String,
        }
        let stored: Stored = serde_json::from_str(secret.expose())
            .map_err(|_| Error::config("the stored credential is not a person's consent"))?;
        Ok(UserCredential {
            client: OAuthClient { id: stored.client_id, secret: Secret::new(stored.client_secret) },
            refresh_token: Secret::new(stored.refresh_token),
        })
    }

    /// Writes it in the form in which Google's own tools keep one.
    pub fn write(&self) -> Secret {
        let text = json!({
            "type": "authorized_user",
            "client_id": self.client.id,
            "client_secret": self.client.secret.expose(),
            "refresh_token": self.refresh_token.expose(),
        });
        Secret::new(text.to_string())
    }
}

/// What Google's answer has beyond RFC 6749.
#[derive(Debug, Serialize, Deserialize)]
struct Extra {
    id_token: Option<String>,
    refresh_token_expires_in: Option<u64>,
}

impl ExtraTokenFields for Extra {}

type Flow = oauth2::Client<
    BasicErrorResponse,
    StandardTokenResponse<Extra, BasicTokenType>,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// What the token endpoint granted.
#[derive(Debug)]
pub struct Grant {
    pub access_token: Secret,
    pub life: Duration,
    pub refresh_token: Option<Secret>,
    /// How long the refresh token is good, where Google limits it.
    pub authorization_life: Option<Duration>,
    pub scopes: Vec<String>,
    pub id_token: Option<String>,
}

/// The token endpoint did not answer, or had trouble of its own.
#[derive(Debug)]
struct Unreached(String);

impl fmt::Display for Unreached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Unreached {}

/// Where tokens are had, and how.
#[derive(Clone)]
pub struct Endpoint {
    pub client: Client,
    pub token_url: String,
    pub revoke_url: String,
    pub timeout: Duration,
}

impl Endpoint {
    /// Exchanges a code, once (RFC 6749, section 4.1.3; RFC 7636, section 4.5).
    pub async fn exchange(
        &self,
        client: &OAuthClient,
        code: Secret,
        verifier: &Secret,
        redirect: &str,
    ) -> Result<Grant, Fault> {
        let redirect = RedirectUrl::new(redirect.to_owned()).map_err(|error| unspelt(&error))?;
        let flow = self.flow(client)?.set_redirect_uri(redirect);
        let http = self.http();
        let request = flow
            .exchange_code(AuthorizationCode::new(code.expose().to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier.expose().to_owned()));
        request.request_async(&http).await.map(granted).map_err(refused)
    }

    /// Asks for a new access token (RFC 6749, section 6).
    pub async fn refresh(&self, client: &OAuthClient, token: &Secret) -> Result<Grant, Fault> {
        let flow = self.flow(client)?;
        let http = self.http();
        let token = RefreshToken::new(token.expose().to_owned());
        flow.exchange_refresh_token(&token).request_async(&http).await.map(granted).map_err(refused)
    }

    /// Takes a grant back (RFC 7009). One that had ended before is as good as revoked.
    pub async fn revoke(&self, token: &Secret) -> Result<(), Fault> {
        // The library insists on https here, which a sandbox on loopback has not.
        let body = serde_urlencoded::to_string([("token", token.expose())]).unwrap_or_default();
        let request = hyper::Request::post(&self.revoke_url)
            .header(hyper::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body.into_bytes())
            .map_err(|error| Fault::NotSent(chain(&error)))?;
        let answer = self.send(request).await.map_err(|error| Fault::NotSent(error.to_string()))?;
        let gone = String::from_utf8_lossy(answer.body()).contains("invalid_token");
        if answer.status().is_success() || gone {
            return Ok(());
        }
        Err(Fault::Credential(format!("revoking was refused with status {}", answer.status())))
    }

    fn flow(&self, client: &OAuthClient) -> Result<Flow, Fault> {
        let url = TokenUrl::new(self.token_url.clone()).map_err(|error| unspelt(&error))?;
        Ok(oauth2::Client::new(ClientId::new(client.id.clone()))
            .set_client_secret(ClientSecret::new(client.secret.expose().to_owned()))
            .set_auth_type(AuthType::RequestBody)
            .set_token_uri(url))
    }

    /// Returns what the library sends its requests by.
    fn http(&self) -> impl Fn(HttpRequest) -> BoxFuture<'static, Result<HttpResponse, Unreached>> + use<> {
        let endpoint = self.clone();
        move |request| {
            let endpoint = endpoint.clone();
            Box::pin(async move { endpoint.send(request).await })
        }
    }

    /// Sends one request. An answer that says nothing about the credential is no answer here.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Unreached> {
        let request = request.map(|body| common::to_body(Some(body)));
        let exchange = async {
            let answer = self.client.request(request).await.map_err(|error| Unreached(chain(&error)))?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, ANSWER_LIMIT).collect().await;
            let body = body.map_err(|error| Unreached(format!("the answer broke off: {error}")))?;
            Ok(HttpResponse::from_parts(head, body.to_bytes().to_vec()))
        };
        let late = || Unreached("no answer in time".to_owned());
        let answer = tokio::time::timeout(self.timeout, exchange).await.map_err(|_| late())??;
        let status = answer.status();
        if status.is_server_error() || matches!(status.as_u16(), 408 | 429) {
            return Err(Unreached(format!("it answered with status {status}")));
        }
        Ok(answer)
    }
}

fn unspelt(error: &dyn fmt::Display) -> Fault {
    Fault::NotSent(format!("an address of `[google]` cannot be used: {error}"))
}

/// Google's usual life of a token, for an answer that does not say.
const USUAL_LIFE: Duration = Duration::from_secs(3_600);

fn granted(answer: StandardTokenResponse<Extra, BasicTokenType>) -> Grant {
    let scopes = answer.scopes().into_iter().flatten();
    Grant {
        access_token: Secret::new(answer.access_token().secret().clone()),
        life: answer.expires_in().unwrap_or(USUAL_LIFE),
        refresh_token: answer.refresh_token().map(|token| Secret::new(token.secret().clone())),
        authorization_life: answer.extra_fields().refresh_token_expires_in.map(Duration::from_secs),
        scopes: scopes.map(|scope| scope.as_str().to_owned()).collect(),
        id_token: answer.extra_fields().id_token.clone(),
    }
}

fn refused(error: RequestTokenError<Unreached, BasicErrorResponse>) -> Fault {
    match error {
        RequestTokenError::ServerResponse(answer) => {
            // An answer of 5xx or 429 has not come this far.
            let detail = answer.error_description().cloned().unwrap_or_default();
            Fault::of_token_error(answer.error().as_ref(), &detail, true)
        }
        RequestTokenError::Request(error) => Fault::NotSent(format!("the token endpoint: {error}")),
        // The text of either may hold what was answered, and so a token.
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            Fault::NotSent("the token endpoint answered something that is not understood".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_file_is_that_of_a_desktop_app() {
        let good = r#"{"installed":{"client_id":"1-a","client_secret":"s","redirect_uris":[]}}"#;
        assert_eq!(OAuthClient::parse(good).unwrap().id, "1-a");
        for (text, message) in [
            (r#"{"web":{"client_id":"1"}}"#, "web application"),
            (r#"{"type":"service_account"}"#, "installed app"),
            ("x", "not the JSON"),
        ] {
            assert!(OAuthClient::parse(text).unwrap_err().message().contains(message), "{text}");
        }
    }

    #[test]
    fn a_credential_survives_its_text_and_is_not_shown() {
        let client = OAuthClient { id: "1-a".into(), secret: Secret::new("s3") };
        let credential = UserCredential { client, refresh_token: Secret::new("r3") };
        let copy = UserCredential::parse(&credential.write()).unwrap();
        assert_eq!((copy.client.id.as_str(), copy.refresh_token.expose()), ("1-a", "r3"));
        assert!(!format!("{credential:?}").contains("r3") && !format!("{credential:?}").contains("s3"));
    }
}
