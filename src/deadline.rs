//! I/O: reads the clocks of the process and of the thread.
//!
//! When the work on a file has to stop. What counts is the processor's time: on a busy machine a file is not given up
//! because others were at work.

use std::time::{Duration, Instant};

/// When the work on a file has to stop, on the thread that made it.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    /// Before this there is no need to ask how long the thread has run: it cannot have run for longer.
    earliest: Instant,
    /// How long the thread may have run.
    spent: Duration,
}

impl Deadline {
    /// Returns the deadline after `time` of work of the present thread.
    pub fn after(time: Duration) -> Self {
        Self { earliest: Instant::now() + time, spent: spent() + time }
    }

    /// Says whether it has passed.
    pub fn passed(self) -> bool {
        Instant::now() > self.earliest && spent() > self.spent
    }
}

/// Returns how long the processor has worked for this thread.
#[cfg(unix)]
fn spent() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let (seconds, nanos) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    Duration::new(seconds.unwrap_or_default(), nanos.unwrap_or_default())
}

/// Elsewhere all time counts.
#[cfg(not(unix))]
fn spent() -> Duration {
    static BEGIN: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    BEGIN.elapsed()
}

#[cfg(test)]
mod tests {
    use super::{Deadline, spent};
    use std::time::{Duration, Instant};

    #[test]
    fn work_counts() {
        let deadline = Deadline::after(Duration::from_millis(20));
        assert!(!deadline.passed());
        let begin = Instant::now();
        while !deadline.passed() {
            assert!(begin.elapsed() < Duration::from_secs(60), "it passes");
        }
        assert!(begin.elapsed() >= Duration::from_millis(20));
    }

    #[cfg(unix)]
    #[test]
    fn waiting_does_not_count() {
        let deadline = Deadline::after(Duration::from_millis(50));
        let before = spent();
        std::thread::sleep(Duration::from_millis(80));
        assert!(spent() - before < Duration::from_millis(50));
        assert!(!deadline.passed());
    }
}
