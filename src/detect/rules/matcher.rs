//! Compiled rules, and the walk that matches them.

use super::schema::{RuleFile, RuleProblem};
use super::words::{Clause, Held, Words};
use super::{RuleError, RuleSet, RuleSource};
use crate::causes::chain;
use crate::deadline::Deadline;
use crate::detect::{Context, Detections, Detector, excerpt::excerpt, gap};
use crate::finding::{Evidence, Finding, Fingerprint, GapKind, Location, MatchKey};
use crate::redact::Redactor;
use crate::syntax::SourceFile;
use crate::syntax::language::{Language, Role};
use ast_grep_config::{DeserializeEnv, RuleCore, SerializableRule, SerializableRuleCore};
use ast_grep_core::Matcher;
use ast_grep_core::language::Language as _;
use ast_grep_core::matcher::MatcherExt;
use ast_grep_core::tree_sitter::StrDoc;
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

pub(in crate::detect) type Node<'a> = ast_grep_core::Node<'a, StrDoc<Language>>;

/// How often rules are matched between two looks at the clock.
const CLOCK_EVERY: u32 = 64;

/// The rules of one language.
pub struct Compiled {
    rules: Vec<Rule>,
    words: Words,
    language: Language,
    digest: String,
}

/// What is known of a rule before it is read.
#[derive(Default)]
pub(super) struct Hints {
    /// Words that every node it matches has to hold.
    pub(super) near: Cow<'static, [Clause]>,
    /// Words that the file has to hold.
    pub(super) clauses: Cow<'static, [Clause]>,
    /// Kinds of nodes that it can match, where they can be told.
    pub(super) kinds: &'static [String],
    /// A weaker rule that is cheaper to compile.
    pub(super) sketch: Option<&'static Value>,
}

struct Rule {
    source: RuleSource,
    file: OnceLock<Result<Arc<RuleFile>, RuleError>>,
    ready: OnceLock<Result<Ready, RuleError>>,
    kinds: Vec<usize>,
    sketch: Option<&'static Value>,
    sketched: OnceLock<Option<Core>>,
}

/// A rule, ready to match.
pub(super) struct Ready {
    file: Arc<RuleFile>,
    core: Core,
}

/// What ast-grep made of a rule or of its sketch.
struct Core {
    matcher: RuleCore,
    /// Kinds of nodes that it can match.
    kinds: Vec<usize>,
}

/// A rule whose words a file holds.
struct Candidate<'r> {
    number: usize,
    kinds: &'r [usize],
    ready: Option<&'r Ready>,
    /// End of the last match: only the outermost counts.
    covered: usize,
}

/// A rule that matches, and where.
type Matched<'a, 'r> = (&'r Ready, Node<'a>);

impl std::fmt::Debug for Compiled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Compiled({} rules)", self.rules.len())
    }
}

