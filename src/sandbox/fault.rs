//! Faults: what goes wrong, with which call, how often.
//!
//! A fault that is armed strikes the calls it fits, in the order in which faults were armed, until
//! its times are used up. One call meets at most one delay and one other fault. A delay comes
//! first, so the two can be put together.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::serve::envelope::Refusal;
use crate::serve::route::Service;
use crate::{oauth, smtp};
use nexora_core::base::secret::random_bytes;

const ARMED_LIMIT: usize = 100;
const DELAY_LIMIT_MS: u64 = 600_000;

/// The stage of SMTP that is meant when a fault names none.
const SMTP_STAGE: &str = "data";

const FIELDS: [&str; 11] = [
    "service",
    "call",
    "fault",
    "status",
    "reason",
    "message",
    "retry_after",
    "ms",
    "when",
    "times",
    "probability",
];

/// A fault as it was asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Fault {
    service: Service,
    /// The call it is for, such as `drafts.send`; every call of the service when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<String>,
    #[serde(flatten)]
    what: What,
    /// How many calls it strikes; 0 means every one until it is cleared.
    #[serde(default = "once")]
    times: u32,
    /// The share of fitting calls that it strikes, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    probability: Option<f64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
enum What {
    Status { status: u16, reason: Option<String>, message: Option<String>, retry_after: Option<u64> },
    Delay { ms: u64 },
    Drop { when: When },
    Late { ms: u64 },
    Truncate,
    ExpiredToken,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum When {
    Before,
    After,
}

fn once() -> u32 {
    1
}

/// What meets one call.
#[derive(Debug, Default)]
pub struct Strike {
    pub delay: Option<Duration>,
    pub blow: Option<Blow>,
}

/// How a call fails.
#[derive(Debug)]
pub enum Blow {
    Refuse(Refusal),
    /// The connection closes and nothing took effect.
    DropBefore,
    /// The connection closes after the effect.
    DropAfter,
    /// The connection closes at once, and the effect comes this much later.
    Late(Duration),
    /// The answer is cut off after the effect.
    Truncate,
    /// The token that came with the call is no longer good.
    ExpireToken,
}

#[derive(Default)]
pub struct Faults {
    armed: Vec<Armed>,
}

struct Armed {
    fault: Fault,
    struck: u32,
}

impl Armed {
    fn left(&self) -> Option<u32> {
        (self.fault.times > 0).then(|| self.fault.times.saturating_sub(self.struck))
    }
}

impl Faults {
    /// Arms all faults of `asked`, a JSON list, or none of them.
    pub fn arm(&mut self, asked: Vec<Value>) -> Result<(), String> {
        let faults = asked.into_iter().map(read).collect::<Result<Vec<_>, String>>()?;
        if self.armed.len() + faults.len() > ARMED_LIMIT {
            return Err(format!("at most {ARMED_LIMIT} faults can be armed"));
        }
        self.armed.extend(faults.into_iter().map(|fault| Armed { fault, struck: 0 }));
        Ok(())
    }

    pub fn clear(&mut self) {
        self.armed.clear();
    }

    /// Returns what meets a call now, and uses it up.
    pub fn strike(&mut self, service: Service, call: &str) -> Strike {
        let mut strike = Strike::default();
        for armed in &mut self.armed {
            let is_taken = match armed.fault.what {
                What::Delay { .. } => strike.delay.is_some(),
                _ => strike.blow.is_some(),
            };
            if is_taken || !armed.fault.fits(service, call) || !is_hit(armed.fault.probability) {
                continue;
            }
            armed.struck = armed.struck.saturating_add(1);
            armed.fault.what.add_to(service, &mut strike);
        }
        self.armed.retain(|armed| armed.left() != Some(0));
        strike
    }

    pub fn state(&self) -> Vec<Value> {
        let show = |armed: &Armed| {
            let mut value = serde_json::to_value(&armed.fault).unwrap_or_default();
            if let Value::Object(fields) = &mut value {
                fields.retain(|_, field| !field.is_null());
                fields.insert("left".to_owned(), json!(armed.left()));
                fields.insert("struck".to_owned(), json!(armed.struck));
            }
            value
        };
        self.armed.iter().map(show).collect()
    }
}

impl Fault {
    fn fits(&self, service: Service, call: &str) -> bool {
        let wanted = self.call.as_deref().or_else(|| (service == Service::Smtp).then_some(SMTP_STAGE));
        self.service == service && wanted.is_none_or(|wanted| wanted == call)
    }

