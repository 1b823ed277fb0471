//! A business that changes its language: its automations go on in the new one.

use crate::config::definitions::Shelf;
use crate::ops::LIST_LIMIT;
use crate::ops::automation::{Plan, Wanted, live_version};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::Json;
use nexora_core::model::automation::MessageTemplates;
use nexora_store::{Tx, automation};

/// Gives each automation a version whose messages are in the language of the shelf, as far as they come in it. Messages
/// that the business wrote itself stay as they are live, and so does everything else; runs under way end in the
/// language in which they began.
///
/// # Errors
/// `Config` when a message in `definitions.folder` is wrong.
pub(in crate::ops) fn translate(tx: &mut Tx, shelf: &Shelf, by: &str, now: Timestamp) -> Result<()> {
    for automation in automation::list(tx, LIST_LIMIT)? {
        let live = live_version(tx, &automation)?;
        let mut templates: MessageTemplates = live.templates.read()?;
        for (name, template) in &mut templates {
            if let Some(translated) = shelf.translated(name)? {
                *template = translated;
            }
        }
        let wanted = Wanted {
            definition: live.definition,
            settings: live.settings.clone(),
            language: shelf.language,
            templates: Json::of(&templates)?,
            created_by: by.to_owned(),
        };
        let state = automation.state;
        Plan::Update { automation, state, settings: live.settings }.apply(tx, wanted, now)?;
    }
    Ok(())
}
