//! SARIF 2.1.0, as GitHub code scanning takes it.
//!
//! `primaryLocationLineHash` is left out: it is made from the whole text of a line, which a report does not hold, and
//! GitHub's upload action adds it where it is absent.

use super::model::{FindingView, GapView};
use super::way::StepView;
use super::{Report, Style, text, way};
use crate::policy::Verdict;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Results that GitHub takes from one run.
const RESULTS: usize = 25_000;
/// Tags that GitHub takes from one rule.
const TAGS: usize = 20;

/// Writes the report as SARIF with a line feed at the end. Every finding is in it, those that were there before too.
///
/// # Errors
/// Whatever the writer says.
pub fn write(report: &Report, _style: Style, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &log(&report.visible()?, RESULTS))?;
    out.write_all(b"\n")
}

/// Returns the log with at most `limit` results, the riskiest.
pub(super) fn log(report: &Report, limit: usize) -> Value {
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run(report, limit)],
    })
}

fn run(report: &Report, limit: usize) -> Value {
    let mut findings: Vec<&FindingView> = report.findings.iter().collect();
    findings.sort_by(|a, b| text::by_risk(a, b));
    let cut = findings.len().saturating_sub(limit);
    findings.truncate(limit);
    let mut rules: BTreeMap<&str, Vec<&FindingView>> = BTreeMap::new();
    for finding in &findings {
        rules.entry(&finding.rule).or_default().push(finding);
    }
    let index: BTreeMap<&str, usize> = rules.keys().enumerate().map(|(i, rule)| (*rule, i)).collect();
    json!({
        "tool": { "driver": {
            "name": "Portcullis",
            "version": report.tool.version,
            "semanticVersion": report.tool.version,
            "rules": rules.values().filter_map(|found| rule(found)).collect::<Vec<_>>(),
        }},
        // The same category for every command, so that a branch and a change are compared with each other.
        "automationDetails": { "id": "portcullis/" },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": { "%SRCROOT%": { "description": { "text": "The root of the repository." } } },
        "invocations": [invocation(report, cut)],
        "results": findings.iter().map(|f| result(f, index.get(f.rule.as_str()))).collect::<Vec<_>>(),
    })
}

/// Returns a rule as its findings show it; the riskiest comes first and speaks for all.
fn rule(found: &[&FindingView]) -> Option<Value> {
    let first = found.first()?;
    // What is only advice must not count as a severe alert where a branch rule looks at severities.
    let told = found.iter().filter(|f| f.disposition != "advisory");
    let severity = told.map(|f| f.severity.as_str()).max_by_key(|s| score(s).0).unwrap_or("low");
    let message = sentence(&first.message);
    let why = if first.why.trim().is_empty() { message.clone() } else { sentence(&first.why) };
    let fix = if first.fix.trim().is_empty() { String::new() } else { format!("\n\nFix: {}", sentence(&first.fix)) };
    let references: Vec<&String> = first.references.iter().filter(|r| is_web(r)).collect();
    let mut tags = vec!["security".to_owned()];
    tags.extend(first.cwe.iter().filter_map(|c| number(c)).map(|n| format!("external/cwe/cwe-{n:03}")));
    tags.truncate(TAGS);
    let weakness = first.cwe.iter().find_map(|c| number(c));
    let uri = references.first().map(|r| r.to_string());
    let uri = uri.or_else(|| weakness.map(|n| format!("https://cwe.mitre.org/data/definitions/{n}.html")));
    let (_, number, level) = score(severity);
    let mut rule = json!({
        "id": first.rule,
        "name": pascal(&first.rule),
        "shortDescription": { "text": message },
        "fullDescription": { "text": why },
        "help": { "text": format!("{why}{fix}"), "markdown": help(first) },
        "defaultConfiguration": { "level": level },
        "properties": { "precision": first.measured.as_ref().map_or(&first.confidence, |m| &m.leaves), "security-severity": number, "tags": tags },
    });
    if let (Some(uri), Some(rule)) = (uri, rule.as_object_mut()) {
        rule.insert("helpUri".into(), uri.into());
    }
    Some(rule)
}

