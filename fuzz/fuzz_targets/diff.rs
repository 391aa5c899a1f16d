//! Unified patches: whatever is accepted has its added lines inside its text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::syntax::language::Language;

fuzz_target!(|bytes: &[u8]| {
    let is_source = |p: &portcullis::path::RepoPath| Language::of_path(p).is_some();
    for file in portcullis::change::diff::parse(bytes, &is_source).unwrap_or_default() {
        if let Some(text) = file.after.text() {
            let lines = portcullis::span::LineIndex::new(&text.text).line_count();
            assert!(file.added.ranges().iter().all(|(_, last)| *last <= lines.max(1)));
        }
    }
});
