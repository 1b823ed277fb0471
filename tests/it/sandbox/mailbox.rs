//! Gmail beyond sending: labels, changes, threads, history, search and what arrives.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Bench, OFFICE, reason};

const ME: &str = "/gmail/v1/users/me";
const CREW: &str = "crew@acme.example";

impl Bench {
    async fn deliver(&self, mailbox: &str, raw: &str) -> Value {
        let (status, made) = self.post("/_sandbox/deliver", json!({"mailbox": mailbox, "raw": raw})).await;
        assert_eq!(status, 200, "{made}");
        made
    }

    async fn mine(&self, path: &str) -> (u16, Value) {
        self.get(&format!("{ME}{path}")).await
    }

    async fn change(&self, path: &str, body: Value) -> (u16, Value) {
        self.post(&format!("{ME}{path}"), body).await
    }

    /// Returns how many messages a search finds.
    async fn found(&self, query: &str) -> usize {
        let query = serde_urlencoded::to_string([("q", query)]).unwrap();
        let (status, list) = self.mine(&format!("/messages?{query}")).await;
        assert_eq!(status, 200, "{list}");
        list["messages"].as_array().map_or(0, Vec::len)
    }

    async fn baseline(&self) -> String {
        self.mine("/profile").await.1["historyId"].as_str().unwrap().to_owned()
    }

    async fn sign_in_as(&self, mailbox: &str, scope: &str) -> String {
        let mut claims = self.claims(scope);
        claims["sub"] = json!(mailbox);
        let answer = self.ask_for_token(&super::assertion(&self.key(), &claims)).await;
        answer.json::<Value>().await.unwrap()["access_token"].as_str().unwrap().to_owned()
    }
}

fn id(value: &Value) -> &str {
    value["id"].as_str().unwrap()
}

fn raw(mail: &str) -> Value {
    json!({ "raw": URL_SAFE.encode(mail) })
}

#[tokio::test]
async fn labels_are_made_counted_renamed_and_deleted() {
    let bench = Bench::start().await;
    let (_, label) = bench.change("/labels", json!({"name": "Leads/New"})).await;
    assert_eq!((&label["type"], &label["messageListVisibility"]), (&json!("user"), &json!("show")));
    let twice = bench.change("/labels", json!({"name": "leads/new"})).await;
    assert_eq!((twice.0, reason(&twice)), (409, "aborted"));
    assert_eq!(bench.change("/labels", json!({"name": "inbox"})).await.0, 400);
    let mail = bench.deliver(OFFICE, "From: jo@example.com\nSubject: Leak\n\nHelp").await;
    let since = bench.baseline().await;
    let body = json!({"addLabelIds": [label["id"]], "removeLabelIds": ["UNREAD"]});
    let (_, changed) = bench.change(&format!("/messages/{}/modify", id(&mail)), body.clone()).await;
    assert_eq!(changed["labelIds"], json!(["INBOX", label["id"]]));
    let (_, history) = bench.mine(&format!("/history?startHistoryId={since}")).await;
    assert_eq!(history["history"][0]["labelsAdded"][0]["labelIds"], json!([label["id"]]));
    assert_eq!(history["history"][1]["labelsRemoved"][0]["labelIds"], json!(["UNREAD"]));
    let (_, none) = bench.mine(&format!("/history?startHistoryId={since}&historyTypes=messageAdded")).await;
    assert!(none.get("history").is_none());
    let path = format!("/labels/{}", id(&label));
    let (_, counted) = bench.mine(&path).await;
    assert_eq!(
        (&counted["messagesTotal"], &counted["messagesUnread"], &counted["threadsTotal"]),
        (&json!(1), &json!(0), &json!(1))
    );
    assert_eq!(bench.found("label:leads-new").await, 1);
    let (status, renamed) =
        bench.call(Method::PATCH, &format!("{ME}{path}"), Some(json!({"name": "Won"}))).await;
    assert_eq!((status, &renamed["name"]), (200, &json!("Won")));
    assert_eq!(bench.call(Method::DELETE, &format!("{ME}{path}"), None).await.0, 204);
    assert_eq!(bench.mine(&path).await.0, 404);
    let unknown = bench.change(&format!("/messages/{}/modify", id(&mail)), body).await;
    assert_eq!((unknown.0, reason(&unknown)), (400, "invalidArgument"));
}

