//! What an automation needs of Google: the abilities that its triggers and steps use.

use minijinja::Value;
use minijinja::value::Serde;
use serde_json::json;

use crate::automation::context::{self, Settings};
use crate::automation::definition::{Definition, Step};
use crate::automation::render::Renderer;
use nexora_core::model::connection::{Abilities, Ability};
use nexora_core::model::connector::Connections;

/// Returns everything that an automation may need, however it is set.
pub fn needed(definition: &Definition) -> Abilities {
    let steps = definition.steps.iter().flat_map(|step| step.action.needs());
    of_triggers(definition).chain(steps).copied().collect()
}

/// Returns what an automation needs with these settings and these connections: a step that they
/// switch off needs nothing, and neither does a mail that goes by a relay.
pub fn needed_with(definition: &Definition, settings: &Settings, connections: Connections<'_>) -> Abilities {
    let steps = definition
        .steps
        .iter()
        .filter(|step| !is_off(step, settings, connections) && step.action.uses_account(connections))
        .flat_map(|step| step.action.needs());
    of_triggers(definition).chain(steps).copied().collect()
}

fn of_triggers(definition: &Definition) -> impl Iterator<Item = &'static Ability> {
    definition.triggers.iter().flat_map(|trigger| trigger.on.kind().needs)
}

/// Tells whether settings and connections alone make a step's condition false: it is, whether all that it names
/// besides is there or not.
fn is_off(step: &Step, settings: &Settings, connections: Connections<'_>) -> bool {
    let Some(condition) = &step.when else { return false };
    let renderer = Renderer::new(chrono_tz::UTC);
    let Ok(names) = renderer.names_in_condition(condition) else { return false };
    let is_false = |is_there: bool| {
        let mut context = json!({ "settings": settings, "connections": context::connections(connections) });
        let unknown = names.iter().filter_map(|name| name.split_once('.'));
        for (root, field) in unknown.filter(|(root, _)| !["settings", "connections"].contains(root)) {
            if let Some(fields) =
                context.as_object_mut().map(|roots| roots.entry(root).or_insert_with(|| json!({})))
                && let Some(fields) = fields.as_object_mut()
            {
                fields.insert(field.to_owned(), if is_there { json!(true) } else { json!(null) });
            }
        }
        matches!(renderer.is_true(condition, &Value::from(Serde(context))), Ok(false))
    };
    is_false(true) && is_false(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample_connectors::kinds;

    const HEAD: &str = "[automation]\nname=\"t\"\ntitle=\"T\"\ndescription=\"\"\n[settings]\nsheet={type=\"text\",optional=true}\n[[trigger]]\non=\"lead.received\"\n";

    fn definition() -> Definition {
        let steps = r#"
            [[step]]
            id = "row"
            action = "sheets.append_row"
            when = "settings.sheet"
            with = { spreadsheet = "x", sheet = "y", row = { A = "b" } }
            [[step]]
            id = "mail"
            action = "message.send"
            when = "lead.email"
            with = { to = "{{ lead.email }}", template = "hello" }
            "#;
        Definition::parse(&format!("{HEAD}{steps}")).unwrap()
    }

    #[test]
    fn every_step_counts_unless_settings_switch_it_off() {
        let all = [Ability::MailSend, Ability::MailRead, Ability::Sheets];
        assert_eq!(needed(&definition()), all.into());
        let off = Settings::from([("sheet".to_owned(), json!(null))]);
        let on = Settings::from([("sheet".to_owned(), json!("1A"))]);
        let kinds = kinds();
        let none = Connections::new(&[], &kinds);
        assert_eq!(needed_with(&definition(), &off, none), Abilities::new());
        assert_eq!(needed_with(&definition(), &on, none), [Ability::Sheets].into());
    }
}
