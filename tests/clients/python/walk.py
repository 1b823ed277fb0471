"""Walks through the sandbox with Google's own Python client, as anybody's program would.

    python walk.py BASE_URL KEY_FILE

Nothing of the client is changed but the address of the services. Ends with status 0 and one line for
each part if the sandbox answers as Google does.
"""

import base64
import email.message
import json
import sys

from google.oauth2 import service_account
from google_auth_httplib2 import AuthorizedHttp
from googleapiclient import discovery_cache
from googleapiclient.discovery import build, build_from_document
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaInMemoryUpload
import httplib2

OFFICE = "office@acme.example"
SCOPES = [
    "https://www.googleapis.com/auth/gmail.modify",
    "https://www.googleapis.com/auth/calendar",
    "https://www.googleapis.com/auth/spreadsheets",
    "https://www.googleapis.com/auth/drive.metadata.readonly",
]


def service(name, version, path):
    """Builds a client from the discovery document that comes with the library."""
    credentials = service_account.Credentials.from_service_account_file(key_file, scopes=SCOPES)
    http = AuthorizedHttp(credentials.with_subject(OFFICE), http=httplib2.Http(timeout=20))
    options = {"api_endpoint": base + path}
    return build(name, version, http=http, static_discovery=True, client_options=options)


def uploads():
    """Builds a Gmail client whose uploads go to the sandbox, too: `api_endpoint` leaves those alone."""
    document = json.loads(discovery_cache.get_static_doc("gmail", "v1"))
    document["rootUrl"] = document["baseUrl"] = base + "/"
    credentials = service_account.Credentials.from_service_account_file(key_file, scopes=SCOPES)
    return build_from_document(document, http=AuthorizedHttp(credentials.with_subject(OFFICE)))


def refused(request, status, reason):
    """Makes sure that a request is refused, in Google's envelope."""
    try:
        request.execute()
    except HttpError as error:
        assert error.status_code == status, (error.status_code, error)
        reasons = [detail.get("reason") for detail in error.error_details]
        assert reason in reasons, (reasons, error)
        return error.reason
    raise AssertionError(f"not refused: {request.uri}")


def mail(subject, to="jo@example.com", **headers):
    message = email.message.EmailMessage()
    message["To"], message["Subject"] = to, subject
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(f"About {subject}\n")
    return message


def raw(message):
    return {"raw": base64.urlsafe_b64encode(message.as_bytes()).decode()}


def all_pages(resource, request, following, key):
    items = []
    while request is not None:
        answer = request.execute()
        items += answer.get(key, [])
        request = following(request, answer)
    return items


