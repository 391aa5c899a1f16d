//! From score to words: which band of the model's card a score lies in, and how that is said.

use crate::finding::Severity;
use crate::model::Band;

/// Returns the band of a probability: the highest whose threshold it reaches. `None` below all: nothing is said then.
pub fn band(bands: &[Band], probability: f32) -> Option<&Band> {
    bands.iter().filter(|b| probability >= b.from).max_by(|a, b| a.from.total_cmp(&b.from))
}

/// Returns how bad a finding of the band may be called: medium in the highest band, else low.
pub fn severity(bands: &[Band], band: &Band) -> Severity {
    if bands.iter().all(|b| b.from <= band.from) { Severity::Medium } else { Severity::Low }
}

/// Returns the band in words, with what was measured of it.
pub fn words(band: &Band) -> String {
    let percent = |share: f32| (share * 100.0).round();
    format!(
        "{}: in the projects it was measured on, {} % of such changes had brought in a weakness, against {} % of all; \
         {} % of harmless changes get here too",
        band.name,
        percent(band.precision),
        percent(band.base_rate),
        percent(band.false_alarms)
    )
}

#[cfg(test)]
mod tests {
    use super::{band, severity, words};
    use crate::finding::Severity;
    use crate::model::Band;

    #[test]
    fn the_highest_band_that_is_reached_counts() {
        let make =
            |name: &str, from| Band { name: name.into(), from, precision: 0.3, false_alarms: 0.01, base_rate: 0.08 };
        let bands = [make("suspicious", 0.9), make("unusual", 0.5)];
        assert_eq!(band(&bands, 0.4), None);
        let found = band(&bands, 0.6).expect("above the lower threshold");
        assert_eq!((found.name.as_str(), severity(&bands, found)), ("unusual", Severity::Low));
        let found = band(&bands, 0.9).expect("at the threshold");
        assert_eq!((found.name.as_str(), severity(&bands, found)), ("suspicious", Severity::Medium));
        assert!(words(found).contains("30 % of such changes") && words(found).contains("8 % of all"));
    }
}
