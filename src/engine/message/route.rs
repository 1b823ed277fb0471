//! Which of a tenant's connections carries an effect.
//!
//! A mail to a customer goes out of the tenant's own mailbox, so that the reply comes back to it; an
//! alert to the owner goes by a relay, since a mail from a mailbox to itself raises no alert.
//! Where the preferred kind is missing, the other serves; one that an operator chose comes before both. What the owner should hear goes by whatever
//! does not fail now; what is for customers waits until their connection goes on.

use nexora_core::base::{Error, Result};
use nexora_core::model::connection::{Connection, ConnectionState};
use nexora_core::model::connector::{ConnectionKind, Connections, KindFacts};
use nexora_core::model::effect::EffectKind;

/// Chooses the connection for a mail to a customer; `via` insists on one kind.
///
/// # Errors
/// `Conflict` when the tenant has no connection that can carry it.
pub fn for_customer<'a>(
    connections: Connections<'a>,
    via: Option<&ConnectionKind>,
) -> Result<&'a Connection> {
    let mut order = mail_carriers(connections, via);
    order.sort_by_key(|facts| !facts.is_mailbox);
    first_of(connections, &order, |connection| connection.for_customers)
        .or_else(|| first_of(connections, &order, |_| true))
        .ok_or_else(|| missing(connections, EffectKind::SendMail))
}

/// Chooses the connection for a mail to the business, one that works if there is one; `via` insists
/// on one kind.
///
/// # Errors
/// `Conflict` when the tenant has no connection that can carry it.
pub fn for_owner<'a>(connections: Connections<'a>, via: Option<&ConnectionKind>) -> Result<&'a Connection> {
    let mut order = mail_carriers(connections, via);
    order.sort_by_key(|facts| facts.is_mailbox);
    let works = |connection: &Connection| connection.state != ConnectionState::Failing;
    first_of(connections, &order, |connection| connection.for_alerts && works(connection))
        .or_else(|| first_of(connections, &order, works))
        .or_else(|| first_of(connections, &order, |_| true))
        .ok_or_else(|| missing(connections, EffectKind::SendMail))
}

/// Chooses the connection for a calendar entry, a sheet row, or a mail that has to lie in a mailbox.
///
/// # Errors
/// `Conflict` when the tenant has no connection that can carry it.
pub fn for_account(connections: Connections<'_>, kind: EffectKind) -> Result<&Connection> {
    let mut order = carriers(connections, kind);
    order.retain(|facts| facts.is_mailbox || kind != EffectKind::SendMail);
    first_of(connections, &order, |_| true).ok_or_else(|| missing(connections, kind))
}

/// Chooses the receiver of a webhook: the one of this name, or the first.
///
/// # Errors
/// `Conflict` when the tenant has no such receiver.
pub fn for_webhook<'a>(connections: Connections<'a>, name: Option<&str>) -> Result<&'a Connection> {
    let is_wanted = |connection: &Connection| name.is_none_or(|name| connection.name == name);
    first_of(connections, &carriers(connections, EffectKind::PostWebhook), is_wanted).ok_or_else(|| {
        let message = match name {
            Some(name) => format!("no receiver of webhooks is called `{name}`"),
            None => "there is no receiver of webhooks".to_owned(),
        };
        Error::conflict(message).hint("run `nexora connection create webhook`")
    })
}

