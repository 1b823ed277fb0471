//! Links by which users set a password without knowing the present one: the invitation of a new user, and the way out for
//! one who has forgotten theirs.
//!
//! A link holds 256 random bits, of which we keep a keyed hash. It is bound to its user, works once and for a while, and ends
//! when a newer one is made, when the password changes otherwise, and when the user is disabled. Looking at its page uses
//! nothing up: programs that look into mails open links, too. The mail with it goes at once and is kept nowhere.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::json;

use crate::app::App;
use crate::domain::alert::letter::{self, Carrier};
use crate::ops::Subject;
use crate::ops::access::password;
use crate::ops::access::session::Client;
use crate::ops::access::user::{self as users, Grant, UserView};
use crate::ops::unit::permit;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::secret::{Secret, random_bytes};
use nexora_core::base::text::Json;
use nexora_core::base::token::PurposeKey;
use nexora_core::base::{Error, Kind, Result};
use nexora_core::model::UserId;
use nexora_core::model::address::EmailAddress;
use nexora_core::model::audit::Actor;
use nexora_core::model::language::{Language, PasswordMail};
use nexora_core::model::password_link::{LinkPurpose, PasswordLink};
use nexora_core::model::principal::{Needs, Noun, Operation, Verb};
use nexora_core::model::tenant::Tenant;
use nexora_core::model::user::{User, UserState};
use nexora_engine::access::lockout::{Rules, Tries};
use nexora_store::audit::{self, Change};
use nexora_store::{Claim, Conn, password_link, session, sign_in, tenant, user};

pub const INVITE: Operation = Operation::new("user.invite", Noun::User, Verb::Create);
const RESET: &str = "user.reset_link";

/// How long an invitation works.
const INVITATION_TIME: Duration = Duration::from_hours(72);
/// How long a link works that an operator makes: they may have to hand it over.
const HANDED_TIME: Duration = Duration::from_hours(24);
/// How long a link works that somebody asked for on the page.
pub const ASKED_TIME: Duration = Duration::from_hours(1);

/// How often a link may be asked for on the page for one user, before further ones bring no mail for a while.
const PER_USER: Rules = Rules { limit: 3, first: Duration::from_mins(15), ceiling: Duration::from_hours(12) };
/// Mails to users that are under way at most.
const UNDER_WAY: usize = 64;

/// A link as an operator is told of it.
#[derive(Clone, Debug, Serialize)]
pub struct MadeLink {
    pub email: EmailAddress,
    pub purpose: LinkPurpose,
    pub expires_at: Timestamp,
    /// Whether a mail took it to the user.
    pub is_mailed: bool,
    /// The link itself, where it was not mailed.
    pub link: Option<String>,
    /// Why it was not mailed, where it should have been.
    pub reason: Option<String>,
    pub hint: Option<String>,
}

/// A user who was invited, with their link; without one where they have a password already.
#[derive(Clone, Debug, Serialize)]
pub struct Invited {
    #[serde(flatten)]
    pub user: UserView,
    pub link: Option<MadeLink>,
}

/// How a link gets to its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handover {
    /// By mail, or where nothing carries one by the operator.
    Mail,
    /// By the operator.
    Print,
}

