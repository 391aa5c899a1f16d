//! Portcullis, a merge gate for CI: reads what a change adds, says how risky it is and why, and gives one verdict.
//!
//! Modules in the order of the flow; each imports only from those above it (`tests/tidy.rs` holds that).

pub mod path;
pub mod span;
pub mod redact;
pub mod finding;
pub mod change;
pub mod model;
pub mod syntax;
pub mod detect;
pub mod compare;
pub mod risk;
pub mod policy;
pub mod config;
pub mod report;
pub mod run;
pub mod cli;
