//! Source code of every language, from bytes to findings. The first byte chooses the language.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::change::text::decode;
use portcullis::detect::rules::matcher::RuleDetector;
use portcullis::detect::rules::{RuleSet, load};
use portcullis::detect::{Job, Options, Others, analyse};
use portcullis::path::RepoPath;
use portcullis::syntax::language::LANGUAGES;
use std::sync::LazyLock;

static RULES: LazyLock<RuleSet> = LazyLock::new(|| RuleSet::new(load::embedded()));

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    let row = &LANGUAGES[*first as usize % LANGUAGES.len()];
    let Ok(text) = decode(rest, true) else { return };
    let job = Job::whole(RepoPath::from(format!("a.{}", row.extensions[0]).as_str()), text);
    drop(analyse(&job, &[&RuleDetector { rules: &RULES }], &Options::default(), Others::none()));
});
