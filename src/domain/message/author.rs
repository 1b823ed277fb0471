//! Who wrote a mail that came in. The conversation says what a mail is about; who wrote it, its sender alone says.

use nexora_connector::kind::Connectors;
use nexora_core::base::Result;
use nexora_core::model::address::EmailAddress;
use nexora_core::model::mail::{Mail, MailKind};
use nexora_core::model::message::Author;
use nexora_core::model::tenant::Tenant;
use nexora_engine::message::mail_domain;
use nexora_store::{Tx, connection, user};

use crate::domain::CONNECTION_LIMIT;

/// Members of a tenant that are looked at; no business of this kind has more.
const MEMBER_LIMIT: i64 = 500;

/// Returns the address that a mail is from, in the form that matching uses.
pub fn sender(mail: &Mail) -> Option<String> {
    mail.from.as_ref().map(|from| EmailAddress::key_of(&from.address))
}

/// Says who wrote a mail: a machine, the business, a person whose sender the receiving server did not find genuine, or
/// else the customer.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub fn of_mail(tx: &mut Tx, connectors: &Connectors, tenant: &Tenant, mail: &Mail) -> Result<Author> {
    if mail.kind != MailKind::Person {
        return Ok(Author::Machine);
    }
    if mail.is_spoofed {
        return Ok(Author::Unverified);
    }
    let Some(sender) = sender(mail) else { return Ok(Author::Unverified) };
    Ok(if is_business(tx, connectors, tenant, &sender)? { Author::Person } else { Author::Contact })
}

/// Tells whether an address is the business's: its owner's, a user's, an account's, one that an account sends from or
/// that it named, or of a domain of its own. The domain of an address that an account sends from may be somebody else's.
fn is_business(tx: &mut Tx, connectors: &Connectors, tenant: &Tenant, sender: &str) -> Result<bool> {
    let connections = connection::list(tx, CONNECTION_LIMIT)?;
    let accounts = connections.iter().map(|connection| connectors.account(connection));
    let own: Vec<String> =
        accounts.chain([tenant.owner_email.to_string()]).map(|address| address.to_lowercase()).collect();
    for connection in &connections {
        if connection.send_as()?.iter().any(|address| address == sender) {
            return Ok(true);
        }
    }
    let named = tenant.settings()?.own_addresses;
    let is_named = |named: &String| named == sender || Some(named.as_str()) == mail_domain::of(sender);
    if own.iter().any(|address| address == sender) || named.iter().any(is_named) {
        return Ok(true);
    }
    let domain = mail_domain::of(sender).filter(|domain| !mail_domain::is_public(domain));
    if domain.is_some() && own.iter().any(|address| mail_domain::of(address) == domain) {
        return Ok(true);
    }
    let members = user::list_members(tx, MEMBER_LIMIT)?;
    Ok(members.iter().any(|(user, _)| user.email.key() == sender))
}