fn mail_carriers(connections: Connections<'_>, via: Option<&ConnectionKind>) -> Vec<&'static KindFacts> {
    let mut order = carriers(connections, EffectKind::SendMail);
    order.retain(|facts| via.is_none_or(|kind| facts.kind == *kind));
    order
}

fn carriers(connections: Connections<'_>, effect: EffectKind) -> Vec<&'static KindFacts> {
    connections.kinds().iter().filter(|facts| facts.can_carry(effect)).collect()
}

fn first_of<'a>(
    connections: Connections<'a>,
    order: &[&'static KindFacts],
    fits: impl Fn(&Connection) -> bool,
) -> Option<&'a Connection> {
    let first = |facts: &&KindFacts| {
        connections.iter().find(|connection| connection.kind == facts.kind && fits(connection))
    };
    order.iter().find_map(first)
}

fn missing(connections: Connections<'_>, effect: EffectKind) -> Error {
    let commands = carriers(connections, effect).into_iter();
    let commands: Vec<String> =
        commands.map(|facts| format!("`nexora connection create {}`", facts.kind)).collect();
    Error::conflict(format!("no connection can carry `{effect}`"))
        .hint(format!("run {}", commands.join(" or ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample_connectors::{GOOGLE, SMTP, kinds};
    use nexora_core::base::clock::Timestamp;
    use nexora_core::base::text::Json;
    use nexora_core::model::TenantId;

    fn connection(facts: &KindFacts) -> Connection {
        let now = Timestamp::from_millis(0);
        let kind = facts.kind.clone();
        Connection::new(&TenantId::new(now), kind.clone(), kind.name(), Json::empty_object(), now)
    }

    #[test]
    fn mail_goes_by_the_preferred_kind_or_by_what_there_is() {
        let kinds = kinds();
        let rows = [connection(&SMTP), connection(&GOOGLE)];
        let (both, relay) = (Connections::new(&rows, &kinds), Connections::new(&rows[..1], &kinds));
        let (smtp, google) = (Some(&SMTP.kind), Some(&GOOGLE.kind));
        let kind = |found: Result<&'_ Connection>| found.map(|found| found.kind.clone()).ok();
        assert_eq!(kind(for_customer(both, None)).as_ref(), google);
        assert_eq!(kind(for_owner(both, None)).as_ref(), smtp);
        assert_eq!(kind(for_owner(both, google)).as_ref(), google);
        assert_eq!(kind(for_customer(relay, None)).as_ref(), smtp);
        assert_eq!(kind(for_customer(relay, google)), None);
        assert_eq!(kind(for_owner(Connections::new(&[], &kinds), None)), None);
        let error = for_account(relay, EffectKind::AppendRow).unwrap_err();
        assert_eq!(error.hint_text(), Some("run `nexora connection create google`"));
        assert!(for_account(relay, EffectKind::SendMail).is_err(), "a relay keeps no conversation");
    }

    #[test]
    fn the_chosen_one_comes_first_where_it_can_carry_the_mail_and_works() {
        let kinds = kinds();
        let mut rows = [connection(&SMTP), connection(&GOOGLE), connection(&SMTP)];
        rows[2].for_customers = true;
        rows[1].for_alerts = true;
        let id = |found: Result<&'_ Connection>| found.map(|found| found.id.clone()).ok();
        let all = Connections::new(&rows, &kinds);
        assert_eq!(id(for_customer(all, None)).as_ref(), Some(&rows[2].id));
        assert_eq!(id(for_customer(all, Some(&GOOGLE.kind))).as_ref(), Some(&rows[1].id), "it was insisted");
        assert_eq!(id(for_owner(all, None)).as_ref(), Some(&rows[1].id));
        let mut failing = rows.clone();
        failing[1].state = ConnectionState::Failing;
        assert_eq!(id(for_owner(Connections::new(&failing, &kinds), None)).as_ref(), Some(&rows[0].id));
    }

    #[test]
    fn what_the_owner_should_hear_goes_by_what_does_not_fail() {
        let kinds = kinds();
        let mut rows = [connection(&SMTP), connection(&GOOGLE)];
        rows[0].state = ConnectionState::Failing;
        assert_eq!(for_owner(Connections::new(&rows, &kinds), None).unwrap().kind, GOOGLE.kind);
        rows[1].state = ConnectionState::Failing;
        let both = Connections::new(&rows, &kinds);
        let (owner, customer) = (for_owner(both, None).unwrap(), for_customer(both, None).unwrap());
        assert_eq!(owner.kind, SMTP.kind, "nothing works: it waits as usual");
        assert_eq!(customer.kind, GOOGLE.kind, "it waits for the tenant's own mailbox");
    }
}
