use super::*;
use nexora_core::model::appointment::Intent;
use nexora_core::model::consent::{Scope, SuppressionReason};
use nexora_core::model::{AppointmentId, ConnectionId, TenantId};

const DAY: Duration = Duration::from_secs(86_400);

/// Friday, 10:00 in Chicago.
fn now() -> Timestamp {
    Timestamp::parse("2026-11-20T16:00:00Z").unwrap()
}

fn input() -> GateInput {
    GateInput {
        now: now(),
        run: RunState::Running,
        run_reason: None,
        suppressions: Vec::new(),
        consent: None,
        explicit_consent: false,
        news_waits: false,
        stale: false,
        paused: false,
        to_stranger: None,
        under_way_until: None,
        appointment: None,
        owed_since: None,
        quiet: QuietHours::parse("21:00-08:00").unwrap(),
        zone: chrono_tz::America::Chicago,
        zone_of: "the business's zone",
        commercial: Vec::new(),
        cap: 2,
        cap_window: 7 * DAY,
        spacing: DAY,
    }
}

fn envelope(class: MessageClass) -> Envelope {
    Envelope { class, contact_id: None, at_once_until: None, expires_at: None, intent: None }
}

fn suppressed(scope: Scope) -> Vec<Suppression> {
    vec![Suppression {
        tenant_id: TenantId::new(now()),
        hash: String::new(),
        scope,
        reason: SuppressionReason::Unsubscribed,
        detail: String::new(),
        actor: String::new(),
        created_at: now(),
    }]
}

#[test]
fn each_gate_decides_for_itself() {
    use Decision::{Drop, Hold, Send};
    use MessageClass::{Commercial, Transactional};
    let with = |change: &dyn Fn(&mut GateInput)| {
        let mut input = input();
        change(&mut input);
        input
    };
    let ago = |by: Duration| now() - by;
    let cases: [(&str, MessageClass, GateInput, Gate, Decision); 21] = [
        ("nothing", Commercial, input(), Gate::All, Send),
        ("stopped", Transactional, with(&|s| s.run = RunState::Cancelled), Gate::Run, Drop),
        ("failed elsewhere", Transactional, with(&|s| s.run = RunState::Failed), Gate::All, Send),
        (
            "bounced",
            Transactional,
            with(&|s| s.suppressions = suppressed(Scope::All)),
            Gate::Suppression,
            Drop,
        ),
        (
            "opted out",
            Commercial,
            with(&|s| s.suppressions = suppressed(Scope::Commercial)),
            Gate::Suppression,
            Drop,
        ),
        (
            "opted out, reminder",
            Transactional,
            with(&|s| s.suppressions = suppressed(Scope::Commercial)),
            Gate::All,
            Send,
        ),
        ("took back", Commercial, with(&|s| s.consent = Some(false)), Gate::Consent, Drop),
        ("never asked", Commercial, with(&|s| s.explicit_consent = true), Gate::Consent, Drop),
        (
            "gave",
            Commercial,
            with(&|s| (s.explicit_consent, s.consent) = (true, Some(true))),
            Gate::All,
            Send,
        ),
        ("news", Transactional, with(&|s| s.news_waits = true), Gate::Freshness, Hold),
        ("stale", Transactional, with(&|s| s.stale = true), Gate::Freshness, Hold),
        ("paused", Transactional, with(&|s| s.paused = true), Gate::Run, Hold),
        ("another", Commercial, with(&|s| s.under_way_until = Some(now() + DAY)), Gate::Freshness, Hold),
        (
            "another, reminder",
            Transactional,
            with(&|s| s.under_way_until = Some(now() + DAY)),
            Gate::All,
            Send,
        ),
        ("owed", Commercial, with(&|s| s.owed_since = Some(ago(DAY))), Gate::Reply, Hold),
        ("owed long ago", Commercial, with(&|s| s.owed_since = Some(ago(8 * DAY))), Gate::All, Send),
        ("owed, reminder", Transactional, with(&|s| s.owed_since = Some(ago(DAY))), Gate::All, Send),
        ("quiet", Transactional, with(&|s| s.now = now() + 12 * DAY / 24), Gate::QuietHours, Hold),
        ("cap", Commercial, with(&|s| s.commercial = vec![ago(2 * DAY), ago(6 * DAY)]), Gate::Cap, Drop),
        ("cap over", Commercial, with(&|s| s.commercial = vec![ago(2 * DAY), ago(8 * DAY)]), Gate::All, Send),
        ("spacing", Commercial, with(&|s| s.commercial = vec![ago(DAY / 2)]), Gate::Spacing, Hold),
    ];
    for (name, class, input, gate, decision) in cases {
        let answer = decide(&envelope(class), &input);
        assert_eq!((answer.gate, answer.decision), (gate, decision), "{name}: {}", answer.reason);
        assert_eq!(answer.until.is_some(), decision == Hold, "{name}");
        assert!(answer.until.is_none_or(|until| until > input.now), "{name}");
    }
}

