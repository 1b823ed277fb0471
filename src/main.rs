//! Parses, runs and exits; everything else is in the library.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Runs make and drop many small texts, on many threads.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    nexora::cli::main()
}
