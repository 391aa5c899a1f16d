//! Suppressions: in the policy file, and in comments that the parser found. Each names a rule and a reason.
//!
//! Comments: `portcullis: ignore <rule>[, <rule>] [until=YYYY-MM-DD] -- <reason>`, on the line or above it.

use crate::compare::Origin;
use crate::detect::{MARKER, Remark};
use crate::finding::{Finding, Severity};
use globset::GlobMatcher;
use jiff::civil::Date;
use serde::Serialize;

/// Days before an end date from which on a suppression is reported as ending soon.
const SOON_DAYS: i32 = 14;

/// What the policy says about suppressions.
#[derive(Debug, Clone)]
pub struct Suppressions {
    /// Those in the policy file.
    pub listed: Vec<Listed>,
    /// Whether comments count at all.
    pub inline: bool,
    /// Highest severity up to which a comment that the change itself adds counts; `None`: never.
    pub added_up_to: Option<Severity>,
}

impl Default for Suppressions {
    fn default() -> Self {
        Self { listed: Vec::new(), inline: true, added_up_to: None }
    }
}

/// A suppression of the policy file. All criteria it names must fit.
#[derive(Debug, Clone)]
pub struct Listed {
    /// How it is named in reports: `suppressions[0]`.
    pub name: String,
    /// Rule id.
    pub rule: Option<String>,
    /// Fingerprint.
    pub fingerprint: Option<String>,
    /// Path.
    pub path: Option<GlobMatcher>,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// Last day it holds.
    pub expires: Option<Date>,
}

/// What became of a suppression.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "status", content = "because", rename_all = "kebab-case")]
pub enum Status {
    /// It covers something.
    Honoured,
    /// It covers nothing, though all that it speaks of was looked at.
    Unused,
    /// It covers nothing of what was looked at, which is not all that it speaks of.
    NotLookedAt,
    /// Its last day has passed.
    Expired(String),
    /// It cannot be understood.
    Malformed(String),
    /// It is not honoured.
    NotHonoured(String),
}

/// One suppression in the books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// `suppressions[0]` or `comment`.
    pub source: String,
    /// Rules it names.
    pub rules: Vec<String>,
    /// Why.
    pub reason: String,
    /// Who, where said.
    pub owner: Option<String>,
    /// File and line of a comment.
    pub place: Option<(crate::path::RepoPath, u32)>,
    /// Last day.
    pub expires: Option<Date>,
    /// Whether it ends within two weeks.
    pub ends_soon: bool,
    /// Whether it covers what the change itself brings in, which only the policy's `added-up-to` allows.
    pub covers_added: bool,
    /// What became of it.
    pub status: Status,
}

/// All suppressions that could matter, and what became of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ledger {
    /// The books, those of the policy file first.
    pub entries: Vec<Entry>,
    matchers: Vec<Matching>,
    added_up_to: Option<Severity>,
}

#[derive(Debug, Clone)]
enum Matching {
    Listed(Box<Listed>),
    Inline { target: u32, approved: bool },
}

impl PartialEq for Matching {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Listed(a), Self::Listed(b)) => a.name == b.name,
            (Self::Inline { target: a, .. }, Self::Inline { target: b, .. }) => a == b,
            _ => false,
        }
    }
}

/// Comments of one file.
#[derive(Debug, Clone, Copy)]
pub struct FileRemarks<'a> {
    /// At head.
    pub after: &'a [Remark],
    /// Whether the file is part of a change. In an audit every comment counts.
    pub in_change: bool,
}

