//! What stands between the delimiters of a macro, read again as expressions.
//!
//! The grammar gives tokens only. A part of the file is parsed once more, with a few bytes around it that are not in the
//! file; since the parser is told where in the file the part stands, every node has the bytes that it has there.

use super::{Lowerer, first};
use crate::syntax::language::Language;
use ast_grep_core::tree_sitter::LanguageExt;
use std::cell::RefCell;
use std::ops::{ControlFlow, Range};
use tree_sitter::{Node, ParseOptions, ParseState, Parser, Point, Tree};

/// How often the bytes of a file may be read again in all: macros nest.
pub(super) const READINGS: usize = 4;
/// Bytes that may be read again in small files.
pub(super) const LEAST: usize = 4096;
/// The largest part that is read again.
const LARGEST: usize = 256 * 1024;
/// The deepest nesting that expressions may come to, those around the macro included.
const DEEPEST: usize = 1000;

/// What is written around a part of the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    before: &'static str,
    after: &'static str,
}

/// Expressions between commas, or `value; length`.
pub(super) const LIST: Frame = Frame { before: "[", after: "];" };
/// Statements.
pub(super) const STATEMENTS: Frame = Frame { before: "{", after: "}" };
/// Statements, of which the last may lack its semicolon.
pub(super) const ITEMS: Frame = Frame { before: "{", after: ";}" };
/// A pattern, perhaps with a guard.
pub(super) const ARM: Frame = Frame { before: "match x{", after: "=>0};" };

impl Lowerer<'_> {
    /// Parses a part of the file; `None` where it is not what the frame is for.
    pub(super) fn fragment(&mut self, part: Range<usize>, frame: Frame) -> Option<Tree> {
        if part.len() > self.budget.min(LARGEST) {
            return None;
        }
        self.budget -= part.len();
        let tree = parse(self.builder.text, part, frame)?;
        let room = DEEPEST.saturating_sub(self.depth);
        (!tree.root_node().has_error() && !is_deeper(&tree, room)).then_some(tree)
    }
}

/// Returns the list or block that a frame makes of its part.
pub(super) fn framed(tree: &Tree) -> Option<Node<'_>> {
    first(first(tree.root_node())?)
}

/// Returns the pattern of [`ARM`].
pub(super) fn framed_pattern(tree: &Tree) -> Option<Node<'_>> {
    let arm = first(framed(tree)?.child_by_field_name("body")?)?;
    arm.child_by_field_name("pattern")
}

fn parse(text: &str, part: Range<usize>, frame: Frame) -> Option<Tree> {
    thread_local! {
        static PARSER: RefCell<Parser> = RefCell::new(Parser::new());
    }
    let from = part.start.checked_sub(frame.before.len())?;
    let content = text.get(part.clone())?.as_bytes();
    let range = tree_sitter::Range {
        start_byte: from,
        end_byte: part.end + frame.after.len(),
        start_point: Point::new(0, 0),
        end_point: Point::new(usize::MAX, usize::MAX),
    };
    let mut piece = |at: usize, _: Point| {
        if at < part.start {
            frame.before.as_bytes().get(at.wrapping_sub(from)..).unwrap_or_default()
        } else if at < part.end {
            &content[at - part.start..]
        } else {
            frame.after.as_bytes().get(at - part.end..).unwrap_or_default()
        }
    };
    PARSER.with(|parser| {
        let mut parser = parser.borrow_mut();
        if parser.language().is_none() {
            parser.set_language(&Language::Rust.get_ts_language()).ok()?;
        }
        parser.reset();
        parser.set_included_ranges(&[range]).ok()?;
        // What cannot be read any more is of no use, and mending it takes the parser long.
        let mut stop =
            |state: &ParseState| if state.has_error() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        parser.parse_with_options(&mut piece, None, Some(ParseOptions::new().progress_callback(&mut stop)))
    })
}

fn is_deeper(tree: &Tree, limit: usize) -> bool {
    let mut cursor = tree.walk();
    let mut depth = 0;
    loop {
        if cursor.goto_first_child() {
            depth += 1;
            if depth > limit {
                return true;
            }
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return false;
            }
            depth -= 1;
        }
    }
}
