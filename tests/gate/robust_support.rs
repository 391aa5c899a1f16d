//! What it takes to measure a run: its time, and the most memory that it and its workers held together.
//!
//! Limits of time hold for the processor's time: what else the machine does is no fault of the program. On the clock a run
//! may take eight times as long, so that one that hangs fails, too.

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
    /// Seconds that the processor worked for the same processes.
    pub(crate) worked: f64,
}

/// How much longer than it works a run may take on a busy machine.
const BUSY: f64 = 8.0;

impl Measured {
    /// Asserts the limits, and prints what was measured.
    #[track_caller]
    pub(crate) fn within(&self, what: &str, seconds: f64, mebibytes: u64) -> &Self {
        let (took, peak) = (self.run.took.as_secs_f64(), self.peak >> 20);
        let worked = self.worked;
        println!("{what}: {worked:.2} s of work in {took:.2} s, {peak} MiB, exit {}", self.run.status);
        assert!(worked <= seconds, "{what}: {worked:.2} s of work, at most {seconds} are allowed");
        assert!(took <= seconds * BUSY, "{what}: {took:.2} s on the clock for {worked:.2} s of work");
        assert!(peak <= mebibytes, "{what}: {peak} MiB, at most {mebibytes} are allowed");
        self
    }
}

/// Runs a call and watches its memory.
pub(crate) fn measured(call: Call) -> Measured {
    let begin = Instant::now();
    let child = call.start();
    let (root, done) = (child.id(), Arc::new(AtomicBool::new(false)));
    let (peak, ticks) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let watcher = std::thread::spawn({
        let (done, peak, ticks) = (Arc::clone(&done), Arc::clone(&peak), Arc::clone(&ticks));
        move || {
            while !done.load(Ordering::Relaxed) {
                let (bytes, worked) = taken(root);
                peak.fetch_max(bytes, Ordering::Relaxed);
                ticks.fetch_max(worked, Ordering::Relaxed);
                std::thread::sleep(EVERY);
            }
        }
    });
    let run = finish(child, begin);
    done.store(true, Ordering::Relaxed);
    watcher.join().expect("the watcher only reads");
    let worked = ticks.load(Ordering::Relaxed) as f64 / 100.0;
    Measured { run, peak: peak.load(Ordering::Relaxed), worked }
}

/// Returns the resident bytes of a process and its descendants, and the hundredths of a second that they and those of
/// them that have ended have worked.
fn taken(root: u32) -> (u64, u64) {
    let mut processes: HashMap<u32, (u32, u64, u64)> = HashMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|n| n.parse::<u32>().ok()) else { continue };
        let status = std::fs::read_to_string(entry.path().join("status")).unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find_map(|l| l.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        let parent = field("PPid:").and_then(|p| u32::try_from(p).ok()).unwrap_or(0);
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let times = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().skip(11).take(4);
        let worked = times.filter_map(|t| t.parse::<u64>().ok()).sum();
        processes.insert(id, (parent, field("VmRSS:").unwrap_or(0) << 10, worked));
    }
    let descends = |mut id: u32| {
        for _ in 0..64 {
            if id == root {
                return true;
            }
            let Some((parent, ..)) = processes.get(&id) else { return false };
            id = *parent;
        }
        false
    };
    let own = processes.iter().filter(|(id, _)| descends(**id)).map(|(_, (_, bytes, worked))| (bytes, worked));
    own.fold((0, 0), |sum, (bytes, worked)| (sum.0 + bytes, sum.1 + worked))
}
