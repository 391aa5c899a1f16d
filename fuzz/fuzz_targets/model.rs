//! The header of a model: its card, and what is looked at before a network is given to a runtime. A card and a network
//! stand behind each other with a zero byte between them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::model::{Card, ModelError};

fuzz_target!(|bytes: &[u8]| {
    let (text, onnx) = bytes.iter().position(|b| *b == 0).map_or((bytes, &[][..]), |at| (&bytes[..at], &bytes[at + 1..]));
    let Ok(card) = Card::read("fuzz", &String::from_utf8_lossy(text)) else { return };
    match card.admits(onnx) {
        Ok(()) | Err(ModelError::Digest { .. } | ModelError::ExternalData(_)) => {}
        Err(other) => panic!("{other}"),
    }
});
