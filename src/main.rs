//! The `portcullis` executable.

use std::process::ExitCode;

/// Syntax trees, rules and expressions are many small allocations: the system's allocator takes a fifth of a check.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(portcullis::cli::main())
}
