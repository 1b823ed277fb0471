//! Gmail: drafts become sent mails, once and with an identity of Gmail's making.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Bench, OFFICE, reason};

const MAIL: &str = "Message-ID: <ours@acme.example>\r\nTo: Jo <jo@example.com>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\
                    X-Nexora-Effect: eff_1\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHello Jo\r\n";

const DRAFTS: &str = "/gmail/v1/users/me/drafts";

fn raw(mail: &str) -> Value {
    json!({ "raw": URL_SAFE.encode(mail) })
}

fn header(message: &Value, name: &str) -> Value {
    let headers = message["payload"]["headers"].as_array().unwrap();
    headers
        .iter()
        .find(|header| header["name"] == name)
        .map(|header| header["value"].clone())
        .unwrap_or_default()
}

impl Bench {
    async fn draft(&self) -> Value {
        let (status, draft) = self.post(DRAFTS, json!({ "message": raw(MAIL) })).await;
        assert_eq!(status, 200, "{draft}");
        draft
    }
}

#[tokio::test]
async fn sending_a_draft_deletes_it_and_writes_a_new_message_id() {
    let bench = Bench::start().await;
    let draft = bench.draft().await;
    let id = draft["id"].as_str().unwrap();
    assert_eq!(draft["message"]["labelIds"], json!(["DRAFT"]));
    let (_, kept) = bench.get(&format!("{DRAFTS}/{id}")).await;
    assert_eq!(header(&kept["message"], "Message-ID"), "<ours@acme.example>");

    let (status, sent) = bench.post(&format!("{DRAFTS}/send"), json!({ "id": id })).await;
    assert_eq!((status, &sent["labelIds"]), (200, &json!(["SENT"])), "{sent}");
    assert_ne!(sent["id"], draft["message"]["id"]);
    assert_eq!(sent["threadId"], draft["message"]["threadId"]);
    let gone = bench.get(&format!("{DRAFTS}/{id}?format=minimal")).await;
    assert_eq!((gone.0, reason(&gone)), (404, "notFound"));
    let again = bench.post(&format!("{DRAFTS}/send"), json!({ "id": id })).await;
    assert_eq!(again.0, 404);

    let (_, message) =
        bench.get(&format!("/gmail/v1/users/me/messages/{}", sent["id"].as_str().unwrap())).await;
    let message_id = header(&message, "Message-ID");
    assert!(message_id.as_str().unwrap().ends_with("@mail.gmail.com>"), "{message_id}");
    assert_eq!(header(&message, "X-Nexora-Effect"), "eff_1");
    assert_eq!(header(&message, "From"), OFFICE);
    assert_eq!(header(&message, "Subject"), "=?utf-8?q?Gr=C3=BC=C3=9Fe?=");
    assert_eq!(message["internalDate"], "1790000000000");
    assert!(message["historyId"].as_str().unwrap().parse::<u64>().unwrap() > 1);

    let state = bench.sandbox.state();
    assert_eq!(state["mailboxes"][OFFICE]["drafts"], json!([]));
    assert_eq!(state["mailboxes"][OFFICE]["messages"].as_array().unwrap().len(), 1);
    assert_eq!(state["mailboxes"][OFFICE]["messages"][0]["text"].as_str().unwrap().trim(), "Hello Jo");
}

