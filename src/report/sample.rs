//! Reports for tests: a blocked one, a pass, an inconclusive one, and one whose every text is hostile.

use super::Report;
use super::model::{ChangeView, PolicyView, Times, Tool};
use crate::compare::Origin;
use crate::finding::{
    Confidence, Evidence, Excerpt, Finding, Fingerprint, FlowEvidence, FlowStep, Gap, GapKind, Location, Mark,
    MatchKey, MetSanitizer, RuleId, Severity, WeightedToken,
};
use crate::path::{RepoPath, visible_lines};
use crate::policy::suppression::{Entry, Ledger, Status};
use crate::policy::{Disposition, Judged, Judgement, Verdict};
use crate::risk::{of_change, of_finding};
use crate::span::{Position, Span};
use std::collections::BTreeMap;

/// Two findings that block, one that warns, a hint, an existing and a suppressed one, a gap that does not decide.
pub(super) fn blocked() -> Report {
    let mut shell = finding("python-shell-true", "app/jobs/export.py", 12, "export");
    shell.excerpt =
        excerpt(11, ["def export(name):", "    subprocess.run(f\"tar cf {name}\", shell=True)", "    return 0"], 5, 49);
    let (sql, caller) = (with_flow(), with_parameter());
    let mut debug = finding("python-flask-debug", "app/main.py", 7, "");
    (debug.severity, debug.confidence) = (Severity::Medium, Confidence::Medium);
    debug.message = "The debugger is on in production code".into();
    let mut hint = finding("model-weakness", "app/render.py", 3, "page");
    (hint.advisory, hint.confidence) = (true, Confidence::Low);
    hint.message = "Code like this is often vulnerable".into();
    hint.evidence = vec![Evidence::Model {
        model: "linear 1".into(),
        score: 0.83,
        band: "likely".into(),
        tokens: vec![token("render", 3, 1.2), token("request", 3, 0.9), token("page", 2, -0.4)],
    }];
    let mut old = finding("python-yaml-load", "app/old.py", 90, "load");
    old.message = "Unsafe YAML loader".into();
    let mut hidden = finding("python-md5", "app/cache.py", 5, "key");
    hidden.severity = Severity::Low;
    let suppressed = "suppressions[0] of the policy: only a cache key".to_owned();
    let blocks = |f: &Finding| Disposition::Blocks(format!("severity {}, confidence {}", f.severity, f.confidence));
    let findings = vec![
        judged(sql.clone(), Origin::Introduced, blocks(&sql)),
        judged(shell.clone(), Origin::Introduced, blocks(&shell)),
        judged(debug, Origin::Introduced, Disposition::Warns),
        judged(hint, Origin::Introduced, Disposition::Advisory),
        judged(caller, Origin::Introduced, Disposition::Advisory),
        judged(old.clone(), Origin::Existing, Disposition::Existing),
        judged(hidden, Origin::Existing, Disposition::Suppressed(suppressed)),
    ];
    let gap = Gap { kind: GapKind::Model, path: None, detail: "the network is not installed".into() };
    let mut report = report(
        Verdict::Blocked,
        &["2 findings that the policy blocks"],
        findings,
        vec![(gap, false)],
        vec![
            entry("suppressions[0]", "python-md5", "only a cache key", Status::Honoured),
            entry("comment", "python-sql-concat", "ids only", Status::NotHonoured("this change brings in both".into())),
        ],
    );
    report.fixed = vec![super::model::FixedView {
        fingerprint: old.fingerprint.to_string(),
        rule: "python-eval".into(),
        path: "app/calc.py".into(),
        line: 8,
    }];
    report
}

/// A proven flow over two files.
fn with_flow() -> Finding {
    let mut sql = finding("python-sql-concat", "app/db.py", 40, "Orders.find");
    sql.severity = Severity::Critical;
    sql.cwe = vec!["CWE-89".into()];
    sql.message = "SQL text is put together from a value".into();
    sql.evidence.push(Evidence::Flow(flow(
        "remote",
        "query string",
        "sqlite3.Cursor.execute",
        &[
            ("app/views.py", 12, "source", "query string comes in", "term = request.args[\"q\"]"),
            ("app/views.py", 12, "assign", "put into `term`", "term = request.args[\"q\"]"),
            (
                "app/views.py",
                13,
                "sanitized",
                "`html.escape` helps against xss, not against sql: it leaves what does harm in an SQL statement",
                "safe = escape(term)",
            ),
            ("app/views.py", 14, "argument", "given to `Orders.find`", "return orders.find(safe)"),
            (
                "app/db.py",
                39,
                "part",
                "becomes part of a larger value",
                "sql = f\"SELECT * FROM orders WHERE name = '{name}'\"",
            ),
            ("app/db.py", 40, "sink", "reaches `sqlite3.Cursor.execute`", "cursor.execute(sql)"),
        ],
    )));
    sql
}

