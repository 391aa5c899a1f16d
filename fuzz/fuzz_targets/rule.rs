//! Rule files: read, compiled and matched.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::detect::rules::{RuleSet, RuleSource};
use portcullis::syntax::language::Language;

fuzz_target!(|text: &str| {
    let source = RuleSource { folder: "python".into(), stem: "own-rule".into(), origin: "own".into(), text: text.to_owned().into() };
    drop(RuleSet::new(vec![source]).for_language(Language::Python).map(drop));
});
