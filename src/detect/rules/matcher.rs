//! Compiled rules, and the walk that matches them.

use super::schema::{RuleFile, RuleProblem};
use super::words::{Clause, Words};
use super::{RuleError, RuleSet, RuleSource};
use crate::detect::{Deadline, Detections, Detector, excerpt::excerpt, gap};
use crate::finding::{Evidence, Finding, Fingerprint, GapKind, Location, MatchKey};
use crate::redact::Redactor;
use crate::syntax::SourceFile;
use crate::syntax::language::{Language, Role};
use ast_grep_config::{DeserializeEnv, RuleCore};
use ast_grep_core::Matcher;
use ast_grep_core::matcher::MatcherExt;
use ast_grep_core::tree_sitter::StrDoc;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

type Node<'a> = ast_grep_core::Node<'a, StrDoc<Language>>;

/// How many nodes are visited between two looks at the clock.
const CLOCK_EVERY: u32 = 64;

/// The rules of one language.
pub struct Compiled {
    rules: Vec<Rule>,
    words: Words,
    language: Language,
    digest: String,
}

struct Rule {
    source: RuleSource,
    file: OnceLock<Result<Arc<RuleFile>, RuleError>>,
    ready: OnceLock<Result<Ready, RuleError>>,
}

/// A rule, ready to match.
pub(super) struct Ready {
    file: Arc<RuleFile>,
    core: RuleCore,
    /// Kinds of nodes that it can match.
    kinds: Vec<usize>,
}

impl std::fmt::Debug for Compiled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Compiled({} rules)", self.rules.len())
    }
}

impl Compiled {
    /// Takes rules for a language with the words that they need; none is read or compiled yet.
    pub(super) fn new(rules: Vec<(RuleSource, Vec<Clause>)>, language: Language, digest: &str) -> Self {
        let (sources, clauses): (Vec<RuleSource>, Vec<Vec<Clause>>) = rules.into_iter().unzip();
        let words = Words::new(&clauses);
        let rule = |source| Rule { source, file: OnceLock::new(), ready: OnceLock::new() };
        let rules = sources.into_iter().map(rule).collect();
        Self { rules, words, language, digest: digest.to_owned() }
    }

    /// Returns how many rules there are.
    pub(super) fn len(&self) -> usize {
        self.rules.len()
    }

    /// Compiles a rule, or returns what came of it before.
    pub(super) fn compile(&self, number: usize) -> Result<&Ready, RuleError> {
        let rule = &self.rules[number];
        let make = || Ready::new(rule.file()?, self.language);
        rule.ready.get_or_init(make).as_ref().map_err(Clone::clone)
    }

    /// Returns the rules whose words the text holds.
    fn needed(&self, text: &str) -> Result<Vec<&Ready>, RuleError> {
        self.words.rules_for(text).into_iter().map(|number| self.compile(number)).collect()
    }

    /// Returns the rules that match somewhere in a file, with the nodes that they match; outermost
    /// matches only. `None` where the deadline passed.
    fn matches<'a, 'r>(
        needed: &[&'r Ready],
        file: &'a SourceFile,
        deadline: Deadline,
    ) -> Option<Vec<(&'r Ready, Node<'a>)>> {
        let mut by_kind: Vec<Vec<usize>> = Vec::new();
        for (i, ready) in needed.iter().enumerate() {
            for kind in &ready.kinds {
                if by_kind.len() <= *kind {
                    by_kind.resize(kind + 1, Vec::new());
                }
                by_kind[*kind].push(i);
            }
        }
        let mut found: Vec<(&Ready, Node<'a>)> = Vec::new();
        let mut covered = vec![0usize; needed.len()];
        let root = file.document.root();
        for (count, node) in (0u32..).zip(root.dfs()) {
            if count % CLOCK_EVERY == 0 && deadline.passed() {
                return None;
            }
            let Some(candidates) = by_kind.get(node.kind_id() as usize) else { continue };
            for &i in candidates {
                let ready = needed[i];
                if node.range().end > covered[i] && ready.core.match_node(node.clone()).is_some() {
                    covered[i] = node.range().end;
                    found.push((ready, node.clone()));
                }
            }
        }
        Some(found)
    }

    fn finding(&self, rule: &RuleFile, node: &Node<'_>, file: &SourceFile, redactor: &Redactor) -> Finding {
        let range = node.range();
        let symbol = crate::redact::shapes(file.symbol_at(&range));
        let full = tokens(node, file, false);
        let public = if rule.secret { tokens(node, file, true) } else { full.clone() };
        let key = MatchKey::new(rule.id.as_str(), &symbol, &full);
        Finding {
            rule: rule.id.clone(),
            message: rule.message.clone(),
            severity: rule.severity,
            confidence: rule.confidence,
            cwe: rule.cwe.clone(),
            fingerprint: Fingerprint::new(rule.id.as_str(), &symbol, &public),
            aliases: rule.aliases.iter().map(|id| Fingerprint::new(id, &symbol, &public)).collect(),
            evidence: vec![Evidence::Rule { rules: self.digest.clone() }],
            why: rule.why.trim().to_owned(),
            fix: rule.fix.trim().to_owned(),
            references: rule.references.clone(),
            excerpt: excerpt(file, &range, redactor),
            advisory: false,
            in_tests: file.is_test_code(&range),
            key: if rule.secret { key } else { key.with_values(&values(node, file)) },
            location: Location { path: file.path.clone(), span: file.span(range), symbol },
        }
    }
}

impl Rule {
    /// Reads the rule's file when it is first asked for.
    fn file(&self) -> Result<Arc<RuleFile>, RuleError> {
        self.file.get_or_init(|| self.source.read().map(Arc::new)).clone()
    }
}

impl Ready {
    fn new(file: Arc<RuleFile>, language: Language) -> Result<Self, RuleError> {
        let refuse = |what: String| RuleError {
            origin: file.id.to_string(),
            problem: RuleProblem::Match { language: language.name(), what },
        };
        let core = file.core().map_err(refuse)?;
        let core = core.get_matcher(DeserializeEnv::new(language)).map_err(|error| refuse(chain(&error)))?;
        let any_kind = || refuse("it could match any kind of node; begin with a `pattern` or a `kind`".into());
        let kinds = core.potential_kinds().ok_or_else(any_kind)?.iter().collect();
        Ok(Self { file, core, kinds })
    }
}

/// Matches a rule set as a detector.
#[derive(Debug)]
pub struct RuleDetector<'a> {
    /// The rules.
    pub rules: &'a RuleSet,
}

impl Detector for RuleDetector<'_> {
    fn detect(&self, file: &SourceFile, deadline: Deadline) -> Detections {
        let needed = self.rules.for_language(file.language).and_then(|c| c.needed(file.text()).map(|n| (c, n)));
        let (compiled, needed) = match needed {
            Ok(needed) => needed,
            Err(error) => {
                let gaps = vec![gap(GapKind::Environment, &file.path, error.to_string())];
                return Detections { gaps, ..Detections::default() };
            }
        };
        let Some(matches) = Compiled::matches(&needed, file, deadline) else {
            let gaps = vec![gap(GapKind::Time, &file.path, "matching rules ran into the time limit")];
            return Detections { gaps, ..Detections::default() };
        };
        let mut redactor = Redactor::default();
        for (rule, node) in &matches {
            if rule.file.secret {
                redactor.learn_match(literals(node, file).map(|range| literal_text(file.text(), range)));
            }
        }
        let findings = matches.iter().map(|(rule, node)| compiled.finding(&rule.file, node, file, &redactor)).collect();
        Detections { findings, gaps: Vec::new(), redactor }
    }
}

