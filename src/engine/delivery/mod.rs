//! When something is tried again, and how often a provider is asked.

pub mod poll_interval;
pub mod quota_check;
pub mod retry;
