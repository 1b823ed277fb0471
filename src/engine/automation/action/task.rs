//! The action that gives a person of the business something to do.

use serde_json::json;

use crate::automation::action::context::StepContext;
use crate::automation::action::{Action, ActionKind, Planned, read};
use crate::automation::argument::{Arguments as _, Text, define_arguments};
use nexora_core::base::Result;
use nexora_core::model::TaskId;
use nexora_core::model::change::{Change, NewTask};

pub const CREATE: ActionKind = ActionKind {
    name: "task.create",
    does: "gives a person of the business something to do",
    arguments: CreateTask::ARGUMENTS,
    outputs: &["task_id"],
    read: read::<CreateTask>,
};

define_arguments! {
    CreateTask {
        title: Text, "what is to be done";
        detail: Text = Text::from(""), "what one needs to know for it";
        due: Option<Text>, "how long from now it is due, such as `1day`";
    }
}

impl Action for CreateTask {
    fn plan(&self, context: &StepContext<'_>) -> Result<Planned> {
        let due = self.due.as_ref().map(|text| context.duration(text)).transpose()?;
        let task = NewTask {
            id: TaskId::new(context.now),
            title: context.text(&self.title)?.trim().to_owned(),
            detail: context.text(&self.detail)?.trim().to_owned(),
            due_at: due.map(|due| context.now + due),
            contact_id: context.facts.contact.map(|person| person.contact.id.clone()),
            lead_id: context.facts.lead.map(|lead| lead.id.clone()),
        };
        let output = json!({ "task_id": task.id });
        Ok(Planned::change(Change::CreateTask(task), output))
    }
}
