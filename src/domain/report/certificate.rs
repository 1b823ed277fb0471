//! Until when the certificate of the public address is good.

use std::time::Duration;

use crate::domain::report::health::Level;
use nexora_connector::site::{Place, Sites};
use nexora_core::base::clock::Timestamp;
use nexora_core::base::wording::length;
use nexora_core::base::{Kind, Result};
use nexora_core::model::finding::Finding;

/// The key of what is found of it.
pub const KEY: &str = "certificate";

/// One that ends within so long should have been renewed: authorities and programs do so a month before.
const ENDS_SOON: Duration = Duration::from_secs(14 * 86_400);
const ENDS_AT_ONCE: Duration = Duration::from_secs(2 * 86_400);

pub const FIX: &str = "certbot renew --dry-run, or see the log of your web server: why was it not renewed?";

/// Says how long a certificate is good, and how well that is.
pub fn judge(host: &str, ends: Timestamp, now: Timestamp) -> (Level, String) {
    let left = ends.since(now);
    let what = match left {
        Duration::ZERO => format!("the certificate of `{host}` has ended at {ends}"),
        _ => format!("the certificate of `{host}` is good for {} more, until {ends}", length(left)),
    };
    let level = match left {
        left if left < ENDS_AT_ONCE => Level::Broken,
        left if left < ENDS_SOON => Level::Look,
        _ => Level::Good,
    };
    (level, what)
}

/// What a look at the certificate came to.
pub enum Looked {
    /// It is good, or there is none to look at.
    Good,
    Found(Box<Finding>),
    /// Nobody answered: what was known before holds.
    Unknown,
}

/// Looks at the certificate of a public address.
pub async fn look(sites: &Sites, url: &str, now: Timestamp) -> Looked {
    let Some(place) = Place::of(url).filter(|place| place.is_encrypted) else { return Looked::Good };
    let Ok(addresses) = tokio::net::lookup_host((place.host.as_str(), place.port)).await else {
        return Looked::Unknown;
    };
    let mut looked = Looked::Unknown;
    for address in addresses {
        let (level, what) = match ends(sites, &place, address.ip()).await {
            Ok(Some(ends)) => judge(&place.host, ends, now),
            Err(error) if error.kind() == Kind::Denied => (Level::Broken, error.report()),
            Ok(None) | Err(_) => continue,
        };
        match level {
            Level::Good => looked = Looked::Good,
            Level::Look | Level::Broken => return Looked::Found(Box::new(finding(level, what, now))),
        }
    }
    looked
}

async fn ends(sites: &Sites, place: &Place, address: std::net::IpAddr) -> Result<Option<Timestamp>> {
    sites.get(place, address, "/").await.map(|answer| answer.certificate_ends)
}

fn finding(level: Level, what: String, now: Timestamp) -> Finding {
    Finding {
        key: KEY.to_owned(),
        tenant_id: None,
        level: level.name().to_owned(),
        what,
        command: FIX.to_owned(),
        affected: 0,
        since: now,
        looked_at: now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_that_ends_is_told_in_time() {
        let now = Timestamp::from_millis(1_790_000_000_000);
        let judged = |days: u64| judge("x", now + Duration::from_secs(days * 86_400), now);
        let levels = [60, 10, 1].map(|days| judged(days).0);
        assert_eq!(levels, [Level::Good, Level::Look, Level::Broken]);
        let (level, what) = judge("x", now - Duration::from_secs(60), now);
        assert!(level == Level::Broken && what.contains("has ended at"), "{what}");
    }
}
