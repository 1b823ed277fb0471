//! A person's consent: the address they open, what comes back from it, and what it granted.
//!
//! Authorization code with PKCE and `state`, sent back to this machine's loopback address, as
//! RFC 8252 has it for programs without a web site (RFC 6749, 7636; "OAuth 2.0 for iOS & Desktop
//! Apps" of Google's documentation).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth2::{AuthUrl, ClientId, CsrfToken, PkceCodeChallenge, RedirectUrl, Scope};
use serde::Deserialize;

use crate::fault::Fault;
use crate::oauth::{OAuthClient, UserCredential};
use crate::{Workspace, scope};
use nexora_core::base::error::chain;
use nexora_core::base::secret::Secret;
use nexora_core::base::{Error, Result};
use nexora_core::model::address::EmailAddress;
use nexora_core::model::connection::{Abilities, Ability};

/// A consent that was asked for and has not come back.
pub struct Consent {
    pub url: String,
    client: OAuthClient,
    abilities: Abilities,
    redirect: String,
    auth_url: String,
    state: Secret,
    verifier: Secret,
}

/// What a person consented to.
pub struct Consented {
    pub account: EmailAddress,
    pub abilities: Abilities,
    pub credential: UserCredential,
    /// How long Google lets the consent stand; nothing when there is no limit.
    pub life: Option<std::time::Duration>,
}

impl Consent {
    /// Makes the address that the person opens.
    ///
    /// # Errors
    /// `Config` when `google.auth_url` cannot be used.
    pub fn begin(
        workspace: &Workspace,
        client: OAuthClient,
        abilities: Abilities,
        account: Option<&EmailAddress>,
        redirect: &str,
    ) -> Result<Consent> {
        let wrong = |error| Error::config("`google.auth_url` cannot be used").source(chain(&error));
        let auth_url = workspace.endpoints.auth_url.clone();
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = oauth2::basic::BasicClient::new(ClientId::new(client.id.clone()))
            .set_auth_uri(AuthUrl::new(auth_url.clone()).map_err(wrong)?)
            .set_redirect_uri(RedirectUrl::new(redirect.to_owned()).map_err(wrong)?);
        let scopes = scope::IDENTITY.into_iter().chain(scope::wanted(&abilities));
        let mut request = flow
            .authorize_url(CsrfToken::new_random)
            .add_scopes(scopes.map(|scope| Scope::new(scope.to_owned())))
            .set_pkce_challenge(challenge)
            .add_extra_param("access_type", "offline")
            .add_extra_param("prompt", "consent")
            .add_extra_param("include_granted_scopes", "true");
        if let Some(account) = account {
            request = request.add_extra_param("login_hint", account.to_string());
        }
        let (url, state) = request.url();
        let (state, verifier) = (Secret::new(state.secret()), Secret::new(verifier.secret()));
        Ok(Consent {
            url: url.into(),
            client,
            abilities,
            redirect: redirect.to_owned(),
            auth_url,
            state,
            verifier,
        })
    }

