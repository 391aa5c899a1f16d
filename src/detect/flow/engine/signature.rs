//! Signatures with a secret key: what a signature that fits says of the text that was signed.

use super::Engine;
use super::call::Args;
use crate::detect::flow::catalog::operation::Operation;
use crate::detect::flow::ir::Op;
use crate::detect::flow::name::Name;
use crate::detect::flow::state::Contents;
use crate::detect::flow::value::{Data, Kind, Value};
use std::rc::Rc;

/// What stands for a signature.
const SIGNATURE: &str = "hmac.Signature";

impl Engine<'_> {
    /// Signs, or compares with a signature.
    pub(super) fn signature_operation(
        &mut self,
        operation: Operation,
        keys: &[Name],
        object: Option<&Value>,
        args: &Args,
        span: (u32, u32),
    ) -> Option<Value> {
        match operation {
            Operation::Equal => {
                let mut all = object.into_iter().chain(args.all().map(|(v, _)| v)).cloned();
                let (a, b) = (all.next()?, all.next()?);
                Some(self.compare(Op::Eq, &a, &b))
            }
            Operation::Sign => {
                if let Some(signer) = object {
                    // More of the text.
                    let more = args.all().map(|(v, _)| v.clone());
                    self.state.contents_mut(signed(signer)).list.get_or_insert_default().extend(more);
                    return Some(signer.clone());
                }
                let kind = keys.first().map_or(Kind::Unknown, |key| self.result_kind(*key));
                let key = args.value(0).or(args.by_name("key").map(|(v, _)| v))?;
                let text = args.value(1).or(args.by_name("msg").map(|(v, _)| v));
                let id = super::number(&("signer", key.id, self.place(span)));
                self.signed_with(key.clone(), text.cloned().into_iter().collect(), id, kind)
            }
            Operation::Signature => {
                let kind = Kind::Path(Name::new(SIGNATURE));
                let Some(signer) = object else {
                    let (key, text) = (args.value(0)?.clone(), args.value(1)?.clone());
                    let id = super::number(&("signature", key.id, text.id));
                    return self.signed_with(key, vec![text], id, kind);
                };
                let contents = self.state.contents(signed(signer))?;
                let signature = Rc::new(Data::new(super::number(&("signature", signer.id)), kind));
                self.state.set_contents(signed(&signature), contents.as_ref().clone());
                Some(signature)
            }
            _ => None,
        }
    }

    /// Makes what signs, or a signature; nothing is known of one whose key may be a stranger's.
    fn signed_with(&mut self, key: Value, texts: Vec<Value>, id: u64, kind: Kind) -> Option<Value> {
        if self.is_foreign(&Args::of(vec![key], (0, 0))) {
            return None;
        }
        let value = Rc::new(Data::new(id, kind));
        self.state.set_contents(signed(&value), Contents { list: Some(texts), ..Contents::default() });
        Some(value)
    }

    /// Returns what a signature signs.
    pub(super) fn signed_by(&self, value: &Value) -> Vec<Value> {
        let contents = if is_signature(value) { self.state.contents(signed(value)) } else { None };
        contents.map_or(Vec::new(), |c| c.list.iter().flatten().cloned().collect())
    }
}

/// Says whether a value is a signature, which stays one in another writing.
pub(super) fn is_signature(value: &Value) -> bool {
    matches!(value.kind, Kind::Path(path) if path.as_str() == SIGNATURE) && !value.is_name
}

/// Returns the number under which is kept what was signed.
fn signed(value: &Value) -> u64 {
    super::number(&("signed", value.id))
}
