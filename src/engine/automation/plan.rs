//! What a run does next: from where it stands, to the effects it promises and where it then stands.
//!
//! Effects of neighbouring steps are promised together and delivered side by side. A run stops at a
//! barrier (a wait, a stop, its end, or a step that refers to an earlier one's result) until all it
//! promised has settled. A failed step ends the run there, unless the step says `continue`.

use chrono_tz::Tz;
use minijinja::Value;
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};

use crate::automation::action::context::StepContext;
use crate::automation::action::{self, Planned};
use crate::automation::check;
use crate::automation::context::{self, Facts, Settings};
use crate::automation::definition::{Definition, OnError, Step as StepDefinition};
use crate::automation::render::Renderer;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::fence::fenced;
use nexora_core::base::text::Json;
use nexora_core::base::{Error, Result};
use nexora_core::model::automation::{AutomationState, MessageTemplates};
use nexora_core::model::change::Change;
use nexora_core::model::connector::Connections;
use nexora_core::model::effect::{Effect, EffectState, mark_of};
use nexora_core::model::request::EffectRequest;
use nexora_core::model::run::{Run, RunState, Step, StepState};
use nexora_core::model::tenant::TenantState;
use nexora_core::model::{ConnectionId, EffectId};

/// Everything a decision about a run rests on.
pub struct Situation<'a> {
    pub run: &'a Run,
    pub facts: Facts<'a>,
    pub definition: &'a Definition,
    pub settings: &'a Settings,
    pub templates: &'a MessageTemplates,
    pub connections: Connections<'a>,
    pub journal: &'a [Step],
    pub effects: &'a [Effect],
    /// What a digest says, where the run has one to compose.
    pub digest: Option<&'a serde_json::Value>,
    /// Since when what is promised now may have happened already: a backup of that moment was restored.
    pub unseen_since: Option<Timestamp>,
    pub now: Timestamp,
}

/// What is to be written, all in one transaction.
#[derive(Debug)]
pub struct Plan {
    pub run: Run,
    /// The journal's new and changed lines.
    pub steps: Vec<Step>,
    pub effects: Vec<Promise>,
    /// What the steps change in our own records.
    pub changes: Vec<Change>,
}

/// An effect that a step promises.
#[derive(Debug, PartialEq)]
pub struct Promise {
    pub id: EffectId,
    pub step: String,
    pub connection_id: ConnectionId,
    pub request: EffectRequest,
    pub never_give_up: bool,
    /// What the provider knows it by.
    pub mark: String,
    /// Since when it may have happened already.
    pub unseen_since: Option<Timestamp>,
}

impl Promise {
    /// Returns the effect that keeps the promise; without `attempt_limit` it is never given up.
    ///
    /// # Errors
    /// `Internal` when the request has no JSON form.
    pub fn into_effect(self, run: &Run, attempt_limit: Option<i32>, now: Timestamp) -> Result<Effect> {
        Ok(Effect {
            tenant_id: run.tenant_id.clone(),
            id: self.id,
            run_id: run.id.clone(),
            step: self.step,
            kind: self.request.kind(),
            connection_id: self.connection_id,
            request: Json::of(&self.request)?,
            evidence: None,
            provider_id: None,
            output: None,
            state: EffectState::Pending,
            reason: None,
            attempt: 0,
            attempt_limit: attempt_limit.filter(|_| !self.never_give_up),
            epoch: 0,
            due_at: Some(now),
            lease_until: None,
            created_at: now,
            settled_at: None,
            mark: Some(self.mark),
            unseen_since: self.unseen_since,
        })
    }
}

/// The output of a wait: when it ends.
#[derive(Serialize, Deserialize)]
struct Waiting {
    until: Timestamp,
    /// It had passed already when the run came to the wait.
    #[serde(default)]
    passed: bool,
}

