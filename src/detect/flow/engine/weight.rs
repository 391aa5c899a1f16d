//! How much a flow is worth: by whose data it is, what it can do, and how sure it is that it arrives.

use super::Engine;
use crate::detect::flow::catalog::schema::Trust;
use crate::detect::flow::catalog::{Classes, ONE_SEGMENT, OWN_HOST, OWN_PATH};
use crate::detect::flow::value::Label;
use crate::syntax::language::Language;

/// How much a flow is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// A finding.
    Full,
    /// A word to a reader, which never blocks.
    Hint,
    /// Not worth a word.
    Nothing,
}

/// What data does that comes from who starts the program or sets it up, by class; a class that is not listed takes it as it
/// takes a stranger's. Who may run any command may also write any line of the log and name any file; a statement in which
/// the value of an argument is part of the text is wrong all the same.
const OF_OPERATOR: [(&str, Weight); 19] = [
    ("log", Weight::Nothing),
    ("header", Weight::Nothing),
    ("trust-boundary", Weight::Nothing),
    ("weak-hash", Weight::Nothing),
    ("path", Weight::Hint),
    ("argument", Weight::Hint),
    ("ssrf", Weight::Hint),
    ("redirect", Weight::Hint),
    ("email", Weight::Hint),
    ("command", Weight::Hint),
    ("code", Weight::Hint),
    ("deserialization", Weight::Hint),
    ("template", Weight::Hint),
    ("xss", Weight::Hint),
    ("xxe", Weight::Hint),
    ("redos", Weight::Hint),
    ("mass-assignment", Weight::Hint),
    ("prototype-pollution", Weight::Hint),
    ("memory", Weight::Full),
];

/// Classes to which what the program's own files and tables hold is a hint: who may write there could do the same in other
/// ways for the most part. A statement or a page that a row becomes part of is wrong all the same.
const OF_STORED: [&str; 13] = [
    "log",
    "header",
    "trust-boundary",
    "path",
    "argument",
    "command",
    "code",
    "deserialization",
    "template",
    "ssrf",
    "redirect",
    "redos",
    "ldap",
];

/// What no link, form or script of another site can set for the visitor whom it sends, in the words of catalogs.
const UNSENDABLE: [&str; 2] = ["a request header", "a cookie"];

/// Calls that do something to a folder.
const TAKES_FOLDERS: [&str; 20] = [
    "chdir",
    "chmod",
    "chown",
    "chroot",
    "copytree",
    "extract",
    "extractall",
    "fwalk",
    "glob",
    "iglob",
    "iterdir",
    "listdir",
    "make_archive",
    "move",
    "rename",
    "rglob",
    "rmtree",
    "scandir",
    "unpack_archive",
    "walk",
];

impl Engine<'_> {
    /// Returns what the data of a label is worth to a class, at a sink.
    pub(super) fn weight(&self, classes: Classes, sink: &str, label: &Label) -> Weight {
        let is_changed = label.guesses > 0 || label.origin.hint;
        if is_changed && classes & self.soft_classes() != 0 {
            // What other code made of the data is no longer the data as it was sent.
            return Weight::Nothing;
        }
        if label.guesses > 0 && classes & self.catalog.bit_of("weak-random") != 0 && self.language.is_script() {
            // What other code gives for a number is seldom made of the number alone.
            return Weight::Hint;
        }
        let of_trust = self.weight_of_trust(classes, label.origin.trust);
        // One part of a route can be no more than the folder above, which is no file.
        let is_folder = label.cleaned & ONE_SEGMENT != 0
            && classes & self.catalog.bit_of("path") != 0
            && !TAKES_FOLDERS.contains(&sink.rsplit('.').next().unwrap_or(sink));
        let leads = self.catalog.bit_of("ssrf") | self.catalog.bit_of("redirect");
        let is_own = label.cleaned & OWN_HOST != 0 && classes & leads != 0;
        // The path of a request begins with a slash: only two of them lead elsewhere, where the server lets them through.
        let is_path = label.cleaned & OWN_PATH != 0 && classes & self.catalog.bit_of("redirect") != 0;
        let is_unsendable =
            UNSENDABLE.contains(&label.origin.what.as_str()) && classes & self.catalog.bit_of("redirect") != 0;
        let is_guessed = label.guesses > self.bearable_guesses(classes);
        match of_trust {
            Weight::Full if label.origin.hint || is_guessed || is_folder || is_own || is_path || is_unsendable => {
                Weight::Hint
            }
            known => known,
        }
    }

    /// Returns how many calls of unknown code data may go through and still be worth a finding. What those of JavaScript give for
    /// a request is a page, a picture or a row with an address of its own more often than the request; what those of Python
    /// give, whose libraries the catalogs speak of, is hardly ever the request.
    fn bearable_guesses(&self, classes: Classes) -> u8 {
        let made = self.catalog.bits_of(&["xss", "template", "redirect"]);
        let is_made = self.language.is_script() && classes & made != 0;
        u8::from(!(is_made || self.language == Language::Python || self.catalog.wants_own_sources(classes)))
    }

    fn weight_of_trust(&self, classes: Classes, trust: Trust) -> Weight {
        let is_own = matches!(trust, Trust::Operator | Trust::Environment);
        if trust == Trust::Stored && OF_STORED.iter().any(|class| classes & self.catalog.bit_of(class) != 0) {
            return Weight::Hint;
        }
        // Another service, often a queue of the program's own, gains nothing by a line in its logs.
        if trust == Trust::Peer && classes & self.catalog.bit_of("log") != 0 {
            return Weight::Hint;
        }
        let listed = OF_OPERATOR.iter().find(|(class, _)| classes & self.catalog.bit_of(class) != 0);
        match listed {
            Some((_, weight)) if is_own => *weight,
            // The environment is set where the program is installed: what it says of a statement is its author's word.
            None if trust == Trust::Environment => Weight::Hint,
            _ => Weight::Full,
        }
    }

    /// Returns the classes that only data as it was sent does harm to: what unknown code gives for it is something else, a row
    /// of a table or an error, more often than not.
    pub(super) fn soft_classes(&self) -> Classes {
        self.catalog.bits_of(&["log", "header", "trust-boundary", "weak-hash"])
    }
}
