//! JUnit XML: one suite for the verdict and one a rule. A finding that blocks is a failure, what could not be analysed an
//! error, and what is only shown a skipped test with its text.

use super::gitlab_sast::zoneless;
use super::model::FindingView;
use super::{Report, Style, text, way};
use crate::policy::Verdict;
use jiff::Timestamp;
use quick_junit::{NonSuccessKind, Property, TestCase, TestCaseStatus, TestSuite};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

/// Lines of source that the way of data is shown by.
const STOPS: usize = 20;

/// Writes the report as JUnit XML.
///
/// # Errors
/// Whatever the writer says.
pub fn write(report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let report = &report.visible()?;
    let mut document = quick_junit::Report::new("portcullis");
    document.add_test_suite(suite(report, 0, "portcullis.verdict", vec![verdict(report)]));
    let gaps: Vec<TestCase> = text::gaps(report)
        .into_iter()
        .map(|gap| {
            let path = gap.path.as_ref().map(|p| text::line(p)).unwrap_or_else(|| text::subject(report).into());
            let mut status = failed(if gap.closes { Some(NonSuccessKind::Error) } else { None }, &gap.kind);
            status.set_message(text::line(&gap.detail));
            case(&path, &format!("portcullis.coverage.{}", gap.kind), status)
        })
        .collect();
    if !gaps.is_empty() {
        document.add_test_suite(suite(report, document.test_suites.len(), "portcullis.coverage", gaps));
    }
    let mut rules: BTreeMap<&str, Vec<&FindingView>> = BTreeMap::new();
    for finding in text::shown(report, style) {
        rules.entry(&finding.rule).or_default().push(finding);
    }
    for (rule, found) in rules {
        let name = format!("portcullis.rule.{}", text::line(rule));
        let cases = found.into_iter().map(|f| finding(f, &name)).collect();
        document.add_test_suite(suite(report, document.test_suites.len(), &name, cases));
    }
    let xml = document.to_string().map_err(io::Error::other)?;
    out.write_all(without_totals(&xml).as_bytes())
}

/// Returns the document with a bare root: its totals are optional everywhere and forbidden by the strict schema.
fn without_totals(xml: &str) -> String {
    match xml.split_once("<testsuites").and_then(|(head, rest)| Some((head, rest.split_once('>')?.1))) {
        Some((head, body)) => format!("{head}<testsuites>{body}"),
        None => xml.to_owned(),
    }
}

/// Makes a suite with everything that the strict schema asks for.
fn suite(report: &Report, id: usize, name: &str, cases: Vec<TestCase>) -> TestSuite {
    let mut suite = TestSuite::new(name);
    let started: Timestamp = report.times.started.parse().unwrap_or(Timestamp::UNIX_EPOCH);
    for (key, value) in [
        ("id", id.to_string()),
        ("package", "portcullis".into()),
        // The machine is no part of a verdict: the same input gives the same report everywhere.
        ("hostname", "localhost".into()),
        ("timestamp", zoneless(started)),
    ] {
        suite.extra.insert(key.into(), value.into());
    }
    let spent = if id == 0 { Duration::from_millis(report.times.elapsed_ms) } else { Duration::ZERO };
    suite.set_time(spent);
    suite.add_property(Property::new("verdict", report.verdict.as_str()));
    suite.add_test_cases(cases);
    suite.set_system_out("");
    suite.set_system_err("");
    suite
}

fn case(name: &str, class: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(text::clip(name, 500), status);
    case.set_classname(class);
    case.set_time(Duration::ZERO);
    case
}

/// Makes the status of a test that is not green; no kind: skipped.
fn failed(kind: Option<NonSuccessKind>, ty: &str) -> TestCaseStatus {
    match kind {
        Some(kind) => {
            let mut status = TestCaseStatus::non_success(kind);
            status.set_type(text::line(ty));
            status
        }
        None => TestCaseStatus::skipped(),
    }
}

fn verdict(report: &Report) -> TestCase {
    let mut status = match report.verdict {
        Verdict::Pass => TestCaseStatus::success(),
        Verdict::Blocked => failed(Some(NonSuccessKind::Failure), "blocked"),
        Verdict::Inconclusive => failed(Some(NonSuccessKind::Error), "inconclusive"),
    };
    status.set_message(text::reasons(report));
    let name = if text::is_audit(report) { "nothing in the tree blocks" } else { "the change may be merged" };
    case(name, "portcullis.verdict", status)
}

fn finding(f: &FindingView, class: &str) -> TestCase {
    let blocks = f.disposition == "blocks";
    let mut status = failed(blocks.then_some(NonSuccessKind::Failure), &f.severity);
    let mut words = format!("{} ({})", text::line(&f.message), text::measure(f));
    let way = way::lines(f, STOPS);
    if !way.is_empty() {
        words.push_str(&format!("\nWay of the data:\n{}", way.join("\n")));
    }
    if !f.fix.trim().is_empty() {
        words.push_str(&format!("\nFix: {}", text::line(&f.fix)));
    }
    words.push_str(&format!("\nFingerprint: {}", f.fingerprint));
    status.set_message(text::clip(&format!("{}: {}", f.disposition, text::line(&f.message)), 500));
    status.set_description(words);
    case(&text::place(f), class, status)
}
