//! Nexora: the administrative assistant for small home-services businesses, as one program.

pub mod app;
pub mod base;
pub mod cli;
pub mod config;
pub mod connector;
pub mod daemon;
pub mod engine;
pub mod http;
pub mod model;
pub mod ops;
pub mod pipeline;
pub mod sandbox;
pub mod store;
