//! Partial answers: `fields=a,b/c,items(id,x/y),*` keeps of an answer what it names ("Performance
//! tips: partial response" of Google's documentation). Lists are looked through item by item.

use std::collections::BTreeMap;

use hyper::header::CONTENT_TYPE;
use serde_json::Value;

use crate::serve::call::Call;
use crate::serve::envelope::{Refusal, Reply};

/// Masks inside masks at most.
const DEPTH_LIMIT: usize = 30;

/// What is kept of an object, field by field; a mask without any keeps the whole value.
#[derive(Debug, Default, PartialEq)]
struct Mask(BTreeMap<String, Mask>);

/// Cuts an answer in JSON down to what the call's `fields` name.
pub fn select(call: &Call, mut reply: Reply) -> Result<Reply, Refusal> {
    let Some(text) = call.query("fields").filter(|text| !text.is_empty()) else { return Ok(reply) };
    let mut reader = Reader { rest: text, depth: 0 };
    let mask = reader.list().filter(|_| reader.rest.is_empty());
    let mask = mask.ok_or_else(|| Refusal::invalid(format!("Invalid field selection {text}")))?;
    let is_json = reply.headers.iter().any(|(name, value)| name == CONTENT_TYPE && value.contains("json"));
    if is_json && let Ok(mut value) = serde_json::from_slice::<Value>(&reply.body) {
        mask.cut(&mut value);
        reply.body = Reply::json(&value).body;
    }
    Ok(reply)
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl Reader<'_> {
    fn take(&mut self, mark: char) -> bool {
        let rest = self.rest.strip_prefix(mark);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Reads `a,b/c`.
    fn list(&mut self) -> Option<Mask> {
        let mut mask = Mask::default();
        loop {
            let (name, inner) = self.field()?;
            mask.add(name, inner);
            if !self.take(',') {
                return Some(mask);
            }
        }
    }

    /// Reads `a`, `a/b` or `a(b,c)`, and `a.b` for `a/b`.
    fn field(&mut self) -> Option<(String, Mask)> {
        self.depth += 1;
        let end = self.rest.find([',', '/', '.', '(', ')']).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        let name = name.trim().to_owned();
        if name.is_empty() || self.depth > DEPTH_LIMIT {
            return None;
        }
        let inner = if self.take('/') || self.take('.') {
            let (name, inner) = self.field()?;
            Mask(BTreeMap::from([(name, inner)]))
        } else if self.take('(') {
            let inner = self.list()?;
            if !self.take(')') {
                return None;
            }
            inner
        } else {
            Mask::default()
        };
        self.depth -= 1;
        Some((name, inner))
    }
}

impl Mask {
    /// Adds a field; one that is named twice keeps what both say, and all of it if one says so.
    fn add(&mut self, name: String, inner: Mask) {
        match self.0.get_mut(&name) {
            Some(known) if known.0.is_empty() || inner.0.is_empty() => known.0.clear(),
            Some(known) => inner.0.into_iter().for_each(|(name, inner)| known.add(name, inner)),
            None => {
                self.0.insert(name, inner);
            }
        }
    }

    fn cut(&self, value: &mut Value) {
        if self.0.is_empty() {
            return;
        }
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.cut(item)),
            Value::Object(fields) => {
                fields.retain(|name, _| self.0.contains_key(name) || self.0.contains_key("*"));
                for (name, value) in fields {
                    if let Some(mask) = self.0.get(name).or_else(|| self.0.get("*")) {
                        mask.cut(value);
                    }
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cut(fields: &str, mut value: Value) -> Option<Value> {
        let mut reader = Reader { rest: fields, depth: 0 };
        let mask = reader.list().filter(|_| reader.rest.is_empty())?;
        mask.cut(&mut value);
        Some(value)
    }

    #[test]
    fn what_is_named_is_kept_and_nothing_else() {
        let whole =
            json!({"a": 1, "b": {"c": 2, "d": 3}, "items": [{"id": 1, "x": {"y": 2, "z": 3}, "n": 0}]});
        let cases = [
            ("a", json!({"a": 1})),
            ("b/c", json!({"b": {"c": 2}})),
            ("b.c,a", json!({"a": 1, "b": {"c": 2}})),
            ("b/c,b/d", json!({"b": {"c": 2, "d": 3}})),
            ("b/c,b", json!({"b": {"c": 2, "d": 3}})),
            ("items(id,x/y)", json!({"items": [{"id": 1, "x": {"y": 2}}]})),
            ("items/x(z),nothing", json!({"items": [{"x": {"z": 3}}]})),
            ("*", whole.clone()),
            ("*/c", json!({"a": 1, "b": {"c": 2}, "items": [{}]})),
        ];
        for (fields, wanted) in cases {
            assert_eq!(cut(fields, whole.clone()), Some(wanted), "{fields}");
        }
    }

    #[test]
    fn a_mask_that_cannot_be_read_is_refused() {
        for fields in ["a(", "a)", "a,,b", "/a", "a(b", "a()", &"a(".repeat(10_000)] {
            assert_eq!(cut(fields, json!({})), None, "{fields}");
        }
    }
}