impl Compiled {
    /// Takes rules for a language with what is known of them; none is read or compiled yet.
    pub(super) fn new(rules: Vec<(RuleSource, Hints)>, language: Language, digest: &str) -> Self {
        let words = Words::new(rules.iter().map(|(_, hints)| (&*hints.near, &*hints.clauses)));
        let rule = |(source, hints): (RuleSource, Hints)| Rule {
            source,
            file: OnceLock::new(),
            ready: OnceLock::new(),
            kinds: hints.kinds.iter().map(|kind| usize::from(language.kind_to_id(kind))).collect(),
            sketch: hints.sketch,
            sketched: OnceLock::new(),
        };
        let rules = rules.into_iter().map(rule).collect();
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

    /// Returns the rules whose words a file holds. Those of which the kinds are known are not compiled for it.
    fn needed(&self, held: &Held<'_>) -> Result<Vec<Candidate<'_>>, RuleError> {
        let candidate = |number: usize| {
            let rule = &self.rules[number];
            let known = rule.ready.get().and_then(|r| r.as_ref().ok());
            if known.is_some() || !rule.kinds.is_empty() {
                let kinds = known.map_or(&rule.kinds, |ready| &ready.core.kinds);
                return Ok(Candidate { number, kinds, ready: known, covered: 0 });
            }
            let ready = self.compile(number)?;
            Ok(Candidate { number, kinds: &ready.core.kinds, ready: Some(ready), covered: 0 })
        };
        held.rules().map(candidate).collect()
    }

    /// Returns the rules that match somewhere in a file, with the nodes that they match; outermost
    /// matches only. `None` where the deadline passed.
    fn matches<'a, 'r>(
        &'r self,
        file: &'a SourceFile,
        deadline: Deadline,
    ) -> Result<Option<Vec<Matched<'a, 'r>>>, RuleError> {
        let held = self.words.held(file.text());
        let mut needed = self.needed(&held)?;
        let mut by_kind: Vec<Vec<usize>> = Vec::new();
        for (i, candidate) in needed.iter().enumerate() {
            for kind in candidate.kinds {
                if by_kind.len() <= *kind {
                    by_kind.resize(kind + 1, Vec::new());
                }
                by_kind[*kind].push(i);
            }
        }
        let mut found = Vec::new();
        let root = file.document.root();
        let mut cursor = root.get_inner_node().walk();
        let mut looked = 0u32;
        for (number, mark) in file.outline.nodes.iter().enumerate() {
            let Some(candidates) = by_kind.get(mark.kind as usize) else { continue };
            let (range, mut node) = (mark.range(), None);
            for &i in candidates {
                let candidate = &mut needed[i];
                if range.end <= candidate.covered || !held.within(candidate.number, &range) {
                    continue;
                }
                if looked.is_multiple_of(CLOCK_EVERY) && deadline.passed() {
                    return Ok(None);
                }
                looked += 1;
                let node: &Node<'a> = node.get_or_insert_with(|| {
                    cursor.goto_descendant(number);
                    file.document.adopt(cursor.node())
                });
                if let Some(ready) = self.match_at(candidate, node)? {
                    candidate.covered = range.end;
                    found.push((ready, node.clone()));
                }
            }
        }
        Ok(Some(found))
    }

    /// Says whether a rule matches a node; compiles it where its sketch does.
    fn match_at<'r>(&'r self, candidate: &mut Candidate<'r>, node: &Node<'_>) -> Result<Option<&'r Ready>, RuleError> {
        let ready = match candidate.ready {
            Some(ready) => ready,
            None => {
                let sketched = self.rules[candidate.number].sketched(self.language);
                if sketched.is_some_and(|core| core.matcher.match_node(node.clone()).is_none()) {
                    return Ok(None);
                }
                *candidate.ready.insert(self.compile(candidate.number)?)
            }
        };
        Ok(ready.core.matcher.match_node(node.clone()).map(|_| ready))
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

    /// Compiles the rule's sketch when it is first asked for; one that cannot be used is as good as none.
    fn sketched(&self, language: Language) -> Option<&Core> {
        let make = || {
            let rule = SerializableRule::deserialize(self.sketch?).ok()?;
            let core = SerializableRuleCore { rule, constraints: None, utils: None, transform: None };
            Core::new(&core, language).ok()
        };
        self.sketched.get_or_init(make).as_ref()
    }
}

impl Core {
    fn new(rule: &SerializableRuleCore, language: Language) -> Result<Self, String> {
        let matcher = rule.get_matcher(DeserializeEnv::new(language)).map_err(|error| chain(&error).join(": "))?;
        let kinds =
            matcher.potential_kinds().ok_or("it could match any kind of node; begin with a `pattern` or a `kind`")?;
        Ok(Self { kinds: kinds.iter().collect(), matcher })
    }
}

impl Ready {
    fn new(file: Arc<RuleFile>, language: Language) -> Result<Self, RuleError> {
        let core = file.core().and_then(|core| Core::new(&core, language));
        match core {
            Ok(core) => Ok(Self { file, core }),
            Err(what) => Err(RuleError {
                origin: file.id.to_string(),
                problem: RuleProblem::Match { language: language.name(), what },
            }),
        }
    }
}

/// Matches a rule set as a detector.
#[derive(Debug)]
pub struct RuleDetector<'a> {
    /// The rules.
    pub rules: &'a RuleSet,
}

