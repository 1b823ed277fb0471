//! Which of a tenant's connections carries an effect.
//!
//! A mail to a customer goes out of the tenant's own mailbox, so that the reply comes back to it; an
//! alert to the owner goes by SMTP, since a mail from one's own mailbox to itself alerts nobody.
//! Where the preferred kind is missing, the other serves. What the owner should hear goes by whatever
//! does not fail now; what is for customers waits until their connection goes on.

use crate::base::{Error, Result};
use crate::model::connection::{Connection, ConnectionKind, ConnectionState};
use crate::model::effect::EffectKind;

/// Who a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    Customer,
    Owner,
}

/// Chooses the connection for a mail; `via` insists on one kind.
///
/// # Errors
/// `Conflict` when the tenant has no connection that can carry it.
pub fn for_mail(
    connections: &[Connection],
    audience: Audience,
    via: Option<ConnectionKind>,
) -> Result<&Connection> {
    let order = match (via, audience) {
        (Some(kind), _) => vec![kind],
        (None, Audience::Customer) => vec![ConnectionKind::Google, ConnectionKind::Smtp],
        (None, Audience::Owner) => vec![ConnectionKind::Smtp, ConnectionKind::Google],
    };
    let works = |connection: &Connection| {
        audience == Audience::Customer || connection.state != ConnectionState::Failing
    };
    first_of(connections, &order, works).or_else(|| first_of(connections, &order, |_| true)).ok_or_else(
        || {
            Error::conflict(format!("no connection can carry `{}`", EffectKind::SendMail))
                .hint("run `nexora connection create smtp` or `nexora connection create google`")
        },
    )
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
    use crate::base::clock::Timestamp;
    use crate::base::text::Json;
    use crate::model::TenantId;

    fn connection(kind: ConnectionKind) -> Connection {
        let now = Timestamp::from_millis(0);
        Connection::new(&TenantId::new(now), kind, kind.name(), Json::empty_object(), now)
    }

    #[test]
    fn mail_goes_by_the_preferred_kind_or_by_what_there_is() {
        use ConnectionKind::{Google, Smtp};
        let both = [connection(Smtp), connection(Google)];
        let kind = |connections: &[Connection], audience, via| {
            for_mail(connections, audience, via).map(|found| found.kind).ok()
        };
        assert_eq!(kind(&both, Audience::Customer, None), Some(Google));
        assert_eq!(kind(&both, Audience::Owner, None), Some(Smtp));
        assert_eq!(kind(&both, Audience::Owner, Some(Google)), Some(Google));
        assert_eq!(kind(&both[..1], Audience::Customer, None), Some(Smtp));
        assert_eq!(kind(&both[..1], Audience::Customer, Some(Google)), None);
        assert_eq!(kind(&[], Audience::Owner, None), None);
        assert!(for_google(&both[..1], EffectKind::AppendRow).is_err());
    }

    #[test]
    fn what_the_owner_should_hear_goes_by_what_does_not_fail() {
        let mut both = [connection(ConnectionKind::Smtp), connection(ConnectionKind::Google)];
        both[0].state = ConnectionState::Failing;
        let kind = |audience, connections: &[Connection]| for_mail(connections, audience, None).unwrap().kind;
        assert_eq!(kind(Audience::Owner, &both), ConnectionKind::Google);
        both[1].state = ConnectionState::Failing;
        assert_eq!(kind(Audience::Owner, &both), ConnectionKind::Smtp, "nothing works: it waits as usual");
        assert_eq!(
            kind(Audience::Customer, &both),
            ConnectionKind::Google,
            "it waits for the tenant's own mailbox"
        );
    }
}