impl Ledger {
    /// Opens the books for a change. `today` decides what has expired.
    pub fn open(options: &Suppressions, remarks: &[FileRemarks<'_>], today: Date) -> Self {
        let mut ledger = Self { added_up_to: options.added_up_to, ..Self::default() };
        for listed in &options.listed {
            ledger.entries.push(Entry {
                source: listed.name.clone(),
                rules: listed.rule.iter().cloned().collect(),
                reason: listed.reason.clone(),
                owner: Some(listed.owner.clone()),
                place: None,
                expires: listed.expires,
                ends_soon: ends_soon(listed.expires, today),
                covers_added: false,
                status: expired(listed.expires, today).unwrap_or(Status::Unused),
            });
            ledger.matchers.push(Matching::Listed(Box::new(listed.clone())));
        }
        for file in remarks {
            for remark in file.after {
                if let Some(directive) = Directive::read(&remark.text) {
                    ledger.add_comment(options, remark, directive, file.in_change, today);
                }
            }
        }
        ledger
    }

    fn add_comment(
        &mut self,
        options: &Suppressions,
        remark: &Remark,
        directive: Directive,
        in_change: bool,
        today: Date,
    ) {
        let status = if let Some(what) = directive.problem {
            Status::Malformed(what)
        } else if !options.inline {
            Status::NotHonoured("the policy does not honour comments".into())
        } else {
            expired(directive.until, today).unwrap_or(Status::Unused)
        };
        self.entries.push(Entry {
            source: "comment".into(),
            rules: directive.rules,
            reason: directive.reason,
            owner: None,
            place: Some((remark.path.clone(), remark.lines.0)),
            expires: directive.until,
            ends_soon: ends_soon(directive.until, today),
            covers_added: false,
            status,
        });
        self.matchers.push(Matching::Inline { target: remark.target, approved: !in_change });
    }

    /// Tells suppressions of the policy that cover nothing from those that were not put to the test.
    pub fn tell_unused(&mut self, was_looked_at: &dyn Fn(&Listed) -> bool) {
        for (entry, matching) in self.entries.iter_mut().zip(&self.matchers) {
            if let Matching::Listed(listed) = matching
                && entry.status == Status::Unused
                && !was_looked_at(listed)
            {
                entry.status = Status::NotLookedAt;
            }
        }
    }

    /// Says whether a suppression covers the finding, and which; keeps the books.
    pub fn covers(&mut self, finding: &Finding, origin: Origin) -> Option<String> {
        let mut by = None;
        for (entry, matching) in self.entries.iter_mut().zip(&self.matchers) {
            let fits = match matching {
                Matching::Listed(listed) => listed.fits(finding),
                Matching::Inline { target, .. } => inline_fits(entry, *target, finding),
            };
            if !fits || !matches!(entry.status, Status::Unused | Status::Honoured) {
                continue;
            }
            let added = matches!(matching, Matching::Inline { approved: false, .. }) && origin != Origin::Existing;
            if added && self.added_up_to.is_none_or(|limit| finding.severity > limit) {
                let why = "a comment does not cover what the same change brings in; the policy at base can";
                entry.status = Status::NotHonoured(why.into());
                continue;
            }
            entry.status = Status::Honoured;
            entry.covers_added |= added;
            by.get_or_insert_with(|| match &entry.place {
                Some((path, line)) => format!("comment at {path}:{line}: {}", entry.reason),
                None => format!("{} of the policy: {}", entry.source, entry.reason),
            });
        }
        by
    }
}

impl Listed {
    /// Says whether all its criteria fit a finding.
    pub(super) fn fits(&self, finding: &Finding) -> bool {
        self.rule.as_ref().is_none_or(|r| r == finding.rule.as_str())
            && self.fingerprint.as_ref().is_none_or(|f| finding.answers_to(f))
            && self.path.as_ref().is_none_or(|p| p.is_match(finding.location.path.as_str()))
    }
}

fn inline_fits(entry: &Entry, target: u32, finding: &Finding) -> bool {
    let span = &finding.location.span;
    entry.place.as_ref().is_some_and(|(path, _)| *path == finding.location.path)
        && (span.start.line..=span.last_line()).contains(&target)
        && entry.rules.iter().any(|r| r == finding.rule.as_str())
}

fn expired(until: Option<Date>, today: Date) -> Option<Status> {
    until.filter(|date| *date < today).map(|date| Status::Expired(format!("its last day was {date}")))
}

fn ends_soon(until: Option<Date>, today: Date) -> bool {
    until.is_some_and(|date| date >= today && today.until(date).is_ok_and(|span| span.get_days() <= SOON_DAYS))
}

/// A comment's words to the gate.
#[derive(Debug, Default, PartialEq, Eq)]
struct Directive {
    rules: Vec<String>,
    until: Option<Date>,
    reason: String,
    problem: Option<String>,
}

impl Directive {
    /// Reads a comment; `None` where it holds the marker but does not ask for anything.
    fn read(comment: &str) -> Option<Self> {
        let (_, rest) = comment.split_once(MARKER)?;
        let rest = rest.trim_start().strip_prefix("ignore")?;
        if !rest.is_empty() && !rest.starts_with(char::is_whitespace) {
            return Self::misspelt(rest);
        }
        let line = rest.lines().next().unwrap_or_default().trim_end().trim_end_matches("*/").trim_end();
        let (head, reason) = line.split_once("--").map_or((line, ""), |(h, r)| (h, r.trim()));
        let mut directive = Self { reason: reason.to_owned(), ..Self::default() };
        for word in head.split([',', ' ', '\t']).filter(|w| !w.is_empty()) {
            match word.strip_prefix("until=") {
                Some(date) => match date.parse() {
                    Ok(date) => directive.until = Some(date),
                    Err(_) => directive.problem = Some(format!("`{date}` is not a date like 2027-01-31")),
                },
                None => directive.rules.push(word.to_owned()),
            }
        }
        if directive.rules.is_empty() {
            directive.problem = Some("it names no rule: `portcullis: ignore <rule> -- <reason>`".into());
        } else if directive.reason.is_empty() {
            directive.problem.get_or_insert_with(|| "it gives no reason after `--`".into());
        }
        Some(directive)
    }

