//! What is dangerous in a change, said by several detectors.

pub mod classifier;
