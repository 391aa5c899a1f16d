//! Has the network look at the changed functions. What it says is advice; that it could not be asked is a gap.

use crate::causes::chain;
use crate::detect::classifier::{Window, findings};
use crate::finding::{Finding, Gap, GapKind};
use crate::model::session::{self, OnnxScorer};
use crate::model::{EMBEDDED, ModelError, Scorer};
use std::sync::Mutex;

/// Name of the network that looks at changes.
const MODEL: &str = "attention";
/// Windows that a check scores; more are left out and noted, so that its cost stays bounded.
pub const MAX_WINDOWS: usize = 400;

/// What the network said of a change.
#[derive(Debug, Default)]
pub struct Scored {
    /// Its hints.
    pub findings: Vec<Finding>,
    /// Why it could not be asked.
    pub gap: Option<Gap>,
    /// The model as `name version sha256`, where it was asked.
    pub model: Option<String>,
    /// Windows beyond the limit, not scored.
    pub left_out: usize,
}

/// Networks ready to run, one for each thread that asks.
#[derive(Default)]
pub struct Scorers {
    idle: Mutex<Vec<OnnxScorer>>,
}

impl Scorers {
    /// Scores at most `limit` windows. Without windows, or without a built-in model, nothing is loaded.
    pub fn score(&self, windows: &[&Window], limit: usize) -> Scored {
        if windows.is_empty() || EMBEDDED.iter().all(|m| m.name != MODEL) {
            return Scored::default();
        }
        let asked = &windows[..windows.len().min(limit)];
        match self.ask(asked) {
            Ok((findings, model)) => {
                Scored { findings, model: Some(model), left_out: windows.len() - asked.len(), gap: None }
            }
            Err(error) => {
                let detail = crate::path::visible(&chain(&error).join(": "));
                Scored { gap: Some(Gap { kind: GapKind::Model, path: None, detail }), ..Scored::default() }
            }
        }
    }

    /// Loads a network ahead of the first window. A failure is not said here: it comes back when windows are scored.
    pub fn warm(&self) {
        if EMBEDDED.iter().any(|m| m.name == MODEL)
            && let (Ok(scorer), Ok(mut idle)) = (session::load(MODEL), self.idle.lock())
        {
            idle.push(scorer);
        }
    }

    fn ask(&self, windows: &[&Window]) -> Result<(Vec<Finding>, String), ModelError> {
        let idle = self.idle.lock().ok().and_then(|mut idle| idle.pop());
        let mut scorer = idle.map_or_else(|| session::load(MODEL), Ok)?;
        let bands = scorer.card().bands.clone();
        let found = findings(windows, &mut scorer, &bands)?;
        let model = format!("{} {} {}", scorer.name(), scorer.version(), &scorer.card().sha256[..12]);
        if let Ok(mut idle) = self.idle.lock() {
            idle.push(scorer);
        }
        Ok((found, model))
    }
}
