//! Rebuilds the library when a rule file comes or goes: the rules are embedded by a macro that cannot say so itself.

fn main() {
    println!("cargo:rerun-if-changed=rules");
    println!("cargo:rerun-if-changed=models");
}
