//! Attacks on the gate and faults around it, one module a row of the threat table.

mod b02_edited_gate;
mod b03_links;
mod b06_names;
mod b21_git;
mod b22_secrets;
mod b23_silent_green;
