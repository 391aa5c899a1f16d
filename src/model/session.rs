//! I/O: runs networks. The only file that names the ONNX runtime, so exchanging it touches nothing else.
//!
//! Without further notice networks run on the built-in pure Rust runtime. Where `ORT_DYLIB_PATH` names an ONNX Runtime
//! library, that is loaded and used instead. The choice is made once, at the first session of the process.
#![expect(clippy::disallowed_methods, reason = "I/O edge: reads ORT_DYLIB_PATH and loads the library it names")]

use super::{Card, Embedded, Input, ModelError, Scored, Scorer};
use ort::environment::{Environment, EnvironmentBuilder};
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::TensorRef;
use std::sync::OnceLock;

/// A network ready to run. One runs on one thread at a time; for more threads make more sessions.
pub struct OnnxScorer {
    card: Card,
    session: Session,
}

/// Makes a session of a built-in model; its digest is checked first.
///
/// # Errors
/// See [`ModelError`]; none is the fault of the scanned code.
pub fn load(name: &str) -> Result<OnnxScorer, ModelError> {
    let model = Embedded::named(name).ok_or_else(|| ModelError::Unknown(name.to_owned()))?;
    OnnxScorer::new(model.card()?, model.onnx)
}

/// Returns the runtime that sessions of this process use, by the environment: `tract` or `onnxruntime`.
pub fn runtime() -> &'static str {
    if std::env::var_os("ORT_DYLIB_PATH").is_some() { "onnxruntime" } else { "tract" }
}

impl OnnxScorer {
    /// Makes a session of a network whose digest equals that on its card.
    ///
    /// # Errors
    /// See [`ModelError`].
    pub fn new(card: Card, onnx: &[u8]) -> Result<Self, ModelError> {
        card.admits(onnx)?;
        let environment = environment()?;
        let session = open(&environment, onnx).map_err(|source| ModelError::Load {
            name: card.name.clone(),
            runtime: runtime(),
            source,
        })?;
        Ok(Self { card, session })
    }

    /// Returns the model's card.
    pub fn card(&self) -> &Card {
        &self.card
    }

    fn failed(&self, detail: impl ToString) -> ModelError {
        ModelError::Run { name: self.card.name.clone(), detail: detail.to_string() }
    }
}

impl Scorer for OnnxScorer {
    fn name(&self) -> &str {
        &self.card.name
    }

    fn version(&self) -> &str {
        &self.card.version
    }

    fn length(&self) -> usize {
        self.card.inputs.length
    }

    fn score(&mut self, input: Input<'_>) -> Result<Scored, ModelError> {
        let length = self.card.inputs.length;
        for given in [input.ids.len(), input.marks.len()] {
            if given != length {
                return Err(ModelError::Input { name: self.card.name.clone(), expected: length, actual: given });
            }
        }
        let scored = run(&mut self.session, input, length).map_err(|e| self.failed(e))?;
        if scored.tokens.len() != length || !(0.0..=1.0).contains(&scored.probability) {
            return Err(self.failed("the result is no score"));
        }
        Ok(scored)
    }
}

fn run(session: &mut Session, input: Input<'_>, length: usize) -> ort::Result<Scored> {
    let ids = TensorRef::from_array_view(([1, length], input.ids))?;
    let marks = TensorRef::from_array_view(([1, length], input.marks))?;
    let outputs = session.run(ort::inputs!["ids" => ids, "marks" => marks])?;
    let numbers = |name: &str| outputs[name].try_extract_tensor::<f32>().map(|(_, numbers)| numbers.to_vec());
    let first = |name: &str| numbers(name).map(|n| n.first().copied().unwrap_or(f32::NAN));
    Ok(Scored { probability: first("probability")?, tokens: numbers("tokens")?, rest: first("rest")? })
}

fn open(environment: &Environment, onnx: &[u8]) -> Result<Session, Box<dyn std::error::Error + Send + Sync>> {
    let builder = Session::builder(environment).map_err(|e| e.to_string())?;
    // Without a level the built-in runtime would not optimise at all.
    let builder = builder.with_optimization_level(GraphOptimizationLevel::All).map_err(|e| e.to_string())?;
    let mut builder = builder.with_intra_threads(1).map_err(|e| e.to_string())?;
    builder.commit_from_memory(onnx).map_err(|e| e.to_string().into())
}

/// Returns the runtime's environment. It is made once, because a process can have only one; a failure is kept as well,
/// because the runtime would panic at a second try.
fn environment() -> Result<Environment, ModelError> {
    static MADE: OnceLock<Result<Environment, (String, String)>> = OnceLock::new();
    let made = MADE.get_or_init(|| match std::env::var_os("ORT_DYLIB_PATH") {
        Some(path) => make(ort::init_from(&path).map_err(|e| e.to_string()))
            .map_err(|cause| (path.to_string_lossy().into_owned(), cause)),
        None => {
            ort::set_api(ort_tract::api());
            make(Ok(ort::init())).map_err(|cause| ("the program itself".to_owned(), cause))
        }
    });
    made.clone().map_err(|(path, cause)| ModelError::Library { path, source: cause.into() })
}

fn make(builder: Result<EnvironmentBuilder, String>) -> Result<Environment, String> {
    builder?.build().map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::load;
    use crate::model::ModelError;

    #[test]
    fn unknown_names_are_refused() {
        assert!(matches!(load("no-such-model"), Err(ModelError::Unknown(_))));
    }
}
