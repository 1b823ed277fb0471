//! The help of every command as one text. docs/CLI.md holds it between its two marks, and a test keeps the
//! two together.

use clap::Command;

/// Returns what `-h` prints for every command, each below its name, without the options that all have.
pub fn text() -> String {
    let mut root = super::commands();
    root.build();
    let mut text = section(&root, "nexora");
    let nouns = root.get_subcommands().filter(|noun| noun.get_name() != "help");
    for noun in nouns {
        describe(noun, &format!("nexora {}", noun.get_name()), &mut text);
    }
    text
}

fn describe(command: &Command, path: &str, text: &mut String) {
    // The options of the whole program are in its own section.
    let own = command.clone().mut_args(|argument| match argument.is_global_set() {
        true => argument.hide(true),
        false => argument,
    });
    text.push_str(&section(&own, path));
    for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
        describe(verb, &format!("{path} {}", verb.get_name()), text);
    }
}

fn section(command: &Command, path: &str) -> String {
    let depth = "#".repeat(path.split(' ').count() + 1);
    let help = command.clone().render_help().to_string();
    let lines: Vec<&str> = help.trim_end().lines().map(str::trim_end).collect();
    format!("\n{depth} {path}\n\n```text\n{}\n```\n", lines.join("\n"))
}
