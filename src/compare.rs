//! Which findings a change brings in: base and head compared as multisets, so that a move is old and a copy is new.
//!
//! Pure. Knows nothing of policy.

use crate::detect::Analysis;
use crate::finding::Finding;
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
}

/// Compares the two sides of all files of a change together.
///
/// First by rule, symbol and tokens; what is left within a file by rule and tokens alone, for code that moved into
/// another function. From file to file only what has a symbol moves: a bare statement elsewhere is a new one.
/// Of equal findings those on lines the change did not add are taken for the old ones. Where the base side of a file
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
    let mut head: Vec<_> =
        head.into_iter().map(|(f, _, origin)| (f.clone(), origin.unwrap_or(Origin::Introduced))).collect();
    head.sort_by(|(a, _), (b, _)| (&a.location, &a.rule).cmp(&(&b.location, &b.rule)));
    Comparison { head, fixed: fixed.into_iter().flatten().cloned().collect() }
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