#[test]
fn an_answer_at_once_passes_quiet_hours_for_a_while_only() {
    let night = Timestamp::parse("2026-11-21T04:00:00Z").unwrap();
    let input = GateInput { now: night, ..input() };
    let mut answers = envelope(MessageClass::Transactional);
    answers.at_once_until = Some(night + Duration::from_secs(60));
    assert_eq!(decide(&answers, &input).decision, Decision::Send);
    answers.at_once_until = Some(night);
    let held = decide(&answers, &input);
    assert_eq!(held.until, Timestamp::parse("2026-11-21T14:00:00Z"));
    // What makes no sense in the morning is not sent then.
    answers.expires_at = Timestamp::parse("2026-11-21T13:00:00Z");
    assert_eq!(decide(&answers, &input).decision, Decision::Drop);
}

#[test]
fn an_address_that_anyone_may_have_typed_in_gets_few_automatic_answers() {
    let earlier = |minutes: &[u64]| {
        let times = minutes.iter().map(|minutes| now() - Duration::from_secs(minutes * 60)).collect();
        let input = GateInput { to_stranger: Some(times), ..input() };
        decide(&envelope(MessageClass::Transactional), &input)
    };
    assert_eq!(earlier(&[]).decision, Decision::Send);
    assert_eq!(earlier(&[61, 300]).decision, Decision::Send);
    for minutes in [&[59][..], &[61, 300, 1_439]] {
        let dropped = earlier(minutes);
        assert_eq!((dropped.decision, dropped.gate), (Decision::Drop, Gate::Cap), "{minutes:?}");
    }
}

#[test]
fn a_message_about_an_appointment_goes_out_only_while_that_is_so() {
    let starts_at = now() + DAY;
    let appointment = |state, starts_at| Appointment {
        tenant_id: TenantId::new(now()),
        id: AppointmentId::new(now()),
        connection_id: ConnectionId::new(now()),
        calendar: "primary".into(),
        entry_id: "e".into(),
        contact_id: None,
        title: String::new(),
        location: String::new(),
        state,
        starts_at,
        ends_at: starts_at,
        all_day: false,
        version: 1,
        created_at: now(),
        updated_at: now(),
    };
    let says = |starts_at| Envelope {
        intent: Some(Intent {
            connection_id: ConnectionId::new(now()),
            calendar: "primary".into(),
            entry_id: "e".into(),
            starts_at,
            for_one: false,
        }),
        ..envelope(MessageClass::Transactional)
    };
    use AppointmentState::{Booked, Cancelled};
    let cases = [
        (Some(starts_at), Some((Booked, starts_at)), Decision::Send),
        (Some(starts_at), Some((Booked, starts_at + DAY)), Decision::Drop),
        (Some(starts_at), Some((Cancelled, starts_at)), Decision::Drop),
        (None, Some((Cancelled, starts_at)), Decision::Send),
        (None, Some((Booked, starts_at)), Decision::Drop),
        (Some(starts_at), None, Decision::Send),
    ];
    for (says_at, current, expected) in cases {
        let appointment = current.map(|(state, at)| appointment(state, at));
        let answer = decide(&says(says_at), &GateInput { appointment, ..input() });
        assert_eq!(answer.decision, expected, "{says_at:?} {current:?}: {}", answer.reason);
    }
}
