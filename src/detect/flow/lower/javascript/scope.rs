//! What functions declare and what they assign to.
//!
//! The representation takes a name that a function assigns to for the function's own, unless an `Outer` statement says
//! otherwise. JavaScript has it the other way round, so the names that a function assigns to and does not declare are
//! listed at its start. Blocks are flattened; where a `let` or `const` in one hides a variable of the same function, it
//! gets a name of its own: `x'`.

use super::Lowering;
use crate::detect::flow::ir::{Block, StmtKind};
use crate::detect::flow::lower::stmt;
use crate::detect::flow::name::Name;
use std::collections::{HashMap, HashSet};
use tree_sitter::Node;

/// What a function declares and assigns to.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// All that it declares.
    declared: HashSet<Name>,
    /// What it assigns to.
    assigned: Vec<Name>,
    /// How often the function and its open blocks declare a name.
    open: HashMap<Name, u32>,
    /// What the open blocks inside it declare, innermost last, by the names that are written.
    blocks: Vec<Vec<Name>>,
    /// What a name that is written means in the open blocks, innermost last.
    renamed: HashMap<Name, Vec<Name>>,
}

/// How a pattern comes by its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Binding {
    /// `let`, `const`: known in the block.
    Lexical,
    /// `var`, parameters, functions, classes: known in the whole function.
    Function,
    /// Assignment: known already.
    Assign,
}

/// What a `break` or `continue` may leave.
#[derive(Debug)]
pub(super) struct Target {
    /// Its label.
    pub(super) label: Option<Name>,
    /// What it is.
    pub(super) kind: TargetKind,
    /// Where the `break` statements begin that leave it.
    pub(super) breaks: Vec<u32>,
}

/// What kind of statement a `break` or `continue` may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TargetKind {
    /// A loop.
    Loop,
    /// A `switch`.
    Switch,
    /// A statement with a label.
    Labelled,
}

impl Lowering<'_> {
    /// Notes that a name is declared or assigned to, and returns the name that it goes by.
    pub(super) fn bind(&mut self, name: Name, how: Binding) -> Name {
        let known = self.resolve(name);
        let Some(scope) = self.scopes.last_mut() else { return name };
        if how == Binding::Assign {
            scope.assigned.push(known);
            return known;
        }
        let is_hidden = how == Binding::Lexical && scope.open.get(&name).is_some_and(|times| *times > 0);
        *scope.open.entry(name).or_default() += 1;
        let mut own = name;
        // What the function itself declares never goes out of sight inside it.
        if let Some(block) = scope.blocks.last_mut().filter(|_| how == Binding::Lexical) {
            block.push(name);
            while is_hidden && (own == name || scope.open.get(&own).is_some_and(|times| *times > 0)) {
                own = Name::new(&format!("{own}'"));
            }
            scope.renamed.entry(name).or_default().push(own);
            if own != name {
                *scope.open.entry(own).or_default() += 1;
                self.renamed += 1;
            }
        }
        scope.declared.insert(own);
        own
    }

    /// Returns the name that a written name goes by here.
    pub(super) fn resolve(&self, name: Name) -> Name {
        if self.renamed == 0 {
            return name;
        }
        for scope in self.scopes.iter().rev() {
            if let Some(own) = scope.renamed.get(&name).and_then(|names| names.last()) {
                return *own;
            }
            if scope.declared.contains(&name) {
                return name;
            }
        }
        name
    }

    /// Says whether a `var` without a value makes a variable here, rather than name one that is there.
    pub(super) fn makes_variable(&self, name: Name) -> bool {
        let is_known = |scope: &Scope| {
            !scope.blocks.is_empty() || scope.declared.contains(&name) || scope.assigned.contains(&name)
        };
        self.targets.is_empty() && !self.scopes.last().is_some_and(is_known)
    }

    /// Begins a function.
    pub(super) fn open_function(&mut self) -> Vec<Target> {
        self.scopes.push(Scope::default());
        std::mem::take(&mut self.targets)
    }

    /// Ends a function: the names that it assigns to and does not declare come first in its body.
    pub(super) fn close_function(&mut self, node: Node<'_>, targets: Vec<Target>, body: &mut Block) {
        self.targets = targets;
        let Some(scope) = self.scopes.pop() else { return };
        let mut outer: Vec<Name> = Vec::new();
        let mut seen = HashSet::new();
        outer.extend(scope.assigned.into_iter().filter(|name| !scope.declared.contains(name) && seen.insert(*name)));
        if !outer.is_empty() {
            body.insert(0, stmt(node, StmtKind::Outer(outer)));
        }
    }

    /// Begins a block.
    pub(super) fn open_block(&mut self) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.blocks.push(Vec::new());
        }
    }

    /// Ends a block: what it declares goes out of sight.
    pub(super) fn close_block(&mut self) {
        let Some(scope) = self.scopes.last_mut() else { return };
        for name in scope.blocks.pop().unwrap_or_default() {
            scope.open.entry(name).and_modify(|times| *times -= 1);
            let Some(own) = scope.renamed.get_mut(&name).and_then(Vec::pop) else { continue };
            if own != name {
                scope.open.entry(own).and_modify(|times| *times -= 1);
                self.renamed -= 1;
            }
        }
    }
}
