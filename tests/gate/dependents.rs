//! What a change does to code that unchanged files use: a check that goes away in one file opens a way in another.

use crate::harness::Repo;

/// Files, then the one that the change writes anew and what it becomes, and the file in which a way opens, if one does.
type Case = (&'static str, &'static [(&'static str, &'static str)], (&'static str, &'static str), Option<&'static str>);

pub(crate) const VIEW_PY: &str = "import sqlite3\nfrom flask import request, Flask\nfrom app.lib.clean import only_name\n\napp = Flask(__name__)\n\n\n@app.route('/u')\ndef user():\n    name = only_name(request.args['name'])\n    return str(sqlite3.connect('a.db').execute(\"select * from u where name = '\" + name + \"'\").fetchall())\n";
pub(crate) const CLEAN_PY: &str = "import re\n\n\ndef only_name(text):\n    if not re.fullmatch('[a-z]+', text):\n        raise ValueError(text)\n    return text\n";
pub(crate) const OPEN_PY: &str = "import re\n\n\ndef only_name(text):\n    return text\n";
const SERVICE_PY: &str = "from app.lib.clean import only_name\n\n\ndef tidy(text):\n    return only_name(text)\n";
const VIEW_BY_SERVICE_PY: &str = "import sqlite3\nfrom flask import request, Flask\nfrom app.service import tidy\n\napp = Flask(__name__)\n\n\n@app.route('/u')\ndef user():\n    name = tidy(request.args['name'])\n    return str(sqlite3.connect('a.db').execute(\"select * from u where name = '\" + name + \"'\").fetchall())\n";
const ROUTE_JS: &str = "const express = require('express')\nconst { exec } = require('child_process')\nconst wash = require('./lib/clean')\nconst app = express()\n\napp.get('/p', (req, res) => {\n  const host = wash(req.query.host)\n  exec('ping -c 1 ' + host, (e, out) => res.json({ out }))\n})\n";
const CLEAN_JS: &str = "module.exports = function (text) {\n  if (!/^[a-z0-9.]+$/.test(text)) {\n    throw new Error('no host')\n  }\n  return text\n}\n";
const ROUTE_RS: &str = "use actix_web::{get, web, HttpResponse};\nuse std::process::Command;\n\nmod clean;\n\n#[get(\"/p/{host}\")]\nasync fn ping(host: web::Path<String>) -> HttpResponse {\n    let host = clean::only_host(host.into_inner());\n    let line = format!(\"ping -c 1 {}\", host);\n    Command::new(\"sh\").arg(\"-c\").arg(line).spawn().ok();\n    HttpResponse::Ok().finish()\n}\n";
const CLEAN_RS: &str =
    "pub fn only_host(text: String) -> String {\n    text.chars().filter(|c| c.is_ascii_alphanumeric()).collect()\n}\n";

const CASES: &[Case] = &[
    (
        "a check goes away in Python",
        &[("app/web/views.py", VIEW_PY), ("app/lib/clean.py", CLEAN_PY)],
        ("app/lib/clean.py", OPEN_PY),
        Some("app/web/views.py"),
    ),
    (
        "a check goes away two files off",
        &[("app/web/views.py", VIEW_BY_SERVICE_PY), ("app/service.py", SERVICE_PY), ("app/lib/clean.py", CLEAN_PY)],
        ("app/lib/clean.py", OPEN_PY),
        Some("app/web/views.py"),
    ),
    (
        "a check is written otherwise and still holds",
        &[("app/web/views.py", VIEW_PY), ("app/lib/clean.py", CLEAN_PY)],
        (
            "app/lib/clean.py",
            "import re\n\n\ndef only_name(value):\n    if re.fullmatch('[a-z_]+', value) is None:\n        raise KeyError(value)\n    return value\n",
        ),
        None,
    ),
    (
        "what was open before stays an old finding",
        &[("app/web/views.py", VIEW_PY), ("app/lib/clean.py", OPEN_PY)],
        ("app/lib/clean.py", "import re\n\n\ndef only_name(text):\n    value = text\n    return value\n"),
        None,
    ),
    (
        "a check goes away in JavaScript, where the file is one function",
        &[("src/server.js", ROUTE_JS), ("src/lib/clean.js", CLEAN_JS)],
        ("src/lib/clean.js", "module.exports = function (text) {\n  return text\n}\n"),
        Some("src/server.js"),
    ),
    (
        "a filter goes away in Rust",
        &[("src/main.rs", ROUTE_RS), ("src/clean.rs", CLEAN_RS)],
        ("src/clean.rs", "pub fn only_host(text: String) -> String {\n    text\n}\n"),
        Some("src/main.rs"),
    ),
];

pub(crate) fn with(files: &[(&str, &str)]) -> Repo {
    let repo = Repo::new();
    for (path, text) in files {
        repo.write(path, text);
    }
    repo.commit("before");
    repo.git(&["checkout", "--quiet", "-b", "topic"]);
    repo
}

#[test]
fn ways_that_a_change_opens_in_unchanged_files_are_found() {
    for (what, files, (path, text), opened) in CASES {
        let repo = with(files);
        repo.write(path, text).commit("after");
        let run = repo.check(&["--base", "main"]);
        let json = run.json();
        let brought_in: Vec<&str> = json["findings"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|f| f["origin"] == "introduced")
            .filter_map(|f| f["path"].as_str())
            .collect();
        assert_eq!(brought_in, Vec::from_iter(*opened), "{what}: {run}");
        assert_eq!(run.status, i32::from(opened.is_some()), "{what}: {run}");
        if let Some(opened) = opened {
            let why = json["findings"][0]["why"].as_str().unwrap_or_default();
            assert!(why.contains("The change leaves this file as it is") && why.contains(path), "{what}: {why}");
            // The same for the index, and not where the user leaves the file out.
            repo.git(&["reset", "--quiet", "--soft", "main"]);
            assert_eq!(repo.check(&["--staged"]).status, 1, "{what}: staged");
            repo.commit("again");
            let limited = repo.check(&["--base", "main", path]);
            assert_eq!(limited.status, 0, "{what}: {opened} is not asked for: {limited}");
        }
    }
}

#[test]
fn comments_and_policy_at_base_speak_of_unchanged_files_too() {
    let view = VIEW_PY
        .replace("    return", "    # portcullis: ignore python-flow-sql -- names are checked by hand\n    return");
    let repo = with(&[("app/web/views.py", &view), ("app/lib/clean.py", CLEAN_PY)]);
    repo.write("app/lib/clean.py", OPEN_PY).commit("after");
    let run = repo.check(&["--base", "main"]).exits(0);
    assert_eq!(run.json()["findings"].as_array().map(Vec::len), Some(1), "{run}");
    let unused = with(&[("app/web/views.py", &view), ("app/lib/clean.py", CLEAN_PY)]);
    unused.write("app/lib/clean.py", CLEAN_PY.replace("[a-z]+", "[a-z_]+")).commit("after");
    let run = unused.check(&["--base", "main"]).exits(0);
    assert_eq!(run.json()["suppressions"].as_array().map(Vec::len).unwrap_or(0), 0, "not of this change: {run}");
}

#[test]
fn more_users_than_are_analysed_are_told() {
    let views: Vec<(String, String)> = (0..50).map(|i| (format!("app/web/v{i}.py"), VIEW_PY.to_owned())).collect();
    let mut files: Vec<(&str, &str)> = views.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    files.push(("app/lib/clean.py", CLEAN_PY));
    let repo = with(&files);
    repo.write("app/lib/clean.py", OPEN_PY).commit("after");
    let run = repo.check(&["--base", "main"]).exits(1);
    let notes = run.json()["notes"].to_string();
    assert!(notes.contains("40 unchanged files that use") && notes.contains("10 files more"), "{notes}");
}

/// A change of several files: what is written anew, and what goes.
type Move = (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);

const MOVES: &[Move] = &[
    ("the helper becomes a package", &[("app/lib/clean/__init__.py", OPEN_PY)], &["app/lib/clean.py"]),
    ("the helper is given on by another file", &[("app/lib/clean.py", OPEN_PY)], &[]),
];

#[test]
fn ways_are_found_where_the_helper_moves_and_where_all_of_it_is_given_on() {
    for (what, written, gone) in MOVES {
        let repo = with(&[
            (
                "app/web/views.py",
                &VIEW_PY.replace("app.lib.clean", if gone.is_empty() { "app.lib" } else { "app.lib.clean" }),
            ),
            ("app/lib/__init__.py", "from .clean import *\n"),
            ("app/lib/clean.py", CLEAN_PY),
        ]);
        for path in *gone {
            repo.remove(path);
        }
        for (path, text) in *written {
            repo.write(path, text);
        }
        repo.commit("after");
        let run = repo.check(&["--base", "main"]).exits(1);
        assert!(run.findings().iter().any(|f| f.contains("app/web/views.py")), "{what}: {run}");
    }
}

/// Rust's `main.rs`, which calls the helper by `crate::clean` of another file.
const GIVEN_RS: &str = "use actix_web::{get, web, HttpResponse};\nuse std::process::Command;\nuse crate::lib_all::only_host;\n\n#[get(\"/p/{host}\")]\nasync fn ping(host: web::Path<String>) -> HttpResponse {\n    let host = only_host(host.into_inner());\n    let line = format!(\"ping -c 1 {}\", host);\n    Command::new(\"sh\").arg(\"-c\").arg(line).spawn().ok();\n    HttpResponse::Ok().finish()\n}\n";
const GIVEN_JS: &str = "import express from 'express'\nimport { exec } from 'child_process'\nimport { wash } from './lib'\nconst app = express()\n\napp.get('/p', (req, res) => {\n  const host = wash(req.query.host)\n  exec('ping -c 1 ' + host, (e, out) => res.json({ out }))\n})\n";
const STRICT_JS: &str =
    "export function wash(text) {\n  if (!/^[a-z]+$/.test(text)) {\n    throw new Error('no')\n  }\n  return text\n}\n";
const LOOSE_JS: &str = "export function wash(text) {\n  return text\n}\n";

#[test]
fn ways_are_found_where_a_file_between_passes_on_something_else() {
    let python = VIEW_PY.replace("app.lib.clean", "app.lib");
    let loose_rs = "pub fn only_host(text: String) -> String {\n    text\n}\n";
    type Between<'a> = (&'a str, &'a str, [(&'a str, &'a str); 2], &'a str, [&'a str; 2]);
    let cases: [Between<'_>; 6] = [
        (
            "app/web/views.py",
            &python,
            [("app/lib/clean.py", CLEAN_PY), ("app/lib/loose.py", OPEN_PY)],
            "app/lib/__init__.py",
            ["from .clean import only_name\n", "from .loose import only_name\n"],
        ),
        (
            "app/web/views.py",
            &python,
            [("app/lib/clean.py", CLEAN_PY), ("app/lib/loose.py", OPEN_PY)],
            "app/lib/__init__.py",
            ["from .clean import *\n", "from .loose import *\n"],
        ),
        (
            "src/server.js",
            GIVEN_JS,
            [("src/lib/strict.js", STRICT_JS), ("src/lib/loose.js", LOOSE_JS)],
            "src/lib/index.js",
            ["import { wash } from './strict'\nexport { wash }\n", "import { wash } from './loose'\nexport { wash }\n"],
        ),
        (
            "src/server.js",
            GIVEN_JS,
            [("src/lib/strict.js", STRICT_JS), ("src/lib/loose.js", LOOSE_JS)],
            "src/lib/index.js",
            ["export * from './strict'\n", "export * from './loose'\n"],
        ),
        (
            "src/web.rs",
            GIVEN_RS,
            [("src/clean.rs", CLEAN_RS), ("src/loose.rs", loose_rs)],
            "src/lib_all.rs",
            ["pub use crate::clean::only_host;\n", "pub use crate::loose::only_host;\n"],
        ),
        (
            "src/web.rs",
            GIVEN_RS,
            [("src/clean.rs", CLEAN_RS), ("src/loose.rs", loose_rs)],
            "src/lib_all.rs",
            ["pub use crate::clean::*;\n", "pub use crate::loose::*;\n"],
        ),
    ];
    for (user, text, files, between, [before, after]) in cases {
        let repo = with(&[(user, text), files[0], files[1], (between, before)]);
        repo.write(between, after).commit("after");
        let run = repo.check(&["--base", "main"]);
        assert_eq!(run.status, 1, "{after}: {run}");
        assert!(run.findings().iter().any(|f| f.contains(user)), "{after}: {run}");
    }
}

#[test]
fn harmless_users_do_not_hide_the_one_that_harms() {
    let harmless = "from flask import request, Flask\nfrom app.lib.clean import only_name\n\napp = Flask(__name__)\n\n\n@app.route('/u')\ndef user():\n    return len(only_name(request.args['name']))\n";
    let cases =
        [("receive data", 20, harmless), ("only pass it on", 30, SERVICE_PY), ("use nothing of it", 200, "x = 1\n")];
    for (what, count, text) in cases {
        let paths: Vec<String> = (0..count).map(|i| format!("app/lib/a{i}.py")).collect();
        let mut files: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), text)).collect();
        files.extend([("app/web/views.py", VIEW_PY), ("app/lib/clean.py", CLEAN_PY)]);
        let repo = with(&files);
        repo.write("app/lib/clean.py", OPEN_PY).commit("after");
        let run = repo.check(&["--base", "main"]);
        assert_eq!(run.status, 1, "users that {what}: {run}");
    }
}
