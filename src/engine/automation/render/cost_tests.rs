//! How long the costliest texts take that keep within their instructions and bytes: what is bounded is counted, and no
//! clock is read, so this is where it is seen that the count stands for time. In a release build on one core of 2026 the
//! slowest of these takes 0.11 s (before filters counted what they go over, minutes). The bound asked for here leaves
//! room for a slow machine and a build without optimisation.

use std::time::{Duration, Instant};

use minijinja::Value;
use minijinja::value::Serde;

use super::Renderer;

const LIMIT: Duration = Duration::from_secs(20);

/// What is done in a loop with the longest text that a mail keeps, and with a list as long as any.
const COSTLY: &[&str] = &[
    "{% set y = text | upper %}",
    "{% set y = text | lower %}",
    "{% set y = text | title %}",
    "{% set y = text | capitalize %}",
    "{% set y = text | trim %}",
    "{% set y = text | escape %}",
    "{% set y = text | reverse %}",
    "{% set y = text | length %}",
    "{% set y = text | list %}",
    "{% set y = text | list | sort %}",
    "{% set y = text | list | unique %}",
    "{% set y = text | split(' ') %}",
    "{% set y = text | split('x') | list %}",
    "{% set y = text | lines %}",
    "{% set y = text | string %}",
    "{% set y = text[::-1] %}",
    "{% set y = text[1:] %}",
    "{% set y = 'xz' in text %}",
    "{% set y = text == other %}",
    "{% set y = text < other %}",
    "{% set y = list | sort %}",
    "{% set y = list | sort(reverse=true) %}",
    "{% set y = list | unique %}",
    "{% set y = list | groupby('name') %}",
    "{% set y = list | map(attribute='name') | list %}",
    "{% set y = list | selectattr('name') | list %}",
    "{% set y = list | min %}",
    "{% set y = list | reverse %}",
    "{% set y = list | list %}",
    "{% set y = list == other_list %}",
    "{% set y = long | dictsort %}",
    "{% set y = long | items | list %}",
];

#[test]
fn the_costliest_text_ends_soon() {
    let text = "xy ".repeat(21_000);
    let list: Vec<_> = (0..1_000).map(|n| serde_json::json!({ "name": format!("{}", n % 7) })).collect();
    let long: serde_json::Map<_, _> = (0..1_000).map(|n| (format!("k{n}"), serde_json::json!(n))).collect();
    let context = Value::from(Serde(serde_json::json!({
        "text": text, "other": text, "list": list, "other_list": list, "long": long,
    })));
    let renderer = Renderer::new(chrono_tz::UTC);
    for costly in COSTLY {
        let source = format!(
            "{{% for a in range(200) %}}{{% for b in range(200) %}}{costly}{{% endfor %}}{{% endfor %}}"
        );
        let begun = Instant::now();
        let error = renderer.text(&source, &context).unwrap_err().report();
        let time = begun.elapsed();
        assert!(error.contains("steps") || error.contains("bytes of text"), "{costly}: {error}");
        assert!(time < LIMIT, "{costly}: {time:?}");
    }
}
