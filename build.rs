//! I/O: rebuilds the library when a rule file comes or goes: the rules are embedded by a macro that cannot say so itself.
//! Writes the catalogs of the flow engine as JSON beside their YAML, without their examples: a run that needs them then
//! spends a fifth of the time on reading them.

#![expect(clippy::disallowed_methods, reason = "I/O edge: reads the catalogs and writes what is made of them")]

use std::fmt::Write;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=rules");
    println!("cargo:rerun-if-changed=models");
    let root = env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?;
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    let forms = catalogs(&Path::new(&root).join("rules"))?;
    let mut table = String::from("&[\n");
    for (name, form) in forms {
        writeln!(table, "({name:?}, {form:?}),").map_err(io::Error::other)?;
    }
    fs::write(Path::new(&out).join("catalogs.rs"), table + "]\n")
}

/// Returns the catalogs by `language/flow/name`, in order. One that is no YAML is left out: whoever needs it reads the
/// file and says what is wrong with it.
fn catalogs(rules: &Path) -> io::Result<Vec<(String, String)>> {
    let mut forms = Vec::new();
    for language in entries(rules)? {
        for file in entries(&language.join("flow"))? {
            let (Some(folder), Some(stem)) = (language.file_name(), file.file_stem()) else { continue };
            let name = format!("{}/flow/{}", folder.to_string_lossy(), stem.to_string_lossy());
            let text = fs::read_to_string(&file)?;
            if let Ok(serde_json::Value::Object(mut catalog)) = serde_yaml::from_str(&text) {
                catalog.remove("examples");
                forms.push((name, serde_json::Value::Object(catalog).to_string()));
            }
        }
    }
    forms.sort();
    Ok(forms)
}

/// Returns what lies in a directory; nothing where it is none.
fn entries(directory: &Path) -> io::Result<Vec<std::path::PathBuf>> {
    if !directory.is_dir() {
        return Ok(Vec::new());
    }
    fs::read_dir(directory)?.map(|entry| entry.map(|e| e.path())).collect()
}
