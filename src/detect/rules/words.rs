//! Which words a file has to hold for a rule to match in it, read off the rule: a file without them is not matched, and
//! a rule that no file needs is not even compiled.
//!
//! Sound, not complete: a rule of which nothing can be told applies to every file. Case is ignored throughout.

use aho_corasick::AhoCorasick;
use regex_syntax::ast::{Ast, parse::Parser};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// Words of which a file has to hold at least one.
pub(super) type Clause = Vec<String>;

/// Shorter words are in every file.
const MIN_WORD: usize = 3;
/// How far references from utility to utility are followed.
const MAX_DEPTH: u32 = 8;
/// Letters that are not ASCII but equal an ASCII letter where case is ignored.
const FOLDED: [char; 2] = ['\u{17f}', '\u{212a}'];

/// Returns clauses that all have to hold in a file for the rule to match in it.
pub(super) fn clauses(matching: &Value, utils: Option<&Value>) -> Vec<Clause> {
    let none = Map::new();
    Reader { utils: utils.and_then(Value::as_object).unwrap_or(&none) }.rule(matching, 0)
}

struct Reader<'a> {
    utils: &'a Map<String, Value>,
}

impl Reader<'_> {
    fn rule(&self, rule: &Value, depth: u32) -> Vec<Clause> {
        let Some(parts) = rule.as_object().filter(|_| depth < MAX_DEPTH) else { return Vec::new() };
        let mut clauses = Vec::new();
        for (key, part) in parts {
            match (key.as_str(), part) {
                ("regex", Value::String(regex)) => clauses.extend(of_regex(regex)),
                ("pattern", Value::String(pattern)) => clauses.extend(of_pattern(pattern)),
                ("has" | "inside" | "precedes" | "follows", part) => clauses.extend(self.rule(part, depth)),
                ("all", Value::Array(all)) => clauses.extend(all.iter().flat_map(|r| self.rule(r, depth))),
                ("any", Value::Array(any)) => clauses.extend(either(any.iter().map(|r| self.rule(r, depth)))),
                ("matches", Value::String(name)) => {
                    clauses.extend(self.utils.get(name).map(|r| self.rule(r, depth + 1)).unwrap_or_default());
                }
                _ => {}
            }
        }
        clauses
    }
}

/// Of several alternatives, each gives its most telling clause; one that has none makes the whole say nothing.
fn either(branches: impl Iterator<Item = Vec<Clause>>) -> Option<Clause> {
    let mut words = Clause::new();
    for clauses in branches {
        let shortest = |c: &Clause| c.iter().map(String::len).min().unwrap_or(0);
        let best = clauses.into_iter().max_by_key(|c| (shortest(c), std::cmp::Reverse(c.len())))?;
        words.extend(best);
    }
    words.sort();
    words.dedup();
    (!words.is_empty()).then_some(words)
}

/// Reads the words off a pattern: a variable (`$NAME`) stands for anything.
fn of_pattern(pattern: &str) -> Vec<Clause> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
    let words = pattern.split(|c| !is_word(c)).filter(|w| w.len() >= MIN_WORD && !w.contains('$'));
    words.map(|w| vec![w.to_ascii_lowercase()]).collect()
}

fn of_regex(regex: &str) -> Vec<Clause> {
    Parser::new().parse(regex).map(|ast| of_ast(&ast)).unwrap_or_default()
}

fn of_ast(ast: &Ast) -> Vec<Clause> {
    match ast {
        Ast::Group(group) => of_ast(&group.ast),
        Ast::Repetition(repetition) if at_least_once(repetition) => of_ast(&repetition.ast),
        Ast::Alternation(alternation) => either(alternation.asts.iter().map(of_ast)).into_iter().collect(),
        Ast::Concat(concat) => {
            let (mut clauses, mut run) = (Vec::new(), String::new());
            for part in &concat.asts {
                match part {
                    Ast::Literal(literal) if literal.c.is_ascii() => run.push(literal.c.to_ascii_lowercase()),
                    Ast::Assertion(_) | Ast::Empty(_) | Ast::Flags(_) => {}
                    part => {
                        clauses.extend(clause_of(&mut run));
                        clauses.extend(of_ast(part));
                    }
                }
            }
            clauses.extend(clause_of(&mut run));
            clauses
        }
        _ => Vec::new(),
    }
}