#[tokio::test]
async fn a_sent_mail_is_found_by_label_and_query_and_read_in_every_format() {
    let bench = Bench::start().await;
    let (_, sent) = bench.post("/gmail/v1/users/me/messages/send", raw(MAIL)).await;
    let id = sent["id"].as_str().unwrap();
    bench.draft().await;
    for (query, found) in [
        ("labelIds=SENT&q=after:1789999999", 1),
        ("q=in:sent+to:jo@example.com", 1),
        ("q=in:drafts", 1),
        ("q=rfc822msgid:ours@acme.example", 1),
        ("q=in:sent+after:1790000001", 0),
        ("labelIds=INBOX", 0),
    ] {
        let (status, list) = bench.get(&format!("/gmail/v1/users/me/messages?{query}")).await;
        assert_eq!((status, list["messages"].as_array().map_or(0, Vec::len)), (200, found), "{query}");
    }
    let (_, first) = bench.get("/gmail/v1/users/me/messages?maxResults=1").await;
    let next = first["nextPageToken"].as_str().unwrap();
    let (_, second) = bench.get(&format!("/gmail/v1/users/me/messages?maxResults=1&pageToken={next}")).await;
    assert_ne!(first["messages"], second["messages"]);
    assert!(second.get("nextPageToken").is_none());

    let path = format!("/gmail/v1/users/me/messages/{id}");
    let (_, metadata) = bench.get(&format!("{path}?format=metadata&metadataHeaders=x-nexora-effect")).await;
    assert_eq!(metadata["payload"]["headers"], json!([{"name": "X-Nexora-Effect", "value": "eff_1"}]));
    let (_, minimal) = bench.get(&format!("{path}?format=minimal")).await;
    assert_eq!((minimal["snippet"].as_str(), minimal.get("payload")), (Some("Hello Jo"), None));
    let (_, full) = bench.get(&path).await;
    let body = URL_SAFE.decode(full["payload"]["body"]["data"].as_str().unwrap()).unwrap();
    assert_eq!(body, b"Hello Jo\r\n");
    let (_, whole) = bench.get(&format!("{path}?format=raw")).await;
    let text = String::from_utf8(URL_SAFE.decode(whole["raw"].as_str().unwrap()).unwrap()).unwrap();
    assert!(text.ends_with("Hello Jo\r\n") && !text.contains("<ours@acme.example>"), "{text}");
}

#[tokio::test]
async fn what_is_no_mail_is_refused() {
    let bench = Bench::start().await;
    let send = "/gmail/v1/users/me/messages/send";
    let cases =
        [json!({"raw": "!!!"}), json!({}), raw("\r\n\r\n"), raw("Subject: nobody to send to\r\n\r\nHello")];
    for body in cases {
        let answer = bench.post(send, body.clone()).await;
        assert_eq!((answer.0, reason(&answer)), (400, "invalidArgument"), "{body}");
    }
    assert_eq!(bench.sandbox.state()["mailboxes"], json!({}));
    let mut body = raw(MAIL);
    body["threadId"] = json!("0123456789abcdef");
    assert_eq!(bench.post(send, body).await.0, 404);
}

#[tokio::test]
async fn uploads_come_alone_with_json_or_in_pieces() {
    let bench = Bench::start().await;
    let (_, first) = bench.post("/gmail/v1/users/me/messages/send", raw(MAIL)).await;
    let thread = first["threadId"].as_str().unwrap();
    let (_, sent) = bench.get(&format!("/gmail/v1/users/me/messages/{thread}")).await;
    // Only an answer joins the thread that it names.
    let answer = format!("In-Reply-To: {}\r\n{MAIL}", header(&sent, "Message-ID").as_str().unwrap());

    let alone = bench.request(Method::POST, "/upload/gmail/v1/users/me/messages/send?uploadType=media");
    let alone = alone.header("content-type", "message/rfc822").body(MAIL).send().await.unwrap();
    assert_eq!(alone.status(), 200);

    let body = format!(
        "--b\r\nContent-Type: application/json\r\n\r\n{{\"threadId\":\"{thread}\"}}\r\n\
         --b\r\nContent-Type: message/rfc822\r\n\r\n{answer}\r\n--b--\r\n"
    );
    let both = bench.request(Method::POST, "/upload/gmail/v1/users/me/messages/send?uploadType=multipart");
    let both = both.header("content-type", "multipart/related; boundary=b").body(body).send().await.unwrap();
    assert_eq!(both.json::<Value>().await.unwrap()["threadId"], thread);

    let start = bench.request(Method::POST, "/upload/gmail/v1/users/me/messages/send?uploadType=resumable");
    let start = start.json(&json!({ "threadId": thread })).send().await.unwrap();
    let location = start.headers()["location"].to_str().unwrap().to_owned();
    let (one, two) = answer.split_at(50);
    let piece = |range: String, body: &str| {
        bench.http.put(&location).header("content-range", range).body(body.to_owned())
    };
    let total = answer.len();
    let more = piece(format!("bytes 0-49/{total}"), one).send().await.unwrap();
    assert_eq!((more.status().as_u16(), &more.headers()["range"]), (308, &"bytes=0-49".parse().unwrap()));
    let asked = piece(format!("bytes */{total}"), "").send().await.unwrap();
    assert_eq!(asked.status(), 308);
    let done = piece(format!("bytes 50-{}/{total}", total - 1), two).send().await.unwrap();
    assert_eq!(done.json::<Value>().await.unwrap()["threadId"], thread);
    assert_eq!(piece(format!("bytes */{total}"), "").send().await.unwrap().status(), 404);

    assert_eq!((bench.calls("gmail.messages.send"), bench.calls("gmail.upload.start")), (json!(4), json!(1)));
    let state = bench.sandbox.state();
    let messages = state["mailboxes"][OFFICE]["messages"].as_array().unwrap();
    assert!(
        messages.iter().all(|message| message["text"].as_str().unwrap().trim() == "Hello Jo"),
        "{messages:?}"
    );
}

