//! In which zone an address lies, as far as the address alone tells.
//!
//! Only states of the United States that lie wholly in one zone are known (IANA tz database,
//! `zone1970.tab`); for every other address the tenant's own zone is the better guess.

use nexora_core::model::address::Country;

/// States and the zone that all of each keeps.
const STATES: &[(&str, &[&str])] = &[
    (
        "America/New_York",
        &[
            "CT", "DC", "DE", "GA", "MA", "MD", "ME", "NC", "NH", "NJ", "NY", "OH", "PA", "RI", "SC", "VA",
            "VT", "WV",
        ],
    ),
    ("America/Chicago", &["AL", "AR", "IA", "IL", "LA", "MN", "MO", "MS", "OK", "WI"]),
    ("America/Denver", &["CO", "MT", "NM", "UT", "WY"]),
    ("America/Los_Angeles", &["CA", "WA"]),
    ("America/Phoenix", &["AZ"]),
    ("Pacific/Honolulu", &["HI"]),
];

/// Returns the zone of an address such as `12 Main St, Denver, CO 80202`: the state before its ZIP code.
pub fn zone_of(address: &str, country: Country) -> Option<&'static str> {
    if country.to_string() != "US" {
        return None;
    }
    let words: Vec<&str> =
        address.split(|c: char| c.is_whitespace() || c == ',').filter(|w| !w.is_empty()).collect();
    let is_zip = |word: &str| {
        let code = word.split('-').next().unwrap_or_default();
        code.len() == 5 && code.bytes().all(|byte| byte.is_ascii_digit())
    };
    let state = words.windows(2).rev().find_map(|pair| match pair {
        [state, zip] if is_zip(zip) => Some(state.to_uppercase()),
        _ => None,
    })?;
    STATES.iter().find(|(_, states)| states.contains(&state.as_str())).map(|(zone, _)| *zone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nexora_core::model::address::Zone;

    #[test]
    fn the_state_before_the_zip_code_tells() {
        let us = Country::parse("US").unwrap();
        let cases = [
            ("12 Main St, Denver, CO 80202", Some("America/Denver")),
            ("12 Main St Boston MA 02108-1234", Some("America/New_York")),
            ("1 CA Road, Austin, TX 78701", None),
            ("10115 Sunset Blvd, Los Angeles, ca 90069", Some("America/Los_Angeles")),
            ("12 Main St", None),
            ("", None),
        ];
        for (address, expected) in cases {
            assert_eq!(zone_of(address, us), expected, "{address}");
        }
        assert_eq!(zone_of("Denver, CO 80202", Country::parse("GB").unwrap()), None);
        assert!(STATES.iter().all(|(zone, _)| Zone::parse(zone).is_ok()));
    }
}
