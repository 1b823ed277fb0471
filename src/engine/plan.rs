//! What a run does next: from where it stands, to the effects it promises and where it then stands.
//!
//! Effects of neighbouring steps are promised together and delivered side by side. A run stops at a
//! barrier (a wait, a stop, its end, or a step that refers to an earlier one's result) until all it
//! promised has settled. A failed step ends the run there, unless the step says `continue`.

use std::time::Duration;

use chrono_tz::Tz;
use minijinja::Value;
use serde::{Deserialize, Serialize};
use serde_json::Map;

use crate::base::clock::Timestamp;
use crate::base::text::Json;
use crate::base::{Error, Result};
use crate::engine::action::{self, Action};
use crate::engine::check;
use crate::engine::context::{self, Facts, Settings};
use crate::engine::definition::{Definition, OnError, Step as StepDefinition};
use crate::engine::hours::{BusinessHours, duration};
use crate::engine::promise::{Promised, Scene, moment};
use crate::engine::quiet::QuietHours;
use crate::engine::render::Renderer;
use crate::model::automation::{AutomationState, MessageTemplates};
use crate::model::change::Change;
use crate::model::connection::Connection;
use crate::model::effect::{Effect, EffectState};
use crate::model::request::EffectRequest;
use crate::model::run::{Run, RunState, Step, StepState};
use crate::model::tenant::TenantState;
use crate::model::{ConnectionId, EffectId};

