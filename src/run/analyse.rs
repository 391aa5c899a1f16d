//! Analyses many files on all cores: small ones here, risky ones in worker processes.

use super::dependents::Dependent;
use super::others::{Share, Side};
use super::worker::{Pool, Task, is_risky};
use crate::change::text::Text;
use crate::detect::flow::catalog::load::Catalogs;
use crate::detect::flow::detector::FlowDetector;
use crate::detect::rules::RuleSet;
use crate::detect::rules::matcher::RuleDetector;
use crate::detect::{Analysis, Job, Options, Others, analyse, analyse_unchanged};
use crate::syntax::language::Language;
use rayon::prelude::{IntoParallelIterator, ParallelIterator};

/// Stack of an analysing thread in bytes: pattern matching recurses a little, tree walks do not.
const STACK: usize = 8 << 20;

/// What files are analysed with: made once a run.
pub struct Analyser<'a> {
    pool: Pool<'a>,
    rules: &'a RuleSet,
    catalogs: Catalogs,
    options: &'a Options,
    threads: usize,
}

impl<'a> Analyser<'a> {
    /// Makes one; nothing is read or started yet.
    pub fn new(rules: &'a RuleSet, options: &'a Options, threads: usize) -> Self {
        Self { pool: Pool::new(rules, *options), rules, catalogs: Catalogs::of(rules), options, threads }
    }

    fn flow(&self) -> FlowDetector<'_> {
        FlowDetector { rules: self.rules, catalogs: &self.catalogs }
    }

    /// Says whether code may take in data from outside, by its words.
    pub fn may_receive(&self, language: Language, text: &str) -> bool {
        self.flow().may_receive(language, text)
    }

    /// Analyses jobs that are made one by one, and returns the results in the order of `items`.
    pub fn all<T: Sync, R: Send>(
        &self,
        items: &[T],
        others: &(Side<'_>, Side<'_>),
        job: impl Fn(&T) -> Option<Job> + Sync,
        done: impl Fn(&T, Option<Analysis>) -> R + Sync,
    ) -> Vec<R> {
        let (matcher, flow) = (RuleDetector { rules: self.rules }, self.flow());
        self.each(items, |item| {
            let job = job(item).filter(|job| job.language().is_some());
            let analysis = job.map(|job| {
                if is_risky(&job) {
                    return self.pool.analyse(&Task::Changed(Box::new(job)), Some(others));
                }
                let (before, after) = shares(others);
                let here = Others { before: &before, after: &after };
                let analysis = analyse(&job, &[&matcher, &flow], self.options, here);
                if !(before.met_large() || after.met_large()) {
                    return analysis;
                }
                self.again(analysis, &Task::Changed(Box::new(job)), others, [before, after])
            });
            done(item, analysis)
        })
    }

    /// Analyses files that a change leaves as they are, for ways of data alone.
    pub fn unchanged(&self, dependents: &[Dependent], others: &(Side<'_>, Side<'_>)) -> Vec<Analysis> {
        let flow = self.flow();
        self.each(dependents, |Dependent { file, focus, .. }| {
            let (before, after) = shares(others);
            let here = Others { before: &before, after: &after };
            let analysis = analyse_unchanged(file, focus, &flow, self.options, here);
            if !(before.met_large() || after.met_large()) {
                return analysis;
            }
            let text = Text { text: file.text().to_owned(), notes: Vec::new() };
            self.again(analysis, &Task::Unchanged(file.path.clone(), text, focus.clone()), others, [before, after])
        })
    }

    /// Analyses in a worker what leads into a file of the change that only a worker may read. Where that fails, what is
    /// known without it stays, and says so.
    fn again(&self, known: Analysis, task: &Task, others: &(Side<'_>, Side<'_>), shares: [Share<'_>; 2]) -> Analysis {
        let [before, after] = shares.map(|share| share.take_back());
        let whole = self.pool.analyse(task, Some(others));
        if whole.alone || !whole.gaps.is_empty() {
            others.0.tell(before);
            others.1.tell(after);
            return Analysis { alone: true, ..known };
        }
        whole
    }

    fn each<T: Sync, R: Send>(&self, items: &[T], one: impl Fn(&T) -> R + Sync) -> Vec<R> {
        if self.threads <= 1 || items.len() <= 1 {
            return items.iter().map(one).collect();
        }
        let builder = rayon::ThreadPoolBuilder::new().num_threads(self.threads.min(items.len())).stack_size(STACK);
        match builder.build() {
            Ok(workers) => workers.install(|| (0..items.len()).into_par_iter().map(|i| one(&items[i])).collect()),
            // No threads to be had: one is enough.
            Err(_) => items.iter().map(one).collect(),
        }
    }
}

fn shares<'s>(others: &'s (Side<'_>, Side<'_>)) -> (Share<'s>, Share<'s>) {
    (Share::of(Some(&others.0)), Share::of(Some(&others.1)))
}