/// Makes a user, or gives one a further membership, and has them choose their password.
///
/// # Errors
/// `Conflict` when they have what is granted, and a password; `Denied` when a user who is no operator would have to hand
/// over the link.
pub async fn invite(
    app: &App,
    actor: &Actor,
    (email, name): (EmailAddress, Option<String>),
    grant: Grant,
    handover: Handover,
) -> Result<Invited> {
    may_hand_over(app, actor, &grant, handover).await?;
    let key = email.key();
    let before = app.db.read(move |conn| user::find_by_email(conn, &key)).await?;
    let has_password = before.as_ref().is_some_and(|user| user.password_hash.is_some());
    let view = match users::create(app, actor, email.clone(), name, grant.clone()).await {
        Ok(view) => view,
        // Whoever was invited before and has not come is invited anew.
        Err(error)
            if error.kind() == Kind::Conflict && !has_password && is_granted(before.as_ref(), &grant) =>
        {
            users::find(app, &email).await?
        }
        Err(error) if error.kind() == Kind::Conflict && has_password => {
            let hint =
                format!("they have a password; where it is forgotten, run `nexora user reset-link {email}`");
            return Err(Error::conflict(error.message()).hint(hint));
        }
        Err(error) => return Err(error),
    };
    if has_password {
        return Ok(Invited { user: view, link: None });
    }
    let link = match grant {
        Grant::Operator => {
            make_for(app, actor, &email, LinkPurpose::Invitation, (INVITATION_TIME, INVITE.name, handover))
                .await?
        }
        Grant::Member(tenant, role) => {
            let (made, by) = (new_link(app, LinkPurpose::Invitation, INVITATION_TIME)?, actor.clone());
            let (row, wanted) = (made.row.clone(), email.clone());
            let written = app.change(actor, &tenant, INVITE, move |tx, _| {
                users::permit_role(tx, &by, &wanted, Some(role))?;
                let invited = user::find_by_email(tx, &wanted.key())?;
                let invited = invited.ok_or_else(|| users::no_such_user(&wanted))?;
                if user::role_in(tx, &invited.id)? != Some(role) {
                    return Err(Error::conflict(format!("`{wanted}` has another role already"))
                        .hint(format!("run `nexora user set-role {wanted} {role}`")));
                }
                let subject = keep(tx, &invited, row)?;
                Ok((addressee(tx, invited)?, subject))
            });
            let to = written.await?;
            hand_over(app, &to, &made, handover).await
        }
    };
    if link.is_mailed || is_operator(app, actor).await? {
        return Ok(Invited { user: view, link: Some(link) });
    }
    let why = link.reason.unwrap_or_default();
    Err(Error::unavailable(format!("`{email}` is a user now, and could not be written to: {why}"))
        .hint("ask an operator to invite them once more"))
}

/// Makes a link by which a user sets another password, or their first one.
///
/// # Errors
/// `NotFound` when there is no such user; `Conflict` when they are disabled.
pub async fn reset(app: &App, actor: &Actor, email: &EmailAddress, handover: Handover) -> Result<MadeLink> {
    make_for(app, actor, email, LinkPurpose::Reset, (HANDED_TIME, RESET, handover)).await
}

