//! Where the files come from that data is followed into: base, head or index, never the working tree; a directory in an
//! audit.

use crate::harness::Repo;
use portcullis::change::select::Surroundings;
use portcullis::config::Config;
use portcullis::detect::flow::SourceProvider;
use portcullis::path::RepoPath;
use portcullis::run::gather::{Gathered, Wanted, from_repository};
use portcullis::run::others::{Share, Side};
use std::sync::Arc;

/// Text of a file as one side has it.
fn text(side: &Side<'_>, path: &str) -> Option<String> {
    side.load(&RepoPath::from(path)).map(|loaded| loaded.file.text().to_owned())
}

fn gathered(repo: &Repo, wanted: Wanted) -> Gathered {
    let wanted = Wanted { directory: repo.path("."), ..wanted };
    from_repository(&wanted, &Surroundings::default()).expect("a change")
}

/// `topic` changes `changed.py` and `left.py` and adds `new.py`; the working tree has yet other contents.
fn repository() -> Repo {
    let repo = Repo::new();
    repo.write("changed.py", "v = 1\n").write("left.py", "l = 1\n").write("same.py", "s = 1\n").commit("first");
    repo.git(&["checkout", "--quiet", "-b", "topic"]);
    repo.write("changed.py", "v = 2\n").write("left.py", "l = 2\n").write("new.py", "n = 2\n").commit("change");
    repo.write("same.py", "s = 3\n").write("stray.py", "x = 3\n");
    repo
}

