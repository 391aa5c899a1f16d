//! I/O: files of a commit by how near they lie to given ones. Costs what it reads, not what the repository holds.

use super::git::{Git, TREE};
use super::objects::entries_of_tree;
use crate::path::{RepoPath, folder_of};
use std::collections::{BTreeSet, HashSet, VecDeque};

/// Folders that are read.
const MAX_FOLDERS: usize = 150;

/// Files near to others.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Near {
    /// Path and object, the nearest first.
    pub files: Vec<(RepoPath, String)>,
    /// Whether there may be more that were not looked for.
    pub cut: bool,
}

impl Git {
    /// Returns files of a commit that `fits` takes: first those of the folders of `from`, then those one step up or
    /// down the tree, and so on, at most `max`. `enters` says of which folders, by their names, the content counts.
    /// What this clone lacks is left out.
    pub fn nearest(
        &self,
        commit: &str,
        from: &[&RepoPath],
        max: usize,
        fits: &dyn Fn(&RepoPath) -> bool,
        enters: &dyn Fn(&str) -> bool,
    ) -> Near {
        let starts: BTreeSet<&str> = from.iter().map(|path| folder_of(path.as_str())).collect();
        let mut open: VecDeque<String> = starts.into_iter().map(str::to_owned).collect();
        let mut known: HashSet<String> = open.iter().cloned().collect();
        let mut near = Near::default();
        let mut read = 0;
        while let Some(folder) = open.pop_front() {
            read += 1;
            if read > MAX_FOLDERS {
                near.cut = true;
                break;
            }
            // A folder that the change makes is not there before.
            let tree = self.folder(commit, &folder).unwrap_or_default();
            let mut further = vec![folder_of(&folder).to_owned()];
            for entry in entries_of_tree(&tree, commit.len() / 2) {
                let Ok(name) = std::str::from_utf8(entry.name) else { continue };
                let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
                match entry.mode().as_str() {
                    TREE if enters(name) => further.push(path),
                    "100644" | "100755" if fits(&RepoPath::from(path.as_str())) => {
                        if near.files.len() >= max {
                            near.cut = true;
                            return near;
                        }
                        near.files.push((RepoPath::from(path.as_str()), entry.oid()));
                    }
                    _ => {}
                }
            }
            open.extend(further.into_iter().filter(|folder| known.insert(folder.clone())));
        }
        near
    }

    fn folder(&self, commit: &str, path: &str) -> Option<std::sync::Arc<[u8]>> {
        if path.is_empty() {
            return self.tree(format!("{commit}^{{tree}}"));
        }
        let (mode, oid) = self.look_up(commit, path)??;
        if mode == TREE { self.tree(oid) } else { None }
    }
}
