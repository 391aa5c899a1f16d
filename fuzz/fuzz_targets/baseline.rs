//! Baselines: what is read is written and read again without loss.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::policy::baseline::Baseline;

fuzz_target!(|text: &str| {
    if let Ok(baseline) = Baseline::read(text) {
        assert_eq!(Baseline::read(&baseline.write()).ok(), Some(baseline));
    }
});
