//! Calendar API, version 3.

use google_calendar3::api::{Event, FreeBusyRequest, FreeBusyResponse};
use hyper::Method;
use serde::Deserialize;
use serde_json::Value;

use crate::call::{Caller, Send};
use crate::fault::Fault;
use crate::http::encoded;
use crate::quota::Cost;
use nexora_connector::https::Connect;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::secret::Secret;
use nexora_core::model::google::GoogleEndpoints;

/// Entries on one page; the largest that Google gives.
const PAGE: i32 = 2_500;

pub struct CalendarApi {
    caller: Caller,
    base_url: String,
}

impl CalendarApi {
    pub fn new(caller: Caller, endpoints: &GoogleEndpoints) -> CalendarApi {
        CalendarApi { caller, base_url: endpoints.calendar_url.clone() }
    }

    fn hub(&self, token: &Secret) -> google_calendar3::CalendarHub<Connect> {
        let token = token.expose().to_owned();
        let mut hub = google_calendar3::CalendarHub::new(self.caller.client.clone(), token);
        hub.base_url(self.base_url.clone());
        hub.root_url(self.base_url.clone());
        hub
    }

    /// Lists a page of entries, series as series: all of them, or what changed since `sync_token`.
    pub async fn events(
        &self,
        calendar: &str,
        limit: Option<i32>,
        sync_token: Option<&str>,
        page: Option<&str>,
    ) -> Result<EventPage, Fault> {
        let limit = limit.unwrap_or(PAGE).to_string();
        let query = [
            ("singleEvents", Some("false")),
            ("maxResults", Some(&limit)),
            ("syncToken", sync_token),
            ("pageToken", page),
        ];
        let url = format!("{}calendars/{}/events?{}", self.base_url, encoded(calendar), written(&query));
        self.caller.get(Cost::Calendar, &url).await
    }

    /// Lists a page of the instances of a series; nothing when the series is gone.
    pub async fn instances(
        &self,
        (calendar, series): (&str, &str),
        (from, until): (Timestamp, Timestamp),
        page: Option<&str>,
    ) -> Result<Option<EventPage>, Fault> {
        let (limit, from, until) = (PAGE.to_string(), from.to_string(), until.to_string());
        let query = [
            ("timeMin", Some(from.as_str())),
            ("timeMax", Some(&until)),
            ("maxResults", Some(&limit)),
            ("pageToken", page),
        ];
        let (calendar, series) = (encoded(calendar), encoded(series));
        let path = format!("calendars/{calendar}/events/{series}/instances");
        let url = format!("{}{path}?{}", self.base_url, written(&query));
        self.caller.get(Cost::Calendar, &url).await.map(Some).or_else(Fault::or_gone)
    }

    /// Lists the entries between two moments, instances of series one by one.
    pub async fn between(
        &self,
        calendar: &str,
        (from, until): (Timestamp, Timestamp),
    ) -> Result<EventPage, Fault> {
        let (limit, from, until) = (PAGE.to_string(), from.to_string(), until.to_string());
        let query = [
            ("singleEvents", Some("true")),
            ("timeMin", Some(from.as_str())),
            ("timeMax", Some(&until)),
            ("maxResults", Some(&limit)),
        ];
        let url = format!("{}calendars/{}/events?{}", self.base_url, encoded(calendar), written(&query));
        self.caller.get(Cost::Calendar, &url).await
    }

    /// Reads an entry; nothing when it is not there, or was removed for good.
    pub async fn event(&self, calendar: &str, entry: &str) -> Result<Option<Event>, Fault> {
        let send: &Send<'_, Event> = &move |mut attempt| {
            Box::pin(async move {
                let hub = self.hub(&attempt.token);
                let call = hub.events().get(&encoded(calendar), &encoded(entry));
                call.delegate(&mut attempt.watch).doit().await.map(|(_, event)| event)
            })
        };
        self.caller.call(Cost::Calendar, send).await.map(Some).or_else(Fault::or_gone)
    }

    /// Makes an entry; `notify` has Google write to those who attend.
    pub async fn insert(&self, calendar: &str, event: &Event, notify: bool) -> Result<Event, Fault> {
        let send: &Send<'_, Event> = &move |mut attempt| {
            Box::pin(async move {
                let hub = self.hub(&attempt.token);
                let call = hub.events().insert(event.clone(), &encoded(calendar));
                let call = call.send_updates(updates(notify)).delegate(&mut attempt.watch);
                call.doit().await.map(|(_, event)| event)
            })
        };
        self.caller.call(Cost::Calendar, send).await
    }

    /// Changes what is named of an entry and leaves the rest; a null takes away what was there.
    pub async fn patch(
        &self,
        (calendar, entry): (&str, &str),
        changes: &Value,
        notify: bool,
    ) -> Result<Event, Fault> {
        let (calendar, entry, updates) = (encoded(calendar), encoded(entry), updates(notify));
        let url = format!("{}calendars/{calendar}/events/{entry}?sendUpdates={updates}", self.base_url);
        self.caller.send(Cost::Calendar, Method::PATCH, &url, changes).await
    }

    pub async fn delete(&self, calendar: &str, entry: &str, notify: bool) -> Result<(), Fault> {
        let send: &Send<'_, ()> = &move |mut attempt| {
            Box::pin(async move {
                let hub = self.hub(&attempt.token);
                let call = hub.events().delete(&encoded(calendar), &encoded(entry));
                call.send_updates(updates(notify)).delegate(&mut attempt.watch).doit().await.map(|_| ())
            })
        };
        self.caller.call(Cost::Calendar, send).await
    }

    /// Asks when calendars are busy.
    pub async fn free_busy(&self, question: &FreeBusyRequest) -> Result<FreeBusyResponse, Fault> {
        let send: &Send<'_, FreeBusyResponse> = &move |mut attempt| {
            Box::pin(async move {
                let hub = self.hub(&attempt.token);
                let call = hub.freebusy().query(question.clone()).delegate(&mut attempt.watch);
                call.doit().await.map(|(_, answer)| answer)
            })
        };
        self.caller.call(Cost::Calendar, send).await
    }
}

/// A page of a list of entries. Each is read by itself, so that one in an unknown form spoils no other.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EventPage {
    pub items: Vec<Value>,
    pub next_page_token: Option<String>,
    pub next_sync_token: Option<String>,
}

fn written(query: &[(&str, Option<&str>)]) -> String {
    let given: Vec<(&str, &str)> =
        query.iter().filter_map(|(name, value)| Some((*name, (*value)?))).collect();
    serde_urlencoded::to_string(given).unwrap_or_default()
}

fn updates(notify: bool) -> &'static str {
    if notify { "all" } else { "none" }
}
