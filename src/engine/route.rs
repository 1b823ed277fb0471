//! Which of a tenant's connections carries an effect.
//!
//! A mail to a customer goes out of the tenant's own mailbox, so that the reply comes back to it; an
//! alert to the owner goes by a relay, since a mail from one's own mailbox to itself alerts nobody.
//! Where the preferred kind is missing, the other serves. What the owner should hear goes by whatever
//! does not fail now; what is for customers waits until their connection goes on.

use crate::base::{Error, Result};
use crate::model::connection::{Connection, ConnectionState};
use crate::model::connector::{ConnectionKind, Connections, KindFacts};
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
pub fn for_mail<'a>(
    connections: Connections<'a>,
    audience: Audience,
    via: Option<&ConnectionKind>,
) -> Result<&'a Connection> {
    let mut order = carriers(connections, EffectKind::SendMail);
    order.retain(|facts| via.is_none_or(|kind| facts.kind == *kind));
    order.sort_by_key(|facts| match audience {
        Audience::Customer => !facts.is_mailbox,
        Audience::Owner => facts.is_mailbox,
    });
    let works = |connection: &Connection| {
        audience == Audience::Customer || connection.state != ConnectionState::Failing
    };
    let first =
        |fits: &dyn Fn(&Connection) -> bool| order.iter().find_map(|facts| connections.first_of(facts, fits));
    first(&works).or_else(|| first(&|_| true)).ok_or_else(|| missing(connections, EffectKind::SendMail))
}

/// Chooses the connection for a calendar entry, a sheet row, or a mail that has to lie in a mailbox.
///
/// # Errors
/// `Conflict` when the tenant has no connection that can carry it.
pub fn for_account(connections: Connections<'_>, kind: EffectKind) -> Result<&Connection> {
    let mut order = carriers(connections, kind);
    order.retain(|facts| facts.is_mailbox || kind != EffectKind::SendMail);
    let found = order.iter().find_map(|facts| connections.first_of(facts, |_| true));
    found.ok_or_else(|| missing(connections, kind))
}

/// Chooses the receiver of a webhook: the one of this name, or the first.
///
/// # Errors
/// `Conflict` when the tenant has no such receiver.
pub fn for_webhook<'a>(connections: Connections<'a>, name: Option<&str>) -> Result<&'a Connection> {
    let is_wanted = |connection: &Connection| name.is_none_or(|name| connection.name == name);
    let order = carriers(connections, EffectKind::PostWebhook);
    order.iter().find_map(|facts| connections.first_of(facts, is_wanted)).ok_or_else(|| {
        let message = match name {
            Some(name) => format!("no receiver of webhooks is called `{name}`"),
            None => "there is no receiver of webhooks".to_owned(),
        };
        Error::conflict(message).hint("run `nexora connection add webhook`")
    })
}

fn carriers(connections: Connections<'_>, effect: EffectKind) -> Vec<&'static KindFacts> {
    connections.kinds().iter().filter(|facts| facts.can_carry(effect)).collect()
}

fn missing(connections: Connections<'_>, effect: EffectKind) -> Error {
    let commands = carriers(connections, effect).into_iter();
    let commands: Vec<String> =
        commands.map(|facts| format!("`nexora connection add {}`", facts.kind)).collect();
    Error::conflict(format!("no connection can carry `{effect}`"))
        .hint(format!("run {}", commands.join(" or ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Timestamp;
    use crate::base::text::Json;
    use crate::model::TenantId;
    use crate::model::connector::samples::{GOOGLE, SMTP, kinds};

    fn connection(facts: &KindFacts) -> Connection {
        let now = Timestamp::from_millis(0);
        let kind = facts.kind.clone();
        Connection::new(&TenantId::new(now), kind.clone(), kind.name(), Json::empty_object(), now)
    }

    #[test]
    fn mail_goes_by_the_preferred_kind_or_by_what_there_is() {
        let kinds = kinds();
        let both = [connection(&SMTP), connection(&GOOGLE)];
        let kind = |connections: &[Connection], audience, via: Option<&KindFacts>| {
            let connections = Connections::new(connections, &kinds);
            for_mail(connections, audience, via.map(|facts| &facts.kind)).map(|found| found.kind.clone()).ok()
        };
        assert_eq!(kind(&both, Audience::Customer, None), Some(GOOGLE.kind.clone()));
        assert_eq!(kind(&both, Audience::Owner, None), Some(SMTP.kind.clone()));
        assert_eq!(kind(&both, Audience::Owner, Some(&GOOGLE)), Some(GOOGLE.kind.clone()));
        assert_eq!(kind(&both[..1], Audience::Customer, None), Some(SMTP.kind.clone()));
        assert_eq!(kind(&both[..1], Audience::Customer, Some(&GOOGLE)), None);
        assert_eq!(kind(&[], Audience::Owner, None), None);
        let relay = Connections::new(&both[..1], &kinds);
        let error = for_account(relay, EffectKind::AppendRow).unwrap_err();
        assert_eq!(error.hint_text(), Some("run `nexora connection add google`"));
        assert!(for_account(relay, EffectKind::SendMail).is_err(), "a relay keeps no conversation");
    }

    #[test]
    fn what_the_owner_should_hear_goes_by_what_does_not_fail() {
        let kinds = kinds();
        let mut both = [connection(&SMTP), connection(&GOOGLE)];
        both[0].state = ConnectionState::Failing;
        let kind = |audience, connections: &[Connection]| {
            for_mail(Connections::new(connections, &kinds), audience, None).unwrap().kind.clone()
        };
        assert_eq!(kind(Audience::Owner, &both), GOOGLE.kind);
        both[1].state = ConnectionState::Failing;
        assert_eq!(kind(Audience::Owner, &both), SMTP.kind, "nothing works: it waits as usual");
        assert_eq!(kind(Audience::Customer, &both), GOOGLE.kind, "it waits for the tenant's own mailbox");
    }
}