async fn make_for(
    app: &App,
    actor: &Actor,
    email: &EmailAddress,
    purpose: LinkPurpose,
    (time, name, handover): (Duration, &'static str, Handover),
) -> Result<MadeLink> {
    let made = new_link(app, purpose, time)?;
    let (row, email) = (made.row.clone(), email.clone());
    let written = app.administer(actor, name, move |conn, _| {
        let found = user::find_by_email(conn, &email.key())?.ok_or_else(|| users::no_such_user(&email))?;
        if found.state == UserState::Disabled {
            return Err(Error::conflict(format!("`{email}` is disabled"))
                .hint(format!("run `nexora user enable {email}` first")));
        }
        let row = PasswordLink { purpose: purpose_for(&found, row.purpose), ..row };
        let subject = keep(conn, &found, row.clone())?;
        Ok(((addressee(conn, found)?, row), subject))
    });
    let (to, row) = written.await?;
    Ok(hand_over(app, &to, &NewLink { row, ..made }, handover).await)
}

/// Whoever has no password yet is invited, whatever is asked for.
fn purpose_for(found: &User, wanted: LinkPurpose) -> LinkPurpose {
    if found.password_hash.is_none() { LinkPurpose::Invitation } else { wanted }
}

/// Tells whether a user who is there could have been given this by an earlier invitation.
fn is_granted(found: Option<&User>, grant: &Grant) -> bool {
    matches!(grant, Grant::Member(..)) || found.is_some_and(|user| user.operator)
}

/// A link that is not stored yet.
struct NewLink {
    token: Secret,
    row: PasswordLink,
}

fn new_link(app: &App, purpose: LinkPurpose, time: Duration) -> Result<NewLink> {
    let now = app.clock.now();
    let token = Secret::new(URL_SAFE_NO_PAD.encode(random_bytes::<32>()?));
    let row = PasswordLink {
        user_id: UserId::new(now),
        token_hash: Some(hash(app, token.expose())),
        purpose,
        created_at: now,
        expires_at: now + time,
        asked: 0,
        asked_at: None,
        locked_until: None,
    };
    Ok(NewLink { token, row })
}

/// Writes a user's link; what was counted of them stays.
fn keep(conn: &mut Conn, found: &User, row: PasswordLink) -> Result<Subject> {
    let mut row = PasswordLink { user_id: found.id.clone(), ..row };
    if let Some(before) = password_link::find(conn, &found.id)? {
        (row.asked, row.asked_at, row.locked_until) = (before.asked, before.asked_at, before.locked_until);
    }
    password_link::save(conn, &row)?;
    Subject::new(&found.email).after(&json!({ "purpose": row.purpose, "expires_at": row.expires_at }))
}

/// A user with what a mail to them needs.
struct Addressee {
    user: User,
    tenants: Vec<Tenant>,
}

fn addressee(conn: &mut Conn, user: User) -> Result<Addressee> {
    let mut tenants = Vec::new();
    for (id, _) in user::roles_of(conn, &user.id)? {
        tenants.extend(tenant::find(conn, &id)?);
    }
    Ok(Addressee { user, tenants })
}

impl Addressee {
    /// Returns the language of the tenant to which they belong first.
    fn language(&self) -> Language {
        self.tenants.first().and_then(|tenant| tenant.language().ok()).unwrap_or(Language::English)
    }
}

/// Gets a link to its user: by mail, or else in the answer to the operator, with the reason.
async fn hand_over(app: &App, to: &Addressee, made: &NewLink, handover: Handover) -> MadeLink {
    let mailed = match handover {
        Handover::Mail => Some(mail(app, to, made).await),
        Handover::Print => None,
    };
    let failure = mailed.as_ref().and_then(|mailed| mailed.as_ref().err());
    let is_mailed = mailed.as_ref().is_some_and(Result::is_ok);
    MadeLink {
        email: to.user.email.clone(),
        purpose: made.row.purpose,
        expires_at: made.row.expires_at,
        is_mailed,
        link: (!is_mailed).then(|| address(app, &made.token)),
        reason: failure.map(Error::report),
        hint: failure.and_then(Error::hint_text).map(str::to_owned),
    }
}

async fn mail(app: &App, to: &Addressee, made: &NewLink) -> Result<()> {
    let carrier: Carrier = letter::carrier(app, &to.tenants).await?;
    let now = app.clock.now();
    let link = address(app, &made.token);
    let business = to.tenants.first().filter(|_| !to.user.operator).map(|tenant| tenant.name.as_str());
    let told = PasswordMail {
        purpose: made.row.purpose,
        name: Some(to.user.name.as_str()).filter(|name| !name.is_empty()),
        business,
        link: &link,
        hours: made.row.expires_at.since(now).as_secs().div_ceil(3_600),
    };
    let (subject, text) = (to.language().words().password.mail)(&told);
    carrier.send(&to.user.email, (&subject, &text), now).await
}

fn address(app: &App, token: &Secret) -> String {
    format!("{}/status/sign-in/password/{}", app.config.http.public_url.trim_end_matches('/'), token.expose())
}

/// Tells whether there is anything by which users can be written to.
///
/// # Errors
/// `Unavailable` when the database cannot be read.
pub async fn can_mail(app: &App) -> Result<bool> {
    letter::is_possible(app).await
}

/// Takes the wish of somebody at the page for a link. Whoever it is, the same is done before this returns, and nothing tells
/// whether the address is a user's; the rest happens afterwards.
///
/// # Errors
/// `Unavailable` when the database cannot be written, or too many ask at once.
pub async fn ask(app: &Arc<App>, email: &str, client: &Client) -> Result<()> {
    if app.letters.len() >= UNDER_WAY {
        return Err(Error::unavailable("too many people ask for a link at once"));
    }
    let now = app.clock.now();
    app.db.write(move |conn| sign_in::count_uncounted(conn, now)).await?;
    let Ok(email) = email.trim().parse::<EmailAddress>() else { return Ok(()) };
    let (work, client) = (Arc::clone(app), client.clone());
    app.letters.spawn(async move {
        if let Err(error) = answer(&work, &email, &client).await {
            tracing::error!(reason = %error.report(), "a link for a password could not be mailed");
        }
    });
    Ok(())
}

/// Makes and mails the link that was asked for, where the address is a user's who may sign in.
async fn answer(app: &App, email: &EmailAddress, client: &Client) -> Result<()> {
    let made = new_link(app, LinkPurpose::Reset, ASKED_TIME)?;
    let (key, row, from, now) = (email.key(), made.row.clone(), client.address.clone(), app.clock.now());
    let ledger = app.ledger.clone();
    let written = app.db.write(move |conn| {
        let Some(found) = user::find_by_email(conn, &key)?.filter(|user| user.state == UserState::Active)
        else {
            return Ok(None);
        };
        // Others who ask for the same user wait until this is written.
        sign_in::find_for_change(conn, &found.id)?;
        let before = password_link::find(conn, &found.id)?;
        let Some(counted) = counted(before.as_ref(), now) else { return Ok(None) };
        let purpose = purpose_for(&found, row.purpose);
        let mut row = PasswordLink { user_id: found.id.clone(), purpose, ..row };
        (row.asked, row.asked_at, row.locked_until) =
            (i32::try_from(counted.failures).unwrap_or(i32::MAX), counted.failed_at, counted.locked_until);
        // A stranger who asks does not shorten the time that somebody invited has.
        if let Some(invitation) =
            before.filter(|link| link.purpose == LinkPurpose::Invitation && link.is_open(now))
        {
            row.purpose = invitation.purpose;
            row.expires_at = invitation.expires_at.max(row.expires_at);
        }
        password_link::save(conn, &row)?;
        let change = Change {
            after: Some(Json::of(
                &json!({ "address": from, "how": "asked for", "expires_at": row.expires_at }),
            )?),
            ..Change::new(Actor::System("sign-in"), "auth.password_link", &found.email)
        };
        audit::append(conn, &ledger, None, change, now)?;
        Ok(Some((addressee(conn, found)?, row)))
    });
    let Some((to, row)) = written.await? else { return Ok(()) };
    let made = NewLink { row, ..made };
    let Err(error) = mail(app, &to, &made).await else { return Ok(()) };
    let (ledger, subject, reason) = (app.ledger.clone(), to.user.email.clone(), error.report());
    let note = app.db.write(move |conn| {
        let change = Change {
            after: Some(Json::of(&json!({ "how": reason }))?),
            ..Change::new(Actor::System("sign-in"), "auth.password_link_not_mailed", &subject)
        };
        audit::append(conn, &ledger, None, change, now)
    });
    note.await?;
    Err(error)
}

/// Counts a wish for a link; nothing comes back where there were too many, and it brings no mail.
fn counted(before: Option<&PasswordLink>, now: Timestamp) -> Option<Tries> {
    let tries = before.map_or_else(Tries::default, |link| Tries {
        failures: u32::try_from(link.asked).unwrap_or(0),
        failed_at: link.asked_at,
        locked_until: link.locked_until,
        locked_at: None,
    });
    (!tries.is_locked(now)).then(|| tries.after_failure(now, &PER_USER))
}

/// What stands behind a link that works.
#[derive(Clone, Debug)]
pub struct Opened {
    pub email: EmailAddress,
    pub language: Language,
}

/// Looks at a link without using it up; nothing when it does not work.
///
/// # Errors
/// `Unavailable` when the database cannot be read.
pub async fn look(app: &App, token: &str) -> Result<Option<Opened>> {
    let (hash, now) = (hash(app, token), app.clock.now());
    app.db
        .read(move |conn| {
            let Some((_, found)) = open(conn, &hash, now)? else { return Ok(None) };
            let to = addressee(conn, found)?;
            Ok(Some(Opened { language: to.language(), email: to.user.email }))
        })
        .await
}

/// What came of setting a password by a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    Done,
    /// The link has been used, has ended, or never was.
    Dead,
    /// The password has so few characters.
    Short(usize),
}

