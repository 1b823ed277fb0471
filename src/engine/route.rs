//! Which of a tenant's connections carries an effect.
//!
//! A mail to a customer goes out of the tenant's own mailbox, so that the reply comes back to it; an
//! alert to the owner goes by SMTP, since a mail from a mailbox to itself raises no alert.
//! Where the preferred kind is missing, the other serves. What the owner should hear goes by whatever
//! does not fail now; what is for customers waits until their connection goes on.

use nexora_core::base::{Error, Result};
use nexora_core::model::connection::{Connection, ConnectionKind, ConnectionState};
use nexora_core::model::effect::EffectKind;

/// Chooses the connection for a mail to a customer; `via` insists on one kind.
///
/// # Errors
/// `Conflict` when the tenant has no connection that can carry it.
pub fn for_customer(connections: &[Connection], via: Option<ConnectionKind>) -> Result<&Connection> {
    let order = order(via, [ConnectionKind::Google, ConnectionKind::Smtp]);
    first_of(connections, &order, |_| true).ok_or_else(no_mail)
}

/// Chooses the connection for a mail to the business, one that works if there is one; `via` insists
/// on one kind.
///
/// # Errors
/// `Conflict` when the tenant has no connection that can carry it.
pub fn for_owner(connections: &[Connection], via: Option<ConnectionKind>) -> Result<&Connection> {
    let order = order(via, [ConnectionKind::Smtp, ConnectionKind::Google]);
    let works = |connection: &Connection| connection.state != ConnectionState::Failing;
    first_of(connections, &order, works)
        .or_else(|| first_of(connections, &order, |_| true))
        .ok_or_else(no_mail)
}

/// Chooses the connection for a calendar entry or a sheet row.
///
/// # Errors
/// `Conflict` when the tenant has no Google connection.
pub fn for_google(connections: &[Connection], kind: EffectKind) -> Result<&Connection> {
    first_of(connections, &[ConnectionKind::Google], |_| true).ok_or_else(|| {
        Error::conflict(format!("no connection can carry `{kind}`"))
            .hint("run `nexora connection create google`")
    })
}

/// Chooses the receiver of a webhook: the one of this name, or the first.
///
/// # Errors
/// `Conflict` when the tenant has no such receiver.
pub fn for_webhook<'a>(connections: &'a [Connection], name: Option<&str>) -> Result<&'a Connection> {
    let is_wanted = |connection: &Connection| name.is_none_or(|name| connection.name == name);
    first_of(connections, &[ConnectionKind::Webhook], is_wanted).ok_or_else(|| {
        let message = match name {
            Some(name) => format!("no receiver of webhooks is called `{name}`"),
            None => "there is no receiver of webhooks".to_owned(),
        };
        Error::conflict(message).hint("run `nexora connection create webhook`")
    })
}

fn order(via: Option<ConnectionKind>, preferred: [ConnectionKind; 2]) -> Vec<ConnectionKind> {
    via.map_or_else(|| preferred.to_vec(), |kind| vec![kind])
}

fn no_mail() -> Error {
    Error::conflict(format!("no connection can carry `{}`", EffectKind::SendMail))
        .hint("run `nexora connection create smtp` or `nexora connection create google`")
}

fn first_of<'a>(
    connections: &'a [Connection],
    order: &[ConnectionKind],
    fits: impl Fn(&Connection) -> bool,
) -> Option<&'a Connection> {
    let first = |kind| connections.iter().find(|connection| connection.kind == kind && fits(connection));
    order.iter().copied().find_map(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nexora_core::base::clock::Timestamp;
    use nexora_core::base::text::Json;
    use nexora_core::model::TenantId;

    fn connection(kind: ConnectionKind) -> Connection {
        let now = Timestamp::from_millis(0);
        Connection::new(&TenantId::new(now), kind, kind.name(), Json::empty_object(), now)
    }

    #[test]
    fn mail_goes_by_the_preferred_kind_or_by_what_there_is() {
        use ConnectionKind::{Google, Smtp};
        let both = [connection(Smtp), connection(Google)];
        let kind = |found: Result<&Connection>| found.map(|found| found.kind).ok();
        assert_eq!(kind(for_customer(&both, None)), Some(Google));
        assert_eq!(kind(for_owner(&both, None)), Some(Smtp));
        assert_eq!(kind(for_owner(&both, Some(Google))), Some(Google));
        assert_eq!(kind(for_customer(&both[..1], None)), Some(Smtp));
        assert_eq!(kind(for_customer(&both[..1], Some(Google))), None);
        assert_eq!(kind(for_owner(&[], None)), None);
        assert!(for_google(&both[..1], EffectKind::AppendRow).is_err());
    }

    #[test]
    fn what_the_owner_should_hear_goes_by_what_does_not_fail() {
        let mut both = [connection(ConnectionKind::Smtp), connection(ConnectionKind::Google)];
        both[0].state = ConnectionState::Failing;
        assert_eq!(for_owner(&both, None).unwrap().kind, ConnectionKind::Google);
        both[1].state = ConnectionState::Failing;
        let (owner, customer) = (for_owner(&both, None).unwrap(), for_customer(&both, None).unwrap());
        assert_eq!(owner.kind, ConnectionKind::Smtp, "nothing works: it waits as usual");
        assert_eq!(customer.kind, ConnectionKind::Google, "it waits for the tenant's own mailbox");
    }
}
