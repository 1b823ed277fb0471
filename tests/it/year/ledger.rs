//! What people did, and whether what was sent fits it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use nexora_core::base::clock::Timestamp;
use nexora_core::model::TenantId;
use nexora_core::model::effect::Effect;
use nexora_core::model::hours::QuietHours;
use nexora_core::model::message::{Message, MessageClass};
use nexora_core::model::outbound::{Content, Envelope};
use nexora_core::model::request::EffectRequest;
use nexora_core::model::run::Run;
use nexora_core::model::verdict::{Decision, Gate, GateDecisionRow};

/// A reading this old is fresh enough to send by, and a little for the step of the clock.
const FRESH: Duration = Duration::from_secs(17);

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

/// Whom a message is for.
pub type Person = (TenantId, String);

/// An entry as its owner has it: since when, and when it begins, or nothing once it is cancelled.
pub type Intended = Vec<(Timestamp, Option<Timestamp>)>;

/// What is known of a tenant by those who live in it.
pub struct House {
    pub quiet: QuietHours,
    /// Its zone, and since when.
    pub zones: Vec<(Timestamp, chrono_tz::Tz)>,
    /// When it was suspended, and when that ended.
    pub pauses: Vec<(Timestamp, Timestamp)>,
}

impl House {
    pub fn zone_at(&self, at: Timestamp) -> chrono_tz::Tz {
        self.zones.iter().rev().find(|(since, _)| *since <= at).unwrap().1
    }

    fn is_paused(&self, at: Timestamp) -> bool {
        self.pauses.iter().any(|(from, to)| *from < at && at < *to)
    }

    /// Returns the end of the last pause before a moment.
    fn resumed(&self, at: Timestamp) -> Option<Timestamp> {
        self.pauses.iter().map(|(_, to)| *to).filter(|to| *to <= at).max()
    }
}

#[derive(Default)]
pub struct Ledger {
    pub seed: u64,
    pub houses: HashMap<TenantId, House>,
    pub replies: HashMap<Person, Vec<Timestamp>>,
    pub opted_out: HashMap<Person, Timestamp>,
    pub bounced: HashMap<Person, Timestamp>,
    pub entries: HashMap<(TenantId, String), Intended>,
    /// Commercial messages to each person.
    commercial: HashMap<Person, Vec<Timestamp>>,
    asked: HashMap<Person, Timestamp>,
    said: BTreeSet<String>,
    acknowledged: BTreeSet<String>,
    digests: BTreeMap<(TenantId, String), u32>,
    counts: BTreeMap<String, u32>,
}

/// A message that went out, with all that led to it.
pub struct Sent<'a> {
    pub automation: &'a str,
    pub message: &'a Message,
    pub effect: &'a Effect,
    pub run: &'a Run,
    pub verdicts: &'a [GateDecisionRow],
}

impl Ledger {
    pub fn new(seed: u64) -> Ledger {
        Ledger { seed, ..Ledger::default() }
    }

    pub fn summary(&self) -> String {
        let digests: u32 = self.digests.values().sum();
        let counts: Vec<String> = self.counts.iter().map(|(what, count)| format!("{what} {count}")).collect();
        format!("{}, digests {digests}", counts.join(", "))
    }

    pub fn count(&mut self, what: &str) {
        *self.counts.entry(what.to_owned()).or_default() += 1;
    }

    pub fn total(&self, what: &str) -> u32 {
        self.counts.get(what).copied().unwrap_or_default()
    }

    #[track_caller]
    fn demand(&self, fits: bool, why: &str, sent: &Sent<'_>) {
        let Sent { automation, message, effect, run, verdicts } = sent;
        assert!(
            fits,
            "seed {}: {why}\n{automation}, {} to {} at {}: {}\nrun {} since {}\nverdicts {verdicts:#?}",
            self.seed,
            effect.step,
            message.recipient,
            message.sent_at,
            message.subject,
            run.id,
            run.started_at
        );
    }

    /// Holds a message against what people did.
    pub fn check(&mut self, sent: &Sent<'_>) {
        let request: EffectRequest = sent.effect.request.read().unwrap();
        let Some(message) = request.message() else { return };
        let envelope = message.envelope().expect("a message to a customer has passed the gate").clone();
        let at = sent.effect.settled_at.unwrap();
        let person = (sent.message.tenant_id.clone(), sent.message.recipient.clone());
        self.count(&format!(
            "{}/{}",
            sent.automation,
            sent.effect.step.trim_end_matches(|c: char| c == '-' || c.is_ascii_digit())
        ));
        self.at_a_decent_hour(sent, &envelope, at);
        self.to_somebody_who_wants_it(sent, &envelope, &person, at);
        self.about_what_is_so(sent, &envelope, at);
        self.once(sent, &message.content, &envelope);
        self.within_limits(sent, &envelope, person, at);
        self.in_time(sent, at);
    }

    fn at_a_decent_hour(&self, sent: &Sent<'_>, envelope: &Envelope, at: Timestamp) {
        let house = &self.houses[&sent.message.tenant_id];
        let answers = envelope.at_once_until.is_some_and(|until| at <= until);
        let zone = house.zone_at(at);
        self.demand(
            answers || nexora_engine::message::quiet::end_of(&house.quiet, at, zone).is_none(),
            "it is quiet now",
            sent,
        );
        self.demand(!house.is_paused(at), "the tenant is paused", sent);
    }

