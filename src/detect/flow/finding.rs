//! From flows to findings: by the rule of their class, milder the less the data is a stranger's.

use super::catalog::schema::Trust;
use super::{Flow, FlowStep, Flows, StepKind, words};
use crate::detect::excerpt::{excerpt, line};
use crate::detect::rules::matcher::tokens;
use crate::detect::rules::schema::{FlowRule, RuleFile};
use crate::detect::rules::{RuleError, RuleSet};
use crate::finding::{
    Confidence, Evidence, Finding, Fingerprint, FlowEvidence, FlowStep as Step, Location, MatchKey, MetSanitizer,
    Severity,
};
use crate::redact::{Redactor, shapes};
use crate::syntax::{SourceFile, is_developers_path};
use std::collections::HashSet;
use std::ops::Range;

/// Steps that a finding shows at most; of a longer way the middle is left out.
const MAX_STEPS: usize = 30;
/// Characters of a name that are shown.
const MAX_NAME: usize = 80;
/// How messages of flow rules begin; what the source is takes the place of these words.
const SUBJECT: &str = "request data ";

/// Returns the findings of a file, one for each rule, sink and source. A class without a rule gives nothing. Without
/// knowing the secrets no source is shown.
///
/// # Errors
/// [`RuleError`] where a rule cannot be read.
pub(super) fn of(
    flows: &Flows,
    file: &SourceFile,
    rules: &RuleSet,
    wanted: &[(usize, FlowRule)],
    secrets: Option<&Redactor>,
) -> Result<Vec<Finding>, RuleError> {
    // Of several ways from the same source to the same sink: the surest, then the shortest.
    // One that does not touch this file is found where it lies.
    let mut order: Vec<&Flow> = flows.flows.iter().filter(|flow| flow.steps.iter().any(|s| s.file == 0)).collect();
    order.sort_by_key(|flow| (flow.hint, flow.trust, flow.guessed, flow.steps.len()));
    let digest = rules.digest();
    let (mut findings, mut seen) = (Vec::new(), HashSet::new());
    for flow in order {
        for (number, _) in wanted.iter().filter(|(_, rule)| rule.class == flow.class) {
            let ends = [flow.steps.last(), flow.steps.first()].map(|s| s.map(|s| (s.file, s.range)));
            if seen.insert((*number, ends)) {
                let place = Placed { flow, secrets, files: &|number| file_of(flows, file, number) };
                findings.extend(place.finding(rules.file(*number)?.as_ref(), digest));
            }
        }
    }
    Ok(findings)
}

/// Returns a file by its number in steps.
pub(super) fn file_of<'a>(flows: &'a Flows, file: &'a SourceFile, number: usize) -> Option<&'a SourceFile> {
    match number.checked_sub(1) {
        None => Some(file),
        Some(other) => flows.files.get(other).map(|loaded| &loaded.file),
    }
}

/// A flow, the files that its steps lie in, and the secrets of these.
struct Placed<'a> {
    flow: &'a Flow,
    secrets: Option<&'a Redactor>,
    files: &'a dyn Fn(usize) -> Option<&'a SourceFile>,
}

