//! The formats, each in its own file. This list is the only place that names them all.

pub mod adf;
pub mod angi;
pub mod facebook;
pub mod form_mail;
pub mod google_ads;
pub mod google_local;
pub mod gravity_forms;
pub mod jotform;
pub mod json;
pub mod thumbtack;
pub mod typeform;
pub mod yelp;

use crate::engine::lead_format::LeadFormat;

/// Every format, in the order in which people are shown them. A mail is of the first that takes it: an ADF document
/// may come from a marketplace.
pub static FORMATS: &[&LeadFormat] = &[
    &adf::FORMAT,
    &google_ads::FORMAT,
    &facebook::FORMAT,
    &angi::FORMAT,
    &thumbtack::FORMAT,
    &yelp::FORMAT,
    &google_local::FORMAT,
    &typeform::FORMAT,
    &jotform::FORMAT,
    &gravity_forms::FORMAT,
    &json::FORMAT,
    &form_mail::FORMAT,
];
