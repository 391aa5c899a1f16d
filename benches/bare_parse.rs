//! Parses every source file below a directory with tree-sitter and does nothing else: what an audit is measured against.
//!
//! `bare_parse DIR THREADS`

#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "a program for measuring reads files and prints")]

use portcullis::path::RepoPath;
use portcullis::syntax::language::Language;
use portcullis::syntax::parse_tree;
use rayon::prelude::{IntoParallelRefIterator, ParallelIterator};
use std::path::{Path, PathBuf};
use std::time::Duration;

fn files(directory: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { files(&path, out) } else { out.push(path) }
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let [directory, threads] = arguments.as_slice() else { return println!("usage: bare_parse DIR THREADS") };
    let mut paths = Vec::new();
    files(Path::new(directory), &mut paths);
    let threads = rayon::ThreadPoolBuilder::new().num_threads(threads.parse().unwrap_or(1)).build().expect("threads");
    let bytes: usize = threads.install(|| {
        let parse = |path: &PathBuf| {
            let Some(language) = Language::of_path(&RepoPath::from(&*path.to_string_lossy())) else { return 0 };
            let text = String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned();
            parse_tree(language, &text, Duration::from_secs(60)).map_or(0, |_| text.len())
        };
        paths.par_iter().map(parse).sum()
    });
    println!("{bytes} bytes");
}
