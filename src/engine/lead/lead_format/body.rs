//! A body as one JSON object, whatever way it was written: JSON, a form, or parts of a form.

use serde_json::{Map, Value};

/// A body with what it was said to be.
#[derive(Clone, Copy, Debug)]
pub struct Body<'a> {
    pub content_type: &'a str,
    pub bytes: &'a [u8],
}

/// Fields of a form that are read at most.
const FIELD_LIMIT: usize = 500;

/// Reads a body.
///
/// # Errors
/// In words for the sender, when it is none of these.
pub fn object(body: Body<'_>) -> Result<Value, String> {
    let content_type = body.content_type.to_ascii_lowercase();
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    match kind {
        "application/x-www-form-urlencoded" => {
            let pairs = serde_urlencoded::from_bytes::<Vec<(String, String)>>(body.bytes)
                .map_err(|error| format!("the form is malformed: {error}"))?;
            Ok(collected(pairs))
        }
        "multipart/form-data" => {
            let boundary = boundary(body.content_type).ok_or("the form's parts have no boundary")?;
            parts(body.bytes, &boundary).map(collected).ok_or_else(|| "the form is malformed".to_owned())
        }
        _ => match serde_json::from_slice(body.bytes) {
            Ok(value @ Value::Object(_)) => Ok(value),
            Ok(_) => Err("the body is not a JSON object".to_owned()),
            Err(error) => Err(format!("the body is not JSON: {error}")),
        },
    }
}

/// A name that comes twice has its values side by side, as check boxes have.
fn collected(pairs: Vec<(String, String)>) -> Value {
    let mut object = Map::new();
    for (name, value) in pairs.into_iter().take(FIELD_LIMIT) {
        let name = name.trim_end_matches("[]").to_owned();
        match object.get_mut(&name) {
            Some(Value::String(earlier)) => {
                earlier.push_str(", ");
                earlier.push_str(&value);
            }
            _ => {
                object.insert(name, Value::String(value));
            }
        }
    }
    Value::Object(object)
}

fn boundary(content_type: &str) -> Option<String> {
    let (_, rest) = content_type.split_once("boundary=")?;
    let text = rest.split(';').next()?.trim().trim_matches('"');
    Some(text.to_owned()).filter(|text| !text.is_empty() && text.len() <= 70)
}

/// Returns names and values of the parts that are no files (RFC 7578).
fn parts(bytes: &[u8], boundary: &str) -> Option<Vec<(String, String)>> {
    let text = format!("\n{}", String::from_utf8_lossy(bytes).replace("\r\n", "\n"));
    let mark = format!("\n--{boundary}");
    let (_, rest) = text.split_once(&mark)?;
    let mut found = Vec::new();
    for part in rest.split(&mark) {
        if part.starts_with("--") {
            return Some(found);
        }
        let (head, value) = part.split_once("\n\n")?;
        let disposition = head.lines().find(|line| {
            line.get(..20).is_some_and(|start| start.eq_ignore_ascii_case("content-disposition:"))
        })?;
        if !disposition.contains("filename=") {
            found.push((attribute(disposition, "name")?, value.to_owned()));
        }
    }
    // One whose end is missing was cut off on the way.
    None
}

fn attribute(line: &str, name: &str) -> Option<String> {
    let (_, rest) = line.split_once(&format!("; {name}=\""))?;
    rest.split_once('"').map(|(value, _)| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content_type: &str, bytes: &str) -> Result<Value, String> {
        object(Body { content_type, bytes: bytes.as_bytes() })
    }

    #[test]
    fn a_form_is_read_in_each_of_its_ways() {
        let wanted = serde_json::json!({ "name": "Jo Miller", "day": "Mon, Tue" });
        let plain = read("application/x-www-form-urlencoded", "name=Jo+Miller&day[]=Mon&day[]=Tue");
        assert_eq!(plain.unwrap(), wanted);
        let multipart = "--XX\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nJo Miller\r\n\
            --XX\r\ncontent-disposition: form-data; name=\"day\"\r\n\r\nMon\r\n\
            --XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.png\"\r\n\r\nbytes\r\n\
            --XX\r\nContent-Disposition: form-data; name=\"day\"\r\n\r\nTue\r\n--XX--\r\n";
        assert_eq!(read("multipart/form-data; boundary=XX", multipart).unwrap(), wanted);
        assert_eq!(read("application/json", r#"{"name":"Jo"}"#).unwrap()["name"], "Jo");
    }

    #[test]
    fn what_is_cut_off_or_no_object_is_malformed() {
        let cut = "--XX\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nJo";
        for (content_type, body) in [
            ("multipart/form-data; boundary=XX", cut),
            ("multipart/form-data", cut),
            ("multipart/form-data; boundary=XX", ""),
            ("application/json", "[1]"),
            ("application/json", "{\"name\":"),
            ("", ""),
        ] {
            assert!(read(content_type, body).is_err(), "{content_type} {body}");
        }
    }
}