    /// Reads what follows on `ignore` without a space, as other tools have it: `ignore[rule]`, `ignore: rule`,
    /// `ignore-next-line rule`. It must not look as if it counted. Of a longer word nothing is asked.
    fn misspelt(rest: &str) -> Option<Self> {
        let inner = rest.strip_prefix('[').or_else(|| rest.strip_prefix('(')).and_then(|r| r.split([']', ')']).next());
        let words = inner.unwrap_or_default().split([',', ' ']).filter(|w| !w.is_empty());
        let problem = "it is written `portcullis: ignore <rule> -- <reason>`, with a space and without brackets";
        (!rest.starts_with(|c: char| c.is_alphanumeric() || c == '_')).then(|| Self {
            rules: words.map(str::to_owned).collect(),
            problem: Some(problem.into()),
            ..Self::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Directive;

    #[test]
    fn comments_name_rules_a_date_and_a_reason() {
        let read = |text: &str| Directive::read(text).expect("a directive");
        let full = read("/* portcullis: ignore js-a, js-b until=2027-01-31 -- sandboxed */");
        assert_eq!(full.rules, ["js-a", "js-b"]);
        assert_eq!(
            (full.reason.as_str(), full.until.map(|d| d.to_string()).as_deref()),
            ("sandboxed", Some("2027-01-31"))
        );
        assert_eq!(full.problem, None);
        assert!(read("# portcullis: ignore x").problem.expect("no reason").contains("reason"));
        assert!(read("# portcullis: ignore -- because").problem.expect("no rule").contains("rule"));
        assert!(read("# portcullis: ignore x until=soon -- y").problem.expect("no date").contains("date"));
        assert_eq!(Directive::read("# portcullis: a merge gate"), None);
        assert_eq!(Directive::read("# portcullis: ignored files are listed"), None);
    }

    #[test]
    fn comments_that_other_tools_would_understand_are_told() {
        for text in ["ignore[py-a, py-b]", "ignore(py-a, py-b) -- why", "ignore[py-a,py-b] -- why"] {
            let read = Directive::read(&format!("# portcullis: {text}")).expect("a directive");
            assert_eq!(read.rules, ["py-a", "py-b"], "{text}");
            assert!(read.problem.expect("a problem").contains("portcullis: ignore <rule>"), "{text}");
        }
        for text in ["ignore: py-a -- why", "ignore-next-line py-a -- why", "ignore=py-a"] {
            let read = Directive::read(&format!("# portcullis: {text}")).expect("a directive");
            assert!(read.problem.is_some(), "{text}");
        }
    }
}
