//! A browser of the status page: it keeps cookies, follows no redirects, and fills in forms.

use std::collections::BTreeMap;

use nexora::app::App;
use nexora::ops::access::totp;
use nexora::ops::access::user;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::secret::Secret;
use nexora_core::model::address::EmailAddress;
use nexora_core::model::audit::Actor;
use nexora_core::model::tenant::Tenant;
use nexora_core::model::user::Role;
use reqwest::{Client, RequestBuilder, StatusCode};
use totp_rs::Builder;

pub const PASSWORD: &str = "correct horse battery";

/// What came back, with its text.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub location: String,
    pub cookies: Vec<String>,
    pub text: String,
}

pub struct Visitor {
    client: Client,
    base: String,
    pub jar: BTreeMap<String, String>,
}

impl Visitor {
    pub fn new(base: &str) -> Visitor {
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Visitor { client, base: base.to_owned(), jar: BTreeMap::new() }
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        let request = self.client.get(format!("{}{path}", self.base));
        self.send(request).await
    }

    /// Asks as an open page does that brings itself up to date.
    pub async fn refresh(&mut self, path: &str) -> Answer {
        let request = self.client.get(format!("{}{path}", self.base)).header("x-nexora-refresh", "1");
        self.send(request).await
    }

    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
        let mut request = self.client.post(format!("{}{path}", self.base)).form(fields);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request).await
    }

    async fn send(&mut self, request: RequestBuilder) -> Answer {
        let jar: Vec<String> = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer =
            request.header("cookie", jar.join("; ")).header("accept", "text/html").send().await.unwrap();
        let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let set = answer.headers().get_all("set-cookie").iter();
        let cookies: Vec<String> = set.map(|value| value.to_str().unwrap().to_owned()).collect();
        for line in &cookies {
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            match value {
                "" => drop(self.jar.remove(name)),
                _ => drop(self.jar.insert(name.to_owned(), value.to_owned())),
            }
        }
        let (status, location) = (answer.status(), header("location").unwrap_or_default());
        Answer { status, location, cookies, text: answer.text().await.unwrap() }
    }

    /// Asks for the form and sends it with these fields besides its own.
    pub async fn fill_in(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let page = self.get(path).await;
        let token = hidden(&page.text, "token");
        self.post(path, &[fields, &[("token", token.as_str())]].concat(), &[]).await
    }

    pub async fn sign_in(&mut self, email: &str, password: &str) -> Answer {
        self.fill_in("/status/sign-in", &[("email", email), ("password", password)]).await
    }

    /// Takes the second step, which `asked` asks for.
    pub async fn give_code(&mut self, asked: &Answer, code: &str) -> Answer {
        let (token, step) = (hidden(&asked.text, "token"), hidden(&asked.text, "step"));
        let fields = [("token", token.as_str()), ("step", step.as_str()), ("code", code)];
        self.post("/status/sign-in", &fields, &[]).await
    }
}

/// Returns the value of a hidden field.
pub fn hidden(html: &str, name: &str) -> String {
    let (_, rest) = html.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or(("", "\""));
    rest.split('"').next().unwrap().to_owned()
}

/// Makes a user who can sign in: with a role in the tenant, or an operator.
pub async fn user(app: &App, email: &str, tenant: Option<(&Tenant, Role)>) -> EmailAddress {
    let actor = Actor::Operator("tester".into());
    let email: EmailAddress = email.parse().unwrap();
    let grant = match tenant {
        Some((tenant, role)) => user::Grant::Member(Box::new(tenant.clone()), role),
        None => user::Grant::Operator,
    };
    user::create(app, &actor, email.clone(), None, grant).await.unwrap();
    user::set_password(app, &actor, &email, &Secret::new(PASSWORD)).await.unwrap();
    email
}

/// Gives a user two-step sign-in; returns the secret of the authenticator, and the recovery codes.
pub async fn enrol(app: &App, email: &EmailAddress) -> (String, Vec<String>) {
    let actor = Actor::Operator("tester".into());
    let told = totp::begin(app, &actor, email).await.unwrap();
    let secret = told.secret.expose().to_owned();
    let code = code(&secret, app.clock.now());
    (secret, totp::confirm(app, &actor, email, &code).await.unwrap())
}

/// Returns what an authenticator shows at a moment.
pub fn code(secret: &str, at: Timestamp) -> String {
    let secret = totp_rs::Secret::try_from_base32(secret).unwrap();
    let totp = Builder::new().with_secret(secret).build().unwrap();
    totp.generate(u64::try_from(at.millis() / 1_000).unwrap()).to_string()
}