/// Says why a run is held, if it is. Runs in flight of an automation that was switched off go on:
/// only a pause holds them.
pub fn held(tenant: TenantState, automation: AutomationState) -> Option<&'static str> {
    match (tenant, automation) {
        (TenantState::Suspended, _) => Some("the tenant is suspended"),
        (TenantState::Active, AutomationState::Paused) => Some("the automation is paused"),
        (TenantState::Active, AutomationState::Enabled | AutomationState::Disabled) => None,
    }
}

/// Decides a run's next move.
///
/// # Errors
/// `Internal` when what is stored about the run cannot be read. A fault in the automation is no
/// error: it fails its step, and the plan says so.
pub fn advance(situation: &Situation<'_>) -> Result<Plan> {
    let mut planner = Planner::new(situation)?;
    planner.settle_effects()?;
    planner.walk()?;
    Ok(planner.finish())
}

/// Whether the walk goes on to the next step.
enum Walk {
    Next,
    Pause,
}

struct Planner<'a> {
    now: &'a Situation<'a>,
    zone: Tz,
    renderer: Renderer,
    /// What every step may refer to, once one has been come to.
    values: Option<Value>,
    run: Run,
    journal: Vec<Step>,
    changed: Vec<i32>,
    promises: Vec<Promise>,
    changes: Vec<Change>,
    outstanding: bool,
    failure: Option<String>,
}

