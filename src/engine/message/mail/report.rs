//! Reports that programs read: of delivery (RFC 3464, RFC 6533), of reading (RFC 8098), of a complaint
//! (RFC 5965), and answers to invitations (RFC 5546). They are known by the type of their part, whatever the
//! mail around it says that it is.

use mail_parser::MessageParser;

use nexora_core::model::mail::{EFFECT_HEADER, MailKind, MailReport, Part, ReportedRecipient};

use super::{cut, delivery_status, folded_id, header, line};

/// Bytes that are looked at of a report, and of the mail that it returns.
const LIMIT_BYTES: usize = 256_000;
const RECIPIENT_LIMIT: usize = 100;

/// Lines of one group of fields.
const FIELD_LIMIT: usize = 300;

const DELIVERY: [&str; 2] = ["message/delivery-status", "message/global-delivery-status"];
const READING: [&str; 2] = ["message/disposition-notification", "message/global-disposition-notification"];
const COMPLAINT: &str = "message/feedback-report";

/// What returns a mail, or its headers.
const RETURNED: [&str; 6] = [
    "message/rfc822",
    "message/global",
    "text/rfc822-headers",
    "message/rfc822-headers",
    "message/global-headers",
    "text/rfc822",
];

/// Complaints that mean "no more of this" (RFC 5965, section 7.3).
const UNWANTED: [&str; 3] = ["abuse", "fraud", "opt-out"];

/// Tells whether a part returns a mail.
pub fn is_returned(part: &Part) -> bool {
    RETURNED.contains(&part.mime_type.as_str())
}

/// Reads the report that a mail's parts hold; `None` where they hold none.
pub fn read(headers: &[(String, String)], parts: &[Part]) -> Option<(MailKind, Option<MailReport>)> {
    let of = |types: &[&str]| parts.iter().find(|part| types.contains(&part.mime_type.as_str()));
    if let Some(part) = of(&DELIVERY) {
        let recipients = recipients(&text_of(part));
        let failed = recipients.iter().any(|recipient| recipient.state.is_failure());
        let kind = if failed { MailKind::Bounce } else { MailKind::Notice };
        return Some((kind, Some(MailReport { recipients, ..about(headers, parts) })));
    }
    if let Some(part) = of(&[COMPLAINT]) {
        let fields = fields(&text_of(part));
        let value = |name: &str| header(&fields, name).unwrap_or_default().to_ascii_lowercase();
        let is_complaint = UNWANTED.contains(&value("Feedback-Type").as_str());
        let kind = if is_complaint { MailKind::Complaint } else { MailKind::Notice };
        return Some((kind, Some(about(headers, parts))));
    }
    let is_answer = |part: &Part| part.mime_type == "text/calendar" && is_calendar_reply(part);
    let is_notice = of(&READING).is_some() || parts.iter().any(is_answer);
    is_notice.then_some((MailKind::Notice, None))
}

/// Says which mail a report is about: by what it returns of it, else by what it answers.
fn about(headers: &[(String, String)], parts: &[Part]) -> MailReport {
    let mut report = MailReport::default();
    complete(&mut report, headers, parts);
    report
}

/// Notes the mails that a report's parts return, then those that it answers, the latest first.
pub fn complete(report: &mut MailReport, headers: &[(String, String)], parts: &[Part]) {
    for part in parts.iter().filter(|part| is_returned(part)) {
        returned(report, &text_of(part));
    }
    let answers = ["In-Reply-To", "References"].into_iter().flat_map(|name| {
        header(headers, name).unwrap_or_default().split_whitespace().rev().filter_map(folded_id)
    });
    report.message_ids.extend(answers);
    let mut known = Vec::new();
    for id in std::mem::take(&mut report.message_ids) {
        if !known.contains(&id) && known.len() < super::ID_LIMIT {
            known.push(id);
        }
    }
    report.message_ids = known;
}

/// Notes the names of a mail that stand in the text of its headers.
pub fn returned(report: &mut MailReport, headers: &str) {
    let Some(message) = MessageParser::default().parse_headers(headers.trim_start().as_bytes()) else {
        return;
    };
    let effect = message.header_raw(EFFECT_HEADER).map(line).filter(|effect| !effect.is_empty());
    report.effect = report.effect.take().or(effect);
    report.message_ids.extend(message.message_id().map(line));
}