#[tokio::test]
async fn a_message_with_parts_is_shown_part_by_part() {
    let bench = Bench::start().await;
    let mail = "To: jo@example.com\r\nSubject: Offer\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n\
                --m\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n\
                --a\r\nContent-Type: text/plain\r\n\r\nplain\r\n--a\r\nContent-Type: text/html\r\n\r\n<p>rich</p>\r\n--a--\r\n\
                --m\r\nContent-Type: application/pdf; name=offer.pdf\r\nContent-Disposition: attachment; filename=offer.pdf\r\n\
                Content-Transfer-Encoding: base64\r\n\r\nUERG\r\n--m--\r\n";
    let (_, sent) = bench.post("/gmail/v1/users/me/messages/send", raw(mail)).await;
    let path = format!("/gmail/v1/users/me/messages/{}", sent["id"].as_str().unwrap());
    let (_, message) = bench.get(&path).await;
    let payload = &message["payload"];
    assert_eq!(payload["mimeType"], "multipart/mixed");
    assert_eq!(payload["parts"][0]["parts"][1]["mimeType"], "text/html");
    assert_eq!(payload["parts"][0]["parts"][1]["partId"], "0.1");
    assert_eq!(payload["parts"][1]["filename"], "offer.pdf");
    let attachment = payload["parts"][1]["body"]["attachmentId"].as_str().unwrap();
    let (_, content) = bench.get(&format!("{path}/attachments/{attachment}")).await;
    assert_eq!(content, json!({"size": 3, "data": URL_SAFE.encode("PDF")}));
    let shown = &bench.sandbox.state()["mailboxes"][OFFICE]["messages"][0];
    assert_eq!((&shown["text"], &shown["html"]), (&json!("plain"), &json!("<p>rich</p>")));
    assert_eq!(shown["attachments"][0]["filename"], "offer.pdf");
}

#[tokio::test]
async fn history_tells_what_arrived_and_an_answer_joins_its_thread() {
    let bench = Bench::start().await;
    let (_, sent) = bench.post("/gmail/v1/users/me/messages/send", raw(MAIL)).await;
    let (_, message) =
        bench.get(&format!("/gmail/v1/users/me/messages/{}", sent["id"].as_str().unwrap())).await;
    let (_, profile) = bench.get("/gmail/v1/users/me/profile").await;
    let since = profile["historyId"].as_str().unwrap();
    let answer = json!({
        "mailbox": OFFICE, "from": "jo@example.com", "subject": "Re: Hello", "text": "Yes please",
        "in_reply_to": header(&message, "Message-ID"),
    });
    bench.post("/_sandbox/seed", json!({ "mails": [answer] })).await;
    let (_, history) = bench.get(&format!("/gmail/v1/users/me/history?startHistoryId={since}")).await;
    let added = &history["history"][0]["messagesAdded"][0]["message"];
    assert_eq!((&added["threadId"], &added["labelIds"]), (&sent["threadId"], &json!(["INBOX", "UNREAD"])));
    assert_eq!(history["history"].as_array().unwrap().len(), 1);
    assert_eq!(bench.get("/gmail/v1/users/me/history?startHistoryId=999999").await.0, 404);
}

