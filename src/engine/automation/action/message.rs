//! Actions that write a message: to a customer, to the business, and an answer to a mail.

use crate::automation::action::compose;
use crate::automation::action::context::StepContext;
use crate::automation::action::{Action, ActionKind, MessageUse, Planned, read};
use crate::automation::argument::{Arguments as _, StepName, Text, define_arguments};
use crate::message::route;
use nexora_core::base::Result;
use nexora_core::model::connection::{Ability, Connection};
use nexora_core::model::connector::{ConnectionKind, Connections};
use nexora_core::model::effect::EffectKind;
use nexora_core::model::event::MailEvent;
use nexora_core::model::mail::MailKind;
use nexora_core::model::message::MessageClass;
use nexora_core::model::outbound::{Audience, Content, MailContent, OutboundMessage};
use nexora_core::model::request::EffectRequest;

pub const SEND: ActionKind = ActionKind {
    name: "message.send",
    does: "writes to a customer, as soon as every gate lets it through",
    arguments: SendMessage::ARGUMENTS,
    outputs: OUTPUTS,
    read: read::<SendMessage>,
};

pub const REPLY: ActionKind = ActionKind {
    name: "message.reply",
    does: "answers the mail that started the run, in its conversation; never one that a machine wrote",
    arguments: Answer::ARGUMENTS,
    outputs: OUTPUTS,
    read: read::<Answer>,
};

pub const NOTIFY: ActionKind = ActionKind {
    name: "notify.owner",
    does: "writes to the business",
    arguments: NotifyOwner::ARGUMENTS,
    outputs: OUTPUTS,
    read: read::<NotifyOwner>,
};

/// What a step that sends a mail offers to those after it.
const OUTPUTS: &[&str] = &["thread_id", "message_id"];

/// Sending exactly once includes looking among the sent mails.
pub(super) const SENDS: &[Ability] = &[Ability::MailSend, Ability::MailRead];

pub(super) const TO: &str = "mail address";
pub(super) const TEMPLATE: &str = "name of the message, or a setting that names one";
const REPLY_TO: &str = "where answers go; by SMTP to the owner if nothing is said";
const VIA: &str = "insists on `smtp` or `google`";
const FOLLOWS: &str = "id of the step before it whose conversation it goes on with";

define_arguments! {
    /// A message to a customer, in the words of a template.
    SendMessage {
        to: Text, TO;
        template: Text, TEMPLATE;
        class: MessageClass = MessageClass::Transactional,
            "`transactional` (if nothing is said) or `commercial`: a message that asks for business or a favour";
        at_once: bool, "`true` lets it go out in quiet hours while it answers what was just written";
        expires: Option<Text>, "a time after which it is not sent any more";
        reply_to: Option<Text>, REPLY_TO;
        via: Option<ConnectionKind>, VIA;
        follows: Option<StepName>, FOLLOWS;
    }
}

define_arguments! {
    /// An answer to the mail that started the run.
    Answer {
        template: Text, TEMPLATE;
        to: Text = Text::from("{{ message.reply_to }}"), "whom, if not whoever the mail says";
        reply_to: Option<Text>, REPLY_TO;
    }
}

define_arguments! {
    /// A message to the business, in the words of a template.
    NotifyOwner {
        to: Text, TO;
        template: Text, TEMPLATE;
        reply_to: Option<Text>, REPLY_TO;
        via: Option<ConnectionKind>, VIA;
        follows: Option<StepName>, FOLLOWS;
    }
}

impl Action for SendMessage {
    fn message(&self) -> Option<MessageUse<'_>> {
        let follows = self.follows.as_ref().map(|step| step.0.as_str());
        let (template, via) = (&self.template, self.via.as_ref());
        Some(MessageUse { template, class: Some(self.class), follows, via })
    }

    fn needs(&self) -> &'static [Ability] {
        SENDS
    }

    fn uses_account(&self, connections: Connections<'_>) -> bool {
        has_abilities(connections, route::for_customer(connections, self.via.as_ref()))
    }

    fn plan(&self, context: &StepContext<'_>) -> Result<Planned> {
        let mail =
            compose::mail(context, &self.template, &self.to, self.reply_to.as_ref(), Some(self.class))?;
        let envelope = compose::envelope(context, self.class, self.at_once, self.expires.as_ref())?;
        let unsubscribe_url = match self.class {
            MessageClass::Transactional => None,
            MessageClass::Commercial => Some(compose::unsubscribe_url(context)?),
        };
        let mail = MailContent { unsubscribe_url, ..mail };
        let connection = route::for_customer(context.connections, self.via.as_ref())?;
        let (connection, mut mail) = compose::following(context, mail, connection, self.follows.as_ref())?;
        let is_mailbox = context.connections.facts(connection).is_some_and(|facts| facts.is_mailbox);
        if mail.reply_to.is_none() && !is_mailbox {
            // A relay's address has no mailbox that is read.
            mail.reply_to = Some(context.facts.tenant.owner_email.clone());
        }
        Ok(send(connection, mail, Audience::Customer(envelope)))
    }
}

impl Action for Answer {
    fn message(&self) -> Option<MessageUse<'_>> {
        let class = Some(MessageClass::Transactional);
        Some(MessageUse { template: &self.template, class, follows: None, via: None })
    }

    fn needs(&self) -> &'static [Ability] {
        SENDS
    }

    fn implied_names(&self) -> &'static [&'static str] {
        compose::ANSWERED
    }

    fn plan(&self, context: &StepContext<'_>) -> Result<Planned> {
        let event: MailEvent = context.facts.event.payload.read()?;
        if event.mail.kind != MailKind::Person {
            // RFC 3834, section 2: two machines would answer each other for ever.
            return Ok(Planned::Skip("a mail that no person wrote is not answered"));
        }
        let class = MessageClass::Transactional;
        let mail = compose::mail(context, &self.template, &self.to, self.reply_to.as_ref(), Some(class))?;
        let audience = Audience::Customer(compose::envelope(context, class, true, None)?);
        let connection = context.account(EffectKind::SendMail)?;
        Ok(send(connection, compose::answering(event, mail), audience))
    }
}

impl Action for NotifyOwner {
    fn message(&self) -> Option<MessageUse<'_>> {
        let follows = self.follows.as_ref().map(|step| step.0.as_str());
        Some(MessageUse { template: &self.template, class: None, follows, via: self.via.as_ref() })
    }

    fn needs(&self) -> &'static [Ability] {
        SENDS
    }

    fn uses_account(&self, connections: Connections<'_>) -> bool {
        has_abilities(connections, route::for_owner(connections, self.via.as_ref()))
    }

    fn plan(&self, context: &StepContext<'_>) -> Result<Planned> {
        let mail = compose::mail(context, &self.template, &self.to, self.reply_to.as_ref(), None)?;
        let connection = route::for_owner(context.connections, self.via.as_ref())?;
        let (connection, mail) = compose::following(context, mail, connection, self.follows.as_ref())?;
        Ok(send(connection, mail, Audience::Business))
    }
}

fn send(connection: &Connection, mail: MailContent, audience: Audience) -> Planned {
    let message = OutboundMessage { content: Content::Mail(mail), audience };
    Planned::effect(connection, EffectRequest::Send(message))
}

fn has_abilities(connections: Connections<'_>, carrier: Result<&Connection>) -> bool {
    carrier.is_ok_and(|found| connections.facts(found).is_some_and(|facts| facts.has_abilities))
}
