//! A run's moves, as tables of what was and what comes.

use std::time::Duration;

use super::*;
use crate::automation::context::Links;
use crate::sample_connectors as samples;
use nexora_core::model::address::{EmailAddress, PhoneNumber, Slug};
use nexora_core::model::connection::Connection;
use nexora_core::model::event::{Event, EventKind, EventState, LeadReceived};
use nexora_core::model::language::Language;
use nexora_core::model::lead::{Lead, LeadState};
use nexora_core::model::outbound::{Content, OutboundMessage};
use nexora_core::model::tenant::{Tenant, TenantMode, TenantState};
use nexora_core::model::{AutomationId, EventId, LeadId, RunId, TenantId};

pub const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

/// A tenant with a lead and a run that has just begun.
pub(crate) struct Scene {
    pub tenant: Tenant,
    pub lead: Lead,
    pub run: Run,
    pub event: Event,
    connections: Vec<Connection>,
    journal: Vec<Step>,
    effects: Vec<Effect>,
    now: Timestamp,
}

pub(crate) fn scene() -> Scene {
    let tenant_id = TenantId::new(NOW);
    let lead_id = LeadId::new(NOW);
    let tenant = Tenant {
        id: tenant_id.clone(),
        slug: Slug::parse("acme").unwrap(),
        name: "Acme Plumbing".into(),
        timezone: "America/Chicago".into(),
        owner_email: EmailAddress::parse("owner@acme.example.com").unwrap(),
        phone: None,
        country: "US".into(),
        state: TenantState::Active,
        created_at: NOW,
        updated_at: NOW,
        mode: TenantMode::Live,
        settings: Json::empty_object(),
        link_generation: 0,
        alert_bounce: None,
    };
    let lead = Lead {
        tenant_id: tenant_id.clone(),
        id: lead_id.clone(),
        name: "Jo Miller".into(),
        email: Some(EmailAddress::parse("jo@example.com").unwrap()),
        phone: Some(PhoneNumber::parse("+15125550142").unwrap()),
        service: Some("Boiler".into()),
        message: None,
        address: None,
        postcode: None,
        preferred_time: None,
        source: "form".into(),
        attribution: Json::empty_object(),
        is_test: false,
        state: LeadState::New,
        received_at: NOW,
        answered_at: None,
        contact_id: None,
        reply_to: None,
        original: None,
        responded_at: None,
        details: Json::empty_object(),
        cost_cents: None,
        score: 0,
        reasons: Json::of(&Vec::<String>::new()).unwrap(),
        body_hash: None,
        consents: Json::of(&Vec::<String>::new()).unwrap(),
        masked_phone: false,
    };
    let run = Run {
        tenant_id: tenant_id.clone(),
        id: RunId::new(NOW),
        automation_id: AutomationId::new(NOW),
        version: 1,
        event_id: EventId::new(NOW),
        subject_id: lead_id.to_string(),
        state: RunState::Pending,
        position: 0,
        reason: None,
        due_at: Some(NOW),
        epoch: 0,
        attempt: 0,
        started_at: NOW,
        finished_at: None,
        contact_id: None,
    };
    let connections = [&samples::SMTP, &samples::GOOGLE].map(|facts| {
        let kind = facts.kind.clone();
        Connection::new(&tenant_id, kind.clone(), kind.name(), Json::empty_object(), NOW)
    });
    let payload = LeadReceived { lead_id, fingerprint: String::new() };
    let event = Event {
        tenant_id,
        id: run.event_id.clone(),
        kind: EventKind::LeadReceived,
        dedupe_key: "lead".into(),
        payload: Json::of(&payload).unwrap(),
        state: EventState::Dispatched,
        reason: None,
        received_at: NOW,
        due_at: None,
        attempt: 0,
        contact_id: None,
    };
    Scene {
        tenant,
        lead,
        run,
        event,
        connections: connections.into(),
        journal: vec![],
        effects: vec![],
        now: NOW,
    }
}

