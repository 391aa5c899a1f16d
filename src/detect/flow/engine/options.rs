//! Options of programs: what stands where a program takes no option.

use super::Engine;
use super::call::Args;
use crate::detect::flow::state::Contents;
use crate::detect::flow::value::{Data, Value};
use std::rc::Rc;

/// Programs, and their options that take the next argument as their value, whatever it begins with.
const WITH_VALUE: [(&str, &[&str]); 16] = [
    ("grep", &["-e", "-f", "-m", "-A", "-B", "-C", "--regexp", "--file", "--include", "--exclude"]),
    ("egrep", &["-e", "-f", "-m"]),
    ("fgrep", &["-e", "-f", "-m"]),
    ("rg", &["-e", "-f", "-g", "-t", "--regexp", "--glob"]),
    ("sed", &["-e", "-f"]),
    ("git", &["-m", "-C", "-c", "--message", "--author"]),
    ("curl", &["-o", "-H", "-d", "-X", "-u", "-A", "-e", "--data", "--header", "--output", "--user"]),
    ("ssh", &["-p", "-l", "-i", "-F"]),
    ("tar", &["-f", "-C", "-xf", "-xzf", "-czf", "-tf"]),
    ("ffmpeg", &["-i", "-ss", "-t", "-vf", "-metadata"]),
    ("openssl", &["-in", "-out", "-subj", "-passin"]),
    ("find", &["-name", "-iname", "-path", "-user", "-group"]),
    ("psql", &["-U", "-d", "-h", "-p"]),
    ("gpg", &["-r", "-u", "--recipient", "--local-user"]),
    ("docker", &["--name", "-t", "--tag"]),
    ("wkhtmltopdf", &["--title", "--page-size"]),
];

impl Engine<'_> {
    /// Returns the receiver and the arguments of a call that starts a program, without what can be no option: what stands after
    /// `--`, and the values of options. `None` where there is no such thing.
    pub(super) fn without_values(&mut self, receiver: Option<&Value>, args: &Args) -> Option<(Option<Value>, Args)> {
        let mut args = args.clone();
        let mut receiver = receiver.cloned();
        let mut is_cut = false;
        if let Some(at) = args.positional.iter().position(|(v, _)| v.as_text() == Some("--")) {
            args.positional.truncate(at + 1);
            args.rest = None;
            is_cut = true;
        }
        let named = args.named.iter_mut().map(|(_, v, _)| v);
        for value in args.positional.iter_mut().map(|(v, _)| v).chain(named).chain(&mut receiver) {
            let Some(contents) = self.state.contents(value.id) else { continue };
            let Some(list) = &contents.list else { continue };
            let end = list.iter().position(|v| v.as_text() == Some("--"));
            let kept = options(&list[..end.map_or(list.len(), |at| at + 1)]);
            if kept.len() == list.len() {
                continue;
            }
            let rest = if end.is_some() { None } else { contents.rest.clone() };
            let contents = Contents { list: Some(kept), rest, ..Contents::default() };
            let id = super::number(&("options", value.id));
            self.state.set_contents(id, contents);
            *value = Rc::new(Data { id, ..value.as_ref().clone() });
            is_cut = true;
        }
        is_cut.then_some((receiver, args))
    }
}

/// Returns an argument vector without the values of options.
fn options(list: &[Value]) -> Vec<Value> {
    let program = list.first().and_then(|v| v.as_text()).unwrap_or_default();
    let name = program.rsplit('/').next().unwrap_or(program);
    let known = WITH_VALUE.iter().find(|(program, _)| *program == name).map_or(&[][..], |(_, options)| options);
    let mut kept: Vec<Value> = Vec::with_capacity(list.len());
    let mut is_value = false;
    for value in list {
        if is_value && value.as_text().is_none() {
            is_value = false;
            continue;
        }
        is_value = !is_value && value.as_text().is_some_and(|text| known.contains(&text));
        kept.push(value.clone());
    }
    kept
}
