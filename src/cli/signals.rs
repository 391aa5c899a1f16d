//! I/O: what the program says when it is told to end.
//!
//! It then ends as the signal asks, which a shell shows as 128 and the number of the signal: no exit status of a verdict.

use super::complain;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::{emulate_default_handler, signal_name};

/// Waits for a signal to end in a thread of its own.
pub(super) fn watch() {
    // Where signals cannot be watched the program ends by them all the same, only without a word.
    let Ok(mut signals) = Signals::new([SIGTERM, SIGINT]) else { return };
    std::thread::spawn(move || {
        for signal in signals.forever() {
            let name = signal_name(signal).unwrap_or("a signal");
            complain(&format!("error: ended by {name}\n  no verdict was given (exit {})\n", 128 + signal));
            // It does not come back from an ending signal; an error leaves the next signal to try.
            drop(emulate_default_handler(signal));
        }
    });
}
