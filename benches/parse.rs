//! How fast each language parses, and how much the rules add: `cargo bench --bench parse`.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use portcullis::change::text::Text;
use portcullis::detect::rules::matcher::RuleDetector;
use portcullis::detect::rules::{RuleSet, load};
use portcullis::detect::{Job, Options, Others, analyse};
use portcullis::path::RepoPath;
use portcullis::syntax::language::LANGUAGES;
use portcullis::syntax::parse_tree;
use std::time::Duration;

/// The rules' own examples, repeated: some 100 kB of code in which everything matches somewhere.
fn specimen(rules: &RuleSet, folder: &str) -> String {
    let files = rules.files().expect("our own rules");
    let of_folder = files.iter().zip(rules.sources()).filter(|(_, s)| s.folder == folder).map(|(f, _)| f);
    let once: String =
        of_folder.flat_map(|f| f.examples.bad.iter().chain(&f.examples.good)).map(|e| format!("{e}\n")).collect();
    once.repeat(100_000 / once.len().max(1) + 1)
}

fn benches(criterion: &mut Criterion) {
    let rules = RuleSet::new(load::embedded());
    for row in &LANGUAGES {
        let text = specimen(&rules, if row.name == "tsx" { "typescript" } else { row.name });
        let mut group = criterion.benchmark_group(row.name);
        group.sample_size(10).throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function("parse", |b| b.iter(|| parse_tree(row.language, &text, Duration::from_secs(60))));
        let path = RepoPath::from(format!("a.{}", row.extensions[0]).as_str());
        let job = Job::whole(path, Text { text: text.clone(), notes: Vec::new() });
        let options = Options { windows: false, time_ms: 60_000, ..Options::default() };
        group.bench_function("analyse", |b| {
            b.iter(|| analyse(&job, &[&RuleDetector { rules: &rules }], &options, Others::none()))
        });
        group.finish();
    }
}

criterion_group!(all, benches);
criterion_main!(all);