    fn to_somebody_who_wants_it(&self, sent: &Sent<'_>, envelope: &Envelope, person: &Person, at: Timestamp) {
        let before = |since: Option<&Timestamp>| since.is_some_and(|since| *since + FRESH < at);
        let commercial = envelope.class == MessageClass::Commercial;
        self.demand(!commercial || !before(self.opted_out.get(person)), "they wanted no more", sent);
        let is_answer = envelope.at_once_until.is_some();
        self.demand(is_answer || !before(self.bounced.get(person)), "the address does not work", sent);
        let replies = self.replies.get(person).map_or(&[] as &[_], Vec::as_slice);
        let answered = replies.iter().any(|reply| sent.run.started_at < *reply && *reply + FRESH < at);
        self.demand(!commercial || !answered, "they have answered", sent);
    }

    fn about_what_is_so(&self, sent: &Sent<'_>, envelope: &Envelope, at: Timestamp) {
        let Some(intent) = &envelope.intent else { return };
        let key = (sent.message.tenant_id.clone(), intent.entry_id.clone());
        let Some(intended) = self.entries.get(&key) else { return };
        // What it was at any moment of the last seconds will do.
        let known = at - FRESH;
        let latest = intended.iter().rev().find(|(since, _)| *since <= known).map(|(_, starts)| *starts);
        let newer =
            intended.iter().filter(|(since, _)| *since > known && *since <= at).map(|(_, starts)| *starts);
        let fits = latest.into_iter().chain(newer).any(|starts| starts == intent.starts_at);
        let follows_at_once = at.since(sent.run.started_at) <= FRESH;
        self.demand(fits || follows_at_once, &format!("the appointment is not so: {intended:?}"), sent);
    }

    fn once(&mut self, sent: &Sent<'_>, content: &Content, envelope: &Envelope) {
        let Sent { automation, message, effect, run, .. } = sent;
        let what = match &envelope.intent {
            Some(intent) => format!("{} {:?} {}", intent.entry_id, intent.starts_at, run.event_id),
            None => run.event_id.to_string(),
        };
        let key =
            format!("{} {automation} {} {} {what}", message.tenant_id, effect.step, content.recipient());
        let is_new = self.said.insert(key);
        self.demand(is_new, "it was said before", sent);
        if effect.step == "acknowledge" {
            let is_new = self.acknowledged.insert(run.subject_id.clone());
            self.demand(is_new, "the lead was answered before", sent);
        }
    }

    fn within_limits(&mut self, sent: &Sent<'_>, envelope: &Envelope, person: Person, at: Timestamp) {
        if envelope.class == MessageClass::Transactional {
            return;
        }
        let earlier = self.commercial.entry(person.clone()).or_default().clone();
        let recent = earlier.iter().filter(|time| at.since(**time) < 7 * DAY).count();
        self.demand(recent < 4, "the cap was reached", sent);
        let near = earlier.iter().any(|time| at.since(*time) < 20 * 60 * MINUTE);
        self.demand(!near, "the last one was a moment ago", sent);
        self.commercial.entry(person.clone()).or_default().push(at);
        if sent.automation == "review-request" && sent.effect.step == "ask" {
            let last = self.asked.insert(person, at);
            self.demand(last.is_none_or(|last| at.since(last) >= 90 * DAY), "they were asked before", sent);
        }
    }

    /// Whatever nothing holds goes out within a minute.
    fn in_time(&self, sent: &Sent<'_>, at: Timestamp) {
        let held = sent.verdicts.iter().filter(|v| v.decision == Decision::Hold && v.gate != Gate::Freshness);
        let due = held.filter_map(|verdict| verdict.until).max().unwrap_or(sent.effect.created_at);
        let due = self.houses[&sent.message.tenant_id].resumed(at).map_or(due, |resumed| due.max(resumed));
        self.demand(at.since(due) <= MINUTE, &format!("it was due at {due}"), sent);
    }

    pub fn digest(&mut self, tenant: &TenantId, day: String) {
        let count = self.digests.entry((tenant.clone(), day.clone())).or_default();
        *count += 1;
        assert_eq!(*count, 1, "seed {}: two digests of {day} for {tenant}", self.seed);
    }

    /// Every day between has its digest, but for those on which the tenant was paused.
    pub fn close(&self, from: Timestamp, until: Timestamp) {
        for (tenant, house) in &self.houses {
            let first = from.utc().with_timezone(&house.zone_at(from)).date_naive();
            let last = until.utc().with_timezone(&house.zone_at(until)).date_naive();
            for day in first.iter_days().skip(2).take_while(|day| *day < last.pred_opt().unwrap()) {
                let noon = day.and_hms_opt(12, 0, 0).unwrap().and_utc();
                let near = |(from, to): &(Timestamp, Timestamp)| {
                    *from < Timestamp::from(noon) + DAY && Timestamp::from(noon) < *to + DAY
                };
                if house.pauses.iter().any(near) {
                    continue;
                }
                let key = (tenant.clone(), day.to_string());
                assert_eq!(
                    self.digests.get(&key),
                    Some(&1),
                    "seed {}: digest of {day} for {tenant}",
                    self.seed
                );
            }
        }
    }
}
