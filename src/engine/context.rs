//! What templates and conditions can refer to: one place that says it and one that builds it.

use std::collections::BTreeMap;

use minijinja::Value;
use minijinja::value::Serde;
use serde_json::{Map, json};

use crate::base::Result;
use crate::model::connection::{Connection, ConnectionKind};
use crate::model::lead::Lead;
use crate::model::run::{Run, Step};
use crate::model::tenant::Tenant;

/// The names below each fixed root. `settings` and `steps` depend on the definition.
pub const NAMES: &[(&str, &[&str])] = &[
    (
        "lead",
        &[
            "id",
            "name",
            "first_name",
            "email",
            "phone",
            "service",
            "message",
            "address",
            "postcode",
            "preferred_time",
            "source",
            "received_at",
        ],
    ),
    ("tenant", &["name", "slug", "owner_email", "phone", "timezone"]),
    ("connections", &["smtp", "google"]),
    ("run", &["id"]),
];

/// What a step's output offers as `steps.NAME.…`.
pub const STEP_NAMES: &[&str] = &["state", "provider_id"];

/// Settings' values by name.
pub type Settings = BTreeMap<String, serde_json::Value>;

/// Returns what a setting's default may refer to.
pub fn of_tenant(tenant: &Tenant) -> Value {
    Value::from(Serde(json!({ "tenant": tenant_values(tenant) })))
}

/// Returns what a run's steps may refer to.
///
/// # Errors
/// `Internal` when a step's stored output cannot be read.
pub fn of_run(
    run: &Run,
    tenant: &Tenant,
    lead: &Lead,
    settings: &Settings,
    connections: &[Connection],
    journal: &[Step],
) -> Result<Value> {
    let has = |kind| connections.iter().any(|connection: &Connection| connection.kind == kind);
    let mut steps = Map::new();
    for step in journal {
        let mut output: Map<String, serde_json::Value> = step.output.read()?;
        output.insert("state".to_owned(), json!(step.state));
        output.entry("provider_id").or_insert_with(|| json!(null));
        steps.insert(step.name.clone(), output.into());
    }
    Ok(Value::from(Serde(json!({
        "lead": lead_values(lead),
        "tenant": tenant_values(tenant),
        "settings": settings,
        "connections": { "smtp": has(ConnectionKind::Smtp), "google": has(ConnectionKind::Google) },
        "run": { "id": run.id },
        "steps": steps,
    }))))
}

fn tenant_values(tenant: &Tenant) -> serde_json::Value {
    json!({
        "name": tenant.name,
        "slug": tenant.slug,
        "owner_email": tenant.owner_email,
        "phone": tenant.phone,
        "timezone": tenant.timezone,
    })
}

fn lead_values(lead: &Lead) -> serde_json::Value {
    json!({
        "id": lead.id,
        "name": lead.name,
        "first_name": lead.name.split_whitespace().next().unwrap_or_default(),
        "email": lead.email,
        "phone": lead.phone,
        "service": lead.service,
        "message": lead.message,
        "address": lead.address,
        "postcode": lead.postcode,
        "preferred_time": lead.preferred_time,
        "source": lead.source,
        "received_at": lead.received_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::plan::tests::scene;

    #[test]
    fn the_names_offered_are_the_names_built() {
        let scene = scene();
        let context = of_run(&scene.run, &scene.tenant, &scene.lead, &Settings::new(), &[], &[]).unwrap();
        for (root, names) in NAMES {
            let built = context.get_attr(root).unwrap();
            let mut keys: Vec<String> = built.try_iter().unwrap().map(|key| key.to_string()).collect();
            let mut offered: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            keys.sort();
            offered.sort();
            assert_eq!(keys, offered, "{root}");
        }
    }
}
