//! Actions that steer a run itself: wait, go on only under a condition, end.

use crate::automation::action::context::StepContext;
use crate::automation::action::{Action, ActionKind, EndsRun, Planned, read};
use crate::automation::argument::{Arguments as _, Test, Text, define_arguments};
use crate::calendar::hours;
use crate::message::quiet;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::wording::parse_length;
use nexora_core::base::{Error, Result};
use nexora_core::model::hours::{BusinessHours, QuietHours};

pub const WAIT: ActionKind = ActionKind {
    name: "wait",
    does: "goes on later",
    arguments: Wait::ARGUMENTS,
    outputs: &["until", "passed"],
    read: read::<Wait>,
};

pub const CONDITION: ActionKind = ActionKind {
    name: "condition",
    does: "ends the run unless something is so",
    arguments: Condition::ARGUMENTS,
    outputs: &[],
    read: read::<Condition>,
};

pub const STOP: ActionKind = ActionKind {
    name: "stop",
    does: "ends the run",
    arguments: Stop::ARGUMENTS,
    outputs: &[],
    read: read::<Stop>,
};

define_arguments! {
    Wait {
        duration as "for": Option<Text>, "how long, such as `2h` or `3days`";
        until: Option<Text>, "or: a time; one that has passed is over at once, and `passed` says so";
        open_for: Option<Text>, "or: how long, counted only within `hours`";
        hours: Option<Text>,
            "business hours; with `for` and `until`, the wait ends at their first opening from then on";
        past_quiet: bool, "`true` does not let it end while the tenant's quiet hours last";
    }
}

define_arguments! {
    Condition {
        test as "if": Test, "the condition";
        otherwise: Text = Text::from("the condition was not met"), "the reason that is noted when it is not";
    }
}

define_arguments! {
    Stop {
        reason: Text, "why";
    }
}

impl Action for Wait {
    fn check(&self) -> Result<()> {
        for text in [&self.duration, &self.open_for].into_iter().flatten().filter_map(Text::fixed) {
            parse_length(text)?;
        }
        if let Some(hours) = self.hours.as_ref().and_then(Text::fixed) {
            BusinessHours::parse(hours)?;
        }
        let given = [&self.duration, &self.until, &self.open_for];
        match (given.into_iter().flatten().count(), &self.open_for, &self.hours) {
            (1, Some(_), None) => Err(Error::usage("`open_for` needs the `hours` in which it counts")),
            (1, _, _) => Ok(()),
            _ => Err(Error::usage("a wait has one of `for`, `until` and `open_for`")),
        }
    }

    fn is_barrier(&self) -> bool {
        true
    }

    fn plan(&self, context: &StepContext<'_>) -> Result<Planned> {
        let (now, zone) = (context.now, context.zone);
        let hours = context.filled(self.hours.as_ref())?;
        let hours = hours.map(|hours| BusinessHours::parse(&hours)).transpose()?;
        let until = match (&self.duration, &self.until, &self.open_for) {
            (None, None, Some(length)) => {
                let length = context.duration(length)?;
                hours.map_or(now + length, |hours| hours::after_open(&hours, now, length, zone))
            }
            (length, until, _) => {
                let until = match (length, until) {
                    (Some(length), _) => now + context.duration(length)?,
                    (None, Some(until)) => context.moment(until)?,
                    (None, None) => return Err(Error::usage("nothing says how long to wait")),
                };
                hours.map_or(until, |hours| hours::next_open(&hours, until, std::time::Duration::ZERO, zone))
            }
        };
        let until = if self.past_quiet { after_quiet_hours(context, until)? } else { until };
        Ok(Planned::WaitUntil(until))
    }
}

impl Action for Condition {
    fn ends_run(&self) -> EndsRun<'_> {
        EndsRun::Unless(&self.test.0)
    }

    fn is_barrier(&self) -> bool {
        true
    }

    fn plan(&self, context: &StepContext<'_>) -> Result<Planned> {
        match context.renderer.is_true(&self.test.0, context.values)? {
            true => Ok(Planned::Done(serde_json::json!({}))),
            false => Ok(Planned::Stop(context.text(&self.otherwise)?)),
        }
    }
}

impl Action for Stop {
    fn ends_run(&self) -> EndsRun<'_> {
        EndsRun::Always
    }

    fn is_barrier(&self) -> bool {
        true
    }

    fn plan(&self, context: &StepContext<'_>) -> Result<Planned> {
        Ok(Planned::Stop(context.text(&self.reason)?))
    }
}

/// Returns the moment, or the end of the tenant's quiet hours in which it lies.
fn after_quiet_hours(context: &StepContext<'_>, at: Timestamp) -> Result<Timestamp> {
    let quiet = QuietHours::parse(&context.facts.tenant.settings()?.quiet_hours)?;
    Ok(quiet::end_of(&quiet, at, context.zone).unwrap_or(at))
}
