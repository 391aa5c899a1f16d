//! Analyses many files on all cores: small ones here, risky ones in worker processes.

use super::dependents::Dependent;
use super::others::{Share, Side};
use super::worker::{Pool, is_risky};
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
                    return self.pool.analyse(&job);
                }
                let (before, after) = shares(others);
                let others = Others { before: &before, after: &after };
                analyse(&job, &[&matcher, &flow], self.options, others)
            });
            done(item, analysis)
        })
    }

    /// Analyses files that a change leaves as they are, for ways of data alone.
    pub fn unchanged(&self, dependents: &[Dependent], others: &(Side<'_>, Side<'_>)) -> Vec<Analysis> {
        let flow = self.flow();
        self.each(dependents, |Dependent { file, focus, .. }| {
            let (before, after) = shares(others);
            analyse_unchanged(file, focus, &flow, self.options, Others { before: &before, after: &after })
        })
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
