//! Reading and weighing what homeowners send.

pub mod enquiry;
pub mod lead_format;
pub mod photo;
pub mod photo_effort;
pub mod spam;
