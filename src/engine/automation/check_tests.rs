use super::*;
use crate::automation::source_text::Fault;
use crate::sample_connectors::kinds;

const HEAD: &str = "[automation]\nname = \"t\"\ntitle = \"T\"\n";
const TRIGGER: &str = "[[trigger]]\non = \"lead.received\"\n";

fn message(text: &str) -> MessageTemplate {
    MessageTemplate {
        subject: "Hi {{ lead.name }}".into(),
        text: text.into(),
        html: None,
        attachments: Vec::new(),
    }
}

fn all_faults(text: &str) -> Vec<Fault> {
    let templates = MessageTemplates::from([
        ("hello".to_owned(), message("{{ lead.nam }}")),
        ("fine".to_owned(), message("{{ lead.name }}")),
        ("review".to_owned(), message("{{ links.review }}")),
    ]);
    match Definition::read("t.toml", text) {
        Ok(read) => faults(read, &templates, &Settings::new(), &kinds()),
        Err(error) => vec![Fault { file: String::new(), line: 0, text: error.report() }],
    }
}

fn said_of(steps: &str) -> String {
    let found = all_faults(&format!("{HEAD}{TRIGGER}{steps}"));
    found.iter().map(|fault| format!("{fault}\n")).collect::<Vec<_>>().concat()
}

#[test]
fn every_fault_is_named_at_once_with_its_line() {
    let report = said_of(
        r#"[[step]]
id = "a"
action = "message.send"
when = "lead.emial"
with = { to = "{{ lead.email }}", template = "hello" }
[[step]]
id = "a"
action = "stop"
with = { reason = "{{ steps.b.state }}" }
[[step]]
id = "c"
action = "mesage.send"
[[step]]
id = "d"
action = "wait"
with = { fro = "1h" }
"#,
    );
    for expected in [
        "t.toml:9: step `a`: unknown name `lead.emial`; did you mean `email`?",
        "messages/hello.toml:1: unknown name `lead.nam`; did you mean `name`?",
        "t.toml:12: step `a`: another step is called so",
        "unknown name `steps.b.state`",
        "t.toml:17: step `c`: unknown action `mesage.send`; did you mean `message.send`?",
        "t.toml:21: step `d`: unknown argument `fro` of `wait`; did you mean `for`?",
    ] {
        assert!(report.contains(expected), "{expected} in\n{report}");
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let step = |action: &str, with: &str| {
        format!("[[step]]\nid = \"a\"\naction = \"{action}\"\nwith = {{ {with} }}\n")
    };
    let stop = step("stop", "reason = \"x\"");
    let after = "[[step]]\nid = \"b\"\naction = \"stop\"\nwith = { reason = \"y\" }\n";
    let cases = [
        (step("message.send", "template = \"fine\""), "missing argument `to`"),
        (step("wait", ""), "a wait has one of `for`, `until` and `open_for`"),
        (step("wait", "open_for = \"1h\""), "`open_for` needs the `hours`"),
        (
            step("message.send", "to = \"x\", template = \"fin\""),
            "no message template `fin`; did you mean `fine`?",
        ),
        (format!("{stop}{after}"), "step `b`: is never reached: `a` before it always ends the run"),
        (step("message.send", "to = \"x\", template = \"fine\", class = \"spam\""), "unknown variant `spam`"),
    ];
    for (steps, expected) in cases {
        let report = said_of(&steps);
        assert!(report.contains(expected), "{expected} in\n{report}");
    }
    let unused =
        all_faults(&format!("{HEAD}[settings]\nx = {{ type = \"text\", default = \"\" }}\n{TRIGGER}{stop}"));
    assert_eq!(unused.len(), 1);
    assert_eq!(unused[0].to_string(), "t.toml:5: setting `x` is used nowhere");
    let wrong = all_faults(&format!("{HEAD}[[trigger]]\non = \"lead.recieved\"\n{stop}"));
    assert!(
        wrong[0].text.contains("unknown trigger `lead.recieved`; did you mean `lead.received`?"),
        "{wrong:?}"
    );
}

#[test]
fn nobody_asks_only_those_who_are_happy_for_a_review() {
    let asks = |when: &str| {
        let step = format!(
            "[[step]]\nid = \"a\"\naction = \"message.send\"\nwhen = \"{when}\"\nwith = {{ to = \"x\", template = \"review\" }}\n"
        );
        said_of(&step)
    };
    assert!(asks("lead.message").contains("asks only some customers for a review, by `lead.message`"));
    assert!(!asks("lead.email and settings").contains("asks only some"));
    let condition = "[[step]]\nid = \"c\"\naction = \"condition\"\nwith = { if = \"lead.message == 'great'\" }\n\
                     [[step]]\nid = \"a\"\naction = \"message.send\"\nwith = { to = \"x\", template = \"review\" }\n";
    assert!(said_of(condition).contains("step `a`: asks only some customers"));
}

#[test]
fn an_automation_does_not_feed_itself() {
    let of = |changes: &str| {
        format!(
            "{HEAD}[[trigger]]\non=\"sheets.row\"\nspreadsheet=\"x\"\nsheet=\"Log\"\n{changes}\n[[step]]\nid=\"a\"\n\
             action=\"sheets.append_row\"\nwith={{ spreadsheet=\"x\", sheet=\"Log\", row={{ A=\"b\" }} }}\n"
        )
    };
    let report = all_faults(&of(""));
    assert!(report[0].text.contains("adds rows to the sheet whose new rows start it"), "{report:?}");
    assert!(all_faults(&of("changes=[\"changed\"]")).is_empty());
}

#[test]
fn a_step_knows_which_results_it_needs() {
    let text = format!(
        "{HEAD}{TRIGGER}[[step]]\nid=\"b\"\naction=\"stop\"\nwhen=\"steps.a.state == 'failed'\"\nwith={{ reason=\"x\" }}"
    );
    let definition = Definition::parse(&text).unwrap();
    assert_eq!(definition.steps[0].refers_to, BTreeSet::from(["a".to_owned()]));
}

#[test]
fn a_group_is_written_out_for_each_item_of_its_list() {
    let text = format!(
        "{HEAD}[settings]\ntouches = {{ type = \"touches\", default = \"1day hello, 3days fine\" }}\n{TRIGGER}\
         [[step]]\nid = \"all\"\neach = \"touch in settings.touches\"\n\
         [[step.step]]\nid = \"wait\"\naction = \"wait\"\nwith = {{ for = \"{{{{ touch.after }}}}\" }}\n\
         [[step.step]]\nid = \"send\"\naction = \"message.send\"\nwhen = \"touch.numbr\"\n\
         with = {{ to = \"x\", template = \"{{{{ touch.template }}}}\" }}\n"
    );
    let read = Definition::read("t.toml", &text).unwrap();
    let settings = crate::automation::setting::fixed(&read.definition.settings);
    let definition = read.definition.clone().unrolled(&settings);
    let ids: Vec<&str> = definition.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(ids, ["wait-1", "send-1", "wait-2", "send-2"]);
    assert_eq!(definition.steps[2].item.as_ref().unwrap().1["after"], "3days");
    let names = read.definition.template_names(&settings);
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["fine", "hello"]);
    let report = format!("{:?}", faults(read, &MessageTemplates::new(), &settings, &kinds()));
    assert!(report.contains("unknown name `touch.numbr`; did you mean `number`?"), "{report}");
    assert!(report.contains("there is no message template `hello`"), "{report}");
}