impl<'a> Planner<'a> {
    fn new(situation: &'a Situation<'a>) -> Result<Planner<'a>> {
        let zone = situation.facts.tenant.zone()?.tz();
        Ok(Planner {
            now: situation,
            zone,
            renderer: Renderer::speaking(situation.facts.language, situation.facts.tenant)?,
            values: None,
            run: Run { due_at: None, attempt: 0, reason: None, ..situation.run.clone() },
            journal: situation.journal.to_vec(),
            changed: Vec::new(),
            promises: Vec::new(),
            changes: Vec::new(),
            outstanding: false,
            failure: None,
        })
    }

    /// Carries what became of the effects into the journal.
    fn settle_effects(&mut self) -> Result<()> {
        for index in 0..self.journal.len() {
            let Some(step) = self.journal.get_mut(index) else { break };
            let effect_id = step.effect_id.clone().filter(|_| step.state == StepState::Waiting);
            if let Some(id) = effect_id {
                let Some(effect) = self.now.effects.iter().find(|effect| effect.id == id) else {
                    return Err(Error::internal(format!("effect `{id}` of run `{}` is gone", self.run.id)));
                };
                if !effect.state.is_settled() {
                    self.outstanding = true;
                    continue;
                }
                step.state = match effect.state {
                    EffectState::Delivered => StepState::Succeeded,
                    EffectState::Discarded => StepState::Skipped,
                    _ => StepState::Failed,
                };
                step.reason = effect.reason.clone();
                step.output = output_of(effect)?;
                step.finished_at = effect.settled_at;
                self.changed.push(step.position);
            }
        }
        let continues = |name: &str| {
            self.now.definition.steps.iter().any(|step| step.id == name && step.on_error == OnError::Continue)
        };
        let failed =
            self.journal.iter().find(|step| step.state == StepState::Failed && !continues(&step.name));
        self.failure = failed.map(failure_text);
        Ok(())
    }

    fn walk(&mut self) -> Result<()> {
        while self.failure.is_none() {
            let position = usize::try_from(self.run.position).unwrap_or(usize::MAX);
            let Some(step) = self.now.definition.steps.get(position) else { break };
            if self.outstanding && (step.action.is_barrier() || self.needs_outstanding(step)) {
                break;
            }
            if let Walk::Pause = self.take(step)? {
                break;
            }
        }
        Ok(())
    }

    /// A step waits for what it refers to, and so does one whose message does. A message that cannot be
    /// read refers to nothing; the step will fail by it.
    fn needs_outstanding(&self, step: &StepDefinition) -> bool {
        let waiting = |name: &String| {
            self.journal.iter().any(|earlier| earlier.name == *name && earlier.state == StepState::Waiting)
        };
        let message = step.action.message();
        let template = message.and_then(|message| self.now.templates.get(message.template.as_str()));
        let of_template = template.and_then(|template| check::steps_in(template, &self.renderer).ok());
        step.refers_to.iter().chain(of_template.iter().flatten()).any(waiting)
    }

    /// Returns what every step of the run may refer to.
    fn values(&mut self) -> Result<Value> {
        if let Some(known) = &self.values {
            return Ok(known.clone());
        }
        let Situation { facts, settings, connections, now, .. } = *self.now;
        let values = context::of_run(&self.run, facts, settings, connections, now)?;
        Ok(self.values.insert(values).clone())
    }

    /// Returns what the steps so far offer, by step.
    fn outputs(&self) -> Result<Map<String, serde_json::Value>> {
        let mut steps = Map::new();
        for step in &self.journal {
            let mut output: Map<String, serde_json::Value> = step.output.read()?;
            output.insert("state".to_owned(), json!(step.state));
            for name in action::outputs(&step.action) {
                output.entry(name).or_insert_with(|| json!(null));
            }
            steps.insert(step.name.clone(), output.into());
        }
        Ok(steps)
    }

    fn take(&mut self, step: &'a StepDefinition) -> Result<Walk> {
        let situation = self.now;
        let context = context::of_step(&self.values()?, self.outputs()?, step.item.as_ref());
        let wanted = match &step.when {
            Some(when) => fenced(|| self.renderer.is_true(when, &context)),
            None => Ok(true),
        };
        match wanted {
            Ok(true) => {}
            Ok(false) => {
                let reason = step.when.as_ref().map(|when| format!("`{when}` was false"));
                return Ok(self.record(step, StepState::Skipped, reason, None, Json::empty_object()));
            }
            Err(error) => return Ok(self.fail(step, &error)),
        }
        if let Some(waiting) = self.begun_wait() {
            return self.wait(step, &waiting);
        }
        let step_context = StepContext {
            now: situation.now,
            zone: self.zone,
            facts: situation.facts,
            templates: situation.templates,
            connections: situation.connections,
            effects: situation.effects,
            digest: situation.digest,
            renderer: &self.renderer,
            values: &context,
        };
        match fenced(|| step.action.plan(&step_context)) {
            Ok(planned) => self.carry_out(step, planned),
            Err(error) => Ok(self.fail(step, &error)),
        }
    }

    fn carry_out(&mut self, step: &StepDefinition, planned: Planned) -> Result<Walk> {
        let nothing = Json::empty_object();
        Ok(match planned {
            Planned::Effect(connection_id, request) => {
                let id = EffectId::new(self.now.now);
                self.promises.push(Promise {
                    id: id.clone(),
                    step: step.id.clone(),
                    connection_id,
                    request: *request,
                    never_give_up: step.on_error == OnError::RetryForever,
                    mark: mark_of(&self.run, &step.id, &self.now.facts.event.dedupe_key),
                    unseen_since: self.now.unseen_since,
                });
                self.outstanding = true;
                self.record(step, StepState::Waiting, None, Some(id), nothing)
            }
            Planned::Change(change, output) => {
                let changed = Some(change.to_string());
                self.changes.push(*change);
                self.record(step, StepState::Succeeded, changed, None, Json::of(&output)?)
            }
            Planned::Done(output) => self.record(step, StepState::Succeeded, None, None, Json::of(&output)?),
            Planned::Skip(reason) => {
                self.record(step, StepState::Skipped, Some(reason.to_owned()), None, nothing)
            }
            Planned::WaitUntil(until) => {
                return self.wait(step, &Waiting { until, passed: until <= self.now.now });
            }
            Planned::Stop(reason) => {
                self.record(step, StepState::Succeeded, Some(reason.clone()), None, nothing);
                self.run.position = i32::try_from(self.now.definition.steps.len()).unwrap_or(i32::MAX);
                self.run.reason = Some(reason);
                Walk::Pause
            }
        })
    }

    /// Returns the wait at which the run stands, if it has come to one: a wait that was begun, or that
    /// had passed before the run was taken up again, keeps its end.
    fn begun_wait(&self) -> Option<Waiting> {
        let line = self.journal.iter().find(|line| line.position == self.run.position)?;
        // The output of any other step has no `until`.
        line.output.read().ok().filter(|_| line.effect_id.is_none())
    }

    fn wait(&mut self, step: &StepDefinition, waiting: &Waiting) -> Result<Walk> {
        let output = Json::of(waiting)?;
        if waiting.until <= self.now.now {
            return Ok(self.record(step, StepState::Succeeded, None, None, output));
        }
        if self.begun_wait().is_none() {
            self.record(step, StepState::Waiting, None, None, output);
            self.run.position -= 1;
        }
        self.run.due_at = Some(waiting.until);
        Ok(Walk::Pause)
    }

    fn fail(&mut self, step: &StepDefinition, error: &Error) -> Walk {
        self.record(step, StepState::Failed, Some(error.report()), None, Json::empty_object());
        if step.on_error != OnError::Continue {
            self.failure = self.journal.iter().rev().find(|line| line.name == step.id).map(failure_text);
        }
        Walk::Next
    }

    /// Writes a line of the journal at the run's position and moves on to the next.
    fn record(
        &mut self,
        step: &StepDefinition,
        state: StepState,
        reason: Option<String>,
        effect_id: Option<EffectId>,
        output: Json,
    ) -> Walk {
        let position = self.run.position;
        let earlier = self.journal.iter().position(|line| line.position == position);
        let started_at = earlier.and_then(|index| self.journal.get(index)).map(|line| line.started_at);
        let line = Step {
            tenant_id: self.run.tenant_id.clone(),
            run_id: self.run.id.clone(),
            position,
            name: step.id.clone(),
            action: step.action_name.clone(),
            state,
            reason,
            effect_id,
            output,
            started_at: started_at.unwrap_or(self.now.now),
            finished_at: (state != StepState::Waiting).then_some(self.now.now),
        };
        if let Some(index) = earlier {
            self.journal.remove(index);
        }
        self.journal.push(line);
        self.changed.push(position);
        self.run.position = position + 1;
        Walk::Next
    }

    fn finish(mut self) -> Plan {
        let steps = self.now.definition.steps.len();
        let at_end = usize::try_from(self.run.position).unwrap_or(0) >= steps || self.failure.is_some();
        self.run.state = match (at_end && !self.outstanding, &self.failure) {
            (true, Some(_)) => RunState::Failed,
            (true, None) => RunState::Succeeded,
            (false, _) if self.run.due_at.is_some() => RunState::Waiting,
            (false, _) => RunState::Running,
        };
        if let Some(reason) = self.failure {
            self.run.reason = Some(reason);
        }
        if self.run.state.is_finished() {
            self.run.finished_at = Some(self.now.now);
        }
        let changed = self.changed;
        let steps = self.journal.into_iter().filter(|step| changed.contains(&step.position)).collect();
        Plan { run: self.run, steps, effects: self.promises, changes: self.changes }
    }
}

/// What a step offers to those after it.
fn output_of(effect: &Effect) -> Result<Json> {
    let made = effect.output.as_ref().map(Json::read).transpose()?;
    let mut output: Map<String, serde_json::Value> = made.unwrap_or_default();
    output.insert("provider_id".to_owned(), serde_json::json!(effect.provider_id));
    Json::of(&output)
}

fn failure_text(step: &Step) -> String {
    format!("step `{}` failed: {}", step.name, step.reason.as_deref().unwrap_or("no reason was given"))
}

#[cfg(test)]
#[path = "plan_tests.rs"]
pub(crate) mod tests;
