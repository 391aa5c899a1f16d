//! The `portcullis` executable.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(portcullis::cli::main())
}
