//! What a restore means for what is promised after it. The database has forgotten what happened since the backup: what comes
//! again, from a mailbox, a calendar, a sheet or a sender, is promised anew, and may have been done before.

use std::time::Duration;

use nexora_core::base::clock::Timestamp;
use nexora_core::model::event::{Event, EventKind};
use nexora_core::model::restore::Restore;

/// For how long after a restore things are reckoned with that come again: a sender repeats for two days at most, and a
/// connection that did not work is read later.
const AGAIN: Duration = Duration::from_secs(3 * 86_400);

/// How the keys of leads begin that come from the form, and of those that a person enters.
const FORM: &str = "form:";
const BY_HAND: &str = "lead_";

/// What lets an effect go that waits for the release, and what decides about one of which nothing is known.
pub const HELD: &str = "held since a backup was restored; `nexora restore release` lets it go";
pub const DECIDE: &str = "decide with `nexora restore release --effect ID --treat-as sent|send`";

/// Returns since when an effect that is promised now may have happened already; nothing where it cannot have.
pub fn unseen_since(restore: Option<&Restore>, event: &Event, now: Timestamp) -> Option<Timestamp> {
    let restore = restore?;
    let comes_again = restore.is_held() || now < restore.restored_at + AGAIN;
    (comes_again && !is_new(event, restore)).then_some(restore.backup_at)
}

/// Tells whether an event came after the restore by a way on which nothing comes twice.
fn is_new(event: &Event, restore: &Restore) -> bool {
    let by_person = match event.kind {
        EventKind::LeadReceived => {
            event.dedupe_key.starts_with(FORM) || event.dedupe_key.starts_with(BY_HAND)
        }
        EventKind::Manual => true,
        EventKind::GmailMessage
        | EventKind::MessageReceived
        | EventKind::CalendarEvent
        | EventKind::SheetsRow
        | EventKind::ConnectionFailing
        | EventKind::MessageWritten
        | EventKind::MessageBounced
        | EventKind::LeadChanged
        | EventKind::ContactUnsubscribed
        | EventKind::LinkOpened
        | EventKind::JobCreated
        | EventKind::JobStage
        | EventKind::JobCompleted
        | EventKind::JobCancelled
        | EventKind::JobReopened
        | EventKind::WebhookReceived
        | EventKind::Schedule
        | EventKind::Forgotten => false,
    };
    by_person && event.received_at >= restore.restored_at
}

#[cfg(test)]
mod tests {
    use nexora_core::base::text::Json;
    use nexora_core::model::{RestoreId, TenantId};

    use super::*;

    const BACKUP: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn hours(hours: u64) -> Duration {
        Duration::from_secs(hours * 3_600)
    }

    fn restore(released_after: Option<u64>) -> Restore {
        let restored_at = BACKUP + hours(10);
        Restore {
            id: RestoreId::new(restored_at),
            backup_id: "backup_1".to_owned(),
            backup_at: BACKUP,
            restored_at,
            released_at: released_after.map(|after| restored_at + hours(after)),
            released_by: None,
        }
    }

    fn event(kind: EventKind, key: &str, after: u64) -> Event {
        let tenant = TenantId::new(BACKUP);
        Event::pending(&tenant, kind, key.to_owned(), Json::empty_object(), None, BACKUP + hours(after))
    }

    #[test]
    fn what_comes_again_may_have_been_done_and_what_a_person_sends_is_new() {
        let seen = |restore: &Restore, kind, key: &str, after: u64, now: u64| {
            unseen_since(Some(restore), &event(kind, key, after), BACKUP + hours(now)).is_some()
        };
        let (held, released) = (restore(None), restore(Some(1)));
        assert!(seen(&held, EventKind::GmailMessage, "mail:1", 12, 12));
        assert!(seen(&held, EventKind::LeadReceived, "hook:angi:7", 12, 12), "a sender repeats");
        assert!(!seen(&held, EventKind::LeadReceived, "form:x:1", 12, 12));
        assert!(seen(&held, EventKind::LeadReceived, "form:x:1", 5, 12), "it is in the backup");
        assert!(!seen(&held, EventKind::Manual, "manual:x", 12, 12));
        assert!(seen(&held, EventKind::SheetsRow, "row:1", 12, 500), "held for as long as it takes");
        assert!(seen(&released, EventKind::SheetsRow, "row:1", 20, 20));
        assert!(!seen(&released, EventKind::SheetsRow, "row:1", 90, 90), "days later nothing comes again");
        assert_eq!(unseen_since(None, &event(EventKind::SheetsRow, "row:1", 1), BACKUP), None);
    }
}