impl Scene {
    pub(crate) fn facts(&self) -> Facts<'_> {
        static NO_LINKS: Links = Links { review: None, unsubscribe: None, photos: Vec::new() };
        Facts {
            event: &self.event,
            tenant: &self.tenant,
            language: Language::English,
            lead: Some(&self.lead),
            contact: None,
            job: None,
            operator: None,
            conversation: &[],
            links: &NO_LINKS,
        }
    }

    fn advance(&mut self, steps: &str) -> Plan {
        self.advance_with(steps, |_| {})
    }

    fn advance_with(&mut self, steps: &str, change: impl FnOnce(&mut Definition)) -> Plan {
        let head =
            "[automation]\nname=\"t\"\ntitle=\"T\"\ndescription=\"\"\n[[trigger]]\non=\"lead.received\"\n";
        let mut definition = Definition::parse(&format!("{head}{steps}")).unwrap();
        change(&mut definition);
        let templates = MessageTemplates::from([(
            "hello".to_owned(),
            nexora_core::model::automation::MessageTemplate {
                subject: "Hi".into(),
                text: "{{ lead.name }}".into(),
                html: None,
                attachments: Vec::new(),
            },
        )]);
        let kinds = samples::kinds();
        let situation = Situation {
            run: &self.run,
            facts: self.facts(),
            definition: &definition,
            settings: &Settings::new(),
            templates: &templates,
            connections: Connections::new(&self.connections, &kinds),
            journal: &self.journal,
            effects: &self.effects,
            digest: None,
            unseen_since: None,
            now: self.now,
        };
        let plan = advance(&situation).unwrap();
        self.run = plan.run.clone();
        for step in &plan.steps {
            self.journal.retain(|line| line.position != step.position);
            self.journal.push(step.clone());
        }
        for promise in &plan.effects {
            self.effects.push(effect(&self.run, promise));
        }
        plan
    }

    fn settle(&mut self, step: &str, state: EffectState) {
        let effect = self.effects.iter_mut().find(|effect| effect.step == step).unwrap();
        effect.state = state;
        effect.reason = (state == EffectState::Dead).then(|| "no such mailbox".to_owned());
        effect.settled_at = Some(self.now);
    }

    fn states(&self) -> Vec<(&str, StepState)> {
        let mut lines: Vec<&Step> = self.journal.iter().collect();
        lines.sort_by_key(|line| line.position);
        lines.into_iter().map(|line| (line.name.as_str(), line.state)).collect()
    }
}

fn effect(run: &Run, promise: &Promise) -> Effect {
    Effect {
        tenant_id: run.tenant_id.clone(),
        id: promise.id.clone(),
        run_id: run.id.clone(),
        step: promise.step.clone(),
        kind: promise.request.kind(),
        connection_id: promise.connection_id.clone(),
        request: Json::of(&promise.request).unwrap(),
        evidence: None,
        provider_id: None,
        output: None,
        state: EffectState::Pending,
        reason: None,
        attempt: 0,
        attempt_limit: Some(3),
        epoch: 0,
        due_at: Some(NOW),
        lease_until: None,
        created_at: NOW,
        settled_at: None,
        mark: None,
        unseen_since: None,
    }
}

const SEND: &str = "action=\"message.send\"\nwith={ to=\"{{ lead.email }}\", template=\"hello\" }\n";

fn send(id: &str, more: &str) -> String {
    format!("[[step]]\nid=\"{id}\"\n{more}{SEND}")
}

#[test]
fn neighbouring_effects_are_promised_together_and_the_run_ends_when_they_settle() {
    let mut scene = scene();
    let steps = send("a", "") + &send("b", "");
    let plan = scene.advance(&steps);
    assert_eq!(plan.effects.len(), 2);
    assert_eq!((plan.run.state, plan.run.due_at), (RunState::Running, None));

    scene.settle("a", EffectState::Delivered);
    assert_eq!(scene.advance(&steps).run.state, RunState::Running);
    scene.settle("b", EffectState::Delivered);
    let plan = scene.advance(&steps);
    assert_eq!(plan.run.state, RunState::Succeeded);
    assert_eq!(plan.run.finished_at, Some(NOW));
    assert!(plan.effects.is_empty());
}

