//! Analyses many files on all cores: small ones here, risky ones in worker processes.

use super::worker::{Pool, is_risky};
use crate::detect::rules::RuleSet;
use crate::detect::rules::matcher::RuleDetector;
use crate::detect::{Analysis, Job, Options, analyse};
use rayon::prelude::{IntoParallelIterator, ParallelIterator};

/// Stack of an analysing thread in bytes: pattern matching recurses a little, tree walks do not.
const STACK: usize = 8 << 20;

/// Analyses jobs that are made one by one, and returns the results in the order of `items`.
pub fn all<T: Sync, R: Send>(
    items: &[T],
    threads: usize,
    rules: &RuleSet,
    options: &Options,
    job: impl Fn(&T) -> Option<Job> + Sync,
    done: impl Fn(&T, Option<Analysis>) -> R + Sync,
) -> Vec<R> {
    let pool = Pool::new(rules, *options);
    let one = |item: &T| {
        let analysis = job(item).filter(|job| job.language().is_some()).map(|job| one(&job, rules, options, &pool));
        done(item, analysis)
    };
    if threads <= 1 || items.len() <= 1 {
        return items.iter().map(one).collect();
    }
    let builder = rayon::ThreadPoolBuilder::new().num_threads(threads.min(items.len())).stack_size(STACK);
    match builder.build() {
        Ok(workers) => workers.install(|| (0..items.len()).into_par_iter().map(|i| one(&items[i])).collect()),
        // No threads to be had: one is enough.
        Err(_) => items.iter().map(one).collect(),
    }
}

fn one(job: &Job, rules: &RuleSet, options: &Options, pool: &Pool<'_>) -> Analysis {
    if is_risky(job) { pool.analyse(job) } else { analyse(job, &[&RuleDetector { rules }], options) }
}