/// A flow from a parameter.
fn with_parameter() -> Finding {
    let mut caller = finding("python-flow-path", "app/files.py", 21, "read");
    (caller.advisory, caller.confidence, caller.cwe) = (true, Confidence::Low, vec!["CWE-22".into()]);
    caller.message = "A parameter reaches the name of a file (open); a caller decides what it holds".into();
    caller.evidence.push(Evidence::Flow(flow(
        "parameter",
        "parameter `name`",
        "open",
        &[
            ("app/files.py", 20, "source", "parameter `name` comes in", "def read(name):"),
            ("app/files.py", 21, "sink", "reaches `open`", "return open(name).read()"),
        ],
    )));
    caller
}

/// Nothing found.
pub(super) fn pass() -> Report {
    report(Verdict::Pass, &["the change brings in no finding"], Vec::new(), Vec::new(), Vec::new())
}

/// A file that could not be read.
pub(super) fn inconclusive() -> Report {
    let big =
        Gap { kind: GapKind::Size, path: Some("app/data.py".into()), detail: "2.1 MB, over the limit of 1 MB".into() };
    let late = Gap { kind: GapKind::Time, path: Some("app/huge.ts".into()), detail: "not done after 10 s".into() };
    let reasons = ["2 parts of the change could not be analysed"];
    report(Verdict::Inconclusive, &reasons, Vec::new(), vec![(late, true), (big, true)], Vec::new())
}

/// Names made to break out of formats.
pub(super) const NAMES: [&str; 16] = [
    "a\n::set-output name=verdict::pass.py",
    "b\r\n##[error]x.py",
    "c\u{1b}[31mred\u{1b}[0m.py",
    "d\u{202e}yp.exe\u{2066}.py",
    "e::set-output name=x::y.py",
    "f%0A::error::x%0D.py",
    "##[set-output name=a]b.py",
    "h```\n# heading\n`` ` ```.py",
    "i|a|b|\n|-|-|\n.py",
    "<img src=x onerror=alert(1)>.py",
    "@org/team please merge.py",
    "https://evil.example/x.py",
    "[link](https://evil.example) ![i](//evil.example/b.png).py",
    "/merge\n/approve\n/label ~ok.py",
    "\u{85}\u{9b}31m\u{2028}\u{feff}\u{200b}\0.py",
    "</details><script>x</script>&amp;<!-- portcullis:sticky v=1 -->]]>.py",
];

/// Every text of the report hostile in one way or another.
pub(super) fn hostile() -> Report {
    let mut names: Vec<String> = NAMES.iter().map(|n| (*n).to_owned()).collect();
    names.push("ä/".repeat(84) + "x.p");
    let findings = names.iter().map(|name| {
        let path = RepoPath::from_bytes(name.as_bytes());
        let mut f = finding("python-shell-true", "x", 2, name);
        f.location.path = path;
        f.message = format!("bad {name}");
        f.why = format!("because {name} and https://evil.example/ and @someone");
        f.fix = name.clone();
        f.references = vec![name.clone(), "https://example.com/ok".into()];
        // The analysis makes characters visible where it cuts excerpts; here that is skipped on purpose.
        f.excerpt = excerpt(1, ["x", name, "y"], 1, 9);
        f.evidence.push(Evidence::Model {
            model: name.clone(),
            score: 0.5,
            band: name.clone(),
            tokens: vec![token(name, 1, 1.0)],
        });
        let steps = [(name.as_str(), 1, "source", name.as_str(), name.as_str()), (name, 2, "sink", name, name)];
        f.evidence.push(Evidence::Flow(flow(name, name, name, &steps)));
        judged(f, Origin::Introduced, Disposition::Blocks(name.clone()))
    });
    let gaps =
        names.iter().map(|n| (Gap { kind: GapKind::Crash, path: Some(n.as_str().into()), detail: n.clone() }, true));
    let entries = names.iter().map(|n| entry(n, n, n, Status::Malformed(n.clone())));
    let mut report = report(Verdict::Blocked, &NAMES, findings.collect(), gaps.collect(), entries.collect());
    report.notes = names.clone();
    report.change.base_reason = names.join(" ");
    report.policy.source = names.join(" ");
    report.coverage.not_applicable = names.iter().map(|n| (n.clone(), 1)).collect();
    report
}

/// A report with `count` findings that block.
pub(super) fn many(count: u32) -> Report {
    let findings = (1..=count).map(|n| {
        let f = finding("python-shell-true", &format!("app/file{n:05}.py"), n, "export");
        judged(f, Origin::Introduced, Disposition::Blocks("severity high, confidence high".into()))
    });
    report(Verdict::Blocked, &["findings that the policy blocks"], findings.collect(), Vec::new(), Vec::new())
}

