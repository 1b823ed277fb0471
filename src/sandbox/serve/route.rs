//! Which call a method and a path mean.
//!
//! Each service lists its calls as a table, in Google's notation: a hole in braces takes one part
//! of the path, and `{spreadsheet}:batchUpdate` one part that ends with that verb. The first row
//! that fits is taken.

use hyper::Method;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use crate::serve::call::Call;
use crate::serve::envelope::{Refusal, Reply};
use crate::world::World;
use crate::{calendar, drive, gmail, oauth, sheets, smtp};

/// What a call does, to everything the sandbox holds.
pub type Run = fn(&mut World, &Call) -> Result<Reply, Refusal>;

/// What can be counted and made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    Gmail,
    Calendar,
    Sheets,
    Drive,
    Token,
    Smtp,
}

/// One call of a service.
#[derive(Debug)]
pub struct Route {
    pub method: Method,
    pub path: &'static str,
    /// The name under which it is counted and made to fail, such as `drafts.send`.
    pub name: &'static str,
    /// Any one of these lets a token make the call; with none, no token is asked for.
    pub scopes: &'static [&'static str],
    pub run: Run,
}

/// A row of a service's table.
pub const fn route(
    method: Method,
    path: &'static str,
    name: &'static str,
    scopes: &'static [&'static str],
    run: Run,
) -> Route {
    Route { method, path, name, scopes, run }
}

/// The call that begins a resumable upload.
pub const UPLOAD_START: &str = "upload.start";

const HTTP_SERVICES: [Service; 5] =
    [Service::Token, Service::Gmail, Service::Calendar, Service::Sheets, Service::Drive];

impl Service {
    pub fn name(self) -> &'static str {
        match self {
            Service::Gmail => "gmail",
            Service::Calendar => "calendar",
            Service::Sheets => "sheets",
            Service::Drive => "drive",
            Service::Token => "token",
            Service::Smtp => "smtp",
        }
    }

    fn routes(self) -> &'static [Route] {
        match self {
            Service::Gmail => gmail::ROUTES,
            Service::Calendar => calendar::ROUTES,
            Service::Sheets => sheets::ROUTES,
            Service::Drive => drive::ROUTES,
            Service::Token => oauth::ROUTES,
            Service::Smtp => &[],
        }
    }

    /// Returns the names of the calls that can be made to fail.
    pub fn call_names(self) -> Vec<&'static str> {
        match self {
            Service::Smtp => smtp::STAGES.to_vec(),
            Service::Gmail => self.routes().iter().map(|route| route.name).chain([UPLOAD_START]).collect(),
            Service::Calendar | Service::Sheets | Service::Drive | Service::Token => {
                self.routes().iter().map(|route| route.name).collect()
            }
        }
    }
}

/// A route that fits a path, with its holes filled.
pub struct Found {
    pub service: Service,
    pub route: &'static Route,
    pub params: Vec<(&'static str, String)>,
}

pub fn find(method: &Method, path: &str) -> Option<Found> {
    let path = oauth::canonical_path(path);
    HTTP_SERVICES.into_iter().find_map(|service| {
        service.routes().iter().filter(|route| route.method == *method).find_map(|route| {
            let params = fit(route.path, path)?;
            Some(Found { service, route, params })
        })
    })
}

fn fit(pattern: &'static str, path: &str) -> Option<Vec<(&'static str, String)>> {
    let mut params = Vec::new();
    let mut given = path.split('/');
    for wanted in pattern.split('/') {
        let part = given.next()?;
        match wanted.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            None if decode(part)? == wanted => {}
            None => return None,
            Some((name, verb)) => {
                let value = decode(part.strip_suffix(verb)?)?;
                if value.is_empty() {
                    return None;
                }
                params.push((name, value));
            }
        }
    }
    given.next().is_none().then_some(params)
}

fn decode(part: &str) -> Option<String> {
    percent_decode_str(part).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_fits_its_pattern_with_verbs_and_encoded_parts() {
        let cases: [(&'static str, &str, Option<&[&str]>); 7] = [
            ("/v4/s/{id}:batchUpdate", "/v4/s/abc:batchUpdate", Some(&["abc"])),
            ("/v4/s/{id}:batchUpdate", "/v4/s/abc", None),
            (
                "/v4/s/{id}/values/{range}:append",
                "/v4/s/x/values/'Leads'!A:Z:append",
                Some(&["x", "'Leads'!A:Z"]),
            ),
            ("/v4/s/{id}/values/{range}", "/v4/s/x/values/%27Q%231%27%21A1%2FB", Some(&["x", "'Q#1'!A1/B"])),
            ("/v4/s/{id}/values:batchGet", "/v4/s/x/values:batchGet", Some(&["x"])),
            ("/v4/s/{id}", "/v4/s/", None),
            ("/v4/s/{id}", "/v4/s/x/y", None),
        ];
        for (pattern, path, wanted) in cases {
            let found =
                fit(pattern, path).map(|params| params.into_iter().map(|(_, v)| v).collect::<Vec<_>>());
            assert_eq!(
                found,
                wanted.map(|values| values.iter().map(ToString::to_string).collect()),
                "{path}"
            );
        }
    }

    #[test]
    fn every_call_has_a_name_of_its_own() {
        for service in HTTP_SERVICES {
            let mut names = service.call_names();
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), all, "{}", service.name());
        }
    }
}