impl Placed<'_> {
    fn finding(&self, rule: &RuleFile, digest: &str) -> Option<Finding> {
        let (source, sink) = (self.flow.steps.first()?, self.flow.steps.last()?);
        let (file, range) = self.place(sink)?;
        let symbol = shapes(file.symbol_at(&range));
        let mut words = tokens_at(file, &range);
        if self.flow.steps.len() > 1 {
            let (file, range) = self.place(source)?;
            words.push("\u{0}from".into());
            words.extend(tokens_at(file, &range));
        }
        // A fingerprint tells nothing of a secret.
        let public: Vec<String> = words.iter().map(|w| self.secrets.map_or(w.clone(), |s| s.redact(w))).collect();
        let (severity, confidence) = judge(rule, self.flow);
        let id = rule.id.as_str();
        let in_tests = file.is_test_code(&range);
        // Who builds a program chooses what its scripts read, make and run; only what a stranger sends is not theirs. A
        // server in a test is there for the test, which sends what it wants.
        let of_developers = self.flow.trust != Trust::Remote && is_developers_path(&file.path);
        let is_unimportant = in_tests || of_developers;
        let confidence = if is_unimportant { Confidence::Low } else { confidence };
        Some(Finding {
            rule: rule.id.clone(),
            message: message(rule, self.flow),
            severity,
            confidence,
            cwe: rule.cwe.clone(),
            fingerprint: Fingerprint::new(id, &symbol, &public),
            aliases: rule.aliases.iter().map(|id| Fingerprint::new(id, &symbol, &public)).collect(),
            evidence: vec![Evidence::Rule { rules: digest.to_owned() }, Evidence::Flow(self.evidence())],
            why: rule.why.trim().to_owned(),
            fix: rule.fix.trim().to_owned(),
            references: rule.references.clone(),
            excerpt: self.secrets.map(|secrets| excerpt(file, &range, secrets)).unwrap_or_default(),
            advisory: self.flow.hint || self.flow.trust == Trust::Parameter || is_unimportant,
            in_tests,
            key: MatchKey::new(id, &symbol, &words),
            location: Location { path: file.path.clone(), span: file.span(range), symbol },
        })
    }

    fn evidence(&self) -> FlowEvidence {
        let mut steps: Vec<Step> = self.flow.steps.iter().filter_map(|step| self.step(step)).collect();
        // The same thing once for a line: a text may be put together there part by part.
        steps.dedup_by(|next, step| {
            let line = |of: &Step| of.span.start.line;
            (next.kind == step.kind && next.what == step.what) && next.path == step.path && line(next) == line(step)
        });
        if steps.len() > MAX_STEPS {
            steps.drain(MAX_STEPS / 2..steps.len() - MAX_STEPS / 2);
        }
        let met = |(path, classes): &(String, Vec<String>)| MetSanitizer { path: name(path), classes: classes.clone() };
        FlowEvidence {
            trust: self.flow.trust.as_str().to_owned(),
            what: name(&self.flow.what),
            sink: name(&self.flow.sink),
            steps,
            sanitizers: self.flow.sanitizers.iter().map(met).collect(),
            guessed: self.flow.guessed,
        }
    }

    fn step(&self, step: &FlowStep) -> Option<Step> {
        let (file, range) = self.place(step)?;
        let span = file.span(range.clone());
        let (kind, what) = self.words(&step.kind);
        let line = self.secrets.map(|secrets| line(file, &range, secrets)).unwrap_or_default();
        Some(Step { path: file.path.clone(), span, kind: kind.into(), what, line })
    }

    /// Returns the file of a step, and its bytes there.
    fn place(&self, step: &FlowStep) -> Option<(&SourceFile, Range<usize>)> {
        let file = (self.files)(step.file)?;
        let (start, end) = (step.range.0 as usize, step.range.1 as usize);
        file.text().get(start..end).map(|_| (file, start..end))
    }

    /// Says what happens at a step, in a word for programs and in words for people.
    fn words(&self, kind: &StepKind) -> (&'static str, String) {
        let flow = self.flow;
        match kind {
            StepKind::Source => ("source", format!("{} comes in", name(&flow.what))),
            StepKind::Assign(to) => ("assign", format!("put into `{}`", name(to))),
            StepKind::Argument(of) => ("argument", format!("given to `{}`", name(of))),
            StepKind::Return(of) => ("return", format!("returned by `{}`", name(of))),
            StepKind::Sanitized(by) => {
                let met = flow.sanitizers.iter().find(|(path, _)| path == by);
                let helps = met.map_or(&[][..], |(_, classes)| classes);
                ("sanitized", words::sanitized(&name(by), helps, &flow.class))
            }
            StepKind::Part => ("part", "becomes part of a larger value".into()),
            StepKind::Through(by) => ("through", format!("goes through `{}`, which is not known", name(by))),
            StepKind::Known(by) => ("through", format!("goes through `{}`", name(by))),
            StepKind::Sink => ("sink", format!("reaches `{}`", name(&flow.sink))),
        }
    }
}

/// Returns severity and confidence: those of the rule hold for data of strangers.
fn judge(rule: &RuleFile, flow: &Flow) -> (Severity, Confidence) {
    let (severity, confidence) = match flow.trust {
        Trust::Remote | Trust::Own => (rule.severity, rule.confidence),
        Trust::Peer | Trust::Stored => (rule.severity, rule.confidence.min(Confidence::Medium)),
        Trust::Operator | Trust::Environment => (milder(rule.severity), Confidence::Low),
        Trust::Parameter => (rule.severity, Confidence::Low),
    };
    let confidence = if flow.hint { Confidence::Low } else { confidence };
    (severity, if flow.guessed { less_sure(confidence) } else { confidence })
}

fn milder(severity: Severity) -> Severity {
    match severity {
        Severity::Critical => Severity::High,
        Severity::High => Severity::Medium,
        Severity::Medium | Severity::Low => Severity::Low,
    }
}

fn less_sure(confidence: Confidence) -> Confidence {
    match confidence {
        Confidence::High => Confidence::Medium,
        Confidence::Medium | Confidence::Low => Confidence::Low,
    }
}

