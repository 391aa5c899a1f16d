//! The catalog: what the names of libraries mean to the engine.

pub mod operation;
pub mod schema;