fn help(f: &FindingView) -> String {
    let mut parts = Vec::new();
    for (name, words) in [("Why", &f.why), ("Fix", &f.fix)] {
        if !words.trim().is_empty() {
            parts.push(format!("**{name}:** {}", super::markdown::prose(words)));
        }
    }
    for reference in f.references.iter().filter(|r| is_web(r)) {
        parts.push(format!("**See:** {}", super::markdown::code(reference)));
    }
    if parts.is_empty() { super::markdown::prose(&f.message) } else { parts.join("\n\n") }
}

fn result(f: &FindingView, index: Option<&usize>) -> Value {
    let level = match f.disposition.as_str() {
        "blocks" => "error",
        "advisory" => "note",
        _ => "warning",
    };
    let mut words = sentence(&f.message);
    if !f.fix.trim().is_empty() {
        words.push_str(&format!(" Fix: {}", sentence(&f.fix)));
    }
    let mut result = json!({
        "ruleId": f.rule,
        "ruleIndex": index,
        "level": level,
        "message": { "text": message(&words) },
        "locations": [{ "physicalLocation": place(f) }],
        "partialFingerprints": { "portcullis/v1": f.fingerprint },
        "baselineState": match f.origin.as_str() { "introduced" => "new", "altered" => "updated", _ => "unchanged" },
        "rank": (f.risk * 10.0).round() / 10.0,
        "properties": {
            "disposition": f.disposition, "severity": f.severity, "confidence": f.confidence, "evidence": f.evidence,
        },
    });
    if let (Some(measured), Some(properties)) = (&f.measured, result["properties"].as_object_mut()) {
        properties.insert("measured".into(), json!(measured));
    }
    let suppression = match f.disposition.as_str() {
        "suppressed" => Some(f.because.clone().unwrap_or_default()),
        "baseline" => Some("The baseline holds it.".to_owned()),
        _ => None,
    };
    if let (Some(because), Some(result)) = (suppression, result.as_object_mut()) {
        let kind = if because.starts_with("comment at") { "inSource" } else { "external" };
        result.insert("suppressions".into(), json!([{ "kind": kind, "justification": text::line(&because) }]));
    }
    let step = |step: &StepView| json!({ "artifactLocation": artifact(&step.path), "region": region_of(step) });
    if let (Some(flows), Some(result)) =
        (way::code_flows(f, step, |words| message(&sentence(words))), result.as_object_mut())
    {
        result.insert("codeFlows".into(), flows);
    }
    if let (false, Some(place)) = (f.symbol.is_empty(), result.pointer_mut("/locations/0")) {
        place["logicalLocations"] = json!([{ "fullyQualifiedName": f.symbol }]);
    }
    result
}

fn artifact(path: &str) -> Value {
    json!({ "uri": uri(path), "uriBaseId": "%SRCROOT%" })
}

/// Returns the region between two positions, put in order where a stored report has them otherwise.
fn region((start, first): (u32, u32), (end, last): (u32, u32)) -> Value {
    let (start, first) = (start.max(1), first.max(1));
    let end = end.max(start);
    let last = if end == start { last.max(first) } else { last.max(1) };
    json!({ "startLine": start, "startColumn": first, "endLine": end, "endColumn": last })
}

fn region_of(step: &StepView) -> Value {
    region((step.start_line, step.start_column), (step.end_line, step.end_column))
}

fn place(f: &FindingView) -> Value {
    let start = f.start_line.max(1);
    let end = f.end_line.max(start);
    let mut region = region((f.start_line, f.start_column), (f.end_line, f.end_column));
    if let (Some(snippet), Some(region)) = (snippet(f, start, end), region.as_object_mut()) {
        region.insert("snippet".into(), json!({ "text": snippet }));
    }
    let mut place = Map::new();
    place.insert("artifactLocation".into(), artifact(&f.path));
    place.insert("region".into(), region);
    let lines = u32::try_from(f.excerpt.len()).unwrap_or(0);
    let shown_end = (f.excerpt_line + lines).saturating_sub(1);
    // The standard wants the context larger than the region.
    if f.excerpt_line >= 1 && f.excerpt_line <= start && shown_end >= end && shown_end - f.excerpt_line > end - start {
        let context = json!({
            "startLine": f.excerpt_line, "endLine": shown_end, "snippet": { "text": f.excerpt.join("\n") },
        });
        place.insert("contextRegion".into(), context);
    }
    Value::Object(place)
}

