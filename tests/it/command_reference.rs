//! docs/CLI.md is the printed help, and every earlier spelling of a command still works.

use nexora::cli;

/// `NEXORA_TEST_WRITE_REFERENCE=1` writes it.
#[test]
fn the_commands_in_the_documents_are_those_of_the_program() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/CLI.md");
    let document = std::fs::read_to_string(path).unwrap();
    let (begin, end) = ("<!-- reference: begin -->\n", "<!-- reference: end -->");
    let (before, rest) = document.split_once(begin).unwrap();
    let (written, after) = rest.split_once(end).unwrap();
    let wanted = cli::reference::text();
    if std::env::var_os("NEXORA_TEST_WRITE_REFERENCE").is_some() {
        std::fs::write(path, format!("{before}{begin}{wanted}{end}{after}")).unwrap();
        return;
    }
    assert!(
        written == wanted,
        "docs/CLI.md is not the printed help: run it once with NEXORA_TEST_WRITE_REFERENCE=1"
    );
}

#[test]
fn every_earlier_spelling_means_the_command_of_today() {
    let spellings = [
        ("intake show", "form show"),
        ("intake set", "form set"),
        ("connection add smtp", "connection create smtp"),
        ("connection remove", "connection delete"),
        ("source add", "source create"),
        ("source remove", "source delete"),
        ("lead add", "lead create"),
        ("lead ham", "lead not-spam"),
        ("job add", "job create"),
        ("task add", "task create"),
        ("task done", "task complete"),
        ("automation new", "automation create"),
    ];
    for (earlier, today) in spellings {
        assert_eq!(resolved(earlier), resolved(today), "{earlier}");
        assert_eq!(resolved(today), today);
        let help = cli::reference::text();
        assert!(!help.contains(&format!("nexora {earlier} ")), "the help still says `{earlier}`");
    }
}

/// Returns the command that these words name, in its own words.
fn resolved(words: &str) -> String {
    let root = cli::commands();
    let mut command = &root;
    let mut names = Vec::new();
    for word in words.split(' ') {
        command = command.find_subcommand(word).unwrap_or_else(|| panic!("no command `{words}`"));
        names.push(command.get_name());
    }
    names.join(" ")
}
