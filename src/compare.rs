//! Which findings a change brings in: base and head compared as multisets, so that a move is old and a copy is new.
//!
//! Pure. Knows nothing of policy.

use crate::detect::Analysis;
use crate::finding::{Finding, RuleId};
use crate::path::RepoPath;
use crate::span::Span;
use std::collections::HashMap;

/// The findings of a change, told apart.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Comparison {
    /// At head, with whether the change brings it in; in report order.
    pub head: Vec<(Finding, Origin)>,
    /// At base and no longer at head.
    pub fixed: Vec<Finding>,
}

/// Where a finding at head comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The change brings it in.
    Introduced,
    /// It was there before.
    Existing,
    /// It was there before, and the change edits the code that it speaks of.
    Altered,
}

impl Origin {
    /// Returns the word used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Introduced => "introduced",
            Self::Existing => "existing",
            Self::Altered => "altered",
        }
    }
}

/// Weakness classes that say how something is done, whatever the values: an edit of such code leaves it as it was.
/// For all others an edit counts as one only where the same names and literals give the values.
const OF_MANNER: [&str; 10] =
    ["CWE-295", "CWE-326", "CWE-327", "CWE-328", "CWE-338", "CWE-352", "CWE-489", "CWE-614", "CWE-617", "CWE-1004"];

