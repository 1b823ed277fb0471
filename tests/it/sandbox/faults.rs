//! Faults: an answer can be refused, lost or cut off, before or after the effect.

use serde_json::{Value, json};

use super::{Bench, OFFICE, reason};

const EVENTS: &str = "/calendar/v3/calendars/primary/events";

fn visit() -> Value {
    json!({"id": "abc12", "start": {"date": "2026-09-22"}, "end": {"date": "2026-09-23"}})
}

impl Bench {
    fn event_count(&self) -> usize {
        self.sandbox.state()["calendars"][OFFICE]["events"].as_array().map_or(0, Vec::len)
    }
}

#[tokio::test]
async fn a_status_is_answered_in_googles_form_and_then_no_more() {
    let bench = Bench::start().await;
    bench.arm(json!({"service": "calendar", "call": "events.insert", "fault": "status", "status": 429, "retry_after": 7})).await;
    assert_eq!(bench.get(EVENTS).await.0, 200);
    let answer = bench.request(reqwest::Method::POST, EVENTS).json(&visit()).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (429, &"7".parse().unwrap()));
    let answer = (429, answer.json().await.unwrap());
    assert_eq!(reason(&answer), "rateLimitExceeded");
    assert_eq!(bench.event_count(), 0);
    assert_eq!(bench.post(EVENTS, visit()).await.0, 200);
    assert_eq!(bench.calls("calendar.events.insert"), 2);
    bench.arm(json!({"service": "token", "fault": "status", "status": 400, "reason": "invalid_grant"})).await;
    let refused = bench.ask_for_token("x").await;
    assert_eq!(refused.json::<Value>().await.unwrap()["error"], "invalid_grant");
}

#[tokio::test]
async fn a_dropped_answer_hides_whether_the_effect_took_place() {
    for (when, effects) in [("before", 0), ("after", 1)] {
        let bench = Bench::start().await;
        bench.arm(json!({"service": "calendar", "fault": "drop", "when": when})).await;
        let error = bench.request(reqwest::Method::POST, EVENTS).json(&visit()).send().await.unwrap_err();
        assert!(!error.is_connect(), "{error:?}");
        assert_eq!(bench.event_count(), effects, "{when}");
    }
}

#[tokio::test]
async fn a_truncated_answer_follows_a_whole_effect() {
    let bench = Bench::start().await;
    bench.arm(json!({"service": "calendar", "fault": "truncate"})).await;
    let mut answer = bench.request(reqwest::Method::POST, EVENTS).json(&visit()).send().await.unwrap();
    let promised = usize::try_from(answer.content_length().unwrap()).unwrap();
    assert_eq!(answer.status(), 200);
    let mut arrived = Vec::new();
    let broken = loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => arrived.extend_from_slice(&chunk),
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    assert!(broken);
    assert_eq!(arrived.len(), promised / 2);
    assert!(serde_json::from_slice::<Value>(&arrived).is_err());
    assert_eq!(bench.event_count(), 1);
}

#[tokio::test]
async fn an_expired_token_stays_expired_and_another_is_good() {
    let mut bench = Bench::start().await;
    bench.arm(json!({"service": "calendar", "fault": "expired_token"})).await;
    for _ in 0..2 {
        let answer = bench.get(EVENTS).await;
        assert_eq!((answer.0, reason(&answer)), (401, "authError"));
    }
    bench.token = bench.sign_in(super::SCOPES).await;
    assert_eq!(bench.get(EVENTS).await.0, 200);
}

#[tokio::test]
async fn a_delay_holds_the_answer_and_not_the_others() {
    let bench = Bench::start().await;
    bench.arm(json!({"service": "calendar", "fault": "delay", "ms": 500})).await;
    let began = std::time::Instant::now();
    let (slow, ()) = tokio::join!(bench.get(EVENTS), async {
        while bench.calls("calendar.events.list") != 1 {
            tokio::task::yield_now().await;
        }
        assert_eq!(bench.get(EVENTS).await.0, 200);
        assert!(began.elapsed().as_millis() < 500);
    });
    assert_eq!(slow.0, 200);
    assert!(began.elapsed().as_millis() >= 500);
}

#[tokio::test]
async fn faults_are_listed_and_cleared_and_a_typo_is_told() {
    let bench = Bench::start().await;
    bench.arm(json!({"service": "gmail", "fault": "truncate", "times": 0, "probability": 0.5})).await;
    let (_, listed) = bench.get("/_sandbox/faults").await;
    let shown = json!({
        "service": "gmail", "fault": "truncate", "times": 0, "probability": 0.5, "left": null, "struck": 0,
    });
    assert_eq!(listed["faults"], json!([shown]));
    assert_eq!(bench.sandbox.state()["faults"], listed["faults"]);
    let typo = json!({"service": "gmail", "call": "draft.send", "fault": "truncate"});
    let (status, answer) = bench.post("/_sandbox/faults", json!({ "faults": [typo] })).await;
    assert_eq!(status, 400);
    assert!(answer["error"]["message"].as_str().unwrap().contains("drafts.send"), "{answer}");
    assert_eq!(
        bench.call(reqwest::Method::DELETE, "/_sandbox/faults", None).await.1,
        json!({ "faults": [] })
    );
}
