//! The way of data from its source to where it does harm, as reports show it.

use super::model::FindingView;
use super::text;
use crate::finding::{Finding, FlowEvidence, FlowStep};
use crate::path::visible_lines;
use crate::redact::{path_shapes, shapes};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The way of data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FlowView {
    /// Whose data it is: `remote`, `peer`, `stored`, `operator`, `environment`, `parameter` or `own`.
    pub trust: String,
    /// What the source is, in words.
    pub what: String,
    /// What is called or assigned where it does harm.
    pub sink: String,
    /// From the source to the sink, both included.
    pub steps: Vec<StepView>,
    /// Calls on the way that make data harmless, but not for this sink.
    pub sanitizers: Vec<SanitizerView>,
    /// Whether the data went through code that is not known.
    pub guessed: bool,
}

/// One step of the way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepView {
    /// File, steering characters made visible.
    pub path: String,
    /// Lines and columns from 1; `end_column` is one past the last.
    pub start_line: u32,
    /// Column of the first character.
    pub start_column: u32,
    /// Last line.
    pub end_line: u32,
    /// One past the last column.
    pub end_column: u32,
    /// `source`, `assign`, `argument`, `return`, `sanitized`, `part`, `through` or `sink`.
    pub kind: String,
    /// What happens there, in words.
    pub what: String,
    /// The line of source it begins on, redacted.
    pub source: String,
}

/// A call that makes data harmless for other purposes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SanitizerView {
    /// What is called.
    pub path: String,
    /// The classes of weakness that it helps against.
    pub classes: Vec<String>,
}

impl FlowView {
    /// Returns the way that a finding rests on, where it rests on one.
    pub(super) fn of(finding: &Finding) -> Option<Self> {
        let FlowEvidence { trust, what, sink, steps, sanitizers, guessed } = finding.flow()?;
        let met = sanitizers.iter().map(|s| SanitizerView { path: clean(&s.path), classes: s.classes.clone() });
        Some(Self {
            trust: trust.clone(),
            what: clean(what),
            sink: clean(sink),
            steps: steps.iter().map(StepView::of).collect(),
            sanitizers: met.collect(),
            guessed: *guessed,
        })
    }

    /// Returns every text that can hold words of the scanned code: source lines, then names.
    pub(super) fn texts(&mut self) -> (Vec<&mut String>, Vec<&mut String>) {
        let (mut lines, mut names) = (Vec::new(), vec![&mut self.what, &mut self.sink]);
        for step in &mut self.steps {
            lines.push(&mut step.source);
            names.extend([&mut step.what, &mut step.path]);
        }
        names.extend(self.sanitizers.iter_mut().map(|s| &mut s.path));
        (lines, names)
    }
}

impl StepView {
    fn of(step: &FlowStep) -> Self {
        Self {
            path: path_shapes(&step.path.display()),
            start_line: step.span.start.line,
            start_column: step.span.start.column,
            end_line: step.span.end.line,
            end_column: step.span.end.column,
            kind: step.kind.clone(),
            what: clean(&step.what),
            source: step.line.clone(),
        }
    }
}

/// What a reader sees of a way: one entry a line of source that it leads over.
pub(super) struct Stop {
    /// `path:line`; empty for what is left out.
    pub(super) place: String,
    /// What happens there.
    pub(super) what: String,
    /// The line of source.
    pub(super) source: String,
}

/// Returns at most `max` stops of a finding's way; of a longer one the middle is left out, and one entry says so.
pub(super) fn stops(f: &FindingView, max: usize) -> Vec<Stop> {
    let mut stops: Vec<Stop> = Vec::new();
    for step in f.flow.iter().flat_map(|flow| &flow.steps) {
        let place = format!("{}:{}", text::line(&step.path), step.start_line);
        match stops.last_mut().filter(|last| last.place == place) {
            Some(last) => last.what.push_str(&format!(", {}", text::line(&step.what))),
            None => stops.push(Stop { place, what: text::line(&step.what), source: text::line(&step.source) }),
        }
    }
    if stops.len() > max && max > 1 {
        let left = stops.len() - (max - 1);
        let end = stops.split_off(stops.len() - (max - 1) / 2);
        stops.truncate(max - 1 - end.len());
        stops.push(Stop { place: String::new(), what: format!("{left} more lines"), source: String::new() });
        stops.extend(end);
    }
    stops
}