def gmail():
    users = service("gmail", "v1", "/").users()
    messages, drafts, labels, threads = users.messages(), users.drafts(), users.labels(), users.threads()
    profile = users.getProfile(userId="me").execute()
    assert profile["emailAddress"] == OFFICE, profile
    began = profile["historyId"]

    for number in range(7):
        messages.insert(userId="me", body=raw(mail(f"tap {number}", to=OFFICE, From="jo@example.com"))).execute()
    request = messages.list(userId="me", maxResults=3, q="subject:tap")
    listed = all_pages(messages, request, messages.list_next, "messages")
    assert len(listed) == 7 and len({item["id"] for item in listed}) == 7, listed

    one = messages.get(userId="me", id=listed[0]["id"]).execute()
    headers = {header["name"]: header["value"] for header in one["payload"]["headers"]}
    assert headers["Subject"] == "tap 6", headers
    assert base64.urlsafe_b64decode(one["payload"]["body"]["data"]).startswith(b"About tap 6"), one
    meta = messages.get(userId="me", id=one["id"], format="metadata", metadataHeaders=["Subject"]).execute()
    assert [header["name"] for header in meta["payload"]["headers"]] == ["Subject"], meta
    whole = messages.get(userId="me", id=one["id"], format="raw").execute()
    assert b"Subject: tap 6" in base64.urlsafe_b64decode(whole["raw"]), whole
    brief = messages.get(userId="me", id=one["id"], fields="id,labelIds").execute()
    assert set(brief) <= {"id", "labelIds"} and brief["id"] == one["id"], brief
    refused(messages.get(userId="me", id="0000"), 404, "notFound")

    label = labels.create(userId="me", body={"name": "Jobs/New"}).execute()
    changed = messages.modify(userId="me", id=one["id"], body={"addLabelIds": [label["id"]]}).execute()
    assert label["id"] in changed["labelIds"], changed
    assert label["id"] in [known["id"] for known in labels.list(userId="me").execute()["labels"]]
    found = messages.list(userId="me", labelIds=[label["id"]]).execute()["messages"]
    assert [item["id"] for item in found] == [one["id"]], found

    draft = drafts.create(userId="me", body={"message": raw(mail("visit"))}).execute()
    assert drafts.get(userId="me", id=draft["id"]).execute()["message"]["labelIds"] == ["DRAFT"]
    sent = drafts.send(userId="me", body={"id": draft["id"]}).execute()
    assert "SENT" in sent["labelIds"], sent
    refused(drafts.get(userId="me", id=draft["id"]), 404, "notFound")
    media = MediaInMemoryUpload(mail("by upload").as_bytes(), mimetype="message/rfc822", resumable=True)
    uploaded = uploads().users().messages().send(userId="me", media_body=media).execute()
    first = messages.get(userId="me", id=uploaded["id"], format="metadata").execute()
    message_id = {h["name"].lower(): h["value"] for h in first["payload"]["headers"]}["message-id"]
    answer = raw(mail("Re: by upload", In_Reply_To=message_id, References=message_id))
    answer["threadId"] = uploaded["threadId"]
    assert messages.send(userId="me", body=answer).execute()["threadId"] == uploaded["threadId"]
    thread = threads.get(userId="me", id=uploaded["threadId"], format="minimal").execute()
    assert len(thread["messages"]) == 2, thread

    attached = mail("with file")
    attached.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="prices.pdf")
    kept = messages.insert(userId="me", body=raw(attached)).execute()
    parts = messages.get(userId="me", id=kept["id"]).execute()["payload"]["parts"]
    body = next(part for part in parts if part["filename"] == "prices.pdf")["body"]
    data = messages.attachments().get(userId="me", messageId=kept["id"], id=body["attachmentId"]).execute()
    assert base64.urlsafe_b64decode(data["data"]) == b"%PDF-1.7", data

    request = users.history().list(userId="me", startHistoryId=began, historyTypes=["messageAdded"], maxResults=4)
    records = all_pages(users.history(), request, users.history().list_next, "history")
    added = [item["message"]["id"] for record in records for item in record["messagesAdded"]]
    assert {item["id"] for item in listed} < set(added) and kept["id"] in added, added
    refused(users.history().list(userId="me", startHistoryId="1"), 404, "notFound")


def calendar():
    events = service("calendar", "v3", "/calendar/v3/").events()
    at = lambda day, hour: {"dateTime": f"2026-10-{day:02}T{hour:02}:00:00", "timeZone": "America/Chicago"}
    for number in range(5):
        body = {"id": f"visit{number}", "summary": f"Visit {number}", "start": at(5, 9 + number), "end": at(5, 10 + number)}
        made = events.insert(calendarId="primary", body=body).execute()
        assert made["id"] == body["id"] and made["status"] == "confirmed", made
    refused(events.insert(calendarId="primary", body=body), 409, "duplicate")
    request = events.list(calendarId="primary", maxResults=2)
    pages, token = [], None
    while request is not None:
        answer = request.execute()
        pages += [item["id"] for item in answer["items"]]
        token = answer.get("nextSyncToken", token)
        request = events.list_next(request, answer)
    assert pages == [f"visit{number}" for number in range(5)] and token, pages

    private = {"extendedProperties": {"private": {"effect": "eff_1"}}, "colorId": "5"}
    patched = events.patch(calendarId="primary", eventId="visit1", body=private).execute()
    assert (patched["summary"], patched["colorId"]) == ("Visit 1", "5"), patched
    found = events.list(calendarId="primary", privateExtendedProperty="effect=eff_1").execute()["items"]
    assert [item["id"] for item in found] == ["visit1"], found
    events.delete(calendarId="primary", eventId="visit2").execute()
    refused(events.delete(calendarId="primary", eventId="visit2"), 410, "deleted")
    changes = events.list(calendarId="primary", syncToken=token).execute()
    states = [(item["id"], item["status"]) for item in changes["items"]]
    assert sorted(states) == [("visit1", "confirmed"), ("visit2", "cancelled")], states
    refused(events.list(calendarId="primary", syncToken="nonsense"), 400, "invalid")
    refused(events.get(calendarId="primary", eventId="nothere"), 404, "notFound")

    series = {"id": "series", "summary": "Weekly", "start": at(26, 9), "end": at(26, 10), "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"]}
    events.insert(calendarId="primary", body=series).execute()
    instances = events.instances(calendarId="primary", eventId="series").execute()["items"]
    starts = [item["start"]["dateTime"] for item in instances]
    assert starts == ["2026-10-26T09:00:00-05:00", "2026-11-02T09:00:00-06:00", "2026-11-09T09:00:00-06:00"], starts
    moved = {"start": at(27, 9), "end": at(27, 10)}
    events.patch(calendarId="primary", eventId=instances[0]["id"], body=moved).execute()
    events.delete(calendarId="primary", eventId=instances[2]["id"]).execute()
    window = {"timeMin": "2026-10-20T00:00:00Z", "timeMax": "2026-12-01T00:00:00Z"}
    request = events.list(calendarId="primary", singleEvents=True, orderBy="startTime", **window)
    assert [item["id"] for item in request.execute()["items"]] == [item["id"] for item in instances[:2]]

    question = {"timeMin": "2026-10-05T00:00:00Z", "timeMax": "2026-10-06T00:00:00Z", "items": [{"id": "primary"}]}
    free = service("calendar", "v3", "/calendar/v3/").freebusy().query(body=question).execute()
    assert len(free["calendars"]["primary"]["busy"]) == 2, free


