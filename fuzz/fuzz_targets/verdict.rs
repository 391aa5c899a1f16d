//! Verdict files, as `explain --from` reads them, and every report of what was read.
#![no_main]

use clap::ValueEnum;
use libfuzzer_sys::fuzz_target;
use portcullis::report::{Format, Report, Style, render};

fuzz_target!(|bytes: &[u8]| {
    let Ok(report) = serde_json::from_slice::<Report>(bytes) else { return };
    for format in Format::value_variants() {
        drop(render(*format, &report, Style { color: true, width: 80, existing: true }, &mut Vec::new()));
    }
});
