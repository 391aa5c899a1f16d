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
