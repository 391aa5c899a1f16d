//! The catalog: what the names of libraries mean to the engine.

pub mod load;
pub mod operation;
pub mod schema;