/// Sets a password by a link, uses the link up, and ends every session of the user.
///
/// # Errors
/// `Unavailable` when the database cannot be reached, or too many others are signing in.
pub async fn take(app: &App, token: &str, new: &Secret, client: &Client) -> Result<Taken> {
    let length = new.expose().chars().count();
    if length < password::LENGTH {
        return Ok(Taken::Short(length));
    }
    // What does not work is not worth a hash.
    if look(app, token).await?.is_none() {
        return Ok(Taken::Dead);
    }
    let password_hash = password::hash(new).await?;
    let (hash, now, from) = (hash(app, token), app.clock.now(), client.address.clone());
    let ledger = app.ledger.clone();
    let write = move |conn: &mut Conn| {
        let Some((link, found)) = open(conn, &hash, now)? else { return Ok(Taken::Dead) };
        if password_link::take(conn, &found.id, &hash)? == Claim::Lost {
            return Ok(Taken::Dead);
        }
        user::set_password_hash(conn, &found.id, &password_hash, now)?;
        session::revoke_of_user(conn, &found.id, now)?;
        unlock(conn, &found.id)?;
        let change = Change {
            after: Some(Json::of(
                &json!({ "address": from, "how": format!("by {} link", article(link.purpose)) }),
            )?),
            ..Change::new(Actor::User(found.email.to_string()), "auth.password_set", &found.email)
        };
        audit::append(conn, &ledger, None, change, now)?;
        Ok(Taken::Done)
    };
    app.db.write(write).await
}

