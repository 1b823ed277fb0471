//! Signing in to the status page: a password, then a code where the user has one or must have one.
//!
//! Whatever is wrong (no such address, no password, disabled, locked, wrong password) is answered in the
//! same words after the same work. A try is counted before the password is looked at, in one transaction
//! with the question whether the user is locked, so that no flood of tries gets past the limit.
//! Browsers that have signed in before are counted apart: see `ops::known`.

use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use crate::app::App;
use crate::ops::Subject;
use crate::ops::access::known::{self, Browser};
use crate::ops::access::password;
use crate::ops::access::session::{self, Begun, Client, Owner};
use crate::ops::access::totp;
use crate::ops::access::user as users;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::secret::Secret;
use nexora_core::base::text::Json;
use nexora_core::base::token::PurposeKey;
use nexora_core::base::{Error, Result};
use nexora_core::model::UserId;
use nexora_core::model::address::EmailAddress;
use nexora_core::model::audit::{Actor, Entry};
use nexora_core::model::sign_in::{Required, SignIn};
use nexora_core::model::user::{User, UserState};
use nexora_engine::access::lockout::{Rules, Tries};
use nexora_engine::access::totp as codes;
use nexora_store::audit::{self, Change};
use nexora_store::{Conn, password_link, sign_in, user};

/// What became of a step.
#[derive(Debug)]
pub enum SignInStep {
    In(Box<Begun>),
    /// The password was right; a code is wanted, together with this token.
    Code(String),
    Refused(Refusal),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Address or password; which of them is not told.
    Wrong,
    WrongCode,
    /// The second step came too late, or from elsewhere: begin anew.
    Begin,
    /// Two-step sign-in is required, and the user has none.
    Unenrolled(EmailAddress),
}

/// How long a user may take to type the code.
const STEP_TIME: Duration = Duration::from_mins(5);
const EVENTS_SHOWN: i64 = 10;

/// Takes the first step. `before` is what the browser held before it signed in.
///
/// # Errors
/// `Unavailable` when the database cannot be reached, or too many others are signing in.
pub async fn with_password(
    app: &App,
    email: &str,
    typed: &Secret,
    client: &Client,
    before: &str,
) -> Result<SignInStep> {
    let email: Option<EmailAddress> = email.trim().parse().ok();
    let Some((user, counted)) = count(app, email.as_ref(), client).await? else {
        password::is_right(typed, None, (Browser::Strange, &client.address)).await?;
        let subject = email.map_or_else(|| "unknown".to_owned(), |email| email.to_string());
        app.db.write(fail(app, subject, client, "not let in", None)).await?;
        return Ok(SignInStep::Refused(Refusal::Wrong));
    };
    let right =
        password::is_right(typed, user.password_hash.as_deref(), (counted.browser, &client.address)).await?;
    if !right {
        let lock = counted.after.locked_until;
        app.db.write(fail(app, user.email.to_string(), client, "password", lock)).await?;
        return Ok(SignInStep::Refused(Refusal::Wrong));
    }
    let id = user.id.clone();
    let standing = app.db.read(move |conn| sign_in::find(conn, &id)).await?;
    if standing.totp_sealed.is_some() {
        let id = user.id.clone();
        app.db.write(move |conn| give_back(conn, &id, &counted)).await?;
        return Ok(SignInStep::Code(step_token(app, &user, before)));
    }
    if is_required(app.config.sessions.required()?, &user) {
        let id = user.id.clone();
        app.db.write(move |conn| give_back(conn, &id, &counted)).await?;
        app.db.write(fail(app, user.email.to_string(), client, "no two-step sign-in", None)).await?;
        return Ok(SignInStep::Refused(Refusal::Unenrolled(user.email)));
    }
    begin(app, user, client, None).await
}

