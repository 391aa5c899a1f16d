//! Portcullis, a merge gate for CI: reads what a change adds, says how risky it is and why, and gives one verdict.
//!
//! Modules in the order of the flow; each imports only from those above it (`tests/tidy.rs` holds that).

pub mod causes;
pub mod change;
pub mod cli;
pub mod compare;
pub mod config;
pub mod deadline;
pub mod detect;
pub mod finding;
pub mod model;
pub mod path;
pub mod policy;
pub mod redact;
pub mod report;
pub mod risk;
pub mod run;
pub mod span;
pub mod syntax;