    /// Reads the code from what came back: the whole address, or the code alone.
    ///
    /// # Errors
    /// `Denied` when the person said no; `Usage` when it is the answer to something else.
    pub fn read(&self, text: &str) -> Result<Secret> {
        let text = text.trim().trim_matches(['"', '\'', '<', '>']);
        let Some((address, query)) = text.split_once('?') else {
            return self.read_code(text);
        };
        if address == self.auth_url {
            return Err(Error::usage("this is the address to open, not the one that came back")
                .hint("open it in a browser, allow access, then copy the address the browser ends at"));
        }
        // The browser may show the address without its scheme; the port is what tells it apart.
        let bare = |address: &str| {
            address.trim_start_matches("http://").trim_end_matches('/').replace("localhost", "127.0.0.1")
        };
        if !address.is_empty() && address != "/" && bare(address) != bare(&self.redirect) {
            return Err(Error::usage("this is not the address that the browser was sent back to")
                .hint(format!("it begins with {} and holds a `code`", self.redirect)));
        }
        let query = query.split('#').next().unwrap_or_default();
        let fields: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
        let field = |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value);
        if field("state").map(String::as_str) != Some(self.state.expose()) {
            return Err(Error::usage("the answer belongs to another request: its `state` differs")
                .hint("open the address that this command printed, not one from an earlier try"));
        }
        match (field("error").map(String::as_str), field("code")) {
            (Some("access_denied"), _) => Err(Error::denied("the person at the browser did not allow access")
                .hint("run the command again and press Allow; if Google blocked the app, add the account as a test user of the consent screen")),
            (Some("admin_policy_enforced"), _) => {
                Err(Error::denied("the administrator of the Google Workspace does not allow this app")
                    .hint("in the Admin console trust the OAuth client: Security, API controls, App access control"))
            }
            (Some(error), _) => Err(Error::denied(format!("Google answered `{error}`"))
                .hint("run the command again; docs/GOOGLE.md names what to look at")),
            (None, Some(code)) => Ok(Secret::new(code)),
            (None, None) => Err(Error::usage("the address holds no code")
                .hint("copy the whole address from the browser, to its very end")),
        }
    }

    fn read_code(&self, text: &str) -> Result<Secret> {
        let code = percent_encoding::percent_decode_str(text).decode_utf8_lossy();
        let is_code = code.len() >= 10 && !code.contains(|c: char| c.is_whitespace() || c.is_control());
        if is_code && !code.contains("://") {
            return Ok(Secret::new(code));
        }
        Err(Error::usage("this is neither the address that came back nor a code")
            .hint(format!("paste the address that begins with {}", self.redirect)))
    }

    /// Exchanges the code, and makes sure that it is the right person and all that was asked for.
    ///
    /// # Errors
    /// `Denied` when Google refuses the code, another account signed in or a box was left unticked;
    /// `Unavailable` when Google does not answer.
    pub async fn finish(
        &self,
        workspace: &Workspace,
        code: Secret,
        account: Option<&EmailAddress>,
    ) -> Result<Consented> {
        let endpoint = workspace.oauth()?;
        let grant = endpoint.exchange(&self.client, code, &self.verifier, &self.redirect).await;
        let grant = grant.map_err(refusal)?;
        let signed_in = grant.id_token.as_deref().and_then(signed_in).ok_or_else(|| {
            Error::denied("Google did not say which account signed in").hint("run the command again")
        })?;
        if let Some(account) = account
            && account.key() != signed_in.key()
        {
            return Err(Error::denied(format!("`{signed_in}` signed in, not `{account}`"))
                .hint("run the command again and choose that account, in a private window if need be"));
        }
        let granted = scope::granted(grant.scopes.iter().map(String::as_str));
        let missing = Ability::missing(&self.abilities, &granted);
        if !missing.is_empty() {
            let words = Ability::in_words(&missing);
            return Err(Error::denied(format!("`{signed_in}` did not allow: {words}"))
                .hint("run the command again and tick every box, or ask for less with `--ability`"));
        }
        let refresh_token = grant.refresh_token.ok_or_else(|| {
            Error::denied("Google gave no lasting permission")
                .hint("remove the app at https://myaccount.google.com/permissions and run the command again")
        })?;
        Ok(Consented {
            account: signed_in,
            abilities: granted,
            credential: UserCredential { client: self.client.clone(), refresh_token },
            life: grant.consent_life,
        })
    }
}

fn refusal(fault: Fault) -> Error {
    let reason = fault.reason();
    let Fault::Credential(_) = fault else {
        return Error::unavailable(format!("the code could not be exchanged: {reason}"))
            .hint("run the command again");
    };
    let said = |error: &str| reason.starts_with(error);
    if said("invalid_grant") {
        return Error::denied("Google does not take the code: it has expired or was used before")
            .hint("run the command again and bring the answer back within ten minutes");
    }
    if said("redirect_uri_mismatch") {
        return Error::denied("Google does not send people back to this machine for this OAuth client")
            .hint("create the OAuth client as a Desktop app");
    }
    if said("invalid_client") || said("unauthorized_client") {
        return Error::denied("Google does not know the OAuth client, or its secret has changed")
            .hint("download the client's JSON again from the Google Cloud console");
    }
    Error::denied(format!("Google refused the code: {reason}")).hint("run the command again")
}

/// Reads the address from the ID token. It came straight from the token endpoint, so that its
/// signature says nothing new (OpenID Connect Core, section 3.1.3.7).
fn signed_in(id_token: &str) -> Option<EmailAddress> {
    #[derive(Deserialize)]
    struct Claims {
        email: String,
    }
    let payload = URL_SAFE_NO_PAD.decode(id_token.split('.').nth(1)?).ok()?;
    let claims: Claims = serde_json::from_slice(&payload).ok()?;
    EmailAddress::parse(&claims.email).ok()
}

/// Takes a person's consent back at Google.
///
/// # Errors
/// `Config` when the credential is none of a person; `Unavailable` when Google does not answer.
pub async fn revoke(workspace: &Workspace, credential: &Secret) -> Result<()> {
    let credential = UserCredential::parse(credential)?;
    let revoked = workspace.oauth()?.revoke(&credential.refresh_token).await;
    revoked.map_err(|fault| {
        Error::unavailable(format!("the consent could not be revoked: {}", fault.reason()))
            .hint("try again, or remove the app at https://myaccount.google.com/permissions")
    })
}