fn both(sides: &(Side<'_>, Side<'_>), path: &str) -> [Option<String>; 2] {
    [text(&sides.0, path), text(&sides.1, path)]
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn a_change_is_followed_into_the_files_of_its_own_two_sides() {
    let repo = repository();
    let change = gathered(&repo, Wanted { base: some("main"), ..Wanted::default() });
    let sides = Side::of_change(&change);
    assert_eq!(both(&sides, "changed.py"), [some("v = 1\n"), some("v = 2\n")]);
    assert_eq!(both(&sides, "new.py"), [None, some("n = 2\n")]);
    assert_eq!(both(&sides, "same.py"), [some("s = 1\n"), some("s = 1\n")], "not the working tree");
    for path in ["stray.py", "missing.py", "../changed.py", "./same.py", "/etc/passwd", "", "same.py/", "README.md"] {
        assert_eq!(both(&sides, path), [None, None], "{path}");
    }
    let same = RepoPath::from("same.py");
    let (one, two) = (sides.1.load(&same).expect("there"), sides.1.load(&same).expect("there"));
    assert!(Arc::ptr_eq(&one, &two), "parsed once");
}

#[test]
fn paths_that_the_user_leaves_out_are_followed_into_all_the_same() {
    let repo = repository();
    let wanted = Wanted { base: some("main"), paths: vec!["changed.py".into()], ..Wanted::default() };
    let change = gathered(&repo, wanted);
    assert_eq!(both(&Side::of_change(&change), "left.py"), [some("l = 1\n"), some("l = 2\n")]);
}

#[test]
fn the_index_is_followed_into_as_it_is() {
    let repo = repository();
    repo.git(&["checkout", "--quiet", "--", "same.py"]);
    repo.write("changed.py", "v = 4\n").git(&["add", "changed.py"]);
    repo.write("changed.py", "v = 5\n");
    let change = gathered(&repo, Wanted { staged: true, ..Wanted::default() });
    let sides = Side::of_change(&change);
    assert_eq!(both(&sides, "changed.py"), [some("v = 2\n"), some("v = 4\n")]);
    assert_eq!(both(&sides, "same.py"), [some("s = 1\n"), some("s = 1\n")]);
}

#[test]
fn links_and_files_over_the_limits_are_not_followed_into() {
    let repo = Repo::new();
    let deep = format!("x = {}1{}\n", "[".repeat(300), "]".repeat(300));
    repo.write("real.py", "r = 1\n").write("big.py", "a = 1\n".repeat(20_000)).write("deep.py", deep);
    repo.symlink("real.py", "link.py").symlink(".", "folder").commit("first");
    repo.git(&["checkout", "--quiet", "-b", "topic"]);
    repo.write("a.py", "a = 1\n").commit("change");
    let change = gathered(&repo, Wanted { base: some("main"), ..Wanted::default() });
    let sides = Side::of_change(&change);
    let directory = Side::of_directory(repo.path("."), &Config::default());
    for side in [&sides.1, &directory] {
        assert_eq!(text(side, "real.py"), some("r = 1\n"));
        for path in ["link.py", "folder/real.py", "big.py", "deep.py"] {
            assert_eq!(text(side, path), None, "{path}");
        }
        assert_eq!(side.notes(), ["2 imported files too large or too deep to follow data into"]);
    }
    let tight = Config { file_bytes: 3, ..Config::default() };
    assert_eq!(text(&Side::of_directory(repo.path("."), &tight), "real.py"), None);
}

#[test]
fn one_file_is_followed_into_so_many_others_and_the_report_says_so() {
    let repo = Repo::new();
    for number in 0..205 {
        repo.write(&format!("m{number}.py"), format!("m = {number}\n"));
    }
    let directory = Side::of_directory(repo.path("."), &Config::default());
    let share = Share::of(Some(&directory));
    let loads =
        |share: &Share<'_>, number: usize| share.load(&RepoPath::from(format!("m{number}.py").as_str())).is_some();
    assert_eq!((0..205).filter(|number| loads(&share, *number)).count(), 200);
    assert!(loads(&share, 0), "what is known stays known");
    assert!(loads(&Share::of(Some(&directory)), 204), "each analysed file has its own share");
    assert_eq!(directory.notes(), ["data was followed into the first 200 imports only of 1 file"]);
}

const RUN_TS: &str = "import { exec } from 'child_process'\nexport default function run(host: string) { exec('ping ' + host) }\nexport function named(host: string) { exec('ping ' + host) }\n";

/// What a handler imports, and what it calls with the visitor's word.
const IMPORTS: &[(&str, &str)] = &[
    ("import { named } from '../lib/run'", "named"),
    ("import { run } from '../lib'", "run"),
    ("import { named } from '../lib'", "named"),
    ("import { all } from '../lib'", "all.default"),
    ("import { named } from '@lib/run'", "named"),
    ("import run from 'lib/run'", "run"),
    ("import { query } from '@acme/db'", "query"),
    ("import { other } from '@acme/db/src/other'", "other"),
    ("const { query } = require('@acme/db')", "query"),
];

#[test]
fn names_of_imports_stand_for_what_the_project_says() {
    for (import, call) in IMPORTS {
        let repo = Repo::new();
        repo.write("src/lib/run.ts", RUN_TS);
        repo.write(
            "src/lib/index.ts",
            "export { default as run } from './run'\nexport { named } from './run'\nexport * as all from './run'\n",
        );
        repo.write("package.json", "{\"workspaces\": [\"packages/*\"]}");
        repo.write("packages/acme-db/package.json", "{\"name\": \"@acme/db\", \"main\": \"dist/index.js\"}");
        let other = "import { exec } from 'child_process'\nexport const other = (h: string) => { exec('ping ' + h) }\n";
        repo.write("packages/acme-db/src/other.ts", other);
        repo.write("packages/acme-db/src/index.ts", "export { other as query } from './other'\n");
        let paths =
            "{\"compilerOptions\": {\"baseUrl\": \"./src\", \"paths\": {\"@lib/*\": [\"lib/*\"],},}, // paths\n}";
        repo.write("tsconfig.json", paths).commit("before");
        repo.git(&["checkout", "--quiet", "-b", "topic"]);
        let handler = format!(
            "import express from 'express'\n{import}\nconst app = express()\napp.get('/a', (req, res) => {{ {call}(req.query.h as string); res.end() }})\n"
        );
        repo.write("src/routes/a.ts", &handler);
        // A change cannot hide behind what it says of names itself, be it committed or staged.
        repo.write("tsconfig.json", paths.replace("// paths", "// names"));
        repo.git(&["add", "--all"]);
        let staged = repo.check(&["--staged"]);
        assert!(staged.findings().iter().any(|rule| rule.contains("js-flow-command")), "{import}, staged: {staged}");
        repo.commit("after");
        let run = repo.check(&["--base", "main"]);
        assert!(run.findings().iter().any(|rule| rule.contains("js-flow-command")), "{import}: {run}");
    }
}