#[tokio::test]
async fn what_is_thrown_away_is_hidden_until_it_is_asked_for_and_deleting_needs_the_full_scope() {
    let mut bench = Bench::start().await;
    let mail = bench.deliver(OFFICE, "From: jo@example.com\nSubject: Leak\n\nHelp").await;
    let path = format!("/messages/{}", id(&mail));
    let (_, trashed) = bench.change(&format!("{path}/trash"), json!({})).await;
    assert_eq!(trashed["labelIds"], json!(["UNREAD", "TRASH"]));
    assert_eq!((bench.found("leak").await, bench.found("in:trash leak").await), (0, 1));
    let (_, all) = bench.mine("/messages?includeSpamTrash=true").await;
    assert_eq!(all["messages"].as_array().unwrap().len(), 1);
    bench.change(&format!("{path}/untrash"), json!({})).await;
    assert_eq!(bench.found("leak").await, 1);
    let delete = format!("{ME}{path}");
    let refused = bench.call(Method::DELETE, &delete, None).await;
    assert_eq!((refused.0, reason(&refused)), (403, "insufficientPermissions"));
    let since = bench.baseline().await;
    bench.token = bench.sign_in("https://mail.google.com/").await;
    assert_eq!(bench.call(Method::DELETE, &delete, None).await.0, 204);
    assert_eq!(bench.call(Method::DELETE, &delete, None).await.0, 404);
    let (_, history) = bench.mine(&format!("/history?startHistoryId={since}")).await;
    assert_eq!(history["history"][0]["messagesDeleted"][0]["message"]["id"], mail["id"]);
}

#[tokio::test]
async fn batches_change_many_and_say_nothing() {
    let mut bench = Bench::start().await;
    bench.token = bench.sign_in("https://mail.google.com/").await;
    let one = bench.deliver(OFFICE, "Subject: one\n\n1").await;
    let two = bench.deliver(OFFICE, "Subject: two\n\n2").await;
    let ids = json!([one["id"], two["id"], "unknown"]);
    assert_eq!(
        bench.change("/messages/batchModify", json!({"ids": ids, "removeLabelIds": ["UNREAD"]})).await.0,
        204
    );
    assert_eq!(bench.found("is:read").await, 2);
    assert_eq!(bench.change("/messages/batchDelete", json!({"ids": ids})).await.0, 204);
    assert_eq!(bench.found("").await, 0);
    assert_eq!(bench.change("/messages/batchDelete", json!({})).await.0, 400);
}

#[tokio::test]
async fn a_mail_to_another_mailbox_arrives_there_and_the_answer_comes_back_into_the_thread() {
    let mut bench = Bench::start().await;
    let crew = bench.sign_in_as(CREW, super::SCOPES).await;
    let office = std::mem::replace(&mut bench.token, crew);
    bench.mine("/profile").await;
    bench.token.clone_from(&office);
    let mail = format!("To: Crew <{CREW}>\r\nBcc: boss@acme.example\r\nSubject: Job 7\r\n\r\nGo\r\n");
    let (_, sent) = bench.change("/messages/send", raw(&mail)).await;
    let crew = bench.sign_in_as(CREW, super::SCOPES).await;
    bench.token = crew;
    let (_, list) = bench.mine("/messages?labelIds=UNREAD").await;
    let (_, arrived) = bench.mine(&format!("/messages/{}", id(&list["messages"][0]))).await;
    assert_eq!(arrived["labelIds"], json!(["INBOX", "UNREAD"]));
    assert_ne!(arrived["id"], sent["id"]);
    assert!(!arrived["payload"]["headers"].to_string().contains("boss@"), "{arrived}");
    let headers = arrived["payload"]["headers"].as_array().unwrap();
    let message_id =
        headers.iter().find(|header| header["name"] == "Message-ID").unwrap()["value"].as_str().unwrap();
    let answer = format!("To: {OFFICE}\r\nSubject: Re: Job 7\r\nIn-Reply-To: {message_id}\r\n\r\nDone\r\n");
    let mut body = raw(&answer);
    body["threadId"] = arrived["threadId"].clone();
    let (_, replied) = bench.change("/messages/send", body.clone()).await;
    assert_eq!(replied["threadId"], arrived["threadId"]);
    body["raw"] = raw(&answer.replace("Job 7", "Something else"))["raw"].clone();
    let (_, apart) = bench.change("/messages/send", body).await;
    assert_ne!(apart["threadId"], arrived["threadId"]);

    bench.token = office;
    let (_, thread) =
        bench.mine(&format!("/threads/{}?format=minimal", sent["threadId"].as_str().unwrap())).await;
    assert_eq!(thread["messages"].as_array().unwrap().len(), 3, "{thread}");
    assert_eq!(thread["messages"][1]["snippet"], "Done");
    let (_, threads) = bench.mine("/threads?q=in:inbox").await;
    assert_eq!(
        (&threads["resultSizeEstimate"], &threads["threads"][0]["id"]),
        (&json!(1), &sent["threadId"])
    );
    let path = format!("/threads/{}", sent["threadId"].as_str().unwrap());
    let (_, changed) = bench.change(&format!("{path}/modify"), json!({"removeLabelIds": ["UNREAD"]})).await;
    assert_eq!(changed["messages"][1]["labelIds"], json!(["INBOX"]));
    bench.change(&format!("{path}/trash"), json!({})).await;
    assert_eq!(bench.mine("/threads").await.1["resultSizeEstimate"], 0);
    bench.change(&format!("{path}/untrash"), json!({})).await;
    assert_eq!(bench.mine("/threads").await.1["resultSizeEstimate"], 1);
}

