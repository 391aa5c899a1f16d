//! Follows data from where it comes in to where it does harm.
//!
//! Each language is lowered to one small representation ([`ir`]); one engine runs over it.

pub mod catalog;
pub mod ir;
pub mod lower;
pub mod name;
#[cfg(test)]
pub(crate) mod print;
