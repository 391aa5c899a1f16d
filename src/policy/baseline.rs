//! The baseline: findings that a team has accepted as they are, by fingerprint and count.

use crate::finding::{Finding, Fingerprint};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A baseline file, JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// Form of the file: 1.
    pub version: u32,
    /// How many findings have which fingerprint.
    pub findings: BTreeMap<String, u32>,
}

/// What is wrong with a baseline file: its author's fault.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// Not the JSON of a baseline.
    #[error("it is not a baseline: {0}")]
    Form(#[from] serde_json::Error),
    /// Written by a newer version.
    #[error("its version is {0}, this program reads version 1")]
    Version(u32),
    /// A key is no fingerprint.
    #[error("`{0}` is not a fingerprint")]
    Fingerprint(String),
}

impl Baseline {
    /// Reads a baseline.
    ///
    /// # Errors
    /// [`BaselineError`] for anything but a baseline of version 1.
    pub fn read(text: &str) -> Result<Self, BaselineError> {
        let baseline: Self = serde_json::from_str(text)?;
        if baseline.version != 1 {
            return Err(BaselineError::Version(baseline.version));
        }
        match baseline.findings.keys().find(|k| Fingerprint::parse(k).is_none()) {
            Some(key) => Err(BaselineError::Fingerprint(key.clone())),
            None => Ok(baseline),
        }
    }

    /// Makes a baseline of findings.
    pub fn of<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Self {
        let mut counts = BTreeMap::new();
        for finding in findings {
            *counts.entry(finding.fingerprint.to_string()).or_insert(0) += 1;
        }
        Self { version: 1, findings: counts }
    }

    /// Writes the baseline, keys sorted, with a line feed at the end.
    pub fn write(&self) -> String {
        serde_json::to_string_pretty(self).expect("a map of strings and numbers is always JSON") + "\n"
    }

    /// Returns the counts to take from.
    pub(super) fn counter(&self) -> BTreeMap<String, u32> {
        self.findings.clone()
    }
}

/// Takes a finding out of the counts; says whether it was in.
pub(super) fn take(counts: &mut BTreeMap<String, u32>, finding: &Finding) -> bool {
    let names = std::iter::once(&finding.fingerprint).chain(&finding.aliases);
    for name in names {
        if let Some(count) = counts.get_mut(name.as_str()).filter(|c| **c > 0) {
            *count -= 1;
            return true;
        }
    }
    false
}