/// Returns the rule's message with source and sink named: `Query string reaches an SQL statement (sqlite3.Cursor.execute)`.
fn message(rule: &RuleFile, flow: &Flow) -> String {
    let sink = name(&flow.sink);
    if flow.steps.len() < 2 {
        return format!("{} ({sink})", rule.message);
    }
    let what = name(&flow.what);
    let told = rule.message.get(..SUBJECT.len()).filter(|start| start.eq_ignore_ascii_case(SUBJECT));
    let rest = told.map(|start| &rule.message[start.len()..]);
    match (flow.trust, rest) {
        (Trust::Parameter, Some(rest)) => format!("A parameter {rest} ({sink}); a caller decides what it holds"),
        (Trust::Parameter, None) => {
            format!("{}: a parameter reaches {sink}; a caller decides what it holds", rule.message)
        }
        (_, Some(rest)) => capital(&format!("{what} {rest} ({sink})")),
        (_, None) => format!("{}: {what} reaches {sink}", rule.message),
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// Returns a name of the scanned code as it may be shown: without what looks like a secret, and not endless.
fn name(text: &str) -> String {
    let shown = shapes(text);
    match shown.char_indices().nth(MAX_NAME) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown,
    }
}

fn tokens_at(file: &SourceFile, range: &Range<usize>) -> Vec<String> {
    let root = file.document.root().get_inner_node();
    let node = root.descendant_for_byte_range(range.start, range.end.max(range.start + 1) - 1);
    node.map(|node| tokens(&file.document.adopt(node), file, false)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::of;
    use crate::change::text::Text;
    use crate::detect::flow::catalog::schema::Trust;
    use crate::detect::flow::{Flow, FlowStep, Flows, Loaded, StepKind, lower};
    use crate::detect::rules::{RuleSet, RuleSource};
    use crate::finding::{Confidence, Finding, Severity};
    use crate::path::RepoPath;
    use crate::redact::Redactor;
    use crate::syntax::language::Language;
    use crate::syntax::{Limits, SourceFile, parse};
    use std::sync::Arc;
    use std::time::Duration;

    const RULE: &str = "id: x-flow-sql\nmessage: request data reaches an SQL statement\nseverity: critical\n\
        confidence: high\ncwe: [CWE-89]\nflow: { class: sql }\nwhy: w\nfix: f\nreferences: []\n\
        examples: { bad: [a, b], good: [c, d] }\n";
    const CODE: &str = "def f(q):\n    x = request.args['q']\n    db.execute(x)\n    db.execute(escape(x))\n";

    fn file(path: &str, code: &str) -> SourceFile {
        let text = Text { text: code.into(), notes: Vec::new() };
        let limits = Limits { time: Duration::from_secs(5), depth: 100 };
        parse(&RepoPath::from(path), Language::Python, &text, &limits).expect("small")
    }

    fn step(file: usize, code: &str, what: &str, kind: StepKind) -> FlowStep {
        let at = u32::try_from(code.find(what).expect("it is there")).expect("small");
        FlowStep { file, range: (at, at + u32::try_from(what.len()).expect("small")), kind }
    }

    fn flow(trust: Trust, sink: &str) -> Flow {
        Flow {
            class: "sql".into(),
            trust,
            what: "query string".into(),
            sink: "sqlite3.Cursor.execute".into(),
            steps: vec![
                step(0, CODE, "request.args['q']", StepKind::Source),
                step(0, CODE, "x =", StepKind::Assign("x".into())),
                step(0, CODE, sink, StepKind::Sink),
            ],
            sanitizers: vec![("html.escape".into(), vec!["xss".into()])],
            guessed: false,
            hint: false,
        }
    }

    fn findings(flows: Flows) -> Vec<Finding> {
        let (folder, stem) = ("python".into(), "x-flow-sql".into());
        let rules = RuleSet::new(vec![RuleSource { folder, stem, origin: "own".into(), text: RULE.to_owned().into() }]);
        let wanted = rules.flow_rules(Language::Python).expect("one rule");
        let mut secrets = Redactor::default();
        secrets.learn("hunter2");
        of(&flows, &file("app.py", CODE), &rules, wanted, Some(&secrets)).expect("one rule")
    }

    fn found(flow: Flow) -> Finding {
        let mut found = findings(Flows { flows: vec![flow], ..Flows::default() });
        assert_eq!(found.len(), 1);
        found.remove(0)
    }

    #[test]
    fn severity_and_confidence_follow_the_source() {
        let judged = |trust, guessed| {
            let finding = found(Flow { guessed, ..flow(trust, "db.execute(x)") });
            (finding.severity, finding.confidence, finding.advisory)
        };
        assert_eq!(judged(Trust::Remote, false), (Severity::Critical, Confidence::High, false));
        assert_eq!(judged(Trust::Remote, true), (Severity::Critical, Confidence::Medium, false));
        assert_eq!(judged(Trust::Stored, false), (Severity::Critical, Confidence::Medium, false));
        assert_eq!(judged(Trust::Environment, false), (Severity::High, Confidence::Low, false));
        assert_eq!(judged(Trust::Parameter, false), (Severity::Critical, Confidence::Low, true));
    }

    #[test]
    fn the_message_names_source_and_sink_and_a_parameter_says_that_a_caller_decides() {
        let message = |trust| found(flow(trust, "db.execute(x)")).message;
        assert_eq!(message(Trust::Remote), "Query string reaches an SQL statement (sqlite3.Cursor.execute)");
        assert_eq!(
            message(Trust::Parameter),
            "A parameter reaches an SQL statement (sqlite3.Cursor.execute); a caller decides what it holds"
        );
        let alone = Flow { steps: vec![step(0, CODE, "db.execute(x)", StepKind::Sink)], ..flow(Trust::Own, "x") };
        assert_eq!(found(alone).message, "request data reaches an SQL statement (sqlite3.Cursor.execute)");
    }

    #[test]
    fn steps_carry_their_lines_and_a_new_source_of_an_old_sink_is_another_finding() {
        let first = found(flow(Trust::Remote, "db.execute(x)"));
        let steps = &first.flow().expect("a flow").steps;
        let shown: Vec<_> = steps.iter().map(|s| (s.kind.as_str(), s.span.start.line, s.line.as_str())).collect();
        let source = "x = request.args['q']";
        assert_eq!(shown, [("source", 2, source), ("assign", 2, source), ("sink", 3, "db.execute(x)")]);
        assert_eq!((first.location.symbol.as_str(), first.location.span.start.line), ("f", 3));
        let mut other = flow(Trust::Remote, "db.execute(x)");
        other.steps[0] = step(0, CODE, "q", StepKind::Source);
        assert_ne!(found(other).fingerprint, first.fingerprint);
    }

    #[test]
    fn a_sink_is_shown_where_it_is_and_ways_between_the_same_ends_are_one() {
        const OTHER: &str = "def run(sql):\n    db.execute(sql)\n";
        let other = file("lib/db.py", OTHER);
        let module = lower::lower(&other);
        let mut far = flow(Trust::Remote, "db.execute(x)");
        far.steps[2] = step(1, OTHER, "db.execute(sql)", StepKind::Sink);
        let mut longer = far.clone();
        longer.steps.insert(1, step(0, CODE, "x", StepKind::Through("y".into())));
        longer.guessed = true;
        let files = vec![Arc::new(Loaded { file: other, module })];
        let found = findings(Flows { flows: vec![longer, far], files, settled: Vec::new(), incomplete: None });
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].location.path.as_str(), found[0].location.symbol.as_str()), ("lib/db.py", "run"));
        assert_eq!(found[0].confidence, Confidence::High, "the surest way counts");
    }

    #[test]
    fn secrets_are_shown_nowhere_and_the_fingerprint_does_not_tell_them() {
        let code = |password: &str| format!("def run(sql):\n    connect('{password}').execute(sql)\n");
        let found = |password: &str| {
            let code = code(password);
            let other = file("lib/db.py", &code);
            let module = lower::lower(&other);
            let mut far = flow(Trust::Remote, "db.execute(x)");
            far.steps[2] = step(1, &code, &format!("connect('{password}').execute(sql)"), StepKind::Sink);
            let files = vec![Arc::new(Loaded { file: other, module })];
            findings(Flows { flows: vec![far], files, settled: Vec::new(), incomplete: None }).remove(0)
        };
        let finding = found("hunter2");
        let shown = format!("{:?}{:?}{}", finding.excerpt, finding.evidence, finding.message);
        assert!(shown.contains("connect('*******')") && !shown.contains("hunter2"), "{shown}");
        assert_eq!(finding.fingerprint, found("*******").fingerprint);
        assert_ne!(finding.key, found("*******").key);
    }

    #[test]
    fn sanitizers_say_what_they_help_against() {
        let mut met = flow(Trust::Remote, "db.execute(escape(x))");
        met.steps.insert(2, step(0, CODE, "escape(x)", StepKind::Sanitized("html.escape".into())));
        let evidence = found(met);
        let evidence = evidence.flow().expect("a flow");
        let said = "`html.escape` helps against xss, not against sql: it leaves what does harm in an SQL statement";
        assert_eq!(evidence.steps[2].what, said);
    }

    #[test]
    fn what_is_said_twice_of_a_line_is_said_once() {
        let mut twice = flow(Trust::Remote, "db.execute(x)");
        for what in ["execute(x)", "db.execute(x)", "db.execute(escape(x))"] {
            twice.steps.insert(twice.steps.len() - 1, step(0, CODE, what, StepKind::Part));
        }
        let evidence = found(twice);
        let steps = &evidence.flow().expect("a flow").steps;
        let parts: Vec<u32> = steps.iter().filter(|s| s.kind == "part").map(|s| s.span.start.line).collect();
        assert_eq!(parts, [3, 4]);
    }
}
