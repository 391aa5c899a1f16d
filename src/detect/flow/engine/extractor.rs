//! Rust's handlers: which of their parameters hold data of the request, and which are what the program keeps for them.

use super::Engine;
use super::invoke::param_name;
use crate::detect::flow::ir::{ClassId, Const, ExprKind, Function, Module, Param, Pattern, StmtKind, Type};
use crate::detect::flow::name::Name;
use crate::detect::flow::value::{Data, Kind, Labels, Value};
use crate::syntax::language::Language;
use std::rc::Rc;

/// Parts of the names of types that read a request.
const READERS: [&str; 17] = [
    "json",
    "query",
    "form",
    "path",
    "body",
    "multipart",
    "header",
    "cookie",
    "param",
    "payload",
    "bytes",
    "xml",
    "upload",
    "valid",
    "request",
    "input",
    "segments",
];

impl Engine<'_> {
    /// Returns the value of a parameter that the program keeps for its handlers, whatever its type is called:
    /// `State(pool): Alias`.
    pub(super) fn kept(&mut self, m: &Module, param: &Param, id: u64) -> Option<Value> {
        let Pattern::Variant(name, _) = &param.pattern else { return None };
        let _ = m;
        let path = self.resolve_dotted(*name).filter(|_| self.language == Language::Rust)?;
        if !self.catalog.is_clean_type(path) {
            return None;
        }
        let declared = param.of_type.as_ref().and_then(|of| self.class_of_type(of));
        let inner = param.of_type.as_ref().and_then(|of| self.path_of_type(of));
        let kind = inner.filter(|path| self.catalog.knows(*path)).map_or(Kind::Unknown, Kind::Path);
        let value = Data::unknown(id, Labels::default());
        Some(Rc::new(Data { declared, kind, plain: true, ..value.as_ref().clone() }))
    }

    /// Says whether a handler's parameter is made by code that is not known from more than the request's text: an extractor of
    /// the program's own, a connection, a user.
    pub(super) fn is_made_by_code(&mut self, param: &Param, declared: Option<(usize, ClassId)>) -> bool {
        let Some(of) = param.of_type.as_ref().filter(|_| self.language == Language::Rust) else { return false };
        let name = of.name.last().to_ascii_lowercase();
        if READERS.iter().any(|part| name.contains(part)) {
            return false;
        }
        if let Some((module, class)) = declared {
            return !self.is_read_from_text(module, class);
        }
        match self.resolve_dotted(of.name) {
            Some(path) => {
                let is_holder =
                    self.catalog.is_wrapper(path) || matches!(of.name.as_str(), "()" | "[]" | "|" | "HashMap");
                let is_open = is_holder && of.args.iter().any(|arg| !self.is_kept_type(arg));
                !is_open && self.is_kept_type(of)
            }
            None => false,
        }
    }

    /// Says whether a type is neither a text nor a structure of texts.
    fn is_kept_type(&mut self, of: &Type) -> bool {
        if let Some((module, class)) = self.class_of_type(of) {
            return !self.is_read_from_text(module, class);
        }
        let Some(path) = self.resolve_dotted(of.name) else { return false };
        let is_plain = super::handler::is_plain_type(Language::Rust, path)
            || matches!(
                path.last(),
                "str" | "String" | "Value" | "Bytes" | "Path" | "PathBuf" | "Uri" | "OsString" | "_"
            );
        let is_generic = path.as_str().len() <= 2;
        let inside = of.args.iter().any(|arg| !self.is_kept_type(arg));
        let is_holder = self.catalog.is_wrapper(path) || matches!(of.name.as_str(), "()" | "[]");
        !(is_plain || is_generic || (is_holder && inside))
    }

    /// Says whether a structure of the code is read from text: `#[derive(Deserialize)]`, `FromForm`.
    fn is_read_from_text(&mut self, module: usize, class: ClassId) -> bool {
        let handle = self.module(module);
        let name = handle.class(class).name;
        let all = handle.classes.iter().filter(|c| c.name == name && name.is_some());
        let mut bases = all.flat_map(|c| &c.bases);
        bases.any(|base| match &handle.expr(*base).kind {
            ExprKind::Name(name) | ExprKind::Member(_, name) => {
                matches!(
                    name.as_str(),
                    "Deserialize"
                        | "FromForm"
                        | "FromFormField"
                        | "FromParam"
                        | "FromStr"
                        | "FromData"
                        | "FromQueryResult"
                        | "MultipartForm"
                        | "TryFromMultipart"
                        | "FromMultipart"
                        | "Object"
                        | "TypedPath"
                        | "FromSegments"
                        | "Extractible"
                        | "ToSchema"
                        | "IntoParams"
                )
            }
            _ => false,
        })
    }

    /// Returns the names of the parameters that a route of Rocket fills from the request: those in angle brackets. The
    /// others are guards. `None` where a function is no such route.
    pub(super) fn route_names(&mut self, m: &Module, function: &Function) -> Option<Vec<Name>> {
        if self.language != Language::Rust || function.decorators.is_empty() {
            return None;
        }
        if !self.module(self.here()).file().text().contains("rocket") {
            return None;
        }
        let mut names = None;
        for decorator in &function.decorators {
            let ExprKind::Call(call) = &m.expr(*decorator).kind else { continue };
            let texts = call.args.iter().filter_map(|arg| match &m.expr(arg.value).kind {
                ExprKind::Const(Const::Text(text)) => Some(text.clone()),
                _ => None,
            });
            for text in texts.filter(|text| text.starts_with(['/', '<'])) {
                let all: &mut Vec<Name> = names.get_or_insert_with(Vec::new);
                let parts = text.split('<').skip(1).filter_map(|part| part.split('>').next());
                all.extend(parts.map(|part| Name::new(part.trim_end_matches("..").trim_start_matches('_'))));
                all.extend(
                    text.split('<')
                        .skip(1)
                        .filter_map(|p| p.split('>').next())
                        .map(|p| Name::new(p.trim_end_matches(".."))),
                );
            }
        }
        let _ = param_name;
        names
    }

    /// Returns the type that a name without arguments stands for, and the module in which it is written: `type Pool = ...`.
    pub(super) fn alias_of(&mut self, of: &Type) -> Option<(usize, Type)> {
        if self.language != Language::Rust || self.depth > 200 {
            return None;
        }
        let (module, name) = match self.look_up(Name::new(of.name.as_str().split('.').next()?))?.kind {
            Kind::Path(path) if self.is_local_path(path) => {
                let whole = self.resolve_dotted(of.name)?;
                let (owner, last) = whole.as_str().rsplit_once('.')?;
                let owner = self.local(Name::new(owner), (0, 0))?;
                let Kind::Module(module) = owner.kind else { return None };
                (module, Name::new(last))
            }
            Kind::Path(_) if !of.name.as_str().contains('.') => (self.here(), of.name),
            _ => return None,
        };
        let alias = self.module(module).body.iter().find_map(|stmt| match &stmt.kind {
            StmtKind::Assign(Pattern::Name(named), _, Some(of)) if *named == name && of.name != name => {
                Some(of.clone())
            }
            _ => None,
        });
        alias.map(|of| (module, of))
    }

    /// Says whether a type is a text, perhaps an optional one.
    pub(super) fn is_text_type(&mut self, of: &Type) -> bool {
        if self.language == Language::Python {
            if matches!(of.name.last(), "Optional" | "Annotated" | "|" | "Union") {
                return of
                    .args
                    .iter()
                    .filter(|arg| arg.name.as_str() != "None")
                    .take(1)
                    .any(|arg| self.is_text_type(arg));
            }
            let path = self.resolve_dotted(of.name);
            return path
                .is_some_and(|path| matches!(path.as_str(), "str" | "pydantic.StrictStr" | "pydantic.EmailStr"));
        }
        if self.language != Language::Rust {
            return false;
        }
        match of.name.last() {
            "Option" | "Box" | "Arc" | "Rc" | "Cow" => of.args.last().is_some_and(|arg| self.is_text_type(arg)),
            "String" | "str" => self.resolve_dotted(of.name).is_some_and(|path| path.as_str() == "str"),
            _ => false,
        }
    }
}
