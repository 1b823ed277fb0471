//! Appointments and schedules.

pub mod appointment;
pub mod schedule;
