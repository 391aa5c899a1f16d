//! Learned models: what one is, which are built in, and what a score is.
//!
//! A model is bytes, a card (`model.yml`) and a pinned digest. Which runtime computes it is known to [`session`] alone.
//! Knows nothing of source code: a model sees numbers.

pub mod session;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Scores one input after the other. A scorer is no judge: what a score means is said by the model's card.
pub trait Scorer: Send {
    /// Returns the name of the model.
    fn name(&self) -> &str;

    /// Returns the version of the model.
    fn version(&self) -> &str;

    /// Returns how many tokens one input has, padding included.
    fn length(&self) -> usize;

    /// Scores one input.
    ///
    /// # Errors
    /// [`ModelError::Input`] where the input has the wrong length, [`ModelError::Run`] where the runtime fails.
    fn score(&mut self, input: Input<'_>) -> Result<Scored, ModelError>;
}

/// One input: a token id and a mark at every place, both padded with 0 to the model's length.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// Ids of tokens.
    pub ids: &'a [i64],
    /// What each token is to the change.
    pub marks: &'a [i64],
}

/// What a model says of one input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scored {
    /// Probability from 0 to 1, as far as the card's calibration goes.
    pub probability: f32,
    /// What every token adds to the score before the sigmoid.
    pub tokens: Vec<f32>,
    /// What no token adds: the bias and the size of the change. With `tokens` it sums up to the score before the sigmoid.
    pub rest: f32,
}

/// What `model.yml` says of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// Name, equal to that of its folder.
    pub name: String,
    /// Version.
    pub version: String,
    /// SHA-256 of `model.onnx`, 64 hexadecimal digits.
    pub sha256: String,
    /// What goes in and comes out.
    pub inputs: Inputs,
    /// What the score is the probability of, in a phrase.
    pub label: String,
    /// Score bands, the highest threshold first.
    pub bands: Vec<Band>,
    /// Whether the findings may only advise.
    pub advisory: bool,
    /// Commit of the training code.
    pub training_commit: String,
    /// Last day of the training data, ISO 8601.
    pub data_until: String,
    /// Licence of the weights.
    pub licence: String,
    /// Measured figures beside those of the comparators: split, then measure, then value.
    pub metrics: serde_yaml::Value,
}

/// The shape of a model's input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    /// Version of the token contract that the model was trained with.
    pub contract: u32,
    /// Places in one input.
    pub length: usize,
    /// Number of different token ids.
    pub vocabulary: usize,
}

/// A range of scores with a name and a measured meaning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Band {
    /// Name in words, for example `suspicious`.
    pub name: String,
    /// Lowest probability in the band.
    pub from: f32,
    /// Share of the changes from here up that bring in a weakness, measured on the validation projects.
    pub precision: f32,
    /// Share of harmless changes that reach the band, measured on the validation projects.
    pub false_alarms: f32,
    /// Share of all changes of the validation projects that bring in a weakness: what chance alone would find.
    pub base_rate: f32,
}

/// A model that is part of the program.
#[derive(Debug, Clone, Copy)]
pub struct Embedded {
    /// Name.
    pub name: &'static str,
    /// The network.
    pub onnx: &'static [u8],
    /// The card.
    pub card: &'static str,
}

/// The models that are part of the program.
pub const EMBEDDED: &[Embedded] = &[Embedded {
    name: "attention",
    onnx: include_bytes!("../../models/attention/model.onnx"),
    card: include_str!("../../models/attention/model.yml"),
}];

impl Embedded {
    /// Returns the built-in model of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        EMBEDDED.iter().find(|m| m.name == name)
    }

    /// Reads the card. Whether the network is the one it describes is checked where a session is made.
    ///
    /// # Errors
    /// [`ModelError::Card`]: the build's fault.
    pub fn card(&self) -> Result<Card, ModelError> {
        Card::read(self.name, self.card)
    }
}

impl Card {
    /// Reads the card of the model of that name.
    ///
    /// # Errors
    /// [`ModelError::Card`] where it is none.
    pub fn read(name: &str, text: &str) -> Result<Self, ModelError> {
        serde_yaml::from_str(text)
            .map_err(|source| ModelError::Card { name: name.to_owned(), source: Box::new(source) })
    }