    /// Refuses what could never strike or has no meaning there.
    fn check(&self) -> Result<(), String> {
        if let Some(call) = &self.call {
            let known = self.service.call_names();
            if !known.contains(&call.as_str()) {
                let (service, known) = (self.service.name(), known.join(", "));
                return Err(format!("`{service}` has no call `{call}`; it has: {known}"));
            }
        }
        if self.probability.is_some_and(|probability| !(0.0..=1.0).contains(&probability)) {
            return Err("`probability` is from 0 to 1".to_owned());
        }
        match (&self.what, self.service) {
            (What::Truncate | What::ExpiredToken, Service::Smtp) | (What::ExpiredToken, Service::Token) => {
                Err(format!("that fault has no meaning for `{}`", self.service.name()))
            }
            (What::Late { .. }, Service::Smtp) => Err("that fault has no meaning for `smtp`".to_owned()),
            (What::Delay { ms } | What::Late { ms }, _) if *ms > DELAY_LIMIT_MS => {
                Err(format!("`ms` is at most {DELAY_LIMIT_MS}"))
            }
            (What::Status { status, .. }, _) if !(400..=599).contains(status) => {
                Err("`status` is from 400 to 599".to_owned())
            }
            _ => Ok(()),
        }
    }
}

impl What {
    fn add_to(&self, service: Service, strike: &mut Strike) {
        let blow = match self {
            What::Delay { ms } => {
                strike.delay = Some(Duration::from_millis(*ms));
                return;
            }
            What::Status { status, reason, message, retry_after } => {
                let refusal = match service {
                    Service::Token => {
                        let reason = reason.as_deref().unwrap_or("internal_failure");
                        let text = message.as_deref().unwrap_or_else(|| oauth::usual_text(reason));
                        Refusal::oauth(*status, reason, text)
                    }
                    Service::Smtp => {
                        let text = message.as_deref().unwrap_or_else(|| smtp::usual_text(*status));
                        Refusal::new(*status, reason.as_deref().unwrap_or_default(), text)
                    }
                    Service::Gmail | Service::Calendar | Service::Sheets | Service::Drive => {
                        Refusal::usual(*status, reason.clone(), message.clone())
                    }
                };
                Blow::Refuse(refusal.retry_after(*retry_after))
            }
            What::Drop { when: When::Before } => Blow::DropBefore,
            What::Drop { when: When::After } => Blow::DropAfter,
            What::Late { ms } => Blow::Late(Duration::from_millis(*ms)),
            What::Truncate => Blow::Truncate,
            What::ExpiredToken => Blow::ExpireToken,
        };
        strike.blow = Some(blow);
    }
}

fn read(asked: Value) -> Result<Fault, String> {
    // A flattened enum cannot refuse unknown fields itself.
    let unknown =
        asked.as_object().and_then(|fields| fields.keys().find(|name| !FIELDS.contains(&name.as_str())));
    if let Some(name) = unknown {
        return Err(format!("a fault has no field `{name}`"));
    }
    let fault: Fault = serde_json::from_value(asked).map_err(|error| error.to_string())?;
    fault.check()?;
    Ok(fault)
}

fn is_hit(probability: Option<f64>) -> bool {
    let Some(probability) = probability else { return true };
    let dice = random_bytes::<4>().map_or(0, u32::from_le_bytes);
    f64::from(dice) < probability * (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn armed(list: Value) -> Faults {
        let mut faults = Faults::default();
        faults.arm(serde_json::from_value(list).unwrap()).unwrap();
        faults
    }

    #[test]
    fn a_fault_strikes_its_call_as_often_as_it_was_told() {
        let mut faults = armed(json!([
            {"service": "gmail", "call": "drafts.send", "fault": "drop", "when": "after", "times": 2},
        ]));
        assert!(faults.strike(Service::Calendar, "events.insert").blow.is_none());
        assert!(faults.strike(Service::Gmail, "drafts.create").blow.is_none());
        assert!(matches!(faults.strike(Service::Gmail, "drafts.send").blow, Some(Blow::DropAfter)));
        assert_eq!(faults.state()[0]["left"], 1);
        assert!(faults.strike(Service::Gmail, "drafts.send").blow.is_some());
        assert!(faults.strike(Service::Gmail, "drafts.send").blow.is_none());
        assert!(faults.state().is_empty());
    }

    #[test]
    fn a_delay_and_a_blow_go_together_and_zero_times_is_for_ever() {
        let mut faults = armed(json!([
            {"service": "sheets", "fault": "delay", "ms": 5, "times": 0},
            {"service": "sheets", "fault": "status", "status": 503},
            {"service": "sheets", "fault": "truncate"},
        ]));
        let first = faults.strike(Service::Sheets, "values.get");
        assert!(first.delay.is_some() && matches!(first.blow, Some(Blow::Refuse(_))));
        assert!(matches!(faults.strike(Service::Sheets, "spreadsheets.get").blow, Some(Blow::Truncate)));
        let third = faults.strike(Service::Sheets, "spreadsheets.get");
        assert!(third.delay.is_some() && third.blow.is_none());
    }

    #[test]
    fn mail_faults_are_at_data_unless_they_name_a_stage() {
        let mut faults = armed(json!([{"service": "smtp", "fault": "status", "status": 451}]));
        assert!(faults.strike(Service::Smtp, "rcpt").blow.is_none());
        assert!(faults.strike(Service::Smtp, "data").blow.is_some());
    }

    #[test]
    fn chance_is_between_never_and_always() {
        let list = |probability: f64| json!([{"service": "gmail", "fault": "truncate", "times": 0, "probability": probability}]);
        let mut never = armed(list(0.0));
        let mut always = armed(list(1.0));
        for _ in 0..50 {
            assert!(never.strike(Service::Gmail, "drafts.get").blow.is_none());
            assert!(always.strike(Service::Gmail, "drafts.get").blow.is_some());
        }
    }

    #[test]
    fn what_cannot_strike_is_refused() {
        let cases = [
            json!({"service": "gmail", "call": "drafts.sned", "fault": "truncate"}),
            json!({"service": "gmail", "fault": "truncate", "time": 3}),
            json!({"service": "smtp", "fault": "truncate"}),
            json!({"service": "gmail", "fault": "status", "status": 200}),
            json!({"service": "gmail", "fault": "explode"}),
            json!({"service": "gmail", "fault": "truncate", "probability": 2}),
            json!({"service": "gmail", "fault": "delay", "ms": 600_001}),
        ];
        for asked in cases {
            assert!(Faults::default().arm(vec![asked.clone()]).is_err(), "{asked}");
        }
    }
}