fn at_least_once(repetition: &regex_syntax::ast::Repetition) -> bool {
    use regex_syntax::ast::{RepetitionKind, RepetitionRange};
    match &repetition.op.kind {
        RepetitionKind::OneOrMore => true,
        RepetitionKind::Range(
            RepetitionRange::Exactly(n) | RepetitionRange::AtLeast(n) | RepetitionRange::Bounded(n, _),
        ) => *n > 0,
        RepetitionKind::ZeroOrOne | RepetitionKind::ZeroOrMore => false,
    }
}

fn clause_of(run: &mut String) -> Option<Clause> {
    let word = std::mem::take(run);
    (word.len() >= MIN_WORD).then(|| vec![word])
}

/// The words of all rules of a language, looked up in one pass over a file.
pub(super) struct Words {
    automaton: Option<AhoCorasick>,
    count: usize,
    /// For each rule its clauses, as numbers of words.
    rules: Vec<Vec<Vec<usize>>>,
}

impl Words {
    /// Makes the look-up from the clauses of each rule.
    pub(super) fn new(rules: &[Vec<Clause>]) -> Self {
        let mut words: Vec<&str> = Vec::new();
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        let mut number = |word| {
            *numbers.entry(word).or_insert_with(|| {
                words.push(word);
                words.len() - 1
            })
        };
        let rules = rules
            .iter()
            .map(|clauses| clauses.iter().map(|clause| clause.iter().map(|w| number(w.as_str())).collect()).collect())
            .collect();
        // An automaton that cannot be built (too many words) leaves every rule applied to every file.
        let automaton = AhoCorasick::builder().ascii_case_insensitive(true).build(&words).ok();
        Self { automaton, count: words.len(), rules }
    }

    /// Returns the numbers of the rules that can match in a text.
    pub(super) fn rules_for(&self, text: &str) -> Vec<usize> {
        let Some(automaton) = self.automaton.as_ref().filter(|_| !text.contains(FOLDED)) else {
            return (0..self.rules.len()).collect();
        };
        let mut held = vec![false; self.count];
        for found in automaton.find_overlapping_iter(text) {
            held[found.pattern().as_usize()] = true;
        }
        let fits = |clauses: &Vec<Vec<usize>>| clauses.iter().all(|c| c.iter().any(|word| held[*word]));
        self.rules.iter().enumerate().filter(|(_, clauses)| fits(clauses)).map(|(i, _)| i).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Words, clauses, of_regex};
    use serde_json::json;

    #[test]
    fn words_are_read_off_regular_expressions() {
        let words = |regex| of_regex(regex).iter().map(|c| c.join("|")).collect::<Vec<_>>().join(" ");
        assert_eq!(words(r"(?i)^(?:\w+\.)*(select|insert)\s+(into)?\b"), "insert|select");
        assert_eq!(words(r"abc+de{2,}fgh|xyz"), "fgh|xyz");
        assert_eq!(words(r"(?:foo)?ba"), "");
        assert_eq!(words(r"https?://"), "http ://");
        assert_eq!(words(r"((("), "");
    }

    #[test]
    fn a_rule_is_applied_only_where_its_words_are() {
        let rule = json!({
            "kind": "call",
            "all": [{ "has": { "regex": "^Eval$" } }, { "not": { "regex": "constant" } }],
            "any": [{ "pattern": "run($X)" }, { "matches": "known" }],
        });
        let utils = json!({ "known": { "regex": "start|begin" } });
        let rule = clauses(&rule, Some(&utils));
        let words = Words::new(&[rule, Vec::new()]);
        assert_eq!(words.rules_for("run(EVAL)"), [0, 1]);
        assert_eq!(words.rules_for("eval(begin)"), [0, 1]);
        assert_eq!(words.rules_for("eval(x)"), [1]);
        assert_eq!(words.rules_for("\u{17f}"), [0, 1], "a letter that folds to ASCII switches the shortcut off");
    }
}