def sheets():
    spreadsheets = service("sheets", "v4", "/").spreadsheets()
    made = spreadsheets.create(body={"properties": {"title": "Leads"}}).execute()
    place = made["spreadsheetId"]
    values = spreadsheets.values()
    rows = [["Name", "Count"], ["Jo", 1], ["Ann", 2]]
    values.update(spreadsheetId=place, range="Sheet1!A1", valueInputOption="RAW", body={"values": rows}).execute()
    added = values.append(
        spreadsheetId=place, range="Sheet1!A1", valueInputOption="USER_ENTERED", body={"values": [["Bob", "=B2+B3"]]}
    ).execute()
    assert added["updates"]["updatedRange"] == "Sheet1!A4:B4", added
    read = values.get(spreadsheetId=place, range="Sheet1!A1:B3", valueRenderOption="UNFORMATTED_VALUE").execute()
    assert read["values"] == rows, read
    changes = [
        {"addSheet": {"properties": {"title": "Log"}}},
        {
            "createDeveloperMetadata": {
                "developerMetadata": {
                    "metadataId": 7,
                    "metadataKey": "row",
                    "metadataValue": "jo",
                    "visibility": "DOCUMENT",
                    "location": {"dimensionRange": {"sheetId": 0, "dimension": "ROWS", "startIndex": 1, "endIndex": 2}},
                }
            }
        },
        {"insertDimension": {"range": {"sheetId": 0, "dimension": "ROWS", "startIndex": 1, "endIndex": 2}}},
    ]
    replies = spreadsheets.batchUpdate(spreadsheetId=place, body={"requests": changes}).execute()["replies"]
    assert replies[0]["addSheet"]["properties"]["title"] == "Log", replies
    marked = {"developerMetadataLookup": {"metadataId": 7}}
    values.batchUpdateByDataFilter(
        spreadsheetId=place,
        body={"valueInputOption": "RAW", "data": [{"dataFilter": marked, "values": [[None, 9]]}]},
    ).execute()
    by_mark = values.batchGetByDataFilter(spreadsheetId=place, body={"dataFilters": [marked]}).execute()
    assert by_mark["valueRanges"][0]["valueRange"]["values"] == [["Jo", "9"]], by_mark
    many = values.batchGet(spreadsheetId=place, ranges=["Sheet1!A3:B3", "Log!A1:A1"]).execute()["valueRanges"]
    assert many[0]["values"] == [["Jo", "9"]] and "values" not in many[1], many
    refused(values.get(spreadsheetId=place, range="Nowhere!A1"), 400, "badRequest")
    refused(spreadsheets.get(spreadsheetId="nothere"), 404, "notFound")

    files = service("drive", "v3", "/drive/v3/").files()
    file = files.get(fileId=place, fields="id,version,modifiedTime").execute()
    assert file["id"] == place and int(file["version"]) > 1, file
    mime = "mimeType = 'application/vnd.google-apps.spreadsheet'"
    assert place in [item["id"] for item in files.list(q=mime).execute()["files"]]


base, key_file = sys.argv[1:]
for part in (gmail, calendar, sheets):
    part()
    print(f"{part.__name__}: as Google answers")
