//! Places where data does harm.

use super::call::Args;
use super::compare::fixes_host;
use super::member::Key;
use super::weight::Weight;
use super::{Engine, Place};
use crate::detect::flow::catalog::schema::{Sink, Trust};
use crate::detect::flow::catalog::{Classes, Entry};
use crate::detect::flow::ir::{ExprId, Module};
use crate::detect::flow::name::Name;
use crate::detect::flow::state::implied;
use crate::detect::flow::value::{Data, Kind, Label, Labels, Shape, Value};
use crate::detect::flow::{Flow, FlowStep, StepKind};

/// What tells one flow from another: sink, class, source.
pub(super) type Identity = (Place, Classes, Option<Place>);

/// Programs that run a text as a command.
const SHELLS: [&str; 9] = ["sh", "bash", "zsh", "dash", "ksh", "cmd", "cmd.exe", "powershell", "pwsh"];

impl Engine<'_> {
    /// Looks at a call as a sink.
    pub(super) fn sinks_of_call(&mut self, keys: &[Name], receiver: Option<&Value>, args: &Args, span: (u32, u32)) {
        let catalog = self.catalog;
        let mut known: Classes = 0;
        for key in keys {
            for entry in catalog.call_sinks(*key).iter().filter(|e| self.is_active(e.file)).collect::<Vec<_>>() {
                known |= entry.classes;
                let kept = self.session_args(entry, args).or_else(|| self.line_args(entry, args));
                self.sink(entry, *key, receiver, kept.as_ref().unwrap_or(args), None, span);
            }
            if known != 0 {
                break;
            }
        }
        self.sinks_of_any_type(keys, receiver, args, known, span);
        // An argument that is given under a telling name is put there.
        if self.catalog.has_name_sinks() {
            for (name, value, at) in &args.named {
                self.sink_of_name(*name, value, *at);
            }
        }
    }

    /// Looks at a method of a type that the catalog speaks of as what it is for any type, for the classes that are about what
    /// the data is: a predictable cookie is one in every framework.
    fn sinks_of_any_type(
        &mut self,
        keys: &[Name],
        receiver: Option<&Value>,
        args: &Args,
        known: Classes,
        span: (u32, u32),
    ) {
        let (Some(key), Some(_)) = (keys.first(), receiver) else { return };
        let catalog = self.catalog;
        let any = Name::new(&format!("*.{}", key.last()));
        if keys.contains(&any) {
            return;
        }
        let fits = |e: &&Entry<Sink>| catalog.wants_own_sources(e.classes) && e.classes & known == 0;
        for entry in catalog.call_sinks(any).iter().filter(fits).collect::<Vec<_>>() {
            if self.is_active(entry.file) {
                self.sink(entry, any, receiver, args, None, span);
            }
        }
    }

    /// Looks at an assignment as a sink.
    pub(super) fn sink_of_assignment(
        &mut self,
        (path, name): (Name, Name),
        object: &Value,
        key: Option<&Value>,
        value: &Value,
        span: (u32, u32),
    ) {
        self.typed_afterwards(object, name, key, value);
        let catalog = self.catalog;
        let any = Name::new(&format!("*.{name}"));
        let keys = if path.as_str().starts_with('*') {
            vec![path]
        } else {
            let every = path.as_str().rsplit_once('.').map(|(owner, _)| Name::new(&format!("{owner}.*")));
            [Some(path), every, Some(any)].into_iter().flatten().collect()
        };
        let args = Args::of(vec![value.clone()], span);
        for path in keys {
            let entries = catalog.assign_sinks(path);
            for entry in entries.iter().filter(|e| self.is_active(e.file)).collect::<Vec<_>>() {
                match self.session_value(entry.classes, (path, name), key, value) {
                    Some(kept) => {
                        let args = Args::of(vec![kept.clone()], span);
                        self.sink(entry, path, Some(object), &args, Some((key, &kept)), span);
                    }
                    None => self.sink(entry, path, Some(object), &args, Some((key, value)), span),
                }
            }
            if !entries.is_empty() {
                break;
            }
        }
    }

    /// Looks at putting something under a name as a sink: variables, fields, keys, arguments.
    pub(super) fn sink_of_name(&mut self, name: Name, value: &Value, span: (u32, u32)) {
        if value.labels.is_empty() {
            return;
        }
        let catalog = self.catalog;
        let args = Args::of(vec![value.clone()], span);
        let plain = Name::new(&format!("*.{name}"));
        let by_place = catalog.assign_sinks(plain).iter().filter(|e| catalog.wants_own_sources(e.classes));
        for entry in catalog.name_sinks(name.as_str()).chain(by_place).collect::<Vec<_>>() {
            if self.is_active(entry.file) {
                self.sink(entry, name, None, &args, Some((None, value)), span);
            }
        }
    }

    /// Looks at what a handler returns as a sink.
    pub(super) fn sink_of_return(&mut self, classes: Classes, value: &Value, span: (u32, u32)) {
        let is_plain = self.present_type().is_some_and(|of| super::answer::is_no_markup(&of));
        if is_plain || self.is_parsed(value) || self.html_where.is_some_and(|path| !self.is_sent_as_html(path)) {
            return;
        }
        if let Kind::Object(_) = value.kind {
            // Lists and maps are sent as JSON; of a pair of text and status the text counts.
            let contents = self.state.contents(value.id);
            if let Some(target) = contents.as_ref().and_then(|c| self.leads_to(c)) {
                self.record_at("redirect", "the response", &target, span);
            }
            if self.is_written_as_list(span) || contents.as_ref().is_some_and(|c| self.is_told_not_html(c)) {
                return;
            }
            let first = contents.and_then(|c| c.list.as_ref().and_then(|l| l.first().cloned()));
            if let Some(first) = first
                && !matches!(first.kind, Kind::Object(_))
            {
                self.record(classes, "the response", &first, span, span);
            }
            return;
        }
        self.record(classes, "the response", value, span, span);
    }

    /// Says whether the content type of a response that a handler was given was set to HTML.
    fn is_sent_as_html(&self, response: Name) -> bool {
        let contents = self.state.contents(super::number(&("given", self.given, response)));
        let of = contents.and_then(|c| c.get(&Key::Name(Name::new("type"))).ok().cloned());
        of.is_some_and(|of| matches!(of.as_text(), Some("text/html" | "application/xhtml+xml")))
    }

    /// Looks at an attribute of markup as a sink, and returns the markup.
    pub(super) fn markup(
        &mut self,
        m: &Module,
        tag: Name,
        attributes: &[(Name, ExprId)],
        inner: &[ExprId],
        span: (u32, u32),
    ) -> Value {
        let catalog = self.catalog;
        for (name, expr) in attributes {
            let value = self.eval(m, *expr);
            let at = m.expr(*expr).span;
            let args = Args::of(vec![value.clone()], at);
            for entry in catalog.attribute_sinks(*name) {
                if self.is_active(entry.file) {
                    self.sink(entry, *name, None, &args, Some((None, &value)), at);
                }
            }
            // A handler of the component may be called.
            if let Kind::Function(_) = value.kind {
                let unknown = self.anything((self.here(), at));
                self.either(|e| e.call_back(&value, vec![unknown.clone()], at), |_| ());
            }
        }
        for expr in inner {
            self.eval(m, *expr);
        }
        let _ = tag;
        let place = self.place(span);
        self.anything(place)
    }

    fn sink(
        &mut self,
        entry: &Entry<Sink>,
        path: Name,
        receiver: Option<&Value>,
        args: &Args,
        assigned: Option<(Option<&Value>, &Value)>,
        span: (u32, u32),
    ) {
        let sink = &entry.of;
        let key = assigned.and_then(|(key, _)| key);
        if !self.conditions_hold(&sink.when, receiver, args, key)
            || (!sink.unless.is_empty() && self.conditions_hold(&sink.unless, receiver, args, key))
        {
            return;
        }
        if entry.classes == self.catalog.bit_of("redirect") {
            // Of the headers that a response may get few lead elsewhere: one whose name is not known is another.
            let names = sink.when.iter().filter(|(_, expected)| expected.is_array());
            let mut given = names.filter_map(|(at, _)| self.given(at, receiver, args, key).1);
            if given.any(|name| name.consts().is_empty()) {
                return;
            }
        }
        if sink.always {
            if !self.is_certain(&sink.when, receiver, args, key) {
                return;
            }
            return self.record_constant(entry.classes, path, args, span);
        }
        let is_argument = entry.classes & self.catalog.bit_of("argument") != 0;
        let ended = if is_argument { self.without_values(receiver, args) } else { None };
        let (receiver, args) = ended.as_ref().map_or((receiver, args), |(r, a)| (r.as_ref(), a));
        let default = [if assigned.is_some() { "value".to_owned() } else { "0".to_owned() }];
        // A query that is written as text is harmed by text.
        let is_query = entry.classes & self.catalog.bit_of("nosql") != 0 && sink.when.values().any(|v| v == "text");
        // What a template is given beside its text holds options, too, for whoever chooses the names in it.
        let is_template = self.language.is_script() && entry.classes & self.catalog.bit_of("template") != 0;
        let selectors = if sink.args.is_empty() { &default[..] } else { &sink.args[..] };
        for selector in selectors {
            for (value, at) in self.select(selector, receiver, args, key) {
                if sink.values.is_empty() {
                    self.settle(entry.classes, &value, span);
                }
                let value = if is_query {
                    std::rc::Rc::new(Data { kind: Kind::Unknown, ..value.as_ref().clone() })
                } else if is_template && selector == "1" {
                    self.as_options(&value)
                } else {
                    value
                };
                if sink.values.is_empty() {
                    self.is_hint_sink = sink.hint || self.is_unsure_statement(path, &value, span);
                    self.record(entry.classes, path.as_str(), &value, at, span);
                    self.is_hint_sink = false;
                } else if value.consts().iter().any(|c| is_one_of(c, &sink.values)) {
                    self.record_constant(entry.classes, path, args, span);
                }
            }
        }
    }

    /// Returns what a selector of the catalog picks.
    fn select(
        &mut self,
        selector: &str,
        receiver: Option<&Value>,
        args: &Args,
        key: Option<&Value>,
    ) -> Vec<(Value, (u32, u32))> {
        let end = selector.find(['.', '[']).unwrap_or(selector.len());
        let (base, path) = selector.split_at(end);
        let whole = args.positional.first().map_or((0, 0), |(_, at)| *at);
        let picked: Vec<(Value, (u32, u32))> = match base {
            "any" => args.all().map(|(v, at)| (v.clone(), at)).collect(),
            "receiver" => receiver.map(|r| (r.clone(), whole)).into_iter().collect(),
            "key" => key.map(|k| (k.clone(), whole)).into_iter().collect(),
            // Of an assignment what is assigned, of a call the argument of that name.
            "value" => match args.by_name("value") {
                Some((value, at)) => vec![(value.clone(), at)],
                None => args.positional.first().filter(|_| args.positional.len() == 1).cloned().into_iter().collect(),
            },
            "named" => args.named.iter().map(|(_, v, at)| (v.clone(), *at)).collect(),
            "**" => args.keywords.clone().into_iter().collect(),
            _ => match (base.strip_prefix("rest:").map(str::parse::<usize>), base.parse::<usize>()) {
                (Some(Ok(from)), _) => args.positional.iter().skip(from).chain(&args.rest).cloned().collect(),
                (_, Ok(position)) => args.at(position).cloned().into_iter().collect(),
                _ => args.by_name(base).map(|(v, at)| (v.clone(), at)).into_iter().collect(),
            },
        };
        picked.into_iter().flat_map(|(value, at)| self.parts(value, path).into_iter().map(move |v| (v, at))).collect()
    }

    /// Returns the parts of a value that the rest of a selector picks: `.url`, `[0]`, `[1..]`, `[shell]`, `[]`, `.keys`.
    fn parts(&mut self, value: Value, path: &str) -> Vec<Value> {
        let Some(first) = path.chars().next() else { return vec![value] };
        let end = if first == '[' {
            path.find(']').map_or(path.len(), |i| i + 1)
        } else {
            path[1..].find(['.', '[']).map_or(path.len(), |i| i + 1)
        };
        let (step, rest) = path.split_at(end);
        let step = step.trim_start_matches(['.', '[']).trim_end_matches(']');
        let contents = self.state.contents(value.id);
        let is_list = matches!(value.kind, Kind::Object(_));
        let inner: Vec<Value> = match (first, step, &contents) {
            ('[', "shell", Some(contents)) => contents.list.as_deref().map(shell_text).unwrap_or_default(),
            ('[', "shell", None) => Vec::new(),
            ('[', "", Some(contents)) => contents.all().cloned().collect(),
            ('[', "", None) => vec![value.clone()],
            ('[', at, _) if is_list => {
                let list = contents.as_ref().and_then(|c| c.list.clone());
                let rest = contents.as_ref().and_then(|c| c.rest.clone());
                match (at.strip_suffix("..").unwrap_or(at).parse::<usize>(), list) {
                    (Ok(from), Some(list)) if at.ends_with("..") => list.into_iter().skip(from).chain(rest).collect(),
                    (Ok(from), Some(list)) => list.into_iter().nth(from).or(rest).into_iter().collect(),
                    // The places are not known: only arguments after the first are many.
                    (Ok(_), None) if at.ends_with("..") => rest.into_iter().collect(),
                    _ => Vec::new(),
                }
            }
            // What may be a text stands for its first word.
            ('[', "0", _) => vec![value.clone()],
            ('[', ..) => Vec::new(),
            (_, "keys", _) => vec![self.key_of(&value, (0, 0))],
            (_, name, Some(contents)) => match contents.get(&Key::Name(Name::new(name))) {
                Ok(inner) => vec![inner.clone()],
                Err(rest) => rest.cloned().into_iter().collect(),
            },
            (_, _, None) if matches!(value.kind, Kind::Const(_) | Kind::Text(_) | Kind::Object(_)) => Vec::new(),
            (_, name, None) => vec![self.member(&value, Name::new(name), (0, 0))],
        };
        inner.into_iter().flat_map(|v| self.parts(v, rest)).collect()
    }

    /// Returns the labels of data that can be an object where a text is meant: texts cannot, and what stands under `$eq` is
    /// taken as it is.
    fn structured(&self, value: &Value, depth: u32) -> Labels {
        if matches!(value.kind, Kind::Text(_) | Kind::Const(_) | Kind::OneOf(_)) || depth == 0 {
            return Labels::default();
        }
        match (&value.kind, self.state.contents(value.id)) {
            (Kind::Object(_), Some(contents)) => {
                let literal = Key::Name(Name::new("$eq"));
                let entries = contents.entries.iter().filter(|(key, _)| **key != literal).map(|(_, v)| v);
                let inner = contents.list.iter().flatten().chain(entries).chain(&contents.rest);
                inner.fold(value.labels.clone(), |all, v| all.join(&self.structured(v, depth - 1)))
            }
            _ => self.state.reach(value),
        }
    }

    /// Notes every source of a value that does harm here.
    fn record(&mut self, classes: Classes, path: &str, value: &Value, at: (u32, u32), span: (u32, u32)) {
        if !self.state.alive || (classes == self.catalog.bit_of("weak-hash") && self.asks_for_breaches()) {
            return;
        }
        let bit = |class: &str| self.catalog.bit_of(class);
        let (path_class, redirect) = (bit("path"), bit("redirect"));
        if (self.catalog.is_cleared_by_host(classes) && fixes_host(value.prefix()))
            || (classes == bit("xss") && self.is_parsed(value))
        {
            return;
        }
        let is_built = matches!(value.kind, Kind::Text(_));
        if is_built
            && (classes & (bit("mass-assignment") | bit("nosql")) != 0
                || (classes & bit("argument") != 0 && !value.prefix().is_empty()))
        {
            return;
        }
        if classes == bit("log")
            && (matches!(value.kind, Kind::Object(Shape::Map | Shape::List)) || self.is_read_into_object(value))
        {
            // What stands in a map or list is written with its line ends escaped.
            return;
        }
        let labels = match classes {
            c if c == bit("nosql") => self.structured(value, 6),
            c if c == bit("mass-assignment") => self.open_labels(value, 6),
            c if c == redirect && matches!(value.kind, Kind::Object(Shape::Map)) => self.labels_of_place(value),
            c if c == bit("template") && matches!(value.kind, Kind::Object(Shape::Map)) => self.open_labels(value, 2),
            c if c == bit("prototype-pollution") => self.shaped_labels(value, 6),
            c if c & (bit("xxe") | bit("deserialization")) != 0 => {
                // What is parsed is what the file of a path holds.
                self.state.reach(value).join(&self.written_under(value))
            }
            _ => self.state.reach(value),
        };
        for label in labels.all() {
            let only = label.origin.only;
            if self.weight(classes, path, label) == Weight::Nothing {
                continue;
            }
            let matters = if self.catalog.wants_own_sources(classes) {
                only & classes != 0
            } else {
                only == 0 || only & classes != 0
            };
            if matters && implied(label.cleaned, path_class, redirect) & classes == 0 {
                self.note(classes, path, label, at, span);
            }
        }
    }

    /// Notes data that reaches a place as `sink` says, found out in another way than by the catalog's sinks.
    pub(super) fn record_at(&mut self, class: &str, path: &str, value: &Value, span: (u32, u32)) {
        let classes = self.catalog.bit_of(class);
        if classes != 0 {
            self.record(classes, path, value, span, span);
        }
    }

    fn note(&mut self, classes: Classes, path: &str, label: &Label, at: (u32, u32), span: (u32, u32)) {
        let sink = self.place(span);
        let is_hint = self.is_hint_sink || (classes == self.catalog.bit_of("log") && self.writes_whole_lines());
        let mut steps = label.steps();
        let last = FlowStep { file: sink.0, range: sink.1, kind: StepKind::Sink };
        let _ = at;
        steps.push(last);
        let sanitizers = steps.iter().filter_map(|step| match &step.kind {
            StepKind::Sanitized(by) => {
                let classes = self.catalog.sanitizers(Name::new(by)).iter().fold(0, |all, e| all | e.classes);
                Some((by.clone(), self.catalog.names_of(classes)))
            }
            _ => None,
        });
        let flow = Flow {
            class: self.catalog.names_of(classes).into_iter().next().unwrap_or_default(),
            trust: label.origin.trust,
            what: label.origin.what.clone(),
            sink: path.to_owned(),
            sanitizers: sanitizers.collect(),
            guessed: label.guesses > 0,
            hint: is_hint || self.weight(classes, path, label) == Weight::Hint,
            steps,
        };
        let identity = (sink, classes, Some(label.origin.place));
        let is_better = self.found.get(&identity).is_none_or(|known| {
            (known.hint, known.trust, known.guessed, known.steps.len())
                > (flow.hint, flow.trust, flow.guessed, flow.steps.len())
        });
        if is_better {
            self.found.insert(identity, flow);
        }
    }

    /// Notes a place that does harm without data from outside.
    pub(super) fn record_constant(&mut self, classes: Classes, path: Name, args: &Args, span: (u32, u32)) {
        if !self.state.alive {
            return;
        }
        let is_asked = classes == self.catalog.bit_of("weak-hash") && self.asks_for_breaches();
        if is_asked || (classes == self.catalog.bit_of("cookie") && self.is_taken_back(args)) {
            return;
        }
        let sink = self.place(span);
        let mut hint = false;
        if classes == self.catalog.bit_of("weak-hash") && !self.is_about_secret(sink) {
            // A name for a cache, a checksum: worth no more than a word, and that only where a stranger's text is hashed.
            if !self.is_foreign(args) {
                self.quiet_hash = Some((sink, path));
                return;
            }
            hint = true;
        } else if classes == self.catalog.bit_of("weak-hash") {
            hint = self.is_about_name(sink);
        }
        hint |= classes == self.catalog.bit_of("cookie") && self.is_harmless_cookie(path, args, sink);
        let flow = Flow {
            class: self.catalog.names_of(classes).into_iter().next().unwrap_or_default(),
            trust: Trust::Own,
            what: String::new(),
            sink: path.to_string(),
            steps: vec![FlowStep { file: sink.0, range: sink.1, kind: StepKind::Sink }],
            sanitizers: Vec::new(),
            guessed: false,
            hint,
        };
        let known = self.found.entry((sink, classes, None)).or_insert_with(|| flow.clone());
        known.hint &= hint;
    }
}

