//! What git has of the contents of files.

use super::Content;
use super::text::{NotText, decode};
use std::collections::BTreeMap;

/// What was read of many blobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Blobs {
    /// Each by its object.
    Read(BTreeMap<String, Blob>),
    /// None, as together they are over the limit.
    OverLimit {
        /// Their size.
        bytes: u64,
    },
}

/// A blob, as far as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Blob {
    /// Its bytes.
    Bytes(Vec<u8>),
    /// Over the limit; its size.
    TooLarge(u64),
    /// Not in this clone.
    Missing,
}

impl Blob {
    /// Turns a blob into content, decoding text.
    pub fn into_content(self, source: bool) -> Content {
        match self {
            Self::TooLarge(bytes) => Content::TooLarge { bytes },
            Self::Missing => Content::Unreadable("its content is not in this clone".into()),
            Self::Bytes(bytes) => match decode(&bytes, source) {
                Ok(text) => Content::Text(text),
                Err(NotText::Binary) => Content::Binary,
                Err(NotText::Garbled(why)) => Content::Unreadable(why),
            },
        }
    }
}
