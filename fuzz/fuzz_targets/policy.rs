//! Policy files.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| drop(portcullis::config::Config::read(text, "policy")));
