//! Actions in a Gmail mailbox: a draft for a person, and labels.

use crate::automation::action::context::StepContext;
use crate::automation::action::message::{SENDS, TEMPLATE, TO};
use crate::automation::action::{Action, ActionKind, MessageUse, Planned, compose, read};
use crate::automation::argument::{Arguments as _, Text, define_arguments};
use nexora_core::base::{Error, Result};
use nexora_core::model::connection::Ability;
use nexora_core::model::effect::EffectKind;
use nexora_core::model::request::{EffectRequest, LabelMail};

pub const DRAFT: ActionKind = ActionKind {
    name: "gmail.draft",
    does: "leaves a draft for a person to send",
    arguments: Draft::ARGUMENTS,
    outputs: &["thread_id"],
    read: read::<Draft>,
};

pub const LABEL: ActionKind = ActionKind {
    name: "gmail.label",
    does: "adds and removes labels; never read or unread",
    arguments: Label::ARGUMENTS,
    outputs: &[],
    read: read::<Label>,
};

define_arguments! {
    /// A mail that a person is to look at and send.
    Draft {
        to: Text, TO;
        template: Text, TEMPLATE;
        reply: bool, "`true` makes it an answer to the mail that started the run";
    }
}

define_arguments! {
    Label {
        message: Text = Text::from("{{ message.id }}"),
            "the mail's id; that of the mail which started the run if nothing is said";
        add: Vec<Text>, "list of labels; a missing one is made";
        remove: Vec<Text>, "list of labels; `INBOX` archives";
    }
}

impl Action for Draft {
    fn message(&self) -> Option<MessageUse<'_>> {
        Some(MessageUse { template: &self.template, class: None, follows: None, via: None })
    }

    fn needs(&self) -> &'static [Ability] {
        SENDS
    }

    fn implied_names(&self) -> &'static [&'static str] {
        if self.reply { compose::ANSWERED } else { &[] }
    }

    fn plan(&self, context: &StepContext<'_>) -> Result<Planned> {
        let mail = compose::mail(context, &self.template, &self.to, None, None)?;
        let mail = match self.reply {
            true => compose::answering(context.facts.event.payload.read()?, mail),
            false => mail,
        };
        Ok(Planned::effect(context.account(EffectKind::DraftMail)?, EffectRequest::DraftMail(mail)))
    }
}

impl Action for Label {
    fn check(&self) -> Result<()> {
        if self.add.is_empty() && self.remove.is_empty() {
            return Err(Error::usage("no label to `add` or `remove`"));
        }
        check_names(self.add.iter().chain(&self.remove).map(Text::as_str))
    }

    fn needs(&self) -> &'static [Ability] {
        &[Ability::MailLabel]
    }

    fn plan(&self, context: &StepContext<'_>) -> Result<Planned> {
        let names = |texts: &[Text]| -> Result<Vec<String>> {
            let filled = texts.iter().map(|text| context.filled(Some(text)));
            Ok(filled.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
        };
        let label = LabelMail {
            message: context.text(&self.message)?,
            add: names(&self.add)?,
            remove: names(&self.remove)?,
        };
        check_names(label.add.iter().chain(&label.remove).map(String::as_str))?;
        Ok(Planned::effect(context.account(EffectKind::LabelMail)?, EffectRequest::LabelMail(label)))
    }
}

/// Refuses to mark mails as read or unread: that is for the mailbox's owner.
fn check_names<'a>(mut names: impl Iterator<Item = &'a str>) -> Result<()> {
    match names.any(|name| name.trim().eq_ignore_ascii_case("UNREAD")) {
        true => Err(Error::usage("mails are never marked as read or unread: that is their owner's")),
        false => Ok(()),
    }
}
