//! What it takes to measure a run: its time, and the most memory that it and its workers held together.

use crate::harness::{Call, Run, finish};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How often memory is looked at.
const EVERY: Duration = Duration::from_millis(5);

/// A finished run and the most that it held.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) run: Run,
    /// Resident bytes of the process and everything it started, at the worst moment seen.
    pub(crate) peak: u64,
}

impl Measured {
    /// Asserts the limits, and prints what was measured.
    #[track_caller]
    pub(crate) fn within(&self, what: &str, seconds: f64, mebibytes: u64) -> &Self {
        let (took, peak) = (self.run.took.as_secs_f64(), self.peak >> 20);
        println!("{what}: {took:.2} s, {peak} MiB, exit {}", self.run.status);
        assert!(took <= seconds, "{what}: {took:.2} s, at most {seconds} are allowed");
        assert!(peak <= mebibytes, "{what}: {peak} MiB, at most {mebibytes} are allowed");
        self
    }
}

/// Runs a call and watches its memory.
pub(crate) fn measured(call: Call) -> Measured {
    let begin = Instant::now();
    let child = call.start();
    let (root, done, peak) = (child.id(), Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let watcher = std::thread::spawn({
        let (done, peak) = (Arc::clone(&done), Arc::clone(&peak));
        move || {
            while !done.load(Ordering::Relaxed) {
                peak.fetch_max(resident(root), Ordering::Relaxed);
                std::thread::sleep(EVERY);
            }
        }
    });
    let run = finish(child, begin);
    done.store(true, Ordering::Relaxed);
    watcher.join().expect("the watcher only reads");
    Measured { run, peak: peak.load(Ordering::Relaxed) }
}

/// Returns the resident bytes of a process and its descendants.
fn resident(root: u32) -> u64 {
    let mut processes: HashMap<u32, (u32, u64)> = HashMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|n| n.parse::<u32>().ok()) else { continue };
        let status = std::fs::read_to_string(entry.path().join("status")).unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find_map(|l| l.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        let parent = field("PPid:").and_then(|p| u32::try_from(p).ok()).unwrap_or(0);
        processes.insert(id, (parent, field("VmRSS:").unwrap_or(0) << 10));
    }
    let descends = |mut id: u32| {
        for _ in 0..64 {
            if id == root {
                return true;
            }
            let Some((parent, _)) = processes.get(&id) else { return false };
            id = *parent;
        }
        false
    };
    processes.iter().filter(|(id, _)| descends(**id)).map(|(_, (_, bytes))| bytes).sum()
}
