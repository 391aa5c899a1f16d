//! How a secret looks inside of Base64, wherever in the encoded text it begins.

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Returns the three forms, by where the bytes begin in a group of three: only the characters that they alone decide.
pub(super) fn forms(bytes: &[u8]) -> [String; 3] {
    [0, 1, 2].map(|before: usize| {
        let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| (byte >> (7 - at % 8)) & 1);
        // The first character that begins within the bytes; those that end within them follow.
        let skipped = (6 - before * 8 % 6) % 6;
        let whole = (bytes.len() * 8).saturating_sub(skipped) / 6;
        let digit = |i: usize| (0..6).fold(0, |value, b| (value << 1) | bit(skipped + i * 6 + b));
        (0..whole).map(|i| char::from(DIGITS[usize::from(digit(i))])).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::forms;

    #[test]
    fn forms_are_parts_of_the_encoded_text() {
        // `secret`, `.secret` and `..secret` are c2VjcmV0, LnNlY3JldA== and Li5zZWNyZXQ=.
        assert_eq!(forms(b"secret"), ["c2VjcmV0", "NlY3Jld", "zZWNyZX"]);
    }
}
