//! Analyses many files on all cores: small ones here, risky ones in worker processes.

use super::others::{Share, Side};
use super::worker::{Pool, is_risky};
use crate::detect::flow::catalog::load::Catalogs;
use crate::detect::flow::detector::FlowDetector;
use crate::detect::rules::RuleSet;
use crate::detect::rules::matcher::RuleDetector;
use crate::detect::{Analysis, Job, Options, Others, analyse};
use rayon::prelude::{IntoParallelIterator, ParallelIterator};

/// Stack of an analysing thread in bytes: pattern matching recurses a little, tree walks do not.
const STACK: usize = 8 << 20;

/// Analyses jobs that are made one by one, and returns the results in the order of `items`.
pub fn all<T: Sync, R: Send>(
    items: &[T],
    threads: usize,
    rules: &RuleSet,
    options: &Options,
    others: Option<&(Side<'_>, Side<'_>)>,
    job: impl Fn(&T) -> Option<Job> + Sync,
    done: impl Fn(&T, Option<Analysis>) -> R + Sync,
) -> Vec<R> {
    let (pool, catalogs) = (Pool::new(rules, *options), Catalogs::of(rules));
    let (matcher, flow) = (RuleDetector { rules }, FlowDetector { rules, catalogs: &catalogs });
    let one = |item: &T| {
        let job = job(item).filter(|job| job.language().is_some());
        let analysis = job.map(|job| {
            if is_risky(&job) {
                return pool.analyse(&job);
            }
            let (before, after) = (Share::of(others.map(|o| &o.0)), Share::of(others.map(|o| &o.1)));
            let others = Others { before: &before, after: &after };
            analyse(&job, &[&matcher, &flow], options, others)
        });
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
