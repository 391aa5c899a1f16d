//! The gate from end to end: the real program on real repositories, one module a topic.

#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests touch everything")]

mod configs;
mod content;
mod harness;
mod intake;
mod policy;
mod properties;
mod robust;
mod robust_support;
mod runaway;
