//! A bar that shows how far something is that takes long: on a terminal alone.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::Global;

const TEMPLATE: &str = "{msg} [{bar:32}] {bytes}/{total_bytes} {bytes_per_sec}";

/// Makes a bar, which shows nothing where nobody looks on.
pub fn bar(what: &str, global: &Global) -> ProgressBar {
    let is_seen = std::io::stderr().is_terminal() && !global.quiet && !global.no_input;
    let target = if is_seen { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(0), target).with_message(what.to_owned());
    match ProgressStyle::with_template(TEMPLATE) {
        Ok(style) => bar.with_style(style.progress_chars("=> ")),
        Err(_) => bar,
    }
}

/// Makes a bar that counts.
pub fn counted(what: &str, global: &Global) -> ProgressBar {
    let bar = bar(what, global);
    match ProgressStyle::with_template("{msg} [{bar:32}] {pos}/{len}") {
        Ok(style) => bar.with_style(style.progress_chars("=> ")),
        Err(_) => bar,
    }
}

/// Shows that so many of so many bytes are done.
pub fn show(bar: &ProgressBar, done: u64, total: u64) {
    bar.set_length(total);
    bar.set_position(done);
}
