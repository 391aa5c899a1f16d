//! Files that are left to a worker process because of their size: data is followed between them and other files all the
//! same, whichever side of an import they are on.

use crate::dependents::{CLEAN_PY, OPEN_PY, VIEW_PY, with};
use crate::harness::Run;

/// Over 96 KiB of code that does nothing.
fn padding() -> String {
    (0..3_600).map(|i| format!("def pad_{i}(a):\n    return a + {i}\n")).collect()
}

#[track_caller]
fn found(run: &Run, paths: &[&str]) {
    assert!(run.gaps().is_empty(), "{run}");
    let json = run.json();
    let introduced = json["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|f| f["rule"] == "python-flow-sql" && f["origin"] == "introduced");
    // What a rule suspects is only warned of, here as in small files.
    assert_eq!(introduced.filter_map(|f| f["path"].as_str()).collect::<Vec<_>>(), paths, "{run}");
    assert_eq!(run.status, i32::from(!paths.is_empty()), "{run}");
}

#[test]
fn file_that_grows_is_followed_into_others() {
    let repo = with(&[("app/web/views.py", "x = 1\n"), ("app/lib/clean.py", CLEAN_PY), ("app/lib/open.py", OPEN_PY)]);
    repo.write("app/web/views.py", format!("{VIEW_PY}{}", padding())).commit("large");
    found(&repo.check(&["--base", "main"]), &[]);
    let open = VIEW_PY.replace("app.lib.clean", "app.lib.open");
    repo.write("app/web/views.py", format!("{open}{}", padding())).commit("large and open");
    found(&repo.check(&["--base", "main"]), &["app/web/views.py"]);
    repo.git(&["reset", "--quiet", "--soft", "main"]);
    found(&repo.check(&["--staged"]), &["app/web/views.py"]);
}

#[test]
fn changed_file_is_followed_into_one_that_grows() {
    let repo = with(&[("app/web/views.py", "x = 1\n"), ("app/lib/clean.py", CLEAN_PY)]);
    repo.write("app/web/views.py", VIEW_PY)
        .write("app/lib/clean.py", format!("{CLEAN_PY}{}", padding()))
        .commit("large");
    found(&repo.check(&["--base", "main"]), &[]);
    repo.write("app/lib/clean.py", format!("{OPEN_PY}{}", padding())).commit("large and open");
    found(&repo.check(&["--base", "main"]), &["app/web/views.py"]);
}

#[test]
fn unchanged_file_is_followed_into_one_that_grows() {
    let repo = with(&[("app/web/views.py", VIEW_PY), ("app/lib/clean.py", CLEAN_PY)]);
    repo.write("app/lib/clean.py", format!("{OPEN_PY}{}", padding())).commit("large and open");
    found(&repo.check(&["--base", "main"]), &["app/web/views.py"]);
    // In the place of a file that goes.
    let repo = with(&[("app/web/views.py", VIEW_PY), ("app/lib/clean.py", CLEAN_PY)]);
    repo.remove("app/lib/clean.py");
    repo.write("app/lib/clean/__init__.py", format!("{OPEN_PY}{}", padding())).commit("large, open and elsewhere");
    found(&repo.check(&["--base", "main"]), &["app/web/views.py"]);
}

/// A line without end sends a file to a worker as well.
#[test]
fn file_with_a_long_line_is_followed() {
    let long = format!("# {}\n", "x".repeat(21_000));
    let repo = with(&[("app/web/views.py", VIEW_PY), ("app/lib/clean.py", CLEAN_PY)]);
    repo.write("app/lib/clean.py", format!("{OPEN_PY}{long}")).commit("after");
    found(&repo.check(&["--base", "main"]), &["app/web/views.py"]);
    // Where it was so before, too, what the change opens is found.
    let repo = with(&[("app/web/views.py", VIEW_PY), ("app/lib/clean.py", &format!("{CLEAN_PY}{long}"))]);
    repo.write("app/lib/clean.py", format!("{OPEN_PY}{long}")).commit("after");
    found(&repo.check(&["--base", "main"]), &["app/web/views.py"]);
}

/// For each comment Python's grammar looks over all that follow.
#[test]
fn thousands_of_comments_take_no_time_and_hide_nothing() {
    let run = "# a line of comment, as a licence or a table has them\n".repeat(9_000);
    let bad = "import os\n\n\ndef list_files(name):\n    os.system(\"ls \" + name)\n";
    let repo = with(&[("app/ok.py", "x = 1\n")]);
    repo.write("app/bad.py", format!("{run}{bad}{run}")).commit("comments");
    let check = repo.check(&["--base", "main"]).exits(1);
    assert!(check.gaps().is_empty() && check.findings().len() == 1, "{check}");
    assert_eq!(check.json()["findings"][0]["start_line"], 9_005, "{check}");
    // In a text in quotes such lines are no comments: what ends the text, or is computed in it, stays what it is.
    let mute = "# a line of comment\n".repeat(1_000);
    let hidden = format!("import os\n\n\ndef f(x):\n    return f\"\"\"\n{mute}# {{os.system(x)}}\n{mute}\"\"\"\n");
    let closed = format!("import os\n\n\ndef f(x):\n    y = \"\"\"\n{mute}# \"\"\"\n{mute}    os.system(x)\n");
    for text in [hidden, closed] {
        repo.write("app/bad.py", &text).commit("in quotes");
        let check = repo.check(&["--base", "main"]).exits(1);
        assert_eq!(check.findings().len(), 1, "{check}");
    }
    // A comment to the gate is found among thousands, and speaks of the code that follows them.
    let marked = format!("{mute}# portcullis: ignore python-os-system-non-constant -- own names\n{mute}");
    let old = bad.replace("    os.system", &format!("{marked}    os.system"));
    let repo = with(&[("app/bad.py", &old)]);
    repo.write("app/bad.py", old.replace("\"ls \"", "\"ls -l \"")).commit("edit");
    let check = repo.check(&["--base", "main"]);
    assert_eq!(check.json()["suppressions"][0]["status"], "not-honoured", "{check}");
}
