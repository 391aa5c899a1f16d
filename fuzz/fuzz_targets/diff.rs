//! Unified patches: whatever is accepted has its added lines inside its text.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for file in portcullis::change::diff::parse(bytes).unwrap_or_default() {
        if let Some(text) = file.after.text() {
            let lines = portcullis::span::LineIndex::new(&text.text).line_count();
            assert!(file.added.ranges().iter().all(|(_, last)| *last <= lines.max(1)));
        }
    }
});
