//! Patterns that a declaration holds data against before the code sees it: pydantic's `Field(pattern=...)` and
//! `constr(pattern=...)`, FastAPI's `Query(pattern=...)`.

use super::Engine;
use crate::detect::flow::catalog::Classes;
use crate::detect::flow::ir::{ClassId, Const, ExprId, ExprKind, Module, Param};
use crate::detect::flow::value::Value;
use crate::syntax::language::Language;

/// Names of the argument that holds the pattern.
const NAMES: [&str; 2] = ["pattern", "regex"];

impl Engine<'_> {
    /// Returns a parameter that is held against a pattern where it is declared.
    pub(super) fn constrained(&self, m: &Module, param: &Param, value: Value) -> Value {
        if self.language != Language::Python || value.labels.is_empty() {
            return value;
        }
        let notes = param.default.iter().chain(&param.decorators);
        let classes =
            notes.filter_map(|note| pattern_of(m, *note)).fold(0, |all, text| all | self.harmless_match(&text));
        value.with_labels(value.labels.cleaned(classes))
    }

    /// Returns the classes that a field of a class is harmless to by the pattern that it is held against.
    pub(super) fn harmless_by_pattern(&self, module: usize, class: ClassId, field: &str) -> Classes {
        if self.language != Language::Python {
            return 0;
        }
        let handle = self.module(module);
        let Some(name) = handle.class(class).name else { return 0 };
        let declared = declaration(handle.file().text(), name.as_str(), field);
        declared.and_then(pattern_in).map_or(0, |text| self.harmless_match(text))
    }

    fn harmless_match(&self, pattern: &str) -> Classes {
        self.harmless_by_match(pattern, false, crate::detect::flow::catalog::ALL)
    }
}

/// Returns the pattern that a call is given by name.
fn pattern_of(m: &Module, note: ExprId) -> Option<String> {
    let ExprKind::Call(call) = &m.expr(note).kind else { return None };
    let given = call.args.iter().find(|arg| arg.name.is_some_and(|name| NAMES.contains(&name.as_str())))?;
    match &m.expr(given.value).kind {
        ExprKind::Const(Const::Text(text)) => Some(text.to_string()),
        _ => None,
    }
}

/// Returns the text that declares a field of a class, as it is written: types are not lowered with what they are given.
fn declaration<'t>(text: &'t str, class: &str, field: &str) -> Option<&'t str> {
    let heads = [format!("class {class}("), format!("class {class}:")];
    let start = heads.iter().find_map(|head| text.find(head.as_str()))?;
    let body = text.get(start..)?;
    let body = body.get(body.find('\n')? + 1..)?;
    let mut at = 0;
    for line in body.split_inclusive('\n') {
        let trimmed = line.trim_start();
        if !trimmed.is_empty() && trimmed.len() == line.len() {
            return None;
        }
        if let Some(rest) = trimmed.strip_prefix(field)
            && rest.trim_start().starts_with(':')
        {
            let declared = body.get(at..)?;
            return declared.get(..end_of_statement(declared));
        }
        at += line.len();
    }
    None
}

/// Returns where a statement ends: at the first line end outside brackets.
fn end_of_statement(text: &str) -> usize {
    let mut depth = 0i32;
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            '\n' if depth <= 0 => return at,
            _ => {}
        }
    }
    text.len()
}

/// Returns the pattern that a declaration gives by name, written as a plain or raw text without escapes of its own quote.
fn pattern_in(declared: &str) -> Option<&str> {
    let start = NAMES.iter().find_map(|name| declared.find(&format!("{name}=")).map(|at| at + name.len() + 1))?;
    let rest = declared.get(start..)?.trim_start();
    let is_raw = rest.starts_with(['r', 'R']);
    let rest = rest.strip_prefix(['r', 'R']).unwrap_or(rest);
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let inner = rest.get(1..)?;
    let text = inner.get(..inner.find(quote)?)?;
    // What a plain text escapes is not read here.
    (is_raw || !text.contains('\\')).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::{declaration, pattern_in};

    #[test]
    fn a_field_is_declared_with_its_pattern() {
        let text = "class A(BaseModel):\n    \"\"\"Doc.\"\"\"\n    a: constr(pattern=r\"^[a-z]+$\")\n    b: str = Field(\n        ...,\n        regex='^b$',\n    )\n    c: str\n\nclass B(A):\n    d: str = Field(pattern=\"^\\\\d$\")\n";
        let pattern = |class, field| declaration(text, class, field).and_then(pattern_in);
        assert_eq!(pattern("A", "a"), Some("^[a-z]+$"));
        assert_eq!(pattern("A", "b"), Some("^b$"));
        assert_eq!((pattern("A", "c"), pattern("A", "d"), pattern("B", "d")), (None, None, None));
    }
}