/// Returns the command text of an argument vector whose program is a shell.
fn shell_text(list: &[Value]) -> Vec<Value> {
    // Which of a few it is may hang on the system that the program runs on.
    let is_any = |value: &Value, fits: &dyn Fn(&str) -> bool| {
        value.consts().iter().any(|c| matches!(c, crate::detect::flow::ir::Const::Text(text) if fits(text)))
    };
    let is_shell = |text: &str| SHELLS.contains(&text.rsplit(['/', '\\']).next().unwrap_or(text));
    if !list.first().is_some_and(|program| is_any(program, &is_shell)) {
        return Vec::new();
    }
    let is_mark = |text: &str| matches!(text, "-c" | "/c" | "/C" | "-Command" | "-lc" | "-ec");
    let is_command = |v: &&Value| is_any(v, &is_mark);
    list.iter().skip_while(|v| !is_command(v)).skip(1).cloned().collect()
}

fn is_one_of(constant: &crate::detect::flow::ir::Const, values: &[String]) -> bool {
    let crate::detect::flow::ir::Const::Text(text) = constant else { return false };
    let plain = |t: &str| t.chars().filter(|c| !matches!(c, '-' | '_')).collect::<String>().to_ascii_lowercase();
    values.iter().any(|v| plain(v) == plain(text))
}
