//! Parses, runs and exits; everything else is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    nexora::cli::main()
}
