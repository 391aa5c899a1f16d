//! Which words a file has to hold for a rule to match in it, read off the rule: a file without them is not matched, and
//! a rule that no file needs is not even compiled.
//!
//! Sound, not complete: a rule of which nothing can be told applies to every file. Case is ignored throughout.

use crate::detect::finder::Finder;
use regex_syntax::ast::{Ast, parse::Parser};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::ops::Range;

/// Words of which a file has to hold at least one.
pub(super) type Clause = Vec<String>;

/// Shorter words are in every file.
const MIN_WORD: usize = 3;
/// How far references from utility to utility are followed.
const MAX_DEPTH: u32 = 8;
/// Letters that are not ASCII but equal an ASCII letter where case is ignored.
const FOLDED: [char; 2] = ['\u{17f}', '\u{212a}'];

/// Where words are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// In the node that is matched.
    Node,
    /// Anywhere in the file.
    File,
}

/// Returns clauses that all have to hold for the rule to match.
pub(super) fn clauses(matching: &Value, utils: Option<&Value>, reach: Reach) -> Vec<Clause> {
    let none = Map::new();
    Reader { utils: utils.and_then(Value::as_object).unwrap_or(&none), reach }.rule(matching, 0)
}

struct Reader<'a> {
    utils: &'a Map<String, Value>,
    reach: Reach,
}

impl Reader<'_> {
    fn rule(&self, rule: &Value, depth: u32) -> Vec<Clause> {
        let Some(parts) = rule.as_object().filter(|_| depth < MAX_DEPTH) else { return Vec::new() };
        let mut clauses = Vec::new();
        for (key, part) in parts {
            match (key.as_str(), part) {
                ("regex", Value::String(regex)) => clauses.extend(of_regex(regex)),
                ("pattern", Value::String(pattern)) => clauses.extend(of_pattern(pattern)),
                ("has", part) => clauses.extend(self.rule(part, depth)),
                ("inside" | "precedes" | "follows", part) if self.reach == Reach::File => {
                    clauses.extend(self.rule(part, depth));
                }
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
    finder: Option<Finder>,
    /// Length of each word.
    lengths: Vec<usize>,
    rules: Vec<Needs>,
}

/// Clauses of one rule, as numbers of words.
struct Needs {
    near: Vec<Vec<usize>>,
    far: Vec<Vec<usize>>,
}

/// The words that one file holds.
pub(super) struct Held<'w> {
    words: &'w Words,
    /// For each word where it begins, in order; `None` where any rule may match anywhere.
    places: Option<Vec<Vec<usize>>>,
}

impl Words {
    /// Makes the look-up from the clauses of each rule: those of its node, and further ones of the file.
    pub(super) fn new<'a>(rules: impl Iterator<Item = (&'a [Clause], &'a [Clause])>) -> Self {
        let mut words: Vec<&str> = Vec::new();
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        let mut number = |word: &'a String| {
            *numbers.entry(word).or_insert_with(|| {
                words.push(word);
                words.len() - 1
            })
        };
        let mut numbered = |clauses: &'a [Clause]| -> Vec<Vec<usize>> {
            clauses.iter().map(|clause| clause.iter().map(&mut number).collect()).collect()
        };
        let rules = rules.map(|(near, far)| Needs { near: numbered(near), far: numbered(far) }).collect();
        // An automaton that cannot be built (too many words) leaves every rule applied to every file.
        let lengths = words.iter().map(|w| w.len()).collect();
        let finder = Finder::new(words.into_iter().map(str::to_owned).collect(), true);
        Self { finder, lengths, rules }
    }

    /// Looks the words up in a text.
    pub(super) fn held(&self, text: &str) -> Held<'_> {
        let places = self.finder.as_ref().filter(|_| !text.contains(FOLDED)).map(|finder| {
            let mut places = vec![Vec::new(); self.lengths.len()];
            finder.find(text, |word, at| places[word].push(at));
            places
        });
        Held { words: self, places }
    }
}

impl Held<'_> {
    /// Returns the numbers of the rules that can match in the file.
    pub(super) fn rules(&self) -> impl Iterator<Item = usize> {
        let fits = |needs: &Needs| {
            let Some(places) = &self.places else { return true };
            needs.near.iter().chain(&needs.far).all(|clause| clause.iter().any(|word| !places[*word].is_empty()))
        };
        self.words.rules.iter().enumerate().filter(move |(_, needs)| fits(needs)).map(|(number, _)| number)
    }

    /// Says whether a rule can match a node with these bytes.
    pub(super) fn within(&self, rule: usize, range: &Range<usize>) -> bool {
        let Some(places) = &self.places else { return true };
        let holds = |word: &usize| {
            let starts = &places[*word];
            let next = starts.get(starts.partition_point(|start| *start < range.start));
            next.is_some_and(|start| start + self.words.lengths[*word] <= range.end)
        };
        self.words.rules[rule].near.iter().all(|clause| clause.iter().any(holds))
    }
}

#[cfg(test)]
mod tests {
    use super::{Reach, Words, clauses, of_regex};
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
        let rule = clauses(&rule, Some(&utils), Reach::File);
        let words = Words::new([(&*rule, &[][..]), (&[], &[])].into_iter());
        let rules_for = |text| words.held(text).rules().collect::<Vec<_>>();
        assert_eq!(rules_for("run(EVAL)"), [0, 1]);
        assert_eq!(rules_for("eval(begin)"), [0, 1]);
        assert_eq!(rules_for("eval(x)"), [1]);
        assert_eq!(rules_for("\u{17f}"), [0, 1], "a letter that folds to ASCII switches the shortcut off");
    }

    #[test]
    fn words_have_to_be_in_the_node_or_in_the_file() {
        let rule = json!({ "kind": "call", "has": { "regex": "^run$" }, "inside": { "regex": "handler" } });
        let (near, far) = (clauses(&rule, None, Reach::Node), clauses(&rule, None, Reach::File));
        assert_eq!((near.concat(), far.concat()), (vec!["run".into()], vec!["run".into(), "handler".into()]));
        let words = Words::new([(&*near, &*far)].into_iter());
        assert_eq!(words.held("run()").rules().count(), 0);
        let held = words.held("handler(run)");
        assert!(held.within(0, &(0..12)) && held.within(0, &(8..11)));
        assert!(!held.within(0, &(0..10)) && !held.within(0, &(9..12)));
    }
}