impl Detector for RuleDetector<'_> {
    fn detect(&self, file: &SourceFile, context: Context<'_>) -> Detections {
        let compiled = self.rules.for_language(file.language);
        let matched = compiled.and_then(|compiled| Ok((compiled, compiled.matches(file, context.deadline)?)));
        let (compiled, matches) = match matched {
            Ok((compiled, Some(matches))) => (compiled, matches),
            Ok((_, None)) => {
                let gaps = vec![gap(GapKind::Time, &file.path, "matching rules ran into the time limit")];
                return Detections { gaps, ..Detections::default() };
            }
            Err(error) => {
                let gaps = vec![gap(GapKind::Environment, &file.path, error.to_string())];
                return Detections { gaps, ..Detections::default() };
            }
        };
        let mut redactor = Redactor::default();
        for (rule, node) in &matches {
            if rule.file.secret {
                redactor.learn_match(literals(node, file).map(|range| literal_text(file.text(), range)));
            }
        }
        let findings = matches.iter().map(|(rule, node)| compiled.finding(&rule.file, node, file, &redactor)).collect();
        Detections { findings, redactor, ..Detections::default() }
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
pub(in crate::detect) fn tokens(node: &Node<'_>, file: &SourceFile, mask: bool) -> Vec<String> {
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

#[cfg(test)]
mod tests {
    use super::super::load::embedded;
    use super::super::{RuleSet, RuleSource, folder_serves};
    use crate::change::text::Text;
    use crate::path::RepoPath;
    use crate::syntax::language::{LANGUAGES, Language};
    use crate::syntax::{Limits, SourceFile, parse};
    use ast_grep_core::matcher::MatcherExt;
    use std::time::Duration;

    fn parsed(language: Language, text: &str) -> SourceFile {
        let text = Text { text: text.to_owned(), notes: vec![] };
        let limits = Limits { time: Duration::from_secs(60), depth: 10_000 };
        parse(&RepoPath::from("a"), language, &text, &limits).expect("small")
    }

    /// What is told of a rule before it is compiled must never hide a match: not the words, not the kinds, not the sketch.
    #[test]
    fn hints_hold_wherever_the_rule_matches() {
        for language in LANGUAGES.iter().map(|r| r.language) {
            let serves = |s: &RuleSource| folder_serves(&s.folder, language);
            let set = RuleSet::new(embedded().into_iter().filter(serves).collect());
            let compiled = set.for_language(language).expect("our own rules");
            let files = set.files().expect("our own rules");
            let examples = files.iter().flat_map(|f| f.examples.bad.iter().chain(&f.examples.good));
            let examples: Vec<SourceFile> = examples.map(|e| parsed(language, e)).collect();
            let mut matched = 0;
            for number in 0..compiled.len() {
                let ready = compiled.compile(number).expect("our own rules");
                let rule = &compiled.rules[number];
                for file in &examples {
                    let held = compiled.words.held(file.text());
                    for node in
                        file.document.root().dfs().filter(|n| ready.core.matcher.match_node(n.clone()).is_some())
                    {
                        let (id, kind) = (&ready.file.id, usize::from(node.kind_id()));
                        assert!(held.rules().any(|n| n == number), "{id}: words of the file, in {}", file.text());
                        assert!(held.within(number, &node.range()), "{id}: words of the node, in {}", node.text());
                        assert!(rule.kinds.is_empty() || rule.kinds.contains(&kind), "{id}: kind {}", node.kind());
                        let sketched = rule.sketched(language);
                        assert!(sketched.is_none_or(|s| s.matcher.match_node(node.clone()).is_some()), "{id}: sketch");
                        assert_eq!(rule.sketch.is_some(), sketched.is_some(), "{id}: the sketch cannot be used");
                        matched += 1;
                    }
                }
            }
            assert!(matched > compiled.len(), "{language:?}: {matched} matches");
        }
    }

    #[test]
    fn every_node_is_found_again_by_its_number() {
        let files = embedded();
        for (language, folder) in
            LANGUAGES.iter().map(|r| (r.language, if r.name == "tsx" { "typescript" } else { r.name }))
        {
            for source in files.iter().filter(|s| s.folder == folder && !s.is_catalog()) {
                let rule = source.read().expect("our own rules");
                for example in rule.examples.bad.iter().chain(&rule.examples.good) {
                    let file = parsed(language, example);
                    let root = file.document.root();
                    let mut cursor = root.get_inner_node().walk();
                    let nodes: Vec<_> = root.dfs().collect();
                    assert_eq!(nodes.len(), file.outline.nodes.len());
                    for (number, (node, mark)) in nodes.iter().zip(&file.outline.nodes).enumerate().rev() {
                        cursor.goto_descendant(number);
                        assert_eq!(cursor.node(), node.get_inner_node(), "node {number} of {example}");
                        assert_eq!((mark.kind, mark.range()), (node.kind_id(), node.range()));
                    }
                }
            }
        }
    }
}
