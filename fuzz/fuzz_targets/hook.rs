//! What git writes to a pre-push hook.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| drop(portcullis::run::hook::parse(text)));
