//! A certificate that signs itself, for the public listener's own TLS where no authority is to be asked.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Datelike as _, Days, NaiveDate};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, date_time_ymd};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::ops::init::write_new;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::hex;
use nexora_core::base::{Error, Result, file};

/// What was made.
#[derive(Clone, Debug, Serialize)]
pub struct SelfSigned {
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// The day on which it ends, in UTC.
    pub ends_on: NaiveDate,
    /// SHA-256 of the certificate (DER), as browsers show it.
    pub fingerprint: String,
}

/// Makes `nexora.crt` and `nexora.key` in a folder, for these host names and addresses, good for so many days. Files
/// that are there are left alone.
///
/// # Errors
/// `Conflict` when one of the files is there; `Usage` when a name is none; `Config` when a file cannot be written.
pub fn self_signed(dir: &Path, hosts: &[String], days: u32, now: Timestamp) -> Result<SelfSigned> {
    let (certificate, key) = (dir.join("nexora.crt"), dir.join("nexora.key"));
    for path in [&certificate, &key] {
        if path.exists() {
            return Err(Error::conflict(format!("`{}` is there already", path.display()))
                .hint("choose another `--dir`, or move the file away"));
        }
    }
    file::make_folders(dir)
        .map_err(|error| Error::config(format!("cannot make folder `{}`", dir.display())).source(error))?;
    let wrong = |error| Error::usage("the certificate cannot be made for these names").source(error);
    let mut params = CertificateParams::new(hosts.to_vec()).map_err(wrong)?;
    let first_day = date(now)?;
    // A clock elsewhere may be a little behind.
    let first_day = first_day.pred_opt().unwrap_or(first_day);
    let last_day = date(now)? + Days::new(u64::from(days));
    let [not_before, not_after] =
        [first_day, last_day].map(|day| date_time_ymd(day.year(), small(day.month()), small(day.day())));
    (params.not_before, params.not_after) = (not_before, not_after);
    params.distinguished_name = DistinguishedName::new();
    if let Some(first) = hosts.first() {
        params.distinguished_name.push(DnType::CommonName, first);
    }
    let pair = KeyPair::generate().map_err(wrong)?;
    let signed = params.self_signed(&pair).map_err(wrong)?;
    write_new(&key, &pair.serialize_pem(), 0o600)?;
    write_new(&certificate, &signed.pem(), 0o644)?;
    let digest = Sha256::digest(signed.der());
    let pairs: Vec<String> = digest.iter().map(|byte| hex([*byte]).to_uppercase()).collect();
    Ok(SelfSigned { certificate, key, ends_on: last_day, fingerprint: pairs.join(":") })
}

/// Returns the day of a moment in UTC.
fn date(at: Timestamp) -> Result<NaiveDate> {
    let moment = DateTime::from_timestamp_millis(at.millis());
    moment.map(|moment| moment.date_naive()).ok_or_else(|| Error::internal("the clock shows no day"))
}

/// Returns a month or a day of one, as `rcgen` wants them.
fn small(number: u32) -> u8 {
    u8::try_from(number).unwrap_or(1)
}