fn text_of(part: &Part) -> String {
    let body = part.body.as_deref().unwrap_or_default();
    String::from_utf8_lossy(body.get(..LIMIT_BYTES).unwrap_or(body)).into_owned()
}

/// Reads the groups of fields of a delivery report. Those of a recipient begin anew where a field comes again,
/// since some mail systems leave out the empty line between two.
fn recipients(text: &str) -> Vec<ReportedRecipient> {
    let mut groups: Vec<Vec<(String, String)>> = Vec::new();
    let unbroken = text.replace("\r\n", "\n").replace('\r', "\n");
    for block in unbroken.split("\n\n") {
        let mut group: Vec<(String, String)> = Vec::new();
        for (name, value) in fields(block) {
            if header(&group, &name).is_some() && header(&group, "Action").is_some() {
                groups.push(std::mem::take(&mut group));
            }
            group.push((name, value));
        }
        groups.push(group);
    }
    groups.iter().filter_map(|group| recipient(group)).take(RECIPIENT_LIMIT).collect()
}

fn recipient(group: &[(String, String)]) -> Option<ReportedRecipient> {
    let value = |name: &str| header(group, name).unwrap_or_default();
    let named = ["Original-Recipient", "Final-Recipient"].map(value);
    let diagnostic = value("Diagnostic-Code");
    let status = Some(value("Status")).filter(|status| !status.is_empty());
    let state = delivery_status::state(value("Action"), status, diagnostic)?;
    let mut addresses: Vec<String> = named.iter().filter_map(|value| address(value)).collect();
    addresses.dedup();
    let said = if diagnostic.is_empty() { value("Status") } else { diagnostic };
    Some(ReportedRecipient { addresses, state, diagnostic: line(said) })
}

/// Reads `rfc822; jo@example.com`, and what hides characters in it (RFC 3461, section 4; RFC 6533, section 3).
fn address(value: &str) -> Option<String> {
    let (kind, address) = value.split_once(';').unwrap_or(("", value));
    let address = address.trim().trim_matches(['<', '>', '"']).trim();
    let address = match kind.trim().eq_ignore_ascii_case("utf-8") {
        true => unescaped(address, "\\x{", "}"),
        false => unescaped_xtext(address),
    };
    address.contains('@').then(|| line(&address).to_lowercase())
}

fn unescaped(text: &str, start: &str, end: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(start) {
        out.push_str(before);
        let (digits, after) = after.split_once(end).unwrap_or((after, ""));
        out.extend(u32::from_str_radix(digits, 16).ok().and_then(char::from_u32));
        rest = after;
    }
    out.push_str(rest);
    out
}

/// `jo+2Bhome@example.com` stands for `jo+home@example.com`. Most mail systems leave the plus as it is.
fn unescaped_xtext(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('+') {
        out.push_str(before);
        let digits = after
            .get(..2)
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()));
        let hidden = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        // Only what may not stand for itself is hidden.
        match hidden.filter(|byte| matches!(byte, b'+' | b'=' | 0..=32 | 127..)) {
            Some(byte) => {
                out.push(char::from(byte));
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                out.push('+');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// Reads fields as they stand in a mail's head, folded or not.
fn fields(block: &str) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in block.lines().take(FIELD_LIMIT) {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.trim().to_owned(), cut(value.trim(), 4_000).to_owned()));
        }
    }
    fields
}

/// An answer to an invitation, which a calendar program sends when its user presses a button. A counter-proposal
/// is none: it wants an answer.
fn is_calendar_reply(part: &Part) -> bool {
    let content_type = header(&part.headers, "Content-Type").unwrap_or_default().to_ascii_lowercase();
    let method = content_type.split(';').find_map(|parameter| parameter.trim().strip_prefix("method="));
    match method {
        Some(method) => method.trim_matches('"') == "reply",
        None => text_of(part).lines().any(|line| line.trim().eq_ignore_ascii_case("METHOD:REPLY")),
    }
}
