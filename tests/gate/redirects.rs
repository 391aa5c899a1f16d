//! Names that a change leads elsewhere: unchanged files that use them then run other code.

use crate::dependents::{CLEAN_PY, OPEN_PY, VIEW_PY, with};
use crate::harness::Repo;

const ROUTE: &str = "import express from 'express'\nimport { exec } from 'child_process'\nimport { wash } from 'NAME'\nconst app = express()\n\napp.get('/p', (req, res) => {\n  const host = wash(req.query.host)\n  exec('ping -c 1 ' + host, (e, out) => res.json({ out }))\n})\n";
const CLEAN: &str = "export function wash(text) {\n  if (!/^[a-z0-9.]+$/.test(text)) {\n    throw new Error('no host')\n  }\n  return text\n}\n";
const OPEN: &str = "export function wash(text) {\n  return text\n}\n";

/// What the change does; the name by which the route imports; files; what is written anew, and what goes.
type Case = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static [(&'static str, &'static str)],
    &'static [&'static str],
);

const OLD_PATHS: &str = "{\"compilerOptions\": {\"paths\": {\"@/*\": [\"./src/lib/*\"]}}}";
const NEW_PATHS: &str = "{\"compilerOptions\": {\"paths\": {\"@/*\": [\"./src/old/*\"]}}}";
const ROOT: &str = "{\"workspaces\": [\"packages/*\"]}";
const WASH: &str = "{\"name\": \"@acme/wash\", \"main\": \"./src/strict.js\"}";
const WASH_OPEN: &str = "{\"name\": \"@acme/wash\", \"main\": \"./src/loose.js\"}";

const CASES: &[Case] = &[
    (
        "paths lead elsewhere",
        "@/tidy",
        &[("tsconfig.json", OLD_PATHS), ("src/lib/tidy.js", CLEAN), ("src/old/tidy.js", OPEN)],
        &[("tsconfig.json", NEW_PATHS)],
        &[],
    ),
    (
        "the file that paths are taken from is another",
        "@/tidy",
        &[
            ("tsconfig.json", "{\"extends\": \"./strict.json\"}"),
            ("strict.json", OLD_PATHS),
            ("loose.json", NEW_PATHS),
            ("src/lib/tidy.js", CLEAN),
            ("src/old/tidy.js", OPEN),
        ],
        &[("tsconfig.json", "{\"extends\": \"./loose.json\"}")],
        &[],
    ),
    (
        "the folder of names is another",
        "tidy",
        &[
            ("jsconfig.json", "{\"compilerOptions\": {\"baseUrl\": \"./src/lib\"}}"),
            ("src/lib/tidy.js", CLEAN),
            ("src/old/tidy.js", OPEN),
        ],
        &[("jsconfig.json", "{\"compilerOptions\": {\"baseUrl\": \"./src/old\"}}")],
        &[],
    ),
    (
        "a package gives another file",
        "@acme/wash",
        &[
            ("package.json", ROOT),
            ("packages/wash/package.json", WASH),
            ("packages/wash/src/strict.js", CLEAN),
            ("packages/wash/src/loose.js", OPEN),
        ],
        &[("packages/wash/package.json", WASH_OPEN)],
        &[],
    ),
    (
        "an own import of the package is another",
        "#wash",
        &[
            ("package.json", "{\"imports\": {\"#wash\": \"./src/lib/tidy.js\"}}"),
            ("src/lib/tidy.js", CLEAN),
            ("src/old/tidy.js", OPEN),
        ],
        &[("package.json", "{\"imports\": {\"#wash\": \"./src/old/tidy.js\"}}")],
        &[],
    ),
    ("a file comes to stand before another", "../clean", &[("src/clean.js", CLEAN)], &[("src/clean.ts", OPEN)], &[]),
    (
        "a file comes to stand before a folder",
        "../clean",
        &[("src/clean/index.js", CLEAN)],
        &[("src/clean.js", OPEN)],
        &[],
    ),
    (
        "a file goes and lets another take its place",
        "../clean",
        &[("src/clean.ts", CLEAN), ("src/clean.js", OPEN)],
        &[],
        &["src/clean.ts"],
    ),
    (
        "an alias leads to what changes",
        "#wash",
        &[("package.json", "{\"imports\": {\"#wash\": \"./src/lib/tidy.js\"}}"), ("src/lib/tidy.js", CLEAN)],
        &[("src/lib/tidy.js", OPEN)],
        &[],
    ),
    (
        "the name of a package leads to what changes",
        "@acme/wash",
        &[("package.json", ROOT), ("packages/wash/package.json", WASH), ("packages/wash/src/strict.js", CLEAN)],
        &[("packages/wash/src/strict.js", OPEN)],
        &[],
    ),
    (
        "paths lead to what changes",
        "@wash",
        &[
            ("tsconfig.json", "{\"compilerOptions\": {\"paths\": {\"@wash\": [\"./src/lib/tidy.js\"]}}}"),
            ("src/lib/tidy.js", CLEAN),
        ],
        &[("src/lib/tidy.js", OPEN)],
        &[],
    ),
];

