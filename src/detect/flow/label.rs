//! Where the data of a value comes from, and the way it took.

use super::catalog::schema::Trust;
use super::catalog::{Classes, OWN_PAGE, OWN_PATH};
use super::{FlowStep, StepKind};
use std::rc::Rc;

/// How many sources a value remembers.
const MAX_LABELS: usize = 6;
/// How many steps a trace remembers; later ones are left out but for the sink.
const MAX_TRACE: u32 = 40;

/// Where data came in.
#[derive(Debug)]
pub(super) struct Origin {
    /// Whose data it is.
    pub(super) trust: Trust,
    /// What it is, in words.
    pub(super) what: String,
    /// The only classes that it matters to; 0 for all that take any source.
    pub(super) only: Classes,
    /// Whether it is no more than a hint that the data is foreign.
    pub(super) hint: bool,
    /// Where.
    pub(super) place: (usize, (u32, u32)),
}

/// One source of a value's data.
#[derive(Debug, Clone)]
pub(super) struct Label {
    /// Where it came in.
    pub(super) origin: Rc<Origin>,
    /// The classes that it was made harmless to.
    pub(super) cleaned: Classes,
    /// How many calls of unknown code it went through as an argument.
    pub(super) guesses: u8,
    /// The way so far.
    pub(super) trace: Rc<Trace>,
}

/// A step and those before it.
#[derive(Debug)]
pub(super) struct Trace {
    /// The step.
    pub(super) step: FlowStep,
    /// The one before.
    pub(super) before: Option<Rc<Self>>,
    length: u32,
}

/// The sources of a value's data, in order of discovery.
#[derive(Debug, Clone, Default)]
pub(super) struct Labels(Option<Rc<Vec<Label>>>);

impl Labels {
    /// Makes the label of a source.
    pub(super) fn source(origin: Origin) -> Self {
        let (file, range) = origin.place;
        let step = FlowStep { file, range, kind: StepKind::Source };
        let trace = Rc::new(Trace { step, before: None, length: 1 });
        Self(Some(Rc::new(vec![Label { origin: Rc::new(origin), cleaned: 0, guesses: 0, trace }])))
    }

    /// Makes the list of some labels.
    pub(super) fn of(labels: Vec<Label>) -> Self {
        Self((!labels.is_empty()).then(|| Rc::new(labels)))
    }

    /// Says whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Returns them.
    pub(super) fn all(&self) -> &[Label] {
        self.0.as_ref().map_or(&[], |labels| labels.as_slice())
    }

    /// Returns the labels of both, each source once: what cleans it on one way only does not clean it.
    pub(super) fn join(&self, other: &Self) -> Self {
        let (Some(a), Some(b)) = (&self.0, &other.0) else {
            return Self(self.0.clone().or_else(|| other.0.clone()));
        };
        if Rc::ptr_eq(a, b) {
            return self.clone();
        }
        let mut joined = a.as_ref().clone();
        let mut changed = false;
        for label in b.iter() {
            let same = joined.iter().position(|l| Rc::ptr_eq(&l.origin, &label.origin) || l.is_like(label));
            match same {
                Some(at) => {
                    let known = &mut joined[at];
                    let cleaned = known.cleaned & label.cleaned;
                    if known.cleaned != cleaned {
                        // The way of the one that is cleaned less is the one to show.
                        known.trace = if known.cleaned.count_ones() > label.cleaned.count_ones() {
                            label.trace.clone()
                        } else {
                            known.trace.clone()
                        };
                        known.cleaned = cleaned;
                        changed = true;
                    }
                    if known.guesses > label.guesses {
                        known.guesses = label.guesses;
                        known.trace = label.trace.clone();
                        changed = true;
                    }
                }
                None if joined.len() < MAX_LABELS => {
                    joined.push(label.clone());
                    changed = true;
                }
                None => {
                    // A full list keeps those that matter most.
                    let worst = joined.iter_mut().max_by_key(|l| l.origin.trust);
                    if let Some(worst) = worst
                        && worst.origin.trust > label.origin.trust
                    {
                        *worst = label.clone();
                        changed = true;
                    }
                }
            }
        }
        if changed { Self(Some(Rc::new(joined))) } else { self.clone() }
    }

    /// Returns the labels, each changed.
    pub(super) fn map(&self, change: impl Fn(&mut Label)) -> Self {
        let Some(labels) = &self.0 else { return Self(None) };
        let mut labels = labels.as_ref().clone();
        labels.iter_mut().for_each(change);
        labels.retain(|l| l.cleaned != super::catalog::ALL);
        Self((!labels.is_empty()).then(|| Rc::new(labels)))
    }

    /// Returns the labels made harmless to classes.
    pub(super) fn cleaned(&self, classes: Classes) -> Self {
        if classes == 0 || self.all().iter().all(|l| l.cleaned & classes == classes) {
            return self.clone();
        }
        self.map(|l| l.cleaned |= classes)
    }

    /// Returns the labels with a step more.
    pub(super) fn stepped(&self, step: &FlowStep) -> Self {
        self.map(|label| label.step(step))
    }

    /// Returns the labels but for what the program itself made: one number among much else does not decide the whole.
    pub(super) fn of_others(&self) -> Self {
        if self.all().iter().all(|l| l.origin.trust != Trust::Own) {
            return self.clone();
        }
        Self::of(self.all().iter().filter(|l| l.origin.trust != Trust::Own).cloned().collect())
    }

    /// Returns the labels after unknown code.
    pub(super) fn guessed(&self) -> Self {
        self.map(|label| label.guesses = label.guesses.saturating_add(1))
    }

    /// Says whether some are of an address that begins as the page's own, or the request's.
    pub(super) fn begin_as_own(&self) -> bool {
        self.all().iter().any(|l| l.cleaned & (OWN_PAGE | OWN_PATH) != 0)
    }

    /// Returns the labels of a part that may begin elsewhere than the whole.
    pub(super) fn cut(&self) -> Self {
        if !self.begin_as_own() {
            return self.clone();
        }
        self.map(|label| label.cleaned &= !(OWN_PAGE | OWN_PATH))
    }
}

impl Label {
    fn is_like(&self, other: &Self) -> bool {
        self.origin.place == other.origin.place
            && self.origin.trust == other.origin.trust
            && self.origin.only == other.origin.only
            && self.origin.hint == other.origin.hint
    }

    fn step(&mut self, step: &FlowStep) {
        if self.trace.length >= MAX_TRACE || self.trace.step == *step {
            return;
        }
        let length = self.trace.length + 1;
        self.trace = Rc::new(Trace { step: step.clone(), before: Some(self.trace.clone()), length });
    }

    /// Returns the steps from the source on.
    pub(super) fn steps(&self) -> Vec<FlowStep> {
        let mut steps = Vec::new();
        let mut at = Some(&self.trace);
        while let Some(trace) = at {
            steps.push(trace.step.clone());
            at = trace.before.as_ref();
        }
        steps.reverse();
        // What is said of a sanitizer is not said of the call that it is.
        steps.dedup_by(|next, step| {
            let is_call = matches!(step.kind, StepKind::Through(_) | StepKind::Known(_));
            let is_same = is_call && (next.file, next.range) == (step.file, step.range);
            let is_said = is_same && matches!(next.kind, StepKind::Sanitized(_));
            if is_said {
                std::mem::swap(next, step);
            }
            is_said
        });
        steps
    }
}
