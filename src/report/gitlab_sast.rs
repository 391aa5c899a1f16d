//! GitLab SAST report, schema 15. GitLab compares it with the target branch's, so findings that were there before are in
//! it; suppressed ones are not.

use super::model::FindingView;
use super::sarif::{is_web, number};
use super::{Report, Style, text, way};
use crate::policy::Verdict;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// The schema that the report follows.
const VERSION: &str = "15.0.4";
/// Lines of source that the way of data is shown by.
const STOPS: usize = 20;
/// Where GitLab publishes it.
const SCHEMA: &str = "https://gitlab.com/gitlab-org/security-products/security-report-schemas/-/raw/v15.0.4/dist/sast-report-format.json";

/// Writes the report for GitLab's security widget with a line feed at the end.
///
/// # Errors
/// Whatever the writer says.
pub fn write(report: &Report, _style: Style, out: &mut dyn Write) -> io::Result<()> {
    let report = &report.visible()?;
    let findings = told(report);
    let ordinals = ordinals(&findings);
    let found: Vec<Value> = findings.iter().zip(&ordinals).map(|(f, n)| vulnerability(f, *n)).collect();
    let document = json!({ "version": VERSION, "schema": SCHEMA, "scan": scan(report), "vulnerabilities": found });
    serde_json::to_writer_pretty(&mut *out, &document)?;
    out.write_all(b"\n")
}

/// Returns what GitLab is told, in order of place.
pub(super) fn told(report: &Report) -> Vec<&FindingView> {
    let mut all: Vec<&FindingView> =
        report.findings.iter().filter(|f| !matches!(f.disposition.as_str(), "suppressed" | "baseline")).collect();
    all.sort_by(|a, b| text::by_place(a, b));
    all
}

/// Returns for each finding how many of the same fingerprint come before it.
pub(super) fn ordinals(findings: &[&FindingView]) -> Vec<usize> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut ordinals = Vec::with_capacity(findings.len());
    for finding in findings {
        let count = seen.entry(&finding.fingerprint).or_insert(0);
        ordinals.push(*count);
        *count += 1;
    }
    ordinals
}

fn scan(report: &Report) -> Value {
    let started: Timestamp = report.times.started.parse().unwrap_or(Timestamp::UNIX_EPOCH);
    let spent = SignedDuration::from_millis(i64::try_from(report.times.elapsed_ms).unwrap_or(0));
    let ended = started.checked_add(spent).unwrap_or(started);
    let version = if report.tool.version.is_empty() { "unknown" } else { &report.tool.version };
    let tool = json!({
        "id": "portcullis", "name": "Portcullis", "version": version, "vendor": { "name": "Portcullis" },
    });
    let mut messages: Vec<Value> = Vec::new();
    for gap in text::gaps(report).into_iter().take(1000) {
        let path = gap.path.as_ref().map(|p| format!("{}: ", text::line(p))).unwrap_or_default();
        let words = text::clip(&format!("not analysed: {path}{}", text::line(&gap.detail)), 1000);
        messages.push(json!({ "level": if gap.closes { "fatal" } else { "warn" }, "value": words }));
    }
    json!({
        "analyzer": tool,
        "scanner": tool,
        "type": "sast",
        "status": if report.verdict == Verdict::Inconclusive { "failure" } else { "success" },
        "start_time": zoneless(started),
        "end_time": zoneless(ended),
        "messages": messages,
    })
}

/// Returns a time in the form that the schema asks for: UTC, without saying so.
pub(super) fn zoneless(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

fn vulnerability(f: &FindingView, ordinal: usize) -> Value {
    let rule = text::line(&f.rule);
    let mut identifiers = vec![json!({ "type": "portcullis_rule", "name": rule, "value": rule })];
    identifiers.extend(f.cwe.iter().filter_map(|c| number(c)).map(|n| {
        let url = format!("https://cwe.mitre.org/data/definitions/{n}.html");
        json!({ "type": "cwe", "name": format!("CWE-{n}"), "value": n.to_string(), "url": url })
    }));
    let severity = match f.severity.as_str() {
        "critical" => "Critical",
        "high" => "High",
        "medium" => "Medium",
        "low" => "Low",
        _ => "Unknown",
    };
    let words = if f.why.trim().is_empty() { &f.message } else { &f.why };
    let start = f.start_line.max(1);
    let end = f.end_line.max(start);
    let mut location = json!({ "file": f.path, "start_line": start, "end_line": end });
    if let (false, Some(map)) = (f.symbol.is_empty(), location.as_object_mut()) {
        map.insert("method".into(), text::line(&f.symbol).into());
    }
    // The position takes part in `id`, which is new in every report; the signature follows the code as it moves.
    let signature = json!({ "algorithm": "hash", "value": distinct(&f.fingerprint, ordinal) });
    let tracked = json!({ "file": f.path, "start_line": start, "end_line": end, "signatures": [signature] });
    let mut found = json!({
        "id": uuid(f, ordinal),
        "category": "sast",
        "name": text::clip(&text::line(&f.message), 255),
        // GitLab renders descriptions as Markdown.
        "description": super::markdown::prose(&text::clip(words, 4000)),
        "severity": severity,
        "solution": text::clip(&text::line(&f.fix), 7000),
        "identifiers": identifiers,
        "links": f.references.iter().filter(|r| is_web(r)).map(|r| json!({ "url": r })).collect::<Vec<_>>(),
        "location": location,
        "tracking": { "type": "source", "items": [tracked] },
    });
    let way = way::lines(f, STOPS);
    if let (false, Some(map)) = (way.is_empty(), found.as_object_mut()) {
        // Version 15.0 of the schema knows lists of texts; a type of its own for ways came later.
        let items: Vec<Value> = way.iter().map(|line| json!({ "type": "text", "value": line })).collect();
        map.insert("details".into(), json!({ "way": { "type": "list", "name": "Way of the data", "items": items } }));
    }
    if let (true, Some(map)) = (f.confidence == "low" || f.disposition == "advisory", found.as_object_mut()) {
        let why = match f.disposition.as_str() {
            "advisory" => "A hint: less certain than other findings, and it never blocks.",
            _ => "Low confidence: less than half of such findings are real.",
        };
        let flag = json!({ "type": "flagged-as-likely-false-positive", "origin": "portcullis", "description": why });
        map.insert("flags".into(), json!([flag]));
    }
    found
}

/// Returns a fingerprint that no other finding of the report has.
pub(super) fn distinct(fingerprint: &str, ordinal: usize) -> String {
    if ordinal == 0 { fingerprint.to_owned() } else { format!("{fingerprint}-{}", ordinal + 1) }
}

/// Returns a UUID of version 8 (made by a rule of our own) from fingerprint and position.
fn uuid(f: &FindingView, ordinal: usize) -> String {
    let mut hash = Sha256::new();
    let position = format!("{}:{}:{}:{}", f.start_line, f.start_column, f.end_line, f.end_column);
    for part in [f.fingerprint.as_str(), f.path.as_str(), position.as_str(), ordinal.to_string().as_str()] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let mut bytes: [u8; 32] = hash.finalize().into();
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes[..16].iter().map(|b| format!("{b:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
