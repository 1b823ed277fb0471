// Walks through the sandbox with Google's own Node clients, as anybody's program would.
//
//   node walk.mjs BASE_URL KEY_FILE
//
// Nothing of the clients is changed but the address of the services.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import * as calendars from "@googleapis/calendar";
import * as gmails from "@googleapis/gmail";
import * as spreadsheets from "@googleapis/sheets";
import { JWT } from "google-auth-library";

const [base, keyFile] = process.argv.slice(2);
const OFFICE = "office@acme.example";
const rootUrl = `${base}/`;

/// The library takes Google's address for granted when it asks for a token; the key file names this one.
function signIn(scopes) {
  const key = JSON.parse(readFileSync(keyFile, "utf8"));
  const auth = new JWT({ email: key.client_email, key: key.private_key, scopes, subject: OFFICE });
  const ask = auth.transporter.request.bind(auth.transporter);
  const google = "https://oauth2.googleapis.com/token";
  auth.transporter.request = (options) =>
    ask(options.url === google ? { ...options, url: key.token_uri } : options);
  return auth;
}

async function refused(promise, status, reason) {
  const error = await promise.then(() => assert.fail("not refused"), (error) => error);
  assert.equal(error.status ?? Number(error.code), status, String(error));
  const envelope = error.response.data.error;
  assert.equal(envelope.code, status);
  assert.ok(envelope.errors.some((one) => one.reason === reason), JSON.stringify(envelope));
}

const raw = (text) => Buffer.from(text.replaceAll("\n", "\r\n")).toString("base64url");

async function gmail() {
  const auth = signIn(["https://www.googleapis.com/auth/gmail.modify"]);
  const { users } = gmails.gmail({ version: "v1", auth, rootUrl });
  const userId = "me";
  const profile = (await users.getProfile({ userId })).data;
  assert.equal(profile.emailAddress, OFFICE);
  for (let number = 0; number < 5; number += 1) {
    const text = `From: jo@example.com\nTo: ${OFFICE}\nSubject: tap ${number}\n\nAbout ${number}\n`;
    await users.messages.insert({ userId, requestBody: { raw: raw(text), labelIds: ["INBOX"] } });
  }
  const ids = [];
  let pageToken;
  do {
    const page = (await users.messages.list({ userId, q: "subject:tap", maxResults: 2, pageToken })).data;
    ids.push(...page.messages.map((message) => message.id));
    pageToken = page.nextPageToken;
  } while (pageToken);
  assert.equal(new Set(ids).size, 5);
  const one = (await users.messages.get({ userId, id: ids[0] })).data;
  assert.equal(one.payload.headers.find((header) => header.name === "Subject").value, "tap 4");
  const body = Readable.from([`To: jo@example.com\r\nSubject: visit\r\n\r\nTomorrow.\r\n`]);
  // An upload asks for its address by itself.
  const media = { mimeType: "message/rfc822", body };
  const draft = (await users.drafts.create({ userId, requestBody: {}, media }, { rootUrl })).data;
  const sent = (await users.drafts.send({ userId, requestBody: { id: draft.id } })).data;
  assert.ok(sent.labelIds.includes("SENT"));
  await refused(users.drafts.get({ userId, id: draft.id }), 404, "notFound");
  const history = (await users.history.list({ userId, startHistoryId: profile.historyId })).data;
  assert.ok(history.history.length >= 6 && BigInt(history.historyId) > BigInt(profile.historyId));
  await refused(users.history.list({ userId, startHistoryId: "1" }), 404, "notFound");
}

async function calendar() {
  const auth = signIn(["https://www.googleapis.com/auth/calendar"]);
  const { events } = calendars.calendar({ version: "v3", auth, rootUrl });
  const calendarId = "primary";
  const at = (hour) => ({ dateTime: `2026-10-05T${hour}:00:00`, timeZone: "America/Chicago" });
  const requestBody = { id: "visit1", summary: "Visit", start: at("09"), end: at("10") };
  assert.equal((await events.insert({ calendarId, requestBody })).data.id, "visit1");
  await refused(events.insert({ calendarId, requestBody }), 409, "duplicate");
  const { nextSyncToken } = (await events.list({ calendarId })).data;
  const colour = { calendarId, eventId: "visit1", requestBody: { colorId: "5" } };
  assert.equal((await events.patch(colour)).data.summary, "Visit");
  const changed = (await events.list({ calendarId, syncToken: nextSyncToken })).data.items;
  assert.deepEqual(changed.map((event) => event.colorId), ["5"]);
  const recurrence = ["RRULE:FREQ=WEEKLY;COUNT=3"];
  await events.insert({ calendarId, requestBody: { ...requestBody, id: "series", recurrence } });
  const instances = (await events.instances({ calendarId, eventId: "series" })).data.items;
  assert.equal(instances.length, 3);
  await events.delete({ calendarId, eventId: "visit1" });
  await refused(events.delete({ calendarId, eventId: "visit1" }), 410, "deleted");
  await refused(events.list({ calendarId, syncToken: "nonsense" }), 400, "invalid");
}

async function sheets() {
  const auth = signIn(["https://www.googleapis.com/auth/spreadsheets"]);
  const service = spreadsheets.sheets({ version: "v4", auth, rootUrl }).spreadsheets;
  const { spreadsheetId } = (await service.create({ requestBody: { properties: { title: "Leads" } } })).data;
  const place = { spreadsheetId, valueInputOption: "RAW" };
  const values = [["Name", "Phone"], ["Jo", "1"]];
  await service.values.update({ ...place, range: "Sheet1!A1", requestBody: { values } });
  await service.values.append({ ...place, range: "Sheet1!A1", requestBody: { values: [["Ann", "2"]] } });
  const read = (await service.values.get({ spreadsheetId, range: "Sheet1" })).data;
  assert.deepEqual(read.values, [...values, ["Ann", "2"]]);
  const requests = [{ addSheet: { properties: { title: "Log" } } }];
  await service.batchUpdate({ spreadsheetId, requestBody: { requests } });
  await refused(service.batchUpdate({ spreadsheetId, requestBody: { requests } }), 400, "badRequest");
  await refused(service.values.get({ spreadsheetId: "nothere", range: "A1" }), 404, "notFound");
}

for (const part of [gmail, calendar, sheets]) {
  await part();
  console.log(`${part.name}: as Google answers`);
}
