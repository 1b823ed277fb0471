//! Who is in a group of contacts.

use crate::app::App;
use crate::ops::Subject;
use crate::ops::record::look_up;
use nexora_core::base::{Error, Result};
use nexora_core::model::ContactId;
use nexora_core::model::audit::Actor;
use nexora_core::model::principal::{Noun, Operation, Verb};
use nexora_core::model::record::{CONTACT, GROUP};
use nexora_core::model::tenant::Tenant;
use nexora_store::{custom_field, group};

pub const ADD: Operation = Operation::new("group.add", Noun::Group, Verb::Update);
pub const REMOVE: Operation = Operation::new("group.remove", Noun::Group, Verb::Update);

/// Whether contacts are put into a group or taken out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    In,
    Out,
}

/// Puts contacts into a group, or takes them out; returns how many were moved.
///
/// # Errors
/// `NotFound` when there is no such group or contact; `Conflict` when the group has a condition.
pub async fn change(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    name: &str,
    contacts: Vec<String>,
    way: Way,
) -> Result<usize> {
    let name = name.to_owned();
    let operation = if way == Way::In { ADD } else { REMOVE };
    app.change(actor, tenant, operation, move |tx, now| {
        let groups = custom_field::schema(tx, &GROUP)?;
        let found = look_up(tx, &groups, &name)?;
        if let Some(condition) = found.text("condition") {
            return Err(Error::conflict(format!(
                "group `{name}` holds all contacts for which `{condition}`"
            ))
            .hint("change the contacts, or its condition"));
        }
        let people = custom_field::schema(tx, &CONTACT)?;
        let mut ids = Vec::with_capacity(contacts.len());
        for contact in &contacts {
            ids.push(ContactId::parse(&look_up(tx, &people, contact)?.id)?);
        }
        let moved = match way {
            Way::In => group::add(tx, &found.id, &ids, now)?,
            Way::Out => group::remove(tx, &found.id, &ids)?,
        };
        let subject = Subject::new(&found.id).after(&serde_json::json!({ "contacts": ids }))?;
        Ok((moved, subject))
    })
    .await
}
