//! GitLab Code Quality report: the widget that every tier of GitLab has. GitLab shows what the target branch's report
//! does not hold, and takes two findings with one fingerprint for one; so equal fingerprints are numbered here.

use super::gitlab_sast::{distinct, ordinals, told};
use super::model::FindingView;
use super::{Report, Style, text, way};
use serde_json::{Value, json};
use std::io::{self, Write};

/// Writes the report for GitLab's code quality widget with a line feed at the end.
///
/// # Errors
/// Whatever the writer says.
pub fn write(report: &Report, _style: Style, out: &mut dyn Write) -> io::Result<()> {
    let report = &report.visible()?;
    let findings = told(report);
    let issues: Vec<Value> = findings.iter().zip(ordinals(&findings)).map(|(f, n)| issue(f, n)).collect();
    serde_json::to_writer_pretty(&mut *out, &issues)?;
    out.write_all(b"\n")
}

fn issue(f: &FindingView, ordinal: usize) -> Value {
    let severity = match (f.disposition.as_str(), f.severity.as_str()) {
        ("advisory", _) => "info",
        (_, "critical") => "blocker",
        (_, "high") => "critical",
        (_, "medium") => "major",
        _ => "minor",
    };
    let begin = f.start_line.max(1);
    let way = way::brief(f).map(|way| format!("; {way}")).unwrap_or_default();
    json!({
        "description": format!("{} ({}){way}", text::clip(&text::line(&f.message), 300), text::measure(f)),
        "check_name": f.rule,
        "fingerprint": distinct(&f.fingerprint, ordinal),
        "severity": severity,
        "location": {
            "path": f.path.trim_start_matches('/'),
            "lines": { "begin": begin, "end": f.end_line.max(begin) },
        },
    })
}