fn article(purpose: LinkPurpose) -> &'static str {
    match purpose {
        LinkPurpose::Invitation => "an invitation's",
        LinkPurpose::Reset => "a reset",
    }
}

/// Ends the lock of tries with the old password. It stays where codes are tried as well: whoever reads a user's mails must
/// not get further tries at those.
fn unlock(conn: &mut Conn, id: &UserId) -> Result<()> {
    let standing = sign_in::find_for_change(conn, id)?;
    if standing.totp_sealed.is_some() {
        return Ok(());
    }
    let mut free = nexora_core::model::sign_in::SignIn::unused(id.clone());
    (free.totp_pending, free.last_at) = (standing.totp_pending, standing.last_at);
    sign_in::save(conn, &free)
}

fn open(conn: &mut Conn, hash: &str, now: Timestamp) -> Result<Option<(PasswordLink, User)>> {
    let link = password_link::find_by_token(conn, hash)?.filter(|link| link.is_open(now));
    let Some(link) = link else { return Ok(None) };
    let found = user::find(conn, &link.user_id)?.filter(|user| user.state == UserState::Active);
    Ok(found.map(|user| (link, user)))
}

/// Refuses to hand a link over to a user who is no operator: whoever has it is the user.
async fn may_hand_over(app: &App, actor: &Actor, grant: &Grant, handover: Handover) -> Result<()> {
    if handover == Handover::Mail && matches!(grant, Grant::Member(..)) || is_operator(app, actor).await? {
        return Ok(());
    }
    Err(Error::denied("only an operator may have the link printed")
        .hint("leave `--print-link` out: it is mailed"))
}

async fn is_operator(app: &App, actor: &Actor) -> Result<bool> {
    let actor = actor.clone();
    let ask = app.db.read(move |conn| match permit(conn, &actor, Needs::Operator, None) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == Kind::Denied => Ok(false),
        Err(error) => Err(error),
    });
    ask.await
}

fn hash(app: &App, token: &str) -> String {
    PurposeKey::new(&app.key, "password link").hash(token)
}
