//! What the commands print, word for word: standard output, standard error and exit status of a walk
//! through every noun. Ids, times and secrets are masked.
//!
//! `INSTA_UPDATE=always cargo test --test it command_output` writes what they print now into `snapshots/`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::harness::{Backend, Nexora, enquiry};
use crate::machine::Machine;

const CREATE: &str =
    "tenant create acme --name 'Acme Plumbing' --timezone America/Chicago --owner-email owner@acme.com";
const CONNECT: &str = "connection create smtp --host 127.0.0.1 --port 25 --from office@acme.com --tls none";

/// What differs from run to run, and what is shown instead.
const MASKS: [(&str, &str); 13] = [
    (r"\b([a-z]+)_[0-9a-hjkmnp-tv-z]{26}\b", "${1}_ID"),
    (r"\b\d+ (s|min|h|days) ago\b", "AGO"),
    (r"\bin \d+ (s|min|h|days)\b", "SOON"),
    (r"\b\d+ days( \d+ h)?", "LONG"),
    (r"\b\d+ s after", "SHORT after"),
    (r"\((under )?\d+ s\)", "(SHORT)"),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
    (r"\b[A-Z][a-z]{2} \d+ [A-Z][a-z]{2} \d{4}, [\d:]+ [A-Z]{3}", "TIME"),
    (r"/\S*/etc\b", "/etc/nexora"),
    (r"(whsec_[A-Za-z0-9+/]+|[A-Za-z0-9_-]{32,})=*", "SECRET"),
    (r"\b[0-9a-f]{16}\b", "PROVIDER_ID"),
    (r#""html":"(\\.|[^"\\])*""#, r#""html":"…""#),
    (r" {3,}", "   "),
];

/// Runs commands one after the other and writes down what each printed. `$lead` in a command is the id of
/// a lead that was printed last.
struct Walk<'a> {
    machine: &'a Machine,
    ids: BTreeMap<String, String>,
    text: String,
}

impl<'a> Walk<'a> {
    fn on(machine: &'a Machine) -> Walk<'a> {
        Walk { machine, ids: BTreeMap::new(), text: String::new() }
    }

    /// Runs commands whose output is not looked at; each must succeed.
    fn prepare(mut self, lines: &[&str]) -> Walk<'a> {
        for line in lines {
            let (status, out, error) = self.machine.run(&self.words(line));
            assert_eq!(status, 0, "{line}: {error}");
            self.note_ids(&out);
        }
        self
    }

    fn run(mut self, lines: &[&str]) -> Walk<'a> {
        for line in lines {
            let (status, out, error) = self.machine.run(&self.words(line));
            self.note_ids(&out);
            writeln!(self.text, "$ nexora {line}\n{}", out.trim_end()).unwrap();
            for line in error.trim().lines() {
                writeln!(self.text, "stderr: {line}").unwrap();
            }
            if status != 0 {
                writeln!(self.text, "exit status: {status}").unwrap();
            }
            self.text.push('\n');
        }
        self
    }

    fn check(self, name: &str) {
        let mut settings = insta::Settings::clone_current();
        settings.set_omit_expression(true);
        for (pattern, mask) in MASKS {
            settings.add_filter(pattern, mask);
        }
        settings.bind(|| insta::assert_snapshot!(name, self.text));
    }

    /// Cuts a line into words as a shell does, single quotes and all.
    fn words(&self, line: &str) -> Vec<String> {
        let mut words = Vec::new();
        for (index, part) in line.split('\'').enumerate() {
            match index % 2 {
                0 => words.extend(part.split_whitespace().map(str::to_owned)),
                _ => words.push(part.to_owned()),
            }
        }
        let known = |word: String| match word.strip_prefix('$') {
            Some(noun) => self.ids.get(noun).unwrap_or_else(|| panic!("no id of `{noun}` yet")).clone(),
            None => word,
        };
        words.into_iter().map(known).collect()
    }

    fn note_ids(&mut self, out: &str) {
        for word in out.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            if let Some((noun, body)) = word.split_once('_')
                && body.len() == 26
            {
                self.ids.insert(noun.to_owned(), word.to_owned());
            }
        }
    }
}

#[test]
fn tenants() {
    let machine = Machine::initialised();
    Walk::on(&machine)
        .run(&[
            "tenant list",
            CREATE,
            CREATE,
            "tenant list",
            "tenant set acme quiet_hours=20:00-08:30 'postal_address=12 Main St, Austin, TX 78701' cap=2",
            "tenant set acme colour=red",
            "tenant set acme spacing=soon",
            "tenant suspend acme",
            "tenant resume acme",
            "tenant show acme --output json",
            "tenant show other",
            "status",
            "config check",
            "config show",
            "migrate --status --output jsonl",
        ])
        .check("tenants");
}

#[test]
fn users() {
    let machine = Machine::initialised();
    Walk::on(&machine)
        .prepare(&[CREATE])
        .run(&[
            "user create jo@acme.com --name Jo --role owner",
            "user set-role jo@acme.com admin",
            "user create sam@acme.com --role owner",
            "user list",
            "user show jo@acme.com",
            "user set-role jo@acme.com admin",
            "user set-password jo@acme.com --no-input",
            "user disable jo@acme.com",
            "user enable jo@acme.com",
            "user unlock jo@acme.com",
            "user remove jo@acme.com",
            "user show nobody@acme.com",
            "role list",
            "session list",
            "session revoke --all",
            "lead list --as jo@acme.com",
        ])
        .check("users");
}

