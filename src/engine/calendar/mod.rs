//! Hours, schedules and changes of calendars.

pub mod calendar_diff;
pub mod cron;
pub mod hours;
pub mod occurrence;