    /// Says that a network may be given to a runtime: it is the one that this card describes, and reads no other file.
    ///
    /// # Errors
    /// [`ModelError::Digest`] or [`ModelError::ExternalData`].
    pub fn admits(&self, onnx: &[u8]) -> Result<(), ModelError> {
        check_digest(self, onnx)?;
        if names_other_files(onnx) { Err(ModelError::ExternalData(self.name.clone())) } else { Ok(()) }
    }
}

/// Says whether a network keeps tensors in other files: `external_data` entries have the key `location`.
fn names_other_files(onnx: &[u8]) -> bool {
    const KEY: &[u8] = b"\x0a\x08location";
    // The second byte is rare in weights, so most places cost one comparison.
    onnx.windows(KEY.len()).any(|w| w[1] == KEY[1] && w == KEY)
}

/// Says that `onnx` is what `card` was written for.
///
/// # Errors
/// [`ModelError::Digest`] where it is not.
pub fn check_digest(card: &Card, onnx: &[u8]) -> Result<(), ModelError> {
    let actual: String = Sha256::digest(onnx).iter().map(|b| format!("{b:02x}")).collect();
    if actual == card.sha256 {
        return Ok(());
    }
    Err(ModelError::Digest { name: card.name.clone(), expected: card.sha256.clone(), actual })
}

/// Why a model gives no score. No variant is the fault of the scanned code.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The name is not that of a built-in model: the caller's fault.
    #[error("no built-in model is called `{0}`")]
    Unknown(String),
    /// The card cannot be read: the build's fault.
    #[error("the card of model `{name}` cannot be read")]
    Card {
        /// The model.
        name: String,
        /// The cause.
        source: Box<serde_yaml::Error>,
    },
    /// The network is not the one the card describes: a damaged or exchanged file.
    #[error("model `{name}` has SHA-256 {actual}, its card says {expected}")]
    Digest {
        /// The model.
        name: String,
        /// Digest on the card.
        expected: String,
        /// Digest of the bytes.
        actual: String,
    },
    /// The network wants to read further files: never allowed, whoever made it.
    #[error("model `{0}` keeps weights in other files, which is not allowed")]
    ExternalData(String),
    /// The library at `ORT_DYLIB_PATH` cannot be used: the environment's fault.
    #[error("ONNX Runtime cannot be loaded from `{path}` (named by ORT_DYLIB_PATH)")]
    Library {
        /// The path as given.
        path: String,
        /// The cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The runtime refuses the network: the build's fault, or that of a runtime too old for it.
    #[error("model `{name}` cannot be loaded by {runtime}")]
    Load {
        /// The model.
        name: String,
        /// The runtime.
        runtime: &'static str,
        /// The cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The input does not have the model's shape: a bug in the caller.
    #[error("model `{name}` takes {expected} tokens, was given {actual}")]
    Input {
        /// The model.
        name: String,
        /// Length that the model takes.
        expected: usize,
        /// Length that was given.
        actual: usize,
    },
    /// The runtime failed while computing, or what it computed is no score.
    #[error("model `{name}` failed while scoring: {detail}")]
    Run {
        /// The model.
        name: String,
        /// What happened.
        detail: String,
    },
}

#[cfg(test)]
mod tests {
    use super::{EMBEDDED, ModelError, check_digest, names_other_files};

    #[test]
    fn weights_in_other_files_are_noticed() {
        assert!(names_other_files(b"\x6a\x10\x0a\x08location\x12\x04a.w"));
        assert!(!names_other_files(b"location"));
    }

    #[test]
    fn every_embedded_model_matches_its_card() {
        for model in EMBEDDED {
            let card = model.card().expect("a readable card");
            assert_eq!(card.name, model.name);
            check_digest(&card, model.onnx).expect("card and network fit");
            assert!(card.bands.windows(2).all(|w| w[0].from > w[1].from), "bands fall");
            let mut changed = model.onnx.to_vec();
            changed[100] ^= 1;
            assert!(matches!(check_digest(&card, &changed), Err(ModelError::Digest { .. })));
        }
    }
}