/// Returns the way in lines of plain text, numbered, at most `max`.
pub fn lines(f: &FindingView, max: usize) -> Vec<String> {
    let line = |(i, stop): (usize, Stop)| {
        let place = if stop.place.is_empty() { stop.place } else { format!("{}: ", stop.place) };
        let source = if stop.source.is_empty() { stop.source } else { format!(" | {}", text::clip(&stop.source, 120)) };
        format!("{}. {place}{}{source}", i + 1, text::clip(&stop.what, 200))
    };
    stops(f, max).into_iter().enumerate().map(line).collect()
}

/// Returns the way in a few words: where it begins, where it ends.
pub(super) fn brief(f: &FindingView) -> Option<String> {
    let flow = f.flow.as_ref()?;
    let (first, last) = (flow.steps.first()?, flow.steps.last()?);
    let place = |step: &StepView| format!("{}:{}", text::clip(&text::line(&step.path), 200), step.start_line);
    let (what, sink) = (text::clip(&text::line(&flow.what), 100), text::clip(&text::line(&flow.sink), 100));
    Some(match flow.steps.len() {
        1 => format!("sink {sink} at {}", place(last)),
        _ => format!("from {what} at {} to {sink} at {}", place(first), place(last)),
    })
}

/// Returns the way as SARIF's code flows; `location` makes the physical location of a step.
pub(super) fn code_flows(
    f: &FindingView,
    location: impl Fn(&StepView) -> Value,
    message: impl Fn(&str) -> String,
) -> Option<Value> {
    let flow = f.flow.as_ref().filter(|flow| !flow.steps.is_empty())?;
    let step = |(i, step): (usize, &StepView)| {
        let (kinds, importance) = match step.kind.as_str() {
            "source" => (json!(["acquire", "taint"]), "essential"),
            "sink" => (json!(["danger", "taint"]), "essential"),
            "argument" => (json!(["call", "taint"]), "important"),
            "return" => (json!(["return", "taint"]), "important"),
            "sanitized" => (json!(["caution", "taint"]), "important"),
            "through" => (json!(["unknown", "taint"]), "important"),
            _ => (json!(["value", "taint"]), "unimportant"),
        };
        json!({
            "location": { "physicalLocation": location(step), "message": { "text": message(&step.what) } },
            "kinds": kinds,
            "importance": importance,
            "executionOrder": i + 1,
        })
    };
    let steps: Vec<Value> = flow.steps.iter().enumerate().map(step).collect();
    Some(json!([{ "threadFlows": [{ "locations": steps }] }]))
}

fn clean(text: &str) -> String {
    shapes(&visible_lines(text))
}

#[cfg(test)]
mod tests {
    use super::{brief, lines, stops};
    use crate::report::sample;

    #[test]
    fn steps_on_one_line_are_one_stop_and_the_middle_of_a_long_way_is_counted() {
        let mut report = sample::blocked();
        let finding = report.findings.iter_mut().find(|f| f.flow.is_some()).expect("one with a way");
        let shown = lines(finding, 8);
        assert_eq!(shown.len(), 5, "{shown:?}");
        assert_eq!(shown[0], "1. app/views.py:12: query string comes in, put into `term` | term = request.args[\"q\"]");
        let said = "from query string at app/views.py:12 to sqlite3.Cursor.execute at app/db.py:40";
        assert_eq!(brief(finding).as_deref(), Some(said));
        let flow = finding.flow.as_mut().expect("a way");
        let step = flow.steps[3].clone();
        flow.steps.splice(3..3, (100..120).map(|n| super::StepView { start_line: n, ..step.clone() }));
        let cut = stops(finding, 8);
        assert_eq!(cut.len(), 8);
        assert_eq!((cut[0].place.as_str(), cut[7].place.as_str()), ("app/views.py:12", "app/db.py:40"));
        assert_eq!((cut[4].place.as_str(), cut[4].what.as_str()), ("", "18 more lines"));
        assert_eq!(stops(finding, usize::MAX).len(), 25);
        let flow = finding.flow.as_mut().expect("a way");
        flow.steps.drain(..flow.steps.len() - 1);
        assert_eq!(brief(finding).as_deref(), Some("sink sqlite3.Cursor.execute at app/db.py:40"));
    }
}
