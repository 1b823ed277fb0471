//! A body as one JSON object, whatever way it was written: JSON, a form, or parts of a form. Every address that takes
//! leads reads its bodies here, so that all of them understand the same.

use mail_parser::decoders::charsets::map::charset_decoder;
use percent_encoding::percent_decode;
use serde_json::{Map, Value};

/// A body with what it was said to be.
#[derive(Clone, Copy, Debug)]
pub struct Body<'a> {
    pub content_type: &'a str,
    pub bytes: &'a [u8],
}

/// Fields of a form that are read at most.
const FIELD_LIMIT: usize = 500;

/// How deep the brackets of a field's name go at most.
const DEPTH_LIMIT: usize = 6;

/// Reads a body. One that does not say what it is, or wrongly, is taken for what it looks like.
///
/// # Errors
/// In words for the sender, when it is none of these.
pub fn object(body: Body<'_>) -> Result<Value, String> {
    let content_type = body.content_type.to_ascii_lowercase();
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    let charset = attribute(body.content_type, "charset");
    let charset = charset.as_deref();
    match kind {
        "application/x-www-form-urlencoded" if !looks_like_json(body.bytes) => {
            Ok(unwrapped(form(body.bytes, charset)))
        }
        "multipart/form-data" => {
            let boundary = boundary(body.content_type).ok_or("the form's parts have no boundary")?;
            parts(body.bytes, &boundary, charset)
                .map(collected)
                .ok_or_else(|| "the form is malformed".to_owned())
        }
        _ => json(&decoded(body.bytes, charset)).or_else(|reason| match is_form(kind, body.bytes) {
            true => Ok(form(body.bytes, charset)),
            false => Err(reason),
        }),
    }
}

/// Some programs send a form of one field, `payload`, that holds all as JSON.
fn unwrapped(form: Value) -> Value {
    let fields = form.as_object().filter(|fields| fields.len() == 1);
    let only = fields.and_then(|fields| fields.values().next()).and_then(Value::as_str);
    match only.and_then(|text| serde_json::from_str(text).ok()) {
        Some(inner @ Value::Object(_)) => inner,
        _ => form,
    }
}

/// Makes an object of the names and values of a form. A name that comes twice has its values side by side, as check
/// boxes have; brackets in a name, as PHP reads them, make objects: `fields[name][value]`.
pub fn collected(pairs: Vec<(String, String)>) -> Value {
    let mut object = Map::new();
    for (name, value) in pairs.into_iter().take(FIELD_LIMIT) {
        let path = path(&name);
        let value = match insert(&mut object, &path, value) {
            Ok(()) => continue,
            Err(value) => value,
        };
        // What does not fit below the others has a name of its own.
        let own = if path.len() == 1 { format!("{name}[]") } else { name.clone() };
        let _ = insert(&mut object, &[&own], value);
    }
    Value::Object(object)
}

/// Splits `a[b][c]` into its names; `a[]` is `a`.
fn path(name: &str) -> Vec<&str> {
    let is_bracketed = name.ends_with(']') && !name.starts_with('[');
    let Some((first, rest)) = name.split_once('[').filter(|_| is_bracketed) else { return vec![name] };
    let inner = rest.trim_end_matches(']').split("][").filter(|part| !part.is_empty());
    let path: Vec<&str> = std::iter::once(first).chain(inner).collect();
    if path.len() > DEPTH_LIMIT { vec![name] } else { path }
}

/// Puts a value at a path; gives it back where a text stands in the way, or an object where the text would go.
fn insert(object: &mut Map<String, Value>, path: &[&str], value: String) -> Result<(), String> {
    let Some((first, rest)) = path.split_first() else { return Err(value) };
    if !rest.is_empty() {
        let below = object.entry((*first).to_owned()).or_insert_with(|| Value::Object(Map::new()));
        return match below {
            Value::Object(below) => insert(below, rest, value),
            _ => Err(value),
        };
    }
    match object.get_mut(*first) {
        Some(Value::String(earlier)) => {
            earlier.push_str(", ");
            earlier.push_str(&value);
        }
        Some(_) => return Err(value),
        None => {
            object.insert((*first).to_owned(), Value::String(value));
        }
    }
    Ok(())
}

