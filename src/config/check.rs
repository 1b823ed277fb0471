//! The checks that several sections share; each names the key it speaks of.

use nexora_core::base::{Error, Result};

/// Everything that is wrong, in the order in which it was found.
#[derive(Debug, Default)]
pub struct Faults(Vec<Error>);

impl Faults {
    pub fn add(&mut self, fault: Error) {
        self.0.push(fault);
    }

    /// Notes what is wrong, or returns what is right.
    pub fn note<T>(&mut self, checked: Result<T>) -> Option<T> {
        checked.map_err(|fault| self.add(fault)).ok()
    }

    pub fn into_list(self) -> Vec<Error> {
        self.0
    }
}

/// Checks that a key holds an http or https URL with a host.
///
/// # Errors
/// `Config` naming the key.
pub fn check_url(key: &str, text: &str) -> Result<()> {
    let url: Option<axum::http::Uri> = text.parse().ok();
    let good = url.is_some_and(|url| {
        matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some_and(|host| !host.is_empty())
    });
    if good {
        return Ok(());
    }
    Err(Error::config(format!("`{key}` is not a URL: `{text}`"))
        .hint("write it whole, like `https://leads.example.com`"))
}

/// Checks that a key holds one of these words.
///
/// # Errors
/// `Config` naming the key and its choices.
pub fn one_of(key: &str, value: &str, choices: &[&str]) -> Result<()> {
    if choices.contains(&value) {
        return Ok(());
    }
    Err(Error::config(format!("`{key}` is not one of {}: `{value}`", choices.join(", "))))
}

/// Checks that a number is not below the smallest that makes sense.
///
/// # Errors
/// `Config` naming the key.
pub fn at_least(key: &str, value: u64, least: u64) -> Result<()> {
    if value >= least {
        return Ok(());
    }
    Err(Error::config(format!("`{key}` must be at least {least}, not {value}")))
}