/// Everything a decision about a run rests on.
pub struct Situation<'a> {
    pub run: &'a Run,
    pub facts: Facts<'a>,
    pub definition: &'a Definition,
    pub settings: &'a Settings,
    pub templates: &'a MessageTemplates,
    pub connections: &'a [Connection],
    pub journal: &'a [Step],
    pub effects: &'a [Effect],
    /// What a digest says, where the run has one to compose.
    pub digest: Option<&'a serde_json::Value>,
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
            renderer: Renderer::of(situation.facts.tenant)?,
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
            if self.outstanding && (step.action.is_barrier() || self.needs_outstanding(step)?) {
                break;
            }
            if let Walk::Pause = self.take(step)? {
                break;
            }
        }
        Ok(())
    }

    /// A step waits for what it refers to, and so does one whose message does.
    fn needs_outstanding(&self, step: &StepDefinition) -> Result<bool> {
        let waiting = |name: &String| {
            self.journal.iter().any(|earlier| earlier.name == *name && earlier.state == StepState::Waiting)
        };
        let template = step.action.template().and_then(|name| self.now.templates.get(name));
        let of_template = template.map(|template| check::steps_in(template, &self.renderer)).transpose()?;
        Ok(step.refers_to.iter().chain(of_template.iter().flatten()).any(waiting))
    }

    fn take(&mut self, step: &'a StepDefinition) -> Result<Walk> {
        let situation = self.now;
        let context = context::of_run(
            &self.run,
            situation.facts,
            situation.settings,
            situation.connections,
            &self.journal,
            step.item.as_ref(),
            situation.now,
        )?;
        let wanted = match &step.when {
            Some(when) => self.renderer.is_true(when, &context),
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
        match &step.action {
            Action::Wait(wait) => self.wait(step, wait, &context),
            Action::Stop(stop) => Ok(self.stop(step, &stop.reason, &context)),
            Action::Condition(condition) => match self.renderer.is_true(&condition.test, &context) {
                Ok(true) => Ok(self.record(step, StepState::Succeeded, None, None, Json::empty_object())),
                Ok(false) => Ok(self.stop(step, &condition.otherwise, &context)),
                Err(error) => Ok(self.fail(step, &error)),
            },
            Action::ComposeDigest(_) => self.digest(step),
            action if action.is_change() => self.change(step, &context),
            _ => match self.promise(step, &context) {
                Ok(Err(why)) => {
                    let why = Some(why.to_owned());
                    Ok(self.record(step, StepState::Skipped, why, None, Json::empty_object()))
                }
                Ok(Ok(promise)) => {
                    let effect_id = Some(promise.id.clone());
                    self.promises.push(promise);
                    self.outstanding = true;
                    Ok(self.record(step, StepState::Waiting, None, effect_id, Json::empty_object()))
                }
                Err(error) => Ok(self.fail(step, &error)),
            },
        }
    }

    /// Returns what the step promises, or why it promises nothing.
    fn promise(&self, step: &StepDefinition, context: &Value) -> Result<Result<Promise, &'static str>> {
        let scene = Scene { situation: self.now, renderer: &self.renderer, context, zone: self.zone };
        Ok(match scene.promise(&step.action)? {
            Promised::Nothing(why) => Err(why),
            Promised::Effect(connection_id, request) => Ok(Promise {
                id: EffectId::new(self.now.now),
                step: step.id.clone(),
                connection_id,
                request: *request,
                never_give_up: step.on_error == OnError::RetryForever,
            }),
        })
    }

    /// Does what a step changes in our own records: written with the run, it has happened at once.
    fn change(&mut self, step: &StepDefinition, context: &Value) -> Result<Walk> {
        let scene = Scene { situation: self.now, renderer: &self.renderer, context, zone: self.zone };
        match scene.change(&step.action) {
            Ok(Some((change, output))) => {
                let said = Some(change.to_string());
                self.changes.push(change);
                Ok(self.record(step, StepState::Succeeded, said, None, Json::of(&output)?))
            }
            Ok(None) => Err(Error::internal(format!("step `{}` changes nothing", step.id))),
            Err(error) => Ok(self.fail(step, &error)),
        }
    }

    fn digest(&mut self, step: &StepDefinition) -> Result<Walk> {
        let Some(digest) = self.now.digest else {
            return Ok(self.fail(step, &Error::internal("no digest was composed")));
        };
        let empty = digest.get("empty").cloned().unwrap_or_default();
        let output = Json::of(&serde_json::json!({ "empty": empty, "digest": digest }))?;
        Ok(self.record(step, StepState::Succeeded, None, None, output))
    }

    fn wait(&mut self, step: &StepDefinition, wait: &action::Wait, context: &Value) -> Result<Walk> {
        let begun = self.journal.iter().find(|line| line.position == self.run.position);
        let waiting = match begun {
            Some(line) => line.output.read::<Waiting>()?,
            None => match self.end_of(wait, context) {
                Ok(until) => Waiting { until, passed: until <= self.now.now },
                Err(error) => return Ok(self.fail(step, &error)),
            },
        };
        let output = Json::of(&waiting)?;
        if waiting.until <= self.now.now {
            return Ok(self.record(step, StepState::Succeeded, None, None, output));
        }
        if begun.is_none() {
            self.record(step, StepState::Waiting, None, None, output);
            self.run.position -= 1;
        }
        self.run.due_at = Some(waiting.until);
        Ok(Walk::Pause)
    }

    /// Returns when a wait that begins now ends.
    fn end_of(&self, wait: &action::Wait, context: &Value) -> Result<Timestamp> {
        let text = |source: &Option<String>| {
            source.as_ref().map(|source| self.renderer.text(source, context)).transpose()
        };
        let now = self.now.now;
        let hours = text(&wait.hours)?.filter(|hours| !hours.trim().is_empty());
        let hours = hours.map(|hours| BusinessHours::parse(&hours)).transpose()?;
        let until = match (text(&wait.duration)?, text(&wait.until)?, text(&wait.open_for)?) {
            (Some(length), ..) => now + duration(&length)?,
            (None, Some(until), _) => moment(&until)?,
            (None, None, Some(length)) => {
                let length = duration(&length)?;
                let until = hours.map_or(now + length, |hours| hours.after_open(now, length, self.zone));
                return self.awake(until, wait.past_quiet);
            }
            (None, None, None) => return Err(Error::usage("nothing says how long to wait")),
        };
        let until = hours.map_or(until, |hours| hours.next_open(until, Duration::ZERO, self.zone));
        self.awake(until, wait.past_quiet)
    }

    /// Returns a moment, or the end of the quiet hours in which it lies.
    fn awake(&self, at: Timestamp, past_quiet: bool) -> Result<Timestamp> {
        if !past_quiet {
            return Ok(at);
        }
        let quiet = QuietHours::parse(&self.now.facts.tenant.settings()?.quiet_hours)?;
        Ok(quiet.end_of(at, self.zone).unwrap_or(at))
    }

    fn stop(&mut self, step: &StepDefinition, reason: &str, context: &Value) -> Walk {
        match self.renderer.text(reason, context) {
            Ok(reason) => {
                self.record(step, StepState::Succeeded, Some(reason.clone()), None, Json::empty_object());
                self.run.position = i32::try_from(self.now.definition.steps.len()).unwrap_or(i32::MAX);
                self.run.reason = Some(reason);
                Walk::Pause
            }
            Err(error) => self.fail(step, &error),
        }
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
pub(super) mod tests;