#[test]
fn connections() {
    let machine = Machine::initialised();
    Walk::on(&machine)
        .prepare(&[CREATE])
        .run(&[
            "connection list",
            CONNECT,
            CONNECT,
            "connection create webhook --name crm --url https://crm.example.com/hook",
            "connection create webhook --name inside --url https://127.0.0.1/hook",
            "connection create google",
            "connection list",
            "connection show smtp",
            "connection pause smtp",
            "connection resume smtp",
            "connection show other",
            "connection delete smtp",
            "connection delete smtp --yes",
            "cursor list",
        ])
        .check("connections");
}

#[test]
fn sources_and_keys() {
    let machine = Machine::initialised();
    Walk::on(&machine)
        .prepare(&[CREATE])
        .run(&[
            "source create ads --kind google-ads",
            "source create crm --kind json --map phone=contact.mobile",
            "source list",
            "source show crm",
            "source set crm --map email=contact.mail --unmap contact.mobile",
            "source disable ads",
            "source enable ads",
            "source notices",
            "source delete ads",
            "source delete ads --yes",
            "source test crm --file /nonexistent/body.json",
            "key create crm",
            "key create crm",
            "key list",
            "key revoke crm",
            "key revoke crm --yes",
            "key revoke other --yes",
        ])
        .check("sources_and_keys");
}

#[test]
fn automations() {
    let machine = Machine::initialised();
    Walk::on(&machine)
        .prepare(&[CREATE, CONNECT])
        .run(&[
            "automation list",
            "automation enable lead-capture --dry-run",
            "automation enable lead-capture",
            "automation enable lead-capture",
            "automation set lead-capture callback=false",
            "automation enable lead-captur",
            "automation enable lead-capture --set callbak=true",
            "automation list",
            "automation show lead-capture",
            "automation history lead-capture",
            "automation pause lead-capture",
            "automation resume lead-capture",
            "automation create thank-you",
            "automation create thank-you",
            "automation validate thank-you",
            "automation disable lead-capture",
            "automation show other",
        ])
        .check("automations");
}

#[test]
fn forms() {
    let machine = Machine::initialised();
    Walk::on(&machine)
        .prepare(&[CREATE])
        .run(&[
            "form show",
            "form fields name=required phone=required service photos consent_sms",
            "form fields email",
            "form set 'services=Boiler; Leak' proof_of_work=true embed_on=https://acme.com",
            "form set servces=Boiler",
            "form set embed_on=acme.com",
            "form consent",
            "form snippet --frame",
            "form logo /nonexistent/logo.png",
            "form turnstile --site-key 0x4 --no-input",
        ])
        .check("forms");
}

#[test]
fn leads() {
    let machine = Machine::initialised();
    Walk::on(&machine)
        .prepare(&[CREATE])
        .run(&[
            "lead list",
            "lead create --name 'Jo Miller' --email jo@example.com --phone '(512) 555-0142' --message 'No hot water'",
            "lead create --name Jo --phone 12",
            "lead list",
            "lead show $lead",
            "lead answered $lead",
            "lead spam $lead",
            "lead not-spam $lead",
            "lead state $lead won",
            "lead state $lead lost --output json",
            "lead show lead_01k5b3v6zr9m8q2x4t7w0c1d2e",
            "lead show 7",
            "lead parse /nonexistent/mail.eml",
            "explain $lead",
            "explain 7",
        ])
        .check("leads");
}

#[test]
fn people_and_work() {
    let machine = Machine::initialised();
    Walk::on(&machine)
        .prepare(&[CREATE])
        .run(&[
            "job create --title 'Boiler repair' --email jo@example.com --at 2030-12-01T09:00 --amount 1,250.50",
            "job create --title 'Boiler repair' --email jo@example.com --amount 95,00",
            "job list",
            "job schedule $job tomorrow",
            "job stage $job survey",
            "job complete $job --amount 480",
            "job cancel $job",
            "contact list",
            "contact show jo@example.com",
            "contact set jo@example.com --timezone America/Denver",
            "contact consent jo@example.com --given --wording 'yes, by telephone'",
            "contact show nobody@example.com",
            "suppression add jo@example.com",
            "suppression list",
            "suppression remove jo@example.com",
            "suppression remove jo@example.com",
            "task create --title 'Call Jo Miller' --due 2030-12-01T09:00",
            "task list",
            "task complete $task",
            "task complete $task",
            "appointment list",
            "message list",
        ])
        .check("people_and_work");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ran() {
    let nexora = Nexora::with_sandbox(Backend::Sqlite).await;
    nexora.submit(enquiry()).await;
    nexora.settle().await;
    let machine = Machine::of(&nexora);
    let walk = tokio::task::spawn_blocking(move || {
        Walk::on(&machine)
            .run(&[
                "run list",
                "run show $run",
                "run retry $run",
                "effect list",
                "effect show $effect",
                "effect discard $effect",
                "effect discard $effect --yes",
                "message list",
                "message show $msg",
                "event list",
                "event show $event",
                "event ingest part.arrived --data '{\"email\": \"jo@example.com\"}'",
                "event ingest part.arrived --data nonsense",
                "event replay $event",
                "event replay $event --yes",
                "lead list --state new",
                "lead show $lead",
                "explain $lead",
                "run show run_01k5b3v6zr9m8q2x4t7w0c1d2e",
                "status",
                "cursor list",
            ])
            .text
    });
    let text = walk.await.unwrap();
    let machine = Machine::of(&nexora);
    Walk { text, ..Walk::on(&machine) }.check("what_ran");
}

#[test]
fn a_command_line_that_is_wrong() {
    let machine = Machine::initialised();
    Walk::on(&machine)
        .run(&[
            "lead list",
            "tenat list",
            "tenant create",
            "tenant create 'An Acme' --name Acme --timezone America/Chicago --owner-email o@acme.com",
            "tenant create acme --name Acme --timezone America/Chicgo --owner-email o@acme.com",
            "lead list --limit 0",
            "lead list --output json",
        ])
        .check("wrong_command_lines");
}