fn literals<'a>(node: &'a Node<'_>, file: &'a SourceFile) -> impl Iterator<Item = Range<usize>> + 'a {
    let kinds = file.language.kinds();
    node.dfs().filter(move |n| kinds.role(n.kind_id()) == Role::Literal).map(|n| n.range())
}

/// Returns what stands between the delimiters of a literal.
fn literal_text(text: &str, range: Range<usize>) -> &str {
    let literal = text.get(range).unwrap_or_default();
    let open = literal.find(['"', '\'', '`']).unwrap_or(0);
    literal[open..].trim_matches(|c| matches!(c, '"' | '\'' | '`' | '#'))
}

/// Returns the leaf tokens of a node in a form that formatting does not change: comments, semicolons and trailing
/// commas dropped, quotes made equal; with `mask`, literals reduced to one token.
fn tokens(node: &Node<'_>, file: &SourceFile, mask: bool) -> Vec<String> {
    let kinds = file.language.kinds();
    let mut out: Vec<String> = Vec::new();
    let mut masked_to = 0;
    for leaf in node.dfs() {
        let range = leaf.range();
        if range.start < masked_to {
            continue;
        }
        match kinds.role(leaf.kind_id()) {
            Role::Comment => masked_to = range.end,
            Role::Literal if mask => {
                masked_to = range.end;
                out.push("<literal>".into());
            }
            _ if leaf.is_leaf() => {
                let text = leaf.text();
                let closes = matches!(text.as_ref(), ")" | "]" | "}");
                if closes && out.last().is_some_and(|t| t == ",") {
                    out.pop();
                }
                match text.trim() {
                    "" | ";" => {}
                    quoted if quoted.ends_with(['\'', '`']) && quoted.len() <= 4 => {
                        out.push(quoted.replace(['\'', '`'], "\""))
                    }
                    token => out.push(token.to_owned()),
                }
            }
            _ => {}
        }
    }
    out
}

/// Returns the names and literals that give a node its values, in their order and without white space. An argument or a
/// field with a name of its own and a constant value is left out: it only says how.
fn values(node: &Node<'_>, file: &SourceFile) -> Vec<String> {
    let kinds = file.language.kinds();
    let is_name = |n: &Node<'_>| n.is_leaf() && n.kind().ends_with("identifier");
    let mut out = Vec::new();
    let mut passed = 0;
    for part in node.dfs().filter(|n| n.is_named()) {
        let range = part.range();
        if range.start < passed {
            continue;
        }
        let option = matches!(part.kind().as_ref(), "keyword_argument" | "pair");
        if kinds.role(part.kind_id()) == Role::Comment || (option && part.dfs().filter(is_name).nth(1).is_none()) {
            passed = range.end;
        } else if part.is_leaf() && !matches!(part.kind().as_ref(), "string_start" | "string_end") {
            out.extend(part.text().split_whitespace().map(str::to_owned));
        }
    }
    out
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}