#[tokio::test]
async fn drafts_are_listed_changed_and_deleted() {
    let bench = Bench::start().await;
    let draft = bench.draft().await;
    let path = format!("{DRAFTS}/{}", draft["id"].as_str().unwrap());
    let changed = MAIL.replace("Hello Jo", "Hello again");
    let (status, _) = bench.call(Method::PUT, &path, Some(json!({ "message": raw(&changed) }))).await;
    assert_eq!(status, 200);
    let (_, list) = bench.get(DRAFTS).await;
    assert_eq!(list["drafts"].as_array().unwrap().len(), 1);
    assert_eq!(list["drafts"][0]["id"], draft["id"]);
    let (_, shown) = bench.get(&path).await;
    assert_eq!(shown["message"]["snippet"], "Hello again");
    assert_eq!(bench.call(Method::DELETE, &path, None).await.0, 204);
    assert_eq!(bench.call(Method::DELETE, &path, None).await.0, 404);
    let (_, labels) = bench.get("/gmail/v1/users/me/labels").await;
    assert!(labels["labels"].as_array().unwrap().iter().any(|label| label["id"] == "SENT"));
}

#[tokio::test]
async fn headers_are_handed_over_as_they_stand_in_the_mail() {
    let bench = Bench::start().await;
    let from = "=?iso-8859-1?Q?M=FCller=2C_Grace?= <grace@example.org>";
    let mail = format!(
        "From: {from}\r\nTo: {OFFICE}\r\nSubject: =?utf-8?B?8J+aqCBMZWFr?=\r\n of water\r\n\r\nhello\r\n"
    );
    let seeds = json!({ "deliveries": [{ "mailbox": OFFICE, "raw": mail }] });
    let (_, made) = bench.post("/_sandbox/seed", seeds).await;
    let path = format!("/gmail/v1/users/me/messages/{}", made["mails"][0].as_str().unwrap());
    for format in ["full", "metadata"] {
        let (_, read) = bench.get(&format!("{path}?format={format}")).await;
        assert_eq!(header(&read, "From"), from, "{format}");
        assert_eq!(header(&read, "Subject"), "=?utf-8?B?8J+aqCBMZWFr?= of water", "{format}");
    }
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let bench = Bench::start().await;
    let mail = |size: usize| format!("To: jo@example.com\r\n\r\n{}", "x".repeat(size));
    let (status, answer) =
        bench.post("/gmail/v1/users/me/drafts", json!({ "message": raw(&mail(8_000_000)) })).await;
    assert_eq!(status, 400);
    assert!(answer["error"]["message"].as_str().unwrap().contains("payload size exceeds"), "{answer}");
    for (size, wanted) in [(8_000_000, 200), (27_000_000, 413)] {
        let upload = bench.request(Method::POST, "/upload/gmail/v1/users/me/messages/send?uploadType=media");
        let sent = upload.header("content-type", "message/rfc822").body(mail(size)).send().await.unwrap();
        assert_eq!(sent.status().as_u16(), wanted, "{size}");
    }
    let upload = bench.request(Method::POST, "/upload/gmail/v1/users/me/messages/send?uploadType=media");
    let other = upload.header("content-type", "text/plain").body(mail(1)).send().await.unwrap();
    assert_eq!(other.status(), 400);
}

#[tokio::test]
async fn a_batch_is_answered_call_by_call() {
    let bench = Bench::start().await;
    let batch = "--b\r\nContent-Type: application/http\r\nContent-ID: <one>\r\n\r\nGET /gmail/v1/users/me/profile\r\n\r\n\
                 --b\r\nContent-Type: application/http\r\nContent-ID: <two>\r\n\r\nGET /gmail/v1/users/me/messages/none\r\n\r\n--b--";
    let request = bench.request(Method::POST, "/batch/gmail/v1");
    let request = request.header("content-type", "multipart/mixed; boundary=b").body(batch);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let text = answer.text().await.unwrap();
    let (one, two) = text.split_once("<response-two>").unwrap();
    assert!(
        one.contains("<response-one>") && one.contains("HTTP/1.1 200 OK") && one.contains(OFFICE),
        "{one}"
    );
    assert!(two.contains("HTTP/1.1 404 Not Found") && two.contains("notFound"), "{two}");
    assert_eq!(bench.calls("gmail.profile"), 1);
}
