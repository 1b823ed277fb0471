//! What a command reads: files, standard input (`-`), secrets, and moments by the tenant's clocks.

use std::io::Read as _;
use std::path::Path;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

use nexora_core::base::clock::Timestamp;
use nexora_core::base::secret::Secret;
use nexora_core::base::wording::parse_length;
use nexora_core::base::{Error, Kind, Result, file};
use nexora_core::model::address::Zone;
use nexora_core::model::tenant::Tenant;
use nexora_engine::calendar::hours::at_wall_time;

/// Reads a file, or standard input for `-`.
///
/// # Errors
/// `Usage` when it cannot be read.
pub fn bytes(path: &Path) -> Result<Vec<u8>> {
    if path.as_os_str() != "-" {
        return file::read(path, Kind::Usage);
    }
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().read_to_end(&mut bytes);
    read.map(|_| bytes).map_err(|error| Error::usage("standard input cannot be read").source(error))
}

/// Reads a file of text.
///
/// # Errors
/// `Usage` when it cannot be read.
pub fn text(path: &Path) -> Result<String> {
    file::read_text(path, Kind::Usage)
}

/// Reads a secret from the first line of a file, from standard input for `-`, or from the terminal; never
/// from an argument.
///
/// # Errors
/// `Usage` when it cannot be read or is empty; `Declined` when there is no terminal to ask at.
pub fn secret(prompt: &str, file: Option<&Path>, no_input: bool) -> Result<Secret> {
    let text = match file {
        Some(path) => String::from_utf8(bytes(path)?)
            .map_err(|error| Error::usage("the secret is not text").source(error))?,
        None if no_input => {
            return Err(Error::new(
                Kind::Declined,
                "no secret was given, and there is no terminal to ask at",
            )
            .hint("give it by file"));
        }
        None => rpassword::prompt_password(prompt).map_err(|error| {
            Error::usage("the secret cannot be asked for").source(error).hint("give it by file")
        })?,
    };
    let secret = text.lines().next().unwrap_or_default();
    if secret.is_empty() {
        return Err(Error::usage("the secret is empty"));
    }
    Ok(Secret::new(secret))
}

/// Reads a moment of the past: a day or a moment by the tenant's clocks, or how long ago it was.
///
/// # Errors
/// `Usage` when the text is none of these.
pub fn past(tenant: &Tenant, text: &str, now: Timestamp) -> Result<Timestamp> {
    past_in(tenant.zone()?, text, now)
}

/// Reads a moment in the past that is of no tenant, by clocks that show UTC.
///
/// # Errors
/// As `past`.
pub fn past_utc(text: &str, now: Timestamp) -> Result<Timestamp> {
    past_in(Zone::parse("UTC")?, text, now)
}

fn past_in(zone: Zone, text: &str, now: Timestamp) -> Result<Timestamp> {
    if let Ok(length) = parse_length(text) {
        return Ok(now - length);
    }
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Ok(at_wall_time(day, NaiveTime::MIN, zone.tz()));
    }
    moment_in(zone, text)
        .map_err(|error| error.hint("write it like `2026-12-01`, `2026-12-01T09:00` or `3days`"))
}

/// Reads a moment that is written by the tenant's clocks, or with an offset of its own.
///
/// # Errors
/// `Usage` when the text is neither.
pub fn moment(tenant: &Tenant, text: &str) -> Result<Timestamp> {
    moment_in(tenant.zone()?, text)
}

fn moment_in(zone: Zone, text: &str) -> Result<Timestamp> {
    if let Some(at) = Timestamp::parse(text) {
        return Ok(at);
    }
    let wall = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    let wall = wall.ok_or_else(|| {
        Error::usage(format!("`{text}` is not a time")).hint("write it like `2026-12-01T09:00`")
    })?;
    Ok(at_wall_time(wall.date(), wall.time(), zone.tz()))
}