/// Takes the second step: a code of the authenticator, or a recovery code.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn with_code(
    app: &App,
    step: &str,
    typed: &str,
    client: &Client,
    before: &str,
) -> Result<SignInStep> {
    let Some(user) = user_of_step(app, step, before).await? else {
        return Ok(SignInStep::Refused(Refusal::Begin));
    };
    let id = user.id.clone();
    let standing = app.db.read(move |conn| sign_in::find(conn, &id)).await?;
    let Some(secret) = totp::secret(app, &standing)? else { return Ok(SignInStep::Refused(Refusal::Begin)) };
    let code = Code {
        step: codes::check(&secret, typed, app.clock.now(), 0)?,
        recovery: totp::hash_recovery(&app.key, &user.id, typed),
        sealed: standing.totp_sealed,
    };
    begin(app, user, client, Some(code)).await
}

/// What a typed code could be.
struct Code {
    step: Option<i64>,
    recovery: String,
    /// The secret against which it was checked.
    sealed: Option<Vec<u8>>,
}

/// Settles the last step: one transaction looks whether the code is good and unused, counts a failure or
/// forgets them all, and stores the session.
async fn begin(app: &App, user: User, client: &Client, code: Option<Code>) -> Result<SignInStep> {
    let now = app.clock.now();
    let rules = rules(app);
    let mut begun =
        session::make(app, Owner::User(user.id.clone()), client, now + app.config.sessions.lifetime())?;
    begun.known = Some(known::mark(app, &user));
    let browser = known::browser(known::read(app, client).as_ref(), &user);
    let (new, address) = (begun.session.clone(), client.address.clone());
    let (is_noted, ledger) = (app.failure_notes.clone(), app.ledger.clone());
    let taken = app.db.write(move |conn| {
        let mut standing = sign_in::find_for_change(conn, &user.id)?;
        let subject = user.email.to_string();
        let entry = |action, how: &str, until: Option<Timestamp>| {
            let after = Json::of(&json!({ "address": address, "how": how, "locked_until": until }))?;
            let actor = Actor::User(subject.clone());
            Ok::<_, Error>(Change { after: Some(after), ..Change::new(actor, action, &subject) })
        };
        // What was checked outside this transaction may have changed since.
        let same = user::find(conn, &user.id)?.is_some_and(|now| now.updated_at == user.updated_at);
        let how = match code {
            _ if !same => None,
            None => Some("password"),
            Some(_) if tries(&standing, browser).is_locked(now) => None,
            Some(code) => take(&mut standing, &code)?,
        };
        let Some(how) = how else {
            let failed = tries(&standing, browser).after_failure(now, &rules);
            set(&mut standing, browser, failed);
            sign_in::save(conn, &standing)?;
            let until = failed.locked_until;
            let (action, is_noted) = match until {
                Some(_) => ("auth.lockout", is_noted.take_lockout(now)),
                None => ("auth.failure", is_noted.take(now)),
            };
            match is_noted {
                true => audit::append(conn, &ledger, None, entry(action, "code", until)?, now)?,
                false => sign_in::count_uncounted(conn, now)?,
            }
            return Ok(false);
        };
        set(&mut standing, browser, Tries::default());
        standing.last_at = Some(now);
        sign_in::save(conn, &standing)?;
        nexora_store::session::insert(conn, &new)?;
        audit::append(conn, &ledger, None, entry("auth.sign_in", how, None)?, now)?;
        Ok(true)
    });
    Ok(if taken.await? { SignInStep::In(Box::new(begun)) } else { SignInStep::Refused(Refusal::WrongCode) })
}

/// Uses the code up; says what it was, or nothing when it is not good.
fn take(standing: &mut SignIn, code: &Code) -> Result<Option<&'static str>> {
    if standing.totp_sealed != code.sealed {
        return Ok(None);
    }
    if let Some(step) = code.step.filter(|step| *step > standing.totp_step) {
        standing.totp_step = step;
        return Ok(Some("code"));
    }
    let mut left: Vec<String> = standing.recovery.read()?;
    let Some(place) = left.iter().position(|hash| *hash == code.recovery) else { return Ok(None) };
    left.remove(place);
    standing.recovery = Json::of(&left)?;
    Ok(Some("recovery code"))
}

/// A try that was counted before it was judged.
struct Counted {
    browser: Browser,
    before: Tries,
    after: Tries,
}

