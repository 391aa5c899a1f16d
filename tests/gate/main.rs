//! The gate from end to end: the real program on real repositories, one module a topic.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests touch everything and say what they measured"
)]

mod base;
mod configs;
mod content;
mod dependents;
mod flows;
mod harness;
mod hooks;
mod imports;
mod intake;
mod large;
mod measure;
mod policy;
mod properties;
mod redirects;
mod replay;
mod robust;
mod robust_support;
mod runaway;
mod settled;
mod threats;