fn json(text: &str) -> Result<Value, String> {
    match serde_json::from_str(text) {
        Ok(value @ Value::Object(_)) => Ok(value),
        // Some programs send one thing as a list of one.
        Ok(Value::Array(mut items)) if items.len() == 1 && items.iter().all(Value::is_object) => {
            Ok(items.remove(0))
        }
        Ok(_) => Err("the body is not a JSON object".to_owned()),
        Err(error) => Err(format!("the body is not JSON: {error}")),
    }
}

fn looks_like_json(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix(BOM).unwrap_or(bytes).trim_ascii_start();
    text.starts_with(b"{") && serde_json::from_slice::<Value>(text).is_ok()
}

/// Tells whether a body that does not say that it is a form looks like one.
fn is_form(kind: &str, bytes: &[u8]) -> bool {
    let is_plain = matches!(kind, "" | "text/plain" | "application/octet-stream");
    is_plain && bytes.contains(&b'=') && !bytes.iter().any(|byte| matches!(byte, b'{' | b'<' | b' ' | b'\n'))
}

const BOM: &[u8] = b"\xef\xbb\xbf";

/// Returns the text of bytes: UTF-8 if they are that, else in the charset that was named, else as browsers
/// read what names none (windows-1252).
pub fn decoded(bytes: &[u8], charset: Option<&str>) -> String {
    let name = match bytes {
        [0xff, 0xfe, ..] => Some("utf-16le"),
        [0xfe, 0xff, ..] => Some("utf-16be"),
        _ => charset,
    };
    let is_utf16 = name.is_some_and(|name| name.to_ascii_lowercase().starts_with("utf-16"));
    let bytes = bytes.strip_prefix(BOM).unwrap_or(bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) if !is_utf16 => text.to_owned(),
        _ => {
            let named = name.and_then(|name| charset_decoder(name.as_bytes()));
            let decoder = named.or_else(|| charset_decoder(b"windows-1252"));
            decoder.map_or_else(|| String::from_utf8_lossy(bytes).into_owned(), |decode| decode(bytes))
        }
    };
    text.trim_start_matches('\u{feff}').to_owned()
}

/// Reads names and values as browsers send them (WHATWG URL, application/x-www-form-urlencoded).
fn form(bytes: &[u8], charset: Option<&str>) -> Value {
    let bytes = bytes.strip_prefix(BOM).unwrap_or(bytes);
    let text = |part: &[u8]| {
        let spaced: Vec<u8> = part.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        decoded(&percent_decode(&spaced).collect::<Vec<u8>>(), charset)
    };
    let pairs = bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
        let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        let (name, value) = pair.split_at(at);
        (text(name), text(value.strip_prefix(b"=").unwrap_or(value)))
    });
    collected(pairs.take(FIELD_LIMIT).collect())
}

fn boundary(content_type: &str) -> Option<String> {
    attribute(content_type, "boundary").filter(|text| text.len() <= 70)
}

/// Returns a parameter of a header: `utf-8` of `text/plain; charset="utf-8"`.
fn attribute(header: &str, name: &str) -> Option<String> {
    let parameters = header.split(';').skip(1);
    let found = parameters.filter_map(|parameter| parameter.split_once('='));
    let mut found = found.filter(|(key, _)| key.trim().eq_ignore_ascii_case(name));
    found.next().map(|(_, value)| value.trim().trim_matches('"').to_owned()).filter(|text| !text.is_empty())
}