#[tokio::test]
async fn a_mail_to_oneself_is_one_message() {
    let bench = Bench::start().await;
    let (_, sent) =
        bench.change("/messages/send", raw(&format!("To: {OFFICE}\r\nSubject: Note\r\n\r\nx"))).await;
    assert_eq!(sent["labelIds"], json!(["SENT", "INBOX", "UNREAD"]));
    assert_eq!(bench.found("").await, 1);
}

#[tokio::test]
async fn what_arrives_is_labelled_judged_and_found() {
    let bench = Bench::start().await;
    let mail = "From: Leads <leads@portal.example>\nTo: office@acme.example\nSubject: New lead\nList-ID: <leads.portal.example>\n\
                Authentication-Results: mx.google.com; dkim=pass header.i=@bank.example\nMIME-Version: 1.0\n\
                Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nBoiler broken\n\
                --b\nContent-Type: application/pdf\nContent-Disposition: attachment; filename=\"lead-7.pdf\"\n\nPDF\n--b--\n";
    let delivery = json!({
        "mailbox": OFFICE, "raw": mail, "labels": ["INBOX", "CATEGORY_UPDATES"], "at": "2026-09-20T12:00:00Z",
        "authentication": {"dkim": "fail", "domain": "portal.example"},
    });
    let (status, made) = bench.post("/_sandbox/deliver", delivery.clone()).await;
    assert_eq!(status, 200, "{made}");
    let (_, message) = bench.mine(&format!("/messages/{}", id(&made))).await;
    let headers = message["payload"]["headers"].to_string();
    assert!(
        headers.contains("dkim=fail header.i=@portal.example") && !headers.contains("bank.example"),
        "{headers}"
    );
    for (query, found) in [
        ("list:leads.portal.example", 1),
        ("deliveredto:office@acme.example", 1),
        ("category:updates", 1),
        ("category:primary", 0),
        ("has:attachment filename:pdf", 1),
        ("filename:lead-8.pdf", 0),
        ("after:2026/09/20 before:2026/09/21", 1),
        ("newer_than:1d", 0),
        ("{from:portal.example from:other.example} is:read", 1),
        ("nosuchoperator:x", 0),
    ] {
        assert_eq!(bench.found(query).await, found, "{query}");
    }
    bench.post("/_sandbox/seed", json!({ "deliveries": [delivery] })).await;
    assert_eq!(bench.found("new lead").await, 2);
    let wrong = json!({"mailbox": OFFICE, "raw": "Subject: x\n\ny", "labels": ["NONE"]});
    assert_eq!(bench.post("/_sandbox/deliver", wrong).await.0, 400);
}

#[tokio::test]
async fn mails_are_inserted_and_imported_past_delivery() {
    let bench = Bench::start().await;
    let mail = "From: jo@example.com\r\nDate: Mon, 01 Jun 2026 10:00:00 +0000\r\nMessage-ID: <a@b>\r\nSubject: Old\r\n\r\nx";
    let mut body = raw(mail);
    body["labelIds"] = json!(["STARRED"]);
    let (_, inserted) = bench.change("/messages", body).await;
    assert_eq!(inserted["labelIds"], json!(["STARRED"]));
    let (_, imported) = bench.change("/messages/import", raw(mail)).await;
    let (_, shown) = bench.mine(&format!("/messages/{}?format=minimal", id(&imported))).await;
    assert_eq!(
        (&shown["internalDate"], &shown["labelIds"]),
        (&json!("1780308000000"), &json!(["INBOX", "UNREAD"]))
    );
    assert_eq!(bench.found("rfc822msgid:a@b").await, 2);
}

