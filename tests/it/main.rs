//! The integration tests: one binary, one file for each thing the product promises.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod architecture;
mod automations;
mod broken;
mod browser;
mod command_line;
mod command_output;
mod command_reference;
mod connector;
mod copy;
mod delivery;
mod durability;
mod endurance;
mod fairness;
mod flood;
mod form;
mod google_connection;
mod google_effects;
mod harness;
mod installation;
mod intake;
mod isolation;
mod isolation_tables;
mod machine;
mod messages;
mod permission;
mod photo_attack;
mod plans;
mod polling;
mod sandbox;
mod scene;
mod sharding;
mod sign_in;
mod site;
mod sources;
mod status_page;
mod status_seed;
mod trust;
mod turnstile;
mod visitor;
mod webhooks;
mod year;
