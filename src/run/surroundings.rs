//! I/O: what the process is surrounded by: environment, clock, terminal.

#![expect(clippy::disallowed_methods, reason = "I/O edge: reads the environment and the event file")]

use crate::change::select::Surroundings;
use jiff::civil::Date;
use jiff::{Timestamp, tz::TimeZone};

/// Largest event file that is read, in bytes.
const MAX_EVENT: u64 = 32 << 20;

/// Reads the environment and, where it names one, the event payload.
pub fn read() -> Surroundings {
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| {
            ["CI", "GITHUB_", "GITLAB_", "PRE_COMMIT", "PORTCULLIS_"].iter().any(|p| name.starts_with(p))
        })
        .collect::<std::collections::BTreeMap<_, _>>();
    let event = variables.get("GITHUB_EVENT_PATH").filter(|p| !p.is_empty()).and_then(|path| {
        let size = std::fs::metadata(path).ok()?.len();
        if size <= MAX_EVENT { std::fs::read_to_string(path).ok() } else { None }
    });
    Surroundings { variables, event }
}

/// Returns the time now.
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// Returns the day of a time, in UTC, so that a verdict does not depend on where it is given.
pub fn day(time: Timestamp) -> Date {
    time.to_zoned(TimeZone::UTC).date()
}

/// Says whether the clock can be right: not before this program was written.
pub fn clock_is_plausible(time: Timestamp) -> bool {
    day(time).year() >= 2026
}

#[cfg(test)]
mod tests {
    use super::clock_is_plausible;

    /// B23: with such a clock no suppression would ever expire; a check then has a gap.
    #[test]
    fn clock_before_this_program_was_written_is_not_trusted() {
        let time = |text: &str| text.parse().expect("a time");
        assert!(!clock_is_plausible(time("1970-01-01T00:00:07Z")));
        assert!(!clock_is_plausible(time("2025-12-31T23:59:59Z")));
        assert!(clock_is_plausible(time("2026-01-01T00:00:00Z")));
    }
}