/// Counts a try of a user who may try; nothing when the user may not. That is counted as well, so that it takes as
/// long: a commit is what a try waits for most.
async fn count(app: &App, email: Option<&EmailAddress>, client: &Client) -> Result<Option<(User, Counted)>> {
    let key = email.map(EmailAddress::key);
    let (now, rules, mark) = (app.clock.now(), rules(app), known::read(app, client));
    let count = app.db.write(move |conn| {
        let found = key.map(|key| user::find_by_email(conn, &key)).transpose()?.flatten();
        let Some(user) = found.filter(|user| user.state == UserState::Active) else {
            return sign_in::count_uncounted(conn, now).map(|()| None);
        };
        let mut standing = sign_in::find_for_change(conn, &user.id)?;
        let browser = known::browser(mark.as_ref(), &user);
        let before = tries(&standing, browser);
        if before.is_locked(now) {
            return sign_in::count_uncounted(conn, now).map(|()| None);
        }
        let after = before.after_failure(now, &rules);
        set(&mut standing, browser, after);
        sign_in::save(conn, &standing)?;
        Ok(Some((user, Counted { browser, before, after })))
    });
    count.await
}

/// Tells whether a user who is signed in knows their password, as a try to sign in that is counted and recorded.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub(super) async fn confirm(app: &App, user: &User, typed: &Secret, client: &Client) -> Result<bool> {
    let Some((found, counted)) = count(app, Some(&user.email), client).await? else { return Ok(false) };
    let hash = found.password_hash.as_deref();
    let right = password::is_right(typed, hash, (counted.browser, &client.address)).await?;
    match right {
        true => app.db.write(move |conn| give_back(conn, &found.id, &counted)).await?,
        false => {
            let lock = counted.after.locked_until;
            app.db.write(fail(app, found.email.to_string(), client, "password, to change it", lock)).await?;
        }
    }
    Ok(right)
}

/// Takes a counted try back: the password was right, and more is asked for.
fn give_back(conn: &mut Conn, id: &UserId, counted: &Counted) -> Result<()> {
    let mut standing = sign_in::find_for_change(conn, id)?;
    if tries(&standing, counted.browser) == counted.after {
        set(&mut standing, counted.browser, counted.before);
        sign_in::save(conn, &standing)?;
    }
    Ok(())
}

/// Returns the write that records a failure, or only counts it when there were too many.
fn fail(
    app: &App,
    subject: String,
    client: &Client,
    reason: &str,
    lock: Option<Timestamp>,
) -> impl FnOnce(&mut Conn) -> Result<()> + Send + 'static {
    let (now, ledger) = (app.clock.now(), app.ledger.clone());
    let after = Json::of(&json!({ "address": client.address, "how": reason, "locked_until": lock }));
    let is_noted = match lock {
        Some(_) => app.failure_notes.take_lockout(now),
        None => app.failure_notes.take(now),
    };
    move |conn| {
        if !is_noted {
            return sign_in::count_uncounted(conn, now);
        }
        let action = if lock.is_some() { "auth.lockout" } else { "auth.failure" };
        let change = Change::new(Actor::System("sign-in"), action, subject);
        audit::append(conn, &ledger, None, Change { after: Some(after?), ..change }, now)
    }
}

fn is_required(required: Required, user: &User) -> bool {
    match required {
        Required::Nobody => false,
        Required::Operators => user.operator,
        Required::Everybody => true,
    }
}

/// Says whose password was right, in which browser, until when; it ends when the user changes.
fn step_token(app: &App, user: &User, before: &str) -> String {
    let until = app.clock.now() + STEP_TIME;
    let key = step_key(app);
    let changed = user.updated_at.millis();
    key.sign(&format!("{}.{}.{changed}.{}", user.id, until.millis(), key.hash(before)))
}

async fn user_of_step(app: &App, step: &str, before: &str) -> Result<Option<User>> {
    let key = step_key(app);
    let Some(body) = key.open(step) else { return Ok(None) };
    let parts: Vec<&str> = body.split('.').collect();
    let [id, until, changed, browser] = parts.as_slice() else { return Ok(None) };
    let numbers = (until.parse::<i64>(), changed.parse::<i64>());
    let (Ok(id), (Ok(until), Ok(changed))) = (UserId::parse(id), numbers) else {
        return Ok(None);
    };
    if Timestamp::from_millis(until) <= app.clock.now() || *browser != key.hash(before) {
        return Ok(None);
    }
    let found = app.db.read(move |conn| user::find(conn, &id)).await?;
    let same = |user: &User| user.updated_at.millis() == changed && user.state == UserState::Active;
    Ok(found.filter(same))
}