/// Returns names and values of the parts that are no files (RFC 7578).
fn parts(bytes: &[u8], boundary: &str, charset: Option<&str>) -> Option<Vec<(String, String)>> {
    let text = format!("\n{}", decoded(bytes, charset).replace("\r\n", "\n"));
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

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "application/x-www-form-urlencoded";

    fn read(content_type: &str, bytes: impl AsRef<[u8]>) -> Result<Value, String> {
        object(Body { content_type, bytes: bytes.as_ref() })
    }

    #[test]
    fn a_form_is_read_in_each_of_its_ways() {
        let wanted = serde_json::json!({ "name": "Jo Miller", "day": "Mon, Tue" });
        let plain = read(FORM, "name=Jo+Miller&day[]=Mon&day[]=Tue");
        assert_eq!(plain.unwrap(), wanted);
        let multipart = "--XX\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nJo Miller\r\n\
            --XX\r\ncontent-disposition: form-data; name=\"day\"\r\n\r\nMon\r\n\
            --XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.png\"\r\n\r\nbytes\r\n\
            --XX\r\nContent-Disposition: form-data; name=\"day\"\r\n\r\nTue\r\n--XX--\r\n";
        assert_eq!(read("multipart/form-data; boundary=XX", multipart).unwrap(), wanted);
        assert_eq!(read("application/json", r#"{"name":"Jo"}"#).unwrap()["name"], "Jo");
    }

    #[test]
    fn brackets_in_a_name_make_objects() {
        let wanted = serde_json::json!({
            "fields": { "name": { "title": "Name", "value": "Jo" }, "days": "Mon, Tue" },
            "a[b": "odd",
            "item_meta": { "7": "x" },
        });
        let body = "fields[name][title]=Name&fields[name][value]=Jo&fields[days][]=Mon&fields[days][]=Tue\
            &a[b=odd&item_meta%5B7%5D=x";
        assert_eq!(read(FORM, body).unwrap(), wanted);
        // A text where others expect an object: both are kept.
        let crossed = read(FORM, "a=1&a[b]=2&c[d]=3&c=4").unwrap();
        assert_eq!(crossed, serde_json::json!({ "a": "1", "a[b]": "2", "c": { "d": "3" }, "c[]": "4" }));
        let deep = format!("a{}=1", "[b]".repeat(40));
        assert!(read(FORM, &deep).unwrap().as_object().unwrap().contains_key(deep.trim_end_matches("=1")));
    }

    #[test]
    fn a_mark_of_byte_order_and_other_charsets_are_understood() {
        let name = |content_type: &str, bytes: &[u8]| read(content_type, bytes).unwrap()["name"].clone();
        assert_eq!(name("application/json", b"\xef\xbb\xbf{\"name\":\"Jo\"}"), "Jo");
        assert_eq!(name(FORM, b"\xef\xbb\xbfname=Jo"), "Jo");
        assert_eq!(name("application/json; charset=iso-8859-1", b"{\"name\":\"Zo\xeb\"}"), "Zo\u{eb}");
        assert_eq!(name("application/json", b"{\"name\":\"Zo\xeb\"}"), "Zo\u{eb}");
        assert_eq!(name(FORM, b"name=Zo%EB"), "Zo\u{eb}");
        assert_eq!(name(FORM, b"name=Zo%C3%AB"), "Zo\u{eb}");
        assert_eq!(
            name("application/x-www-form-urlencoded; charset=windows-1251", b"name=%C8%E2%E0%ED"),
            "Иван"
        );
        let utf16: Vec<u8> =
            "\u{feff}{\"name\":\"Zo\u{eb}\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(name("application/json", &utf16), "Zo\u{eb}");
    }

    #[test]
    fn a_body_is_taken_for_what_it_looks_like() {
        assert_eq!(read("", r#"{"name":"Jo"}"#).unwrap()["name"], "Jo");
        assert_eq!(read("text/plain", "name=Jo&email=jo%40example.com").unwrap()["name"], "Jo");
        assert_eq!(read(FORM, r#"{"name":"Jo","note":"a=b&c"}"#).unwrap()["name"], "Jo");
        assert_eq!(read("application/json", r#"[{"name":"Jo"}]"#).unwrap()["name"], "Jo");
        // A form of one field that holds JSON is that; a message in braces, or beside other fields, is none.
        assert_eq!(read(FORM, "payload=%7B%22name%22%3A%22Jo%22%7D").unwrap()["name"], "Jo");
        assert_eq!(read(FORM, "message=%7Bhello%7D").unwrap()["message"], "{hello}");
        assert_eq!(read(FORM, "a=%7B%22b%22%3A1%7D&name=Jo").unwrap()["a"], r#"{"b":1}"#);
    }

    #[test]
    fn what_is_cut_off_or_no_object_is_malformed() {
        let cut = "--XX\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nJo";
        for (content_type, body) in [
            ("multipart/form-data; boundary=XX", cut),
            ("multipart/form-data", cut),
            ("multipart/form-data; boundary=XX", ""),
            ("application/json", "[1]"),
            ("application/json", r#"[{"name":"Jo"},{"name":"Al"}]"#),
            ("application/json", "{\"name\":"),
            ("application/json", "a=b"),
            ("", "Hello, a = b"),
            ("", ""),
        ] {
            assert!(read(content_type, body).is_err(), "{content_type} {body}");
        }
    }
}
