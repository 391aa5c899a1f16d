//! Flows that lead through two files.

use super::run;
use crate::change::text::Text;
use crate::deadline::Deadline;
use crate::detect::Context;
use crate::detect::flow::catalog::schema::CatalogFile;
use crate::detect::flow::catalog::{Catalog, ClassRule};
use crate::detect::flow::{Flow, Flows, Loaded, SourceProvider, lower};
use crate::path::RepoPath;
use crate::syntax::language::Language;
use crate::syntax::{Limits, SourceFile, parse};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const CATALOG: &str = "library: a test\naliases: {}\ntypes: { 'connect()': db.Connection, 'base.Model.store': db.Connection }\n\
    sources: [{ call: read, trust: remote, what: a word }]\n\
    sinks: [{ call: [db.Connection.run], class: sql }]\n\
    handlers: [{ callback: route, parameters: [remote] }]\n";

struct Files(BTreeMap<RepoPath, Arc<Loaded>>);

impl SourceProvider for Files {
    fn load(&self, path: &RepoPath) -> Option<Arc<Loaded>> {
        self.0.get(path).cloned()
    }
}

fn file(path: &str, code: &str) -> SourceFile {
    let text = Text { text: code.into(), notes: Vec::new() };
    let limits = Limits { time: Duration::from_secs(5), depth: 100 };
    parse(&RepoPath::from(path), Language::Python, &text, &limits).expect("small")
}

/// Runs the engine over the first file; the others can be imported.
fn flows(files: &[(&str, &str)]) -> Flows {
    let catalog: CatalogFile = serde_yaml::from_str(CATALOG).expect("a catalog");
    let rule = ClassRule { class: "sql".into(), own_sources: false, fixed_host: false };
    let catalog = Catalog::new(&[&catalog], &[rule]).expect("a catalog");
    let others = files[1..].iter().map(|(path, code)| {
        let file = file(path, code);
        let module = lower::lower(&file);
        (RepoPath::from(*path), Arc::new(Loaded { file, module }))
    });
    let others = Files(others.collect());
    let first = file(files[0].0, files[0].1);
    let deadline = Deadline::after(Duration::from_secs(10));
    run(&first, &lower::lower(&first), &catalog, Context { deadline, others: &others, focus: None })
}

/// Returns the text of each step of a flow, as the file of the step has it.
fn steps(files: &[(&str, &str)], flows: &Flows, flow: &Flow) -> Vec<String> {
    let text = |number: usize| match number {
        0 => files[0].1.to_owned(),
        other => flows.files[other - 1].file.text().to_owned(),
    };
    flow.steps.iter().map(|s| text(s.file)[s.range.0 as usize..s.range.1 as usize].to_owned()).collect()
}

#[test]
fn steps_in_another_file_are_shown_as_that_file_has_them() {
    const SHOP: &str = "from store import find\n\nword = read()\nfind(word, more=1)\n";
    const STORE: &str = "# A comment, so that both files differ in length.\nimport os\n\n\
        def find(name, more):\n    text = 'x' + name\n    return connect().run(text)\n";
    let files = [("shop.py", SHOP), ("store.py", STORE)];
    let found = flows(&files);
    assert_eq!(found.flows.len(), 1);
    let shown = steps(&files, &found, &found.flows[0]);
    assert_eq!(shown[0], "read()");
    assert_eq!(shown.last().map(String::as_str), Some("connect().run(text)"));
    for (step, text) in found.flows[0].steps.iter().zip(&shown) {
        let lines = if step.file == 0 { SHOP } else { STORE };
        assert!(!text.is_empty() && lines.contains(text.as_str()), "{text}");
        assert!(!text.contains("omment") && !text.contains("import"), "{text}");
    }
}

#[test]
fn an_imported_class_has_its_bases_and_an_imported_thing_its_type() {
    const MODEL: &str = "from base import Model\n\nclass Login(Model):\n    pass\n\nstore = connect()\n";
    for (code, is_found) in [
        ("from model import Login\nLogin.store.run(read())\n", true),
        ("from model import store\nstore.run(read())\n", true),
        ("from model import Login\nLogin.other.run(read())\n", false),
    ] {
        let found = flows(&[("shop.py", code), ("model.py", MODEL)]);
        assert_eq!(!found.flows.is_empty(), is_found, "{code}");
    }
}

#[test]
fn what_the_constructor_of_a_base_is_given_is_in_the_object() {
    const BASE: &str = "class Base:\n    def __init__(self, word):\n        self.word = word\n";
    for (call, is_found) in [("super().__init__(word)", true), ("pass", false)] {
        let code = format!(
            "from base import Base\n\nclass Part(Base):\n    def __init__(self, word):\n        {call}\n\n\
             connect().run(Part(read()).word)\n"
        );
        assert_eq!(!flows(&[("part.py", &code), ("base.py", BASE)]).flows.is_empty(), is_found, "{code}");
    }
}

#[test]
fn lists_that_hold_themselves_are_compared() {
    let code = "def f():\n    a = []\n    a.append(a)\n    b = []\n    b.append(b)\n    return a == b\n\nf()\n";
    assert!(flows(&[("app.py", code)]).flows.is_empty());
}

/// A function of which every call takes many steps, and which holds neither a source nor a sink.
const SLOW: &str = "def tidy(text):
    kept = ''
    for a in text:
        for b in a:
            for c in b:
                if c:
                    kept = kept + c
    return kept

";

#[test]
fn calls_that_take_many_steps_are_followed_for_what_a_stranger_gives() {
    let code = format!("{SLOW}tidy('a')\ntidy('b')\ndb = connect()\ndb.run(tidy('c'))\ndb.run(tidy(read()))\n");
    let found = flows(&[("shop.py", &code)]);
    assert_eq!(found.flows.len(), 1);
    let shown = steps(&[("shop.py", &code)], &found, &found.flows[0]);
    assert!(shown.iter().any(|step| step.contains("kept + c")), "the way leads through the function: {shown:?}");
}

#[test]
fn what_a_loop_changes_late_is_seen() {
    let code = "a = b = 'x'\nfor _ in range(9):\n    connect().run(a)\n    a = b\n    b = read()\n";
    assert_eq!(flows(&[("shop.py", code)]).flows.len(), 1, "the third round runs what the first has read");
}
