//! What happened, in words for the owner of a business, who does not know how Nexora works.

use nexora_core::model::effect::EffectKind;
use nexora_core::model::lead::LeadState;
use nexora_core::model::verdict::Gate;

/// Says where a lead came from.
pub fn source(source: &str) -> String {
    match source {
        "form" => "Website form".to_owned(),
        "api" => "Other program".to_owned(),
        "cli" => "Entered by hand".to_owned(),
        "google_local_services" => "Google Local Services".to_owned(),
        "other" => "Other".to_owned(),
        name => {
            let mut words = name.replace(['_', '-'], " ");
            if let Some(first) = words.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            words
        }
    }
}

/// Says how far people have come with a lead.
pub fn lead_state(state: LeadState) -> &'static str {
    match state {
        LeadState::New => "New",
        LeadState::Contacted => "In touch",
        LeadState::Booked => "Booked",
        LeadState::Won => "Won",
        LeadState::Lost => "Lost",
        LeadState::Spam => "Spam",
        LeadState::NeedsReview => "To be looked at",
    }
}

/// Names what was to be done.
pub fn thing(kind: EffectKind) -> &'static str {
    match kind {
        EffectKind::SendMail => "message",
        EffectKind::DraftMail => "draft",
        EffectKind::LabelMail => "label in the mailbox",
        EffectKind::CreateEvent => "calendar entry",
        EffectKind::UpdateEvent => "change of a calendar entry",
        EffectKind::CancelEvent => "cancellation in the calendar",
        EffectKind::FindSlot => "search for a free time",
        EffectKind::AppendRow | EffectKind::UpdateRow => "row in a sheet",
        EffectKind::PostWebhook => "note to another program",
    }
}

/// Says why a message waits, by the gate that holds it.
pub fn held(gate: Gate) -> &'static str {
    match gate {
        Gate::QuietHours => "it is late there, and nobody is written to in quiet hours",
        Gate::Spacing => "the last message to them went out a short while ago",
        Gate::Reply => "they wrote to you and have no answer yet",
        Gate::Freshness => "something new came in and is read first",
        Gate::Run => "its automation is paused",
        Gate::Appointment => "the appointment is looked at first",
        Gate::All | Gate::Suppression | Gate::Consent | Gate::Expiry | Gate::Cap => "it is looked at again",
    }
}

/// Says why a message was never sent, by the gate that stopped it.
pub fn dropped(gate: Gate) -> &'static str {
    match gate {
        Gate::Suppression => "the address does not want mail, or does not work",
        Gate::Consent => "they did not agree to such messages",
        Gate::Appointment => "the appointment has changed",
        Gate::Expiry | Gate::QuietHours => "it would have come too late",
        Gate::Cap => "they had enough messages from you this week",
        Gate::Run | Gate::Reply | Gate::Freshness | Gate::Spacing | Gate::All => "it was no longer needed",
    }
}

/// Says why an automation could not finish: its reason without the names that only we know.
pub fn failure(reason: &str) -> &str {
    let after_step = reason.strip_prefix("step `").and_then(|rest| rest.split_once("` failed: "));
    after_step.map_or(reason, |(_, why)| why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_and_failures_are_said_plainly() {
        assert_eq!(source("form"), "Website form");
        assert_eq!(source("home_advisor"), "Home advisor");
        assert_eq!(source("ärger"), "ärger");
        assert_eq!(source(""), "");
        assert_eq!(failure("step `alert` failed: no such mailbox"), "no such mailbox");
        assert_eq!(failure("the tenant is suspended"), "the tenant is suspended");
    }
}