fn step_key(app: &App) -> PurposeKey {
    PurposeKey::new(&app.key, "sign-in step")
}

/// Lets a user try again at once.
///
/// # Errors
/// `NotFound` when there is no such user.
pub async fn unlock(app: &App, actor: &Actor, email: &EmailAddress) -> Result<()> {
    let email = email.clone();
    app.administer(actor, "user.unlock", move |conn, _| {
        let found = user::find_by_email(conn, &email.key())?.ok_or_else(|| users::no_such_user(&email))?;
        let mut standing = sign_in::find_for_change(conn, &found.id)?;
        set(&mut standing, Browser::Strange, Tries::default());
        set(&mut standing, Browser::Known, Tries::default());
        sign_in::save(conn, &standing)?;
        Ok(((), Subject::new(&email)))
    })
    .await
}

/// How a user stands, as an operator sees it.
#[derive(Clone, Debug, Serialize)]
pub struct Standing {
    pub failures: i32,
    pub locked_until: Option<Timestamp>,
    /// Browsers that have signed in before stand by themselves.
    pub known_failures: i32,
    pub known_locked_until: Option<Timestamp>,
    pub has_totp: bool,
    pub recovery_codes_left: usize,
    pub last_sign_in_at: Option<Timestamp>,
    /// Until when a link works by which they set a password, where there is one.
    pub link_ends_at: Option<Timestamp>,
    /// What became of the last tries, latest first.
    pub events: Vec<Entry>,
}

/// Returns how a user stands.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn standing(app: &App, user: &User) -> Result<Standing> {
    let (id, subject, now) = (user.id.clone(), user.email.to_string(), app.clock.now());
    app.db
        .read(move |conn| {
            let standing = sign_in::find(conn, &id)?;
            let link = password_link::find(conn, &id)?.filter(|link| link.is_open(now));
            Ok(Standing {
                link_ends_at: link.map(|link| link.expires_at),
                failures: standing.failures,
                locked_until: standing.locked_until.filter(|until| *until > now),
                known_failures: standing.known_failures,
                known_locked_until: standing.known_locked_until.filter(|until| *until > now),
                has_totp: standing.totp_sealed.is_some(),
                recovery_codes_left: standing.recovery.read::<Vec<String>>()?.len(),
                last_sign_in_at: standing.last_at,
                events: audit::list_of(conn, &subject, "auth.", EVENTS_SHOWN)?,
            })
        })
        .await
}

fn rules(app: &App) -> Rules {
    let settings = &app.config.sessions;
    let limit = u32::try_from(settings.failure_limit).unwrap_or(u32::MAX);
    Rules { limit, first: settings.lock_first(), ceiling: settings.lock_ceiling() }
}

fn tries(standing: &SignIn, browser: Browser) -> Tries {
    let (failures, failed_at, locked_until, locked_at) = match browser {
        Browser::Strange => {
            (standing.failures, standing.failed_at, standing.locked_until, standing.locked_at)
        }
        Browser::Known => (
            standing.known_failures,
            standing.known_failed_at,
            standing.known_locked_until,
            standing.known_locked_at,
        ),
    };
    Tries { failures: u32::try_from(failures).unwrap_or(0), failed_at, locked_until, locked_at }
}

fn set(standing: &mut SignIn, browser: Browser, tries: Tries) {
    let failures = i32::try_from(tries.failures).unwrap_or(i32::MAX);
    match browser {
        Browser::Strange => {
            standing.failures = failures;
            standing.failed_at = tries.failed_at;
            standing.locked_until = tries.locked_until;
            standing.locked_at = tries.locked_at;
        }
        Browser::Known => {
            standing.known_failures = failures;
            standing.known_failed_at = tries.failed_at;
            standing.known_locked_until = tries.locked_until;
            standing.known_locked_at = tries.locked_at;
        }
    }
}