#[test]
fn a_false_condition_skips_and_says_so() {
    let mut scene = scene();
    scene.lead.email = None;
    let plan = scene.advance(&send("a", "when=\"lead.email\"\n"));
    assert_eq!(plan.run.state, RunState::Succeeded);
    assert_eq!(plan.steps[0].reason.as_deref(), Some("`lead.email` was false"));
}

#[test]
fn a_wait_is_kept_and_passes_at_its_moment() {
    let mut scene = scene();
    let steps =
        send("a", "") + "[[step]]\nid=\"w\"\naction=\"wait\"\nwith={ for=\"2days\" }\n" + &send("b", "");
    assert_eq!(scene.advance(&steps).effects.len(), 1, "what follows a wait is not promised before it");
    scene.settle("a", EffectState::Delivered);
    let plan = scene.advance(&steps);
    let until = NOW + Duration::from_secs(2 * 86_400);
    assert_eq!((plan.run.state, plan.run.due_at), (RunState::Waiting, Some(until)));

    scene.now = until + Duration::from_secs(3_600);
    let plan = scene.advance(&steps);
    assert_eq!(plan.effects.len(), 1);
    let expected = [("a", StepState::Succeeded), ("w", StepState::Succeeded), ("b", StepState::Waiting)];
    assert_eq!(scene.states(), expected);
}

#[test]
fn an_answer_to_a_relays_mail_reaches_the_owner() {
    let reply_to = |scene: &mut Scene| match scene.advance(&send("a", "")).effects[0].request.message() {
        Some(OutboundMessage { content: Content::Mail(mail), .. }) => {
            mail.reply_to.as_ref().map(ToString::to_string)
        }
        None => panic!("not a message"),
    };
    assert_eq!(reply_to(&mut scene()), None, "it comes back to the mailbox that sent it");
    let mut scene = scene();
    scene.connections.retain(|connection| connection.kind == samples::SMTP.kind);
    assert_eq!(reply_to(&mut scene).as_deref(), Some("owner@acme.example.com"));
}

#[test]
fn waits_end_when_somebody_is_there_and_nobody_sleeps() {
    // NOW is a Monday, 09:13 in Chicago.
    let cases = [
        ("for = \"2h\"", "2026-09-21T16:13:20.000Z"),
        ("until = \"{{ now | later('3h') }}\"", "2026-09-21T17:13:20.000Z"),
        ("for = \"10h\", hours = \"Mon-Fri 08:00-18:00\"", "2026-09-22T13:00:00.000Z"),
        ("open_for = \"9h\", hours = \"Mon-Fri 08:00-18:00\"", "2026-09-22T13:13:20.000Z"),
        ("for = \"13h\", past_quiet = true", "2026-09-22T13:00:00.000Z"),
        ("until = \"{{ now | at_time('22:30') }}\", past_quiet = true", "2026-09-22T13:00:00.000Z"),
        ("for = \"1h\", past_quiet = true", "2026-09-21T15:13:20.000Z"),
    ];
    for (with, expected) in cases {
        let plan = scene().advance(&format!("[[step]]\nid=\"w\"\naction=\"wait\"\nwith={{ {with} }}\n"));
        assert_eq!(plan.run.due_at.map(|at| at.to_string()).as_deref(), Some(expected), "{with}");
    }
    let past = scene()
        .advance("[[step]]\nid=\"w\"\naction=\"wait\"\nwith={ until = \"{{ now | earlier('1h') }}\" }\n");
    assert_eq!(past.run.state, RunState::Succeeded);
    assert_eq!(past.steps[0].output.value()["passed"], true, "it had passed already");
}

