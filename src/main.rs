//! The `portcullis` executable.

fn main() {}
