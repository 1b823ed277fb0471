//! The trigger on moments of a schedule.

use crate::automation::argument::{Arguments as _, Text, define_arguments};
use crate::automation::trigger::{EventSource, Fill, Filter, Keys, TriggerKind, read};
use crate::calendar::cron::Cron;
use nexora_core::base::Result;
use nexora_core::model::event::{Event, EventKind, ScheduleEvent};
use nexora_core::model::schedule::Misfire;

pub const SCHEDULE: TriggerKind = TriggerKind {
    on: EventKind::Schedule.name(),
    when: "a moment of `cron` has come, by clocks in the tenant's zone",
    keys: Schedule::ARGUMENTS,
    event: EventKind::Schedule,
    needs: &[],
    sample: "",
    read: read::<Schedule>,
};

define_arguments! {
    Schedule {
        cron: Text, "minute, hour, day of month, month, weekday, such as `0 7 * * Mon-Fri`";
        misfire: Option<Text>,
            "what comes of moments that passed while nothing could fire: `latest` (if nothing is said), `skip` or `all`";
    }
}

impl Keys for Schedule {
    fn filter(&self, fill: &Fill<'_>) -> Result<Option<Box<dyn Filter>>> {
        let Some(cron) = fill.filled(Some(&self.cron))? else { return Ok(None) };
        Cron::parse(&cron)?;
        let misfire = fill.filled(self.misfire.as_ref())?;
        let misfire = misfire.as_deref().map_or(Ok(Misfire::Latest), Misfire::parse)?;
        Ok(Some(Box::new(ScheduleFilter { cron, misfire })))
    }
}

#[derive(Debug)]
struct ScheduleFilter {
    cron: String,
    misfire: Misfire,
}

impl Filter for ScheduleFilter {
    fn passes(&self, event: &Event, automation: &str, number: i32) -> Result<bool> {
        let tick: ScheduleEvent = event.payload.read()?;
        Ok(tick.automation == automation && tick.number == number)
    }

    fn source(&self) -> EventSource<'_> {
        EventSource::Schedule { cron: &self.cron, misfire: self.misfire }
    }
}