#[test]
fn waking_early_does_not_prolong_a_wait() {
    let mut scene = scene();
    let steps = "[[step]]\nid=\"w\"\naction=\"wait\"\nwith={ for=\"1h\" }\n";
    let until = scene.advance(steps).run.due_at;
    scene.now = NOW + Duration::from_secs(60);
    assert_eq!(scene.advance(steps).run.due_at, until);
}

#[test]
fn a_dead_effect_fails_the_run_once_the_others_have_settled() {
    let mut scene = scene();
    let steps = send("a", "") + &send("b", "");
    scene.advance(&steps);
    scene.settle("a", EffectState::Dead);
    assert_eq!(scene.advance(&steps).run.state, RunState::Running);
    scene.settle("b", EffectState::Delivered);
    let run = scene.advance(&steps).run;
    assert_eq!(run.state, RunState::Failed);
    assert_eq!(run.reason.as_deref(), Some("step `a` failed: no such mailbox"));
}

#[test]
fn continue_goes_on_after_a_failure() {
    let mut scene = scene();
    let after = "[[step]]\nid=\"end\"\naction=\"stop\"\nwhen=\"steps.a.state == 'failed'\"\nwith={ reason=\"could not send\" }\n";
    let steps = send("a", "on_error=\"continue\"\n") + after;
    scene.advance(&steps);
    scene.settle("a", EffectState::Dead);
    let run = scene.advance(&steps).run;
    assert_eq!((run.state, run.reason.as_deref()), (RunState::Succeeded, Some("could not send")));
}

#[test]
fn a_fault_in_the_automation_fails_its_step_with_the_reason() {
    let mut scene = scene();
    scene.connections.clear();
    let plan = scene.advance(&send("a", ""));
    assert_eq!(plan.run.state, RunState::Failed);
    let reason = plan.run.reason.unwrap();
    assert!(reason.contains("no connection can carry `mail.send`"), "{reason}");
}

#[test]
fn a_callback_lies_in_business_hours() {
    let mut scene = scene();
    let steps = "[[step]]\nid=\"c\"\naction=\"calendar.create_event\"\nwith={ calendar=\"primary\", title=\"Call {{ lead.first_name }}\", after=\"30m\", length=\"15m\", hours=\"Mon-Fri 09:30-18:00\" }\n";
    let plan = scene.advance(steps);
    let EffectRequest::CreateEvent(event) = &plan.effects[0].request else { panic!("not an event") };
    // 09:13 in Chicago: half an hour on is 09:43.
    assert_eq!(event.start, NOW + Duration::from_secs(1_800));
    assert_eq!((event.title.as_str(), event.end), ("Call Jo", event.start + Duration::from_secs(900)));
}

#[test]
fn a_step_that_takes_too_much_or_hits_a_defect_fails_alone_and_is_named() {
    let mut scene = scene();
    scene.lead.message = Some("x".repeat(2_000));
    let endless = "lead.message | list | map('replace', 'x', lead.message) | join(lead.message) == ''";
    let plan = scene.advance(&send("greedy", &format!("when=\"{endless}\"\n")));
    assert_eq!(plan.run.state, RunState::Failed);
    let reason = plan.run.reason.unwrap();
    assert!(reason.starts_with("step `greedy` failed") && reason.contains("bytes of text"), "{reason}");

    #[derive(Debug)]
    struct Defect;
    impl crate::automation::argument::Texts for Defect {
        fn texts(&self) -> Vec<&str> {
            Vec::new()
        }
    }
    impl action::Action for Defect {
        fn plan(&self, _: &StepContext<'_>) -> Result<Planned> {
            panic!("nobody thought of this")
        }
    }
    let steps = send("broken", "");
    let mut scene = self::scene();
    let plan =
        scene.advance_with(&steps, |definition| definition.steps[0].action = std::sync::Arc::new(Defect));
    assert_eq!(plan.run.state, RunState::Failed);
    let reason = plan.run.reason.unwrap();
    assert!(reason.contains("step `broken` failed: a defect of this program: nobody"), "{reason}");
}