/// Returns the marked text, taken from the redacted excerpt alone; `None` where the excerpt does not show all of it.
fn snippet(f: &FindingView, start: u32, end: u32) -> Option<String> {
    let lines: Option<Vec<String>> = (start..=end)
        .map(|n| {
            let line = f.excerpt.get(n.checked_sub(f.excerpt_line)? as usize)?;
            let (_, from, to) = f.marks.iter().find(|m| m.0 == n)?;
            let from = (*from as usize).max(1);
            Some(line.chars().skip(from - 1).take((*to as usize).saturating_sub(from)).collect())
        })
        .collect();
    lines.filter(|l| !l.is_empty()).map(|l| l.join("\n"))
}

fn invocation(report: &Report, cut: usize) -> Value {
    let mut notes: Vec<Value> = text::gaps(report).into_iter().take(1000).map(notification).collect();
    if cut > 0 {
        let words = format!("Showing {} of {} findings, by risk.", report.findings.len() - cut, report.findings.len());
        notes.push(json!({ "level": "warning", "message": { "text": words }, "descriptor": { "id": "cut" } }));
    }
    let mut invocation = json!({
        "executionSuccessful": report.verdict != Verdict::Inconclusive,
        "toolExecutionNotifications": notes,
        "properties": { "verdict": report.verdict.as_str(), "reasons": report.reasons },
    });
    let started: Option<Timestamp> = report.times.started.parse().ok();
    let spent = SignedDuration::from_millis(i64::try_from(report.times.elapsed_ms).unwrap_or(0));
    let ended = started.and_then(|t| t.checked_add(spent).ok());
    if let (Some(started), Some(ended), Some(map)) = (started, ended, invocation.as_object_mut()) {
        for (name, time) in [("startTimeUtc", started), ("endTimeUtc", ended)] {
            map.insert(name.into(), time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string().into());
        }
    }
    invocation
}

fn notification(gap: &GapView) -> Value {
    let mut notification = json!({
        "level": if gap.closes { "error" } else { "warning" },
        "message": { "text": message(&sentence(&format!("Not analysed: {}", gap.detail))) },
        "descriptor": { "id": format!("not-analysed/{}", gap.kind) },
    });
    if let (Some(path), Some(map)) = (&gap.path, notification.as_object_mut()) {
        let place = json!({ "artifactLocation": artifact(path) });
        map.insert("locations".into(), json!([{ "physicalLocation": place }]));
    }
    notification
}

/// Returns a sort key, the number by which GitHub ranks, and the level of a severity.
fn score(severity: &str) -> (u8, &'static str, &'static str) {
    match severity {
        "critical" => (3, "9.5", "error"),
        "high" => (2, "8.0", "error"),
        "medium" => (1, "5.5", "warning"),
        _ => (0, "2.5", "note"),
    }
}

/// Returns a path as a relative URI reference.
pub(super) fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.trim_start_matches('/').bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

/// Returns the number of a weakness class.
pub(super) fn number(cwe: &str) -> Option<u32> {
    cwe.strip_prefix("CWE-")?.parse().ok()
}

/// Says whether a reference is an address of the web and holds nothing that a URI must not hold.
pub(super) fn is_web(reference: &str) -> bool {
    let rest = reference.strip_prefix("https://").or_else(|| reference.strip_prefix("http://"));
    rest.is_some_and(|r| !r.is_empty() && r.bytes().all(|b| b.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&b)))
}

/// Returns one line that ends with a full stop.
fn sentence(words: &str) -> String {
    let line = text::line(words);
    if line.ends_with(['.', '!', '?']) || line.is_empty() { line } else { format!("{line}.") }
}

/// Returns text for a message, where `[a](b)` would be a link and `{0}` a place for an argument.
fn message(words: &str) -> String {
    let mut out = words.replace("](", "] (");
    for digit in 0..10 {
        out = out.replace(&format!("{{{digit}"), &format!("{{ {digit}"));
    }
    out
}

fn pascal(id: &str) -> String {
    let word = |w: &str| w.chars().take(1).flat_map(char::to_uppercase).chain(w.chars().skip(1)).collect::<String>();
    id.split(|c: char| !c.is_ascii_alphanumeric()).map(word).collect()
}