fn report(
    verdict: Verdict,
    reasons: &[&str],
    findings: Vec<Judged>,
    gaps: Vec<(Gap, bool)>,
    entries: Vec<Entry>,
) -> Report {
    let counted = |j: &&Judged| matches!(j.disposition, Disposition::Blocks(_) | Disposition::Warns);
    let risk = of_change(findings.iter().filter(counted).take(50).map(|j| (&j.finding, &j.risk)));
    let mut ledger = Ledger::default();
    ledger.entries = entries;
    let reasons = reasons.iter().map(|r| (*r).to_owned()).collect();
    let judgement = Judgement { verdict, reasons, risk, findings, fixed: Vec::new(), gaps, ledger };
    let tool = Tool {
        name: "portcullis".into(),
        version: "0.1.0".into(),
        rules: 120,
        rules_digest: "9f".repeat(16),
        models: Vec::new(),
    };
    let mut report = Report::of(&judgement, "check", tool);
    report.risk.limit = Some(70.0);
    report.change = ChangeView {
        base: Some("1f0c".repeat(10)),
        base_reason: "merge base with main".into(),
        policy_commit: Some("1f0c".repeat(10)),
        head: Some("77aa".repeat(10)),
        head_reason: "the checked out commit".into(),
    };
    let coverage = &mut report.coverage;
    (coverage.files, coverage.analysed, coverage.added_lines, coverage.analysed_lines) = (9, 6, 214, 200);
    coverage.languages = BTreeMap::from([("python".into(), 5), ("typescript".into(), 1)]);
    coverage.not_applicable = BTreeMap::from([("binary".into(), 1), ("deleted".into(), 2)]);
    report.policy = PolicyView {
        source: ".portcullis.yml at 1f0c1f0c".into(),
        digest: String::new(),
        fail_on_severity: Some("high".into()),
        fail_on_confidence: "high".into(),
    };
    report.times = Times { started: "2026-11-02T10:20:30Z".into(), elapsed_ms: 1250 };
    report
}

fn judged(finding: Finding, origin: Origin, disposition: Disposition) -> Judged {
    Judged { risk: of_finding(&finding, None), measured: None, finding, origin, disposition }
}

fn finding(rule: &str, path: &str, line: u32, symbol: &str) -> Finding {
    let at = |column| Position { line, column };
    Finding {
        rule: RuleId::new(rule),
        message: "A shell runs text that holds a value".into(),
        severity: Severity::High,
        confidence: Confidence::High,
        cwe: vec!["CWE-78".into()],
        location: Location {
            path: path.into(),
            span: Span { start_byte: 0, end_byte: 9, start: at(5), end: at(14) },
            symbol: symbol.into(),
        },
        fingerprint: Fingerprint::new(rule, symbol, &["a", "b"]),
        aliases: Vec::new(),
        evidence: vec![Evidence::Rule { rules: "9f9f9f9f9f9f".into() }],
        why: "Who controls the value runs commands: `; rm -rf ~` is enough.".into(),
        fix: "Pass a list of arguments and leave `shell=True` out.".into(),
        references: vec!["https://docs.python.org/3/library/subprocess.html#security-considerations".into()],
        excerpt: excerpt(line - 1, ["", "    bad(value)", ""], 5, 14),
        advisory: false,
        in_tests: false,
        key: MatchKey::new(rule, symbol, &["a", "b"]),
    }
}

/// Makes a way; each step has a file, a line, a kind, words and source.
fn flow(trust: &str, what: &str, sink: &str, steps: &[(&str, u32, &str, &str, &str)]) -> FlowEvidence {
    let step = |(path, line, kind, what, source): &(&str, u32, &str, &str, &str)| FlowStep {
        path: RepoPath::from(*path),
        span: Span {
            start_byte: 0,
            end_byte: 9,
            start: Position { line: *line, column: 5 },
            end: Position { line: *line, column: 14 },
        },
        kind: (*kind).to_owned(),
        what: (*what).to_owned(),
        line: (*source).to_owned(),
    };
    FlowEvidence {
        trust: trust.into(),
        what: what.into(),
        sink: sink.into(),
        steps: steps.iter().map(step).collect(),
        sanitizers: vec![MetSanitizer { path: "html.escape".into(), classes: vec!["xss".into()] }],
        guessed: false,
    }
}

fn excerpt(first_line: u32, lines: [&str; 3], start: u32, end: u32) -> Excerpt {
    let lines = lines.iter().map(|l| visible_lines(l).replace(['\n', '\t'], " ")).collect();
    Excerpt { first_line, lines, marks: vec![Mark { line: first_line + 1, start, end }] }
}

fn token(text: &str, line: u32, weight: f32) -> WeightedToken {
    WeightedToken { token: text.into(), line, weight }
}

fn entry(source: &str, rule: &str, reason: &str, status: Status) -> Entry {
    Entry {
        source: source.into(),
        rules: vec![rule.into()],
        reason: reason.into(),
        owner: None,
        place: (source == "comment").then(|| ("app/db.py".into(), 39)),
        expires: None,
        ends_soon: false,
        covers_added: false,
        status,
    }
}
