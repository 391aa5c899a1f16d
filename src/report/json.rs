//! JSON: the view model as it is, under a versioned name. Documented in `docs/json.md`.

use super::Report;
use std::io::{self, Write};

/// Writes the report as JSON with a line feed at the end.
///
/// # Errors
/// Whatever the writer says.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &report.visible()?)?;
    out.write_all(b"\n")
}