/// Compares the two sides of all files of a change together.
///
/// First by rule, symbol and tokens; what is left within a file by rule and tokens alone, for code that moved into
/// another function. From file to file only what has a symbol moves: a bare statement elsewhere is a new one.
/// What then is left of a rule in a function is [`Origin::Altered`] where the rule does not speak more often there than
/// before. Of equal findings those on lines the change did not add are taken for the old ones. Where the base side of a file
/// could not be analysed, only findings on added lines count as brought in.
///
/// `waived` says which findings the policy would let through where they stand. An old finding that was waived, or lay
/// in test code, does not make one old that counts: moving code out of a waived place brings it in.
pub fn compare(analyses: &[(&Analysis, AddedLines<'_>)], waived: &dyn Fn(&Finding) -> bool) -> Comparison {
    let mut fixed: Vec<Option<&Finding>> = analyses.iter().flat_map(|(a, _)| &a.before).map(Some).collect();
    let mut head: Vec<(&Finding, bool, Option<Origin>)> = Vec::new();
    let mut old_paths: Vec<&RepoPath> = Vec::new();
    for (analysis, lines) in analyses {
        for finding in &analysis.after {
            let on_added = lines.hold(finding);
            let known = (lines.only_added && !on_added).then_some(Origin::Existing);
            head.push((finding, on_added, known));
            // Data may be followed into another file; that one is looked for under the name that it has now.
            let here = finding.location.path == *lines.path;
            old_paths.push(if here { lines.old_path } else { &finding.location.path });
        }
    }
    let mut order: Vec<usize> = (0..head.len()).collect();
    order.sort_by_key(|i| head[*i].1);
    let stands_in = |old: &Finding, new: &Finding, old_path: &RepoPath, floats: bool| {
        let same_file = old.location.path == *old_path;
        (same_file || (!floats && !new.location.symbol.is_empty()))
            && (new.in_tests || !old.in_tests)
            && (waived(new) || !waived(old))
    };
    for (key, floats) in [(placed as fn(&Finding) -> [u8; 32], false), (floating, true)] {
        let mut at_base: HashMap<[u8; 32], Vec<usize>> = HashMap::new();
        for (i, finding) in fixed.iter().enumerate().rev() {
            if let Some(finding) = finding {
                at_base.entry(key(finding)).or_default().push(i);
            }
        }
        for &i in &order {
            let new = head[i].0;
            let Some(candidates) = at_base.get_mut(&key(new)).filter(|_| head[i].2.is_none()) else { continue };
            let fits = |old: &usize| fixed[*old].is_some_and(|f| stands_in(f, new, old_paths[i], floats));
            if let Some(at) = candidates.iter().rposition(fits) {
                fixed[candidates.remove(at)] = None;
                head[i].2 = Some(Origin::Existing);
            }
        }
    }
    pair_edits(analyses, &mut fixed, &mut head, |old, new, i| stands_in(old, new, old_paths[i], true));
    let mut head: Vec<_> =
        head.into_iter().map(|(f, _, origin)| (f.clone(), origin.unwrap_or(Origin::Introduced))).collect();
    head.sort_by(|(a, _), (b, _)| (&a.location, &a.rule).cmp(&(&b.location, &b.rule)));
    Comparison { head, fixed: fixed.into_iter().flatten().cloned().collect() }
}

/// Leaves one of several flows of the same rule into the same line: the surest, then the one that begins first. Each source
/// is compared by itself, so that a new one of an old sink is new; but who reads a line mends it for all of them.
pub fn once_per_line(head: &mut Vec<(Finding, Origin)>) {
    let rank = |f: &Finding| {
        let source =
            f.flow().and_then(|flow| flow.steps.first()).map(|s| (s.path != f.location.path, s.span.start_byte));
        (std::cmp::Reverse(f.confidence), source)
    };
    type Line = (RuleId, RepoPath, u32, bool, &'static str);
    let line = |f: &Finding, origin: Origin| -> Line {
        let at = &f.location;
        (f.rule.clone(), at.path.clone(), at.span.start.line, f.advisory, origin.as_str())
    };
    let mut best: HashMap<Line, usize> = HashMap::new();
    for (i, (finding, origin)) in head.iter().enumerate().filter(|(_, (f, _))| f.flow().is_some()) {
        let known = best.entry(line(finding, *origin)).or_insert(i);
        if rank(finding) < rank(&head[*known].0) {
            *known = i;
        }
    }
    let mut number = 0;
    head.retain(|(finding, origin)| {
        number += 1;
        finding.flow().is_none() || best.get(&line(finding, *origin)) == Some(&(number - 1))
    });
}

/// Pairs what is left of a rule in a function with what was there before, where the rule does not speak more often now.
fn pair_edits(
    analyses: &[(&Analysis, AddedLines<'_>)],
    fixed: &mut [Option<&Finding>],
    head: &mut [(&Finding, bool, Option<Origin>)],
    stands_in: impl Fn(&Finding, &Finding, usize) -> bool,
) {
    let mut growth: HashMap<(&RepoPath, &RuleId, &str), isize> = HashMap::new();
    for (analysis, lines) in analyses {
        let weighed = analysis.before.iter().map(|f| (f, -1)).chain(analysis.after.iter().map(|f| (f, 1)));
        for (f, weight) in weighed {
            *growth.entry((lines.old_path, &f.rule, &f.location.symbol)).or_default() += weight;
        }
    }
    for (i, (new, _, origin)) in head.iter_mut().enumerate().filter(|(_, (_, _, origin))| origin.is_none()) {
        let new = *new;
        let pairs = |old: &&Finding| {
            let place = (&old.location.path, &old.rule, old.location.symbol.as_str());
            is_edit(old, new) && stands_in(old, new, i) && growth.get(&place).is_some_and(|more| *more <= 0)
        };
        if let Some(old) = fixed.iter_mut().find(|old| old.as_ref().is_some_and(pairs)) {
            *old = None;
            *origin = Some(Origin::Altered);
        }
    }
}

/// Says whether one finding can be another one whose code was edited, and is no worse for it.
fn is_edit(old: &Finding, new: &Finding) -> bool {
    let of_manner = new.cwe.first().is_some_and(|class| OF_MANNER.contains(&class.as_str()));
    old.rule == new.rule
        && old.location.symbol == new.location.symbol
        && !new.location.symbol.is_empty()
        && new.severity <= old.severity
        && new.confidence <= old.confidence
        && old.key.values.is_some()
        && new.key.values.is_some()
        && (of_manner || new.key.values == old.key.values)
}

/// The added lines of a file at head, and whether they alone can hold what the change brings in.
#[derive(Debug, Clone, Copy)]
pub struct AddedLines<'a> {
    /// Path of the file at head.
    pub path: &'a RepoPath,
    /// Path of the file at base.
    pub old_path: &'a RepoPath,
    /// The lines.
    pub added: &'a crate::span::LineSet,
    /// True for patches and for files whose base side could not be analysed.
    pub only_added: bool,
}

impl AddedLines<'_> {
    /// Says whether a finding lies on added lines, or a step of the way that its data takes.
    fn hold(&self, finding: &Finding) -> bool {
        let on_added = |path: &RepoPath, span: &Span| {
            path == self.path && self.added.intersects(span.start.line, span.last_line())
        };
        let steps = finding.flow().map(|flow| flow.steps.as_slice()).unwrap_or_default();
        on_added(&finding.location.path, &finding.location.span) || steps.iter().any(|s| on_added(&s.path, &s.span))
    }
}

fn placed(finding: &Finding) -> [u8; 32] {
    finding.key.placed
}

fn floating(finding: &Finding) -> [u8; 32] {
    finding.key.floating
}

#[cfg(test)]
mod tests {
    use super::{AddedLines, Origin, compare};
    use crate::change::text::Text;
    use crate::change::{ChangedFile, Content, Status};
    use crate::detect::rules::matcher::RuleDetector;
    use crate::detect::rules::{RuleSet, load};
    use crate::detect::{Job, Options, Others, analyse};
    use crate::path::RepoPath;
    use Origin::{Altered, Existing, Introduced};
    use std::sync::LazyLock;

    static RULES: LazyLock<RuleSet> = LazyLock::new(|| RuleSet::new(load::embedded()));

    fn origins(name: &str, before: &str, after: &str) -> Vec<Origin> {
        let content = |text: &str| Content::Text(Text { text: text.to_owned(), notes: Vec::new() });
        let file = ChangedFile::compare(RepoPath::from(name), None, Status::Modified, content(before), content(after));
        let options = Options { windows: false, time_ms: 20_000, ..Options::default() };
        let analysis =
            analyse(&Job::of(&file).expect("text"), &[&RuleDetector { rules: &RULES }], &options, Others::none());
        let lines = AddedLines { path: &file.path, old_path: &file.path, added: &file.added, only_added: false };
        compare(&[(&analysis, lines)], &|_| false).head.into_iter().map(|(_, origin)| origin).collect()
    }

    fn python(before: &str, after: &str) -> Vec<Origin> {
        let function = |body: &str| format!("def f(self, x, y):\n    {body}\n");
        origins("a.py", &function(before), &function(after))
    }

    #[test]
    fn edit_of_flagged_code_is_not_new() {
        let get = "return requests.get(x, verify=False)";
        assert_eq!(python(get, "return requests.get(x, verify=False, allow_redirects=False)"), [Altered]);
        let run = "subprocess.run(x, shell=True, capture_output=True)";
        assert_eq!(python(run, "subprocess.run(x, shell=True)"), [Altered]);
        let token = "token = ''.join(random.choice(x) for _ in range(9))";
        assert_eq!(python(token, "token = ''.join(random.choices(x, k=9))"), [Altered]);
    }

    #[test]
    fn another_value_in_an_old_injection_is_new() {
        assert_eq!(python("os.system('ls ' + x)", "os.system(f'ls {x}')"), [Altered]);
        assert_eq!(python("os.system('ls ' + x)", "os.system('rm ' + x)"), [Introduced]);
        assert_eq!(python("os.system('ls ' + x)", "os.system('ls ' + y)"), [Introduced]);
        assert_eq!(python("os.system('ls ' + x)", "os.system('ls ' + x + y)"), [Introduced]);
        assert_eq!(python("os.system('ls ' + LS + x)", "os.system('ls ' + x + LS)"), [Introduced]);
    }

    #[test]
    fn one_more_in_the_function_keeps_all_that_are_edited_new() {
        let get = "requests.get(x, verify=False)";
        let both = "requests.get(x, verify=False, timeout=3)\n    requests.post(y, verify=False)";
        assert_eq!(python(get, both), [Introduced, Introduced]);
        let kept = "requests.get(x, verify=False)\n    requests.post(y, verify=False)";
        assert_eq!(python(get, kept), [Existing, Introduced]);
    }

    #[test]
    fn edits_pair_within_one_function_only() {
        let (old, new) = ("requests.get(x, verify=False)", "requests.get(x, verify=False, timeout=3)");
        assert_eq!(origins("a.py", &format!("{old}\n"), &format!("{new}\n")), [Introduced]);
        let moved = [format!("def f(x):\n    {old}\n"), format!("def g(x):\n    {new}\n")];
        assert_eq!(origins("a.py", &moved[0], &moved[1]), [Introduced]);
    }

    #[test]
    fn replaced_secret_is_new() {
        let key = |k: &str| format!("self.secret_key = 'kq8Zx2{k}vWp71LmRt'");
        let found = python(&key("aa"), &key("bb"));
        assert_eq!(found, vec![Introduced; found.len()]);
        assert!(!found.is_empty());
    }

    #[test]
    fn edit_of_code_that_a_comment_let_through_is_new() {
        let (old, new) = ("requests.get(x, verify=False)", "requests.get(y, verify=False)");
        let remark = "# portcullis: ignore python-tls-verification-off -- own host";
        assert_eq!(python(&format!("{old}  {remark}"), new), [Introduced]);
        assert_eq!(python(&format!("{remark}\n    {old}"), new), [Introduced]);
        assert_eq!(python(old, new), [Altered]);
    }

    #[test]
    fn names_captured_in_format_strings_count() {
        let function = |out: &str, what: &str| {
            let command = "Command::new(\"sh\").arg(\"-c\")";
            format!("fn f(x: &str, y: &str) {{ let {out} = {command}.arg(format!(\"ls {{{what}}}\")).spawn(); }}\n")
        };
        assert_eq!(origins("a.rs", &function("a", "x"), &function("b", "x")), [Existing]);
        assert_eq!(origins("a.rs", &function("a", "x"), &function("a", "y")), [Introduced]);
    }
}