#[test]
fn names_that_lead_elsewhere_open_ways_in_unchanged_files() {
    for (what, name, files, written, gone) in CASES {
        let route = ROUTE.replace("NAME", name);
        let mut all = vec![("src/web/server.js", route.as_str())];
        all.extend(*files);
        let repo = with(&all);
        for (path, text) in *written {
            repo.write(path, text);
        }
        for path in *gone {
            repo.remove(path);
        }
        repo.commit("after");
        let run = repo.check(&["--base", "main"]);
        assert_eq!(run.status, 1, "{what}: {run}");
        assert!(run.findings().iter().any(|f| f.contains("src/web/server.js")), "{what}: {run}");
        repo.git(&["reset", "--quiet", "--soft", "main"]);
        assert_eq!(repo.check(&["--staged"]).status, 1, "{what}: staged");
    }
}

#[test]
fn names_that_lead_to_the_same_open_nothing() {
    let route = ROUTE.replace("NAME", "@/tidy");
    let repo = with(&[("src/web/server.js", &route), ("tsconfig.json", OLD_PATHS), ("src/lib/tidy.js", CLEAN)]);
    let wider = OLD_PATHS.replace("\"paths\": {", "\"paths\": {\"@new/*\": [\"./src/new/*\"], ");
    repo.write("tsconfig.json", wider).commit("after");
    let run = repo.check(&["--base", "main"]).exits(0);
    assert!(!run.json()["notes"].to_string().contains("unchanged file"), "{run}");
}

#[test]
fn a_module_of_python_that_comes_to_stand_before_another_opens_a_way() {
    let cases: [(&str, &str, &str); 2] =
        [("app/lib/clean/__init__.py", "app.lib.clean", "app/lib/clean.py"), ("clean.py", "clean", "app/web/clean.py")];
    for (old, name, new) in cases {
        let view = VIEW_PY.replace("app.lib.clean", name);
        let repo = with(&[("app/web/views.py", &view), (old, CLEAN_PY)]);
        repo.write(new, OPEN_PY).commit("after");
        let run = repo.check(&["--base", "main"]);
        assert_eq!(run.status, 1, "{new}: {run}");
        assert!(run.findings().iter().any(|f| f.contains("app/web/views.py")), "{new}: {run}");
    }
}

/// A project in which each name may stand for many places: not all of them are looked at, and the report says so.
#[test]
fn names_that_may_stand_for_too_many_places_are_not_all_looked_for() {
    let paths = |folder: &str| {
        let places: Vec<String> = (0..24).map(|number| format!("\"./{folder}{number}/*\"")).collect();
        format!("{{\"compilerOptions\": {{\"paths\": {{\"*\": [{}]}}}}}}", places.join(", "))
    };
    let importing = |file: usize, count: usize| {
        let lines = (0..count).map(|name| format!("import x{name} from 'q{file}x{name}/sub'\n"));
        let used: Vec<String> = (0..count).map(|name| format!("x{name}()")).collect();
        format!("{}export const all = (req) => [{}, req.query.c]\n", lines.collect::<String>(), used.join(", "))
    };
    let repo = Repo::new();
    repo.write("tsconfig.json", paths("old"));
    for file in 0..5 {
        repo.write(&format!("web{file}/page.ts"), importing(file, 100));
    }
    repo.commit("before");
    repo.git(&["checkout", "--quiet", "-b", "topic"]);
    repo.write("tsconfig.json", paths("new")).commit("paths");
    let run = repo.check(&["--base", "main"]);
    assert!(run.json()["notes"].to_string().contains("too many imports to find out what all of them name"), "{run}");
    // Of one changed file, too.
    repo.write("web9/page.ts", importing(9, 200)).commit("page");
    let run = repo.check(&["--base", "topic~1"]);
    let note = "1 file imports too many names that may be aliases: data was followed into the first only";
    assert!(run.json()["notes"].to_string().contains(note), "{run}");
    // And of one that a process of its own analyses.
    let padding: String = (0..3_600).map(|i| format!("function pad{i}(a) {{ return a + {i} }}\n")).collect();
    repo.write("web9/page.ts", format!("{}{padding}", importing(9, 200))).commit("large page");
    let run = repo.check(&["--base", "topic~1"]);
    assert!(run.json()["notes"].to_string().contains(note), "{run}");
}
