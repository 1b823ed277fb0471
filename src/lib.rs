//! Nexora: the administrative assistant for small home-services businesses, as one program.

pub mod app;
pub mod cli;
pub mod config;
pub mod daemon;
pub mod domain;
pub mod http;
pub mod ops;
pub mod pipeline;
