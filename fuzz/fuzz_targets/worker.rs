//! Lines of the worker protocol.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let input = [b"{\"rules\":[]}\n", bytes].concat();
    drop(portcullis::run::worker::converse(input.as_slice(), Vec::new()));
});