#[tokio::test]
async fn history_is_read_page_by_page_and_forgotten_when_told() {
    let bench = Bench::start().await;
    let since = bench.baseline().await;
    for number in 0..3 {
        bench.deliver(OFFICE, &format!("Subject: {number}\n\nx")).await;
    }
    let path = format!("/history?startHistoryId={since}&labelId=INBOX&maxResults=2");
    let (_, first) = bench.mine(&path).await;
    let (_, second) =
        bench.mine(&format!("{path}&pageToken={}", first["nextPageToken"].as_str().unwrap())).await;
    assert_eq!(
        (first["history"].as_array().unwrap().len(), second["history"].as_array().unwrap().len()),
        (2, 1)
    );
    assert!(second.get("nextPageToken").is_none());
    bench.post("/_sandbox/gmail", json!({"forget_history": [OFFICE]})).await;
    let stale = bench.mine(&path).await;
    assert_eq!((stale.0, reason(&stale)), (404, "notFound"));
    let since = bench.baseline().await;
    assert_eq!(bench.mine(&format!("/history?startHistoryId={since}")).await.0, 200);
    bench.arm(json!({"service": "gmail", "call": "history.list", "fault": "status", "status": 404})).await;
    assert_eq!(bench.mine(&format!("/history?startHistoryId={since}")).await.0, 404);
}

#[tokio::test]
async fn sending_a_draft_adds_one_message_and_deletes_another_in_order() {
    let bench = Bench::start().await;
    let (_, draft) = bench.change("/drafts", json!({ "message": raw("To: jo@example.com\r\n\r\nx") })).await;
    let since = bench.baseline().await;
    let (_, sent) = bench.change("/drafts/send", json!({"id": draft["id"]})).await;
    let (_, history) = bench.mine(&format!("/history?startHistoryId={since}")).await;
    assert_eq!(history["history"][0]["messagesAdded"][0]["message"]["id"], sent["id"]);
    assert_eq!(history["history"][1]["messagesDeleted"][0]["message"]["id"], draft["message"]["id"]);
    assert_eq!(history["historyId"], history["history"][1]["id"]);
}

#[tokio::test]
async fn what_gmail_does_where_nobody_wrote_it_down_can_be_chosen() {
    let bench = Bench::start().await;
    bench.post("/_sandbox/gmail", json!({"rewrite_message_id": false})).await;
    let mail = "To: jo@example.com\r\nMessage-ID: <ours@acme>\r\nSubject: x\r\n\r\ny";
    for (habit, status, mails) in [("not_found", 404, 1), ("same", 200, 2), ("again", 200, 4)] {
        bench.post("/_sandbox/gmail", json!({"second_send": habit})).await;
        let (_, draft) = bench.change("/drafts", json!({ "message": raw(mail) })).await;
        bench.change("/drafts/send", json!({"id": draft["id"]})).await;
        assert_eq!(bench.change("/drafts/send", json!({"id": draft["id"]})).await.0, status, "{habit}");
        assert_eq!(bench.found("in:sent rfc822msgid:ours@acme").await, mails, "{habit}");
    }
}

#[tokio::test]
async fn the_metadata_scope_shows_headers_only() {
    let mut bench = Bench::start().await;
    let mail = bench.deliver(OFFICE, "Subject: x\n\nsecret").await;
    bench.token = bench.sign_in("https://www.googleapis.com/auth/gmail.metadata").await;
    let path = format!("/messages/{}", id(&mail));
    assert_eq!(bench.mine(&format!("{path}?format=metadata")).await.0, 200);
    assert_eq!(bench.mine(&path).await.0, 403);
    assert_eq!((bench.mine("/messages").await.0, bench.mine("/messages?q=x").await.0), (200, 403));
}

#[tokio::test]
async fn an_answer_can_be_asked_for_in_part() {
    let bench = Bench::start().await;
    bench.deliver(OFFICE, "Subject: x\n\ny").await;
    let (_, list) = bench.mine("/messages?fields=messages(threadId)").await;
    assert_eq!(list["messages"][0].as_object().unwrap().keys().collect::<Vec<_>>(), ["threadId"]);
    assert!(list.get("resultSizeEstimate").is_none());
    let wrong = bench.mine("/messages?fields=messages(").await;
    assert_eq!((wrong.0, reason(&wrong)), (400, "invalidArgument"));
    let (_, from) = bench.mine("/settings/sendAs?fields=sendAs/sendAsEmail").await;
    assert_eq!(from, json!({"sendAs": [{"sendAsEmail": OFFICE}]}));
    let others = json!({"send_as": {OFFICE: {"info@acme.example.net": "pending"}}});
    bench.post("/_sandbox/gmail", others).await;
    let (_, from) = bench.mine("/settings/sendAs?fields=sendAs(sendAsEmail,verificationStatus)").await;
    let other = json!({"sendAsEmail": "info@acme.example.net", "verificationStatus": "pending"});
    assert_eq!(from, json!({"sendAs": [{"sendAsEmail": OFFICE}, other]}));
}
