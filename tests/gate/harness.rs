//! Real repositories in temporary directories, and the real program run in them with nothing of the caller's
//! environment but the way to git.

use serde_json::Value;
use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_portcullis");

/// A Python function that the built-in policy blocks (high severity, high confidence).
pub(crate) const BAD_PY: &str = "import os\n\n\ndef list_files(name):\n    os.system(\"ls \" + name)\n";
/// The rule that it breaks.
pub(crate) const BAD_RULE: &str = "python-os-system-non-constant";
/// A Python function that is only worth a warning (low severity).
pub(crate) const WARN_PY: &str = "import hashlib\n\n\ndef digest(data):\n    return hashlib.md5(data).hexdigest()\n";
/// The rule that it breaks.
pub(crate) const WARN_RULE: &str = "python-weak-hash";
/// A Python function with nothing against it.
pub(crate) const GOOD_PY: &str = "def add(a, b):\n    return a + b\n";

/// A command with a clean environment: `PATH`, a home of its own, fixed names and times for git.
pub(crate) fn clean(program: &str, home: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", path_variable()).env("HOME", home).env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "Ann").env(format!("GIT_{who}_EMAIL"), "ann@example.com");
        command.env(format!("GIT_{who}_DATE"), "2026-01-02T03:04:05Z");
    }
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    command
}

fn path_variable() -> OsString {
    std::env::var_os("PATH").unwrap_or_default()
}

/// What a finished process said.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) status: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) took: Duration,
}

impl Run {
    fn of(output: Output, took: Duration) -> Self {
        // Ended by a signal: the number that a shell shows.
        let status = output.status.code().or_else(|| output.status.signal().map(|s| 128 + s)).unwrap_or(-1);
        Self { status, stdout: output.stdout, stderr: output.stderr, took }
    }

    pub(crate) fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    pub(crate) fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Both streams together, for searching.
    pub(crate) fn all(&self) -> Vec<u8> {
        [self.stdout.as_slice(), self.stderr.as_slice()].concat()
    }

    /// The JSON report on standard output.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.stdout).unwrap_or_else(|e| panic!("no JSON ({e}); {self}"))
    }

    /// Asserts the exit status.
    #[track_caller]
    pub(crate) fn exits(self, status: i32) -> Self {
        assert_eq!(self.status, status, "{self}");
        self
    }

    /// Asserts that standard error holds a text.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.err().contains(text), "`{text}` is not on standard error; {self}");
        self
    }

    /// `rule path disposition` of every finding, in report order.
    pub(crate) fn findings(&self) -> Vec<String> {
        let text = |f: &Value, key: &str| f[key].as_str().unwrap_or_default().to_owned();
        let line = |f: &Value| format!("{} {} {}", text(f, "rule"), text(f, "path"), text(f, "disposition"));
        self.json()["findings"].as_array().expect("a list").iter().map(line).collect()
    }

    /// `kind path` of every gap.
    pub(crate) fn gaps(&self) -> Vec<String> {
        let json = self.json();
        let gaps = json["coverage"]["gaps"].as_array().expect("a list");
        let line =
            |g: &Value| format!("{} {}", g["kind"].as_str().unwrap_or_default(), g["path"].as_str().unwrap_or("-"));
        gaps.iter().map(line).collect()
    }

    /// Number of files left out for a reason.
    pub(crate) fn left_out(&self, reason: &str) -> u64 {
        self.json()["coverage"]["not_applicable"][reason].as_u64().unwrap_or(0)
    }

    pub(crate) fn base_reason(&self) -> String {
        self.json()["change"]["base_reason"].as_str().unwrap_or_default().to_owned()
    }

    /// Number of files analysed.
    pub(crate) fn analysed(&self) -> u64 {
        self.json()["coverage"]["analysed"].as_u64().unwrap_or(0)
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "status {}\n-- stdout\n{}\n-- stderr\n{}", self.status, self.out(), self.err())
    }
}

/// The program with its arguments, about to run.
pub(crate) struct Call {
    command: Command,
    input: Vec<u8>,
}

impl Call {
    /// A run in `directory`; `home` is the only place it may call its own.
    pub(crate) fn new(directory: &Path, home: &Path, args: &[&str]) -> Self {
        let mut command = clean(PROGRAM, home);
        command.current_dir(directory).args(args);
        Self { command, input: Vec::new() }
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn envs(self, pairs: &[(&str, &str)]) -> Self {
        pairs.iter().fold(self, |call, (name, value)| call.env(name, value))
    }

    pub(crate) fn input(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.input = bytes.as_ref().to_vec();
        self
    }

    /// Starts it; standard input is closed.
    pub(crate) fn start(mut self) -> Child {
        self.command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        self.command.spawn().expect("the program starts")
    }

    pub(crate) fn run(mut self) -> Run {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let begin = Instant::now();
        let mut child = self.command.spawn().expect("the program starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        let input = std::mem::take(&mut self.input);
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let output = child.wait_with_output().expect("the program ends");
        drop(writer.join());
        Run::of(output, begin.elapsed())
    }
}

/// Waits for a started program.
pub(crate) fn finish(child: Child, begin: Instant) -> Run {
    Run::of(child.wait_with_output().expect("the program ends"), begin.elapsed())
}

/// A repository with a work tree, and room beside it for remotes, clones and homes.
pub(crate) struct Repo {
    space: TempDir,
    root: PathBuf,
}

impl Repo {
    /// An empty repository whose first branch is `main`.
    pub(crate) fn new() -> Self {
        Self::with(&["init", "--quiet", "--initial-branch=main"])
    }

    pub(crate) fn sha256() -> Self {
        Self::with(&["init", "--quiet", "--initial-branch=main", "--object-format=sha256"])
    }

    fn with(init: &[&str]) -> Self {
        let space = tempfile::Builder::new().prefix("gate-").tempdir().expect("a temporary directory");
        let root = space.path().join("work");
        std::fs::create_dir_all(&root).expect("a directory");
        std::fs::create_dir_all(space.path().join("home")).expect("a directory");
        let repo = Self { space, root };
        repo.git(init);
        repo
    }

    /// `main` with one harmless commit, and a branch `topic` checked out on it.
    pub(crate) fn on_topic() -> Self {
        let repo = Self::new();
        repo.write("README.md", "# Read me\n").write("app/ok.py", GOOD_PY).commit("first");
        repo.git(&["checkout", "--quiet", "-b", "topic"]);
        repo
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A path beside the work tree.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.space.path().join(name)
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.beside("home")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, bytes).expect("a file");
        self
    }

    /// Lets a file be run.
    pub(crate) fn run_bit(&self, name: &str) -> &Self {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(self.path(name), std::fs::Permissions::from_mode(0o755)).expect("the file is there");
        self
    }

    pub(crate) fn remove(&self, name: &str) -> &Self {
        std::fs::remove_file(self.path(name)).expect("the file was there");
        self
    }

    pub(crate) fn rename(&self, from: &str, to: &str) -> &Self {
        std::fs::create_dir_all(self.path(to).parent().expect("a parent")).expect("a directory");
        std::fs::rename(self.path(from), self.path(to)).expect("a rename");
        self
    }

    pub(crate) fn symlink(&self, target: impl AsRef<Path>, name: &str) -> &Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::os::unix::fs::symlink(target, path).expect("a link");
        self
    }

    /// Puts a submodule entry into the index: a commit of a repository that need not exist.
    pub(crate) fn submodule(&self, name: &str) -> &Self {
        let entry = format!("160000,{},{name}", "1".repeat(40));
        self.git(&["update-index", "--add", "--cacheinfo", &entry]);
        self
    }

    /// Commits the whole work tree and returns the commit.
    pub(crate) fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.commit_index(message)
    }

    /// Commits the index as it is and returns the commit.
    pub(crate) fn commit_index(&self, message: &str) -> String {
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.head()
    }

    pub(crate) fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    /// Commits a tree with files under names that no file system or porcelain need accept, on top of `HEAD`.
    /// Each name is one path component. The work tree is left alone.
    pub(crate) fn commit_raw(&self, files: &[(Vec<u8>, String)]) -> String {
        let oids = self.hash(files.iter().map(|(_, text)| text.as_str()));
        let mut input = self.git_bytes(&["ls-tree", "-z", "HEAD"], &[]);
        for ((name, _), oid) in files.iter().zip(oids) {
            input.extend_from_slice(format!("100644 blob {oid}\t").as_bytes());
            input.extend_from_slice(name);
            input.push(0);
        }
        let tree = self.git_input(&["mktree", "-z"], &input);
        let commit = self.git(&["commit-tree", "-p", "HEAD", "-m", "raw", &tree]);
        self.git(&["update-ref", "HEAD", &commit]);
        commit
    }

    fn hash<'a>(&self, texts: impl Iterator<Item = &'a str>) -> Vec<String> {
        let directory = self.beside("blobs");
        std::fs::create_dir_all(&directory).expect("a directory");
        let mut list = String::new();
        for (i, text) in texts.enumerate() {
            let path = directory.join(i.to_string());
            std::fs::write(&path, text).expect("a file");
            list.push_str(&format!("{}\n", path.display()));
        }
        let oids = self.git_input(&["hash-object", "-w", "--no-filters", "--stdin-paths"], list.as_bytes());
        oids.lines().map(str::to_owned).collect()
    }

    /// Runs git and returns what it wrote, trimmed.
    #[track_caller]
    pub(crate) fn git(&self, args: &[&str]) -> String {
        self.git_input(args, &[])
    }

    #[track_caller]
    fn git_input(&self, args: &[&str], input: &[u8]) -> String {
        String::from_utf8_lossy(&self.git_bytes(args, input)).trim_end().to_owned()
    }

    #[track_caller]
    fn git_bytes(&self, args: &[&str], input: &[u8]) -> Vec<u8> {
        let run = self.try_git(args, input);
        assert_eq!(run.status, 0, "git {args:?}: {run}");
        run.stdout
    }

    /// Runs git, whatever comes of it.
    pub(crate) fn try_git(&self, args: &[&str], input: &[u8]) -> Run {
        self.git_command(args).run_with(input)
    }

    /// A git command in the work tree, to add environment to.
    pub(crate) fn git_command(&self, args: &[&str]) -> GitCommand {
        let mut command = clean("git", &self.home());
        command.current_dir(&self.root).args(args);
        GitCommand(command)
    }

    /// A run of the program in the work tree.
    pub(crate) fn call(&self, args: &[&str]) -> Call {
        Call::new(&self.root, &self.home(), args)
    }

    /// `check -o json` with more arguments.
    pub(crate) fn check(&self, args: &[&str]) -> Run {
        self.call(&[&["check", "-o", "json"], args].concat()).run()
    }

    /// Makes a bare remote beside the work tree, named `origin`, and pushes `main` to it.
    pub(crate) fn publish_main(&self) -> PathBuf {
        let remote = self.beside("remote.git");
        let path = remote.to_str().expect("a plain path");
        let format = self.git(&["rev-parse", "--show-object-format"]);
        self.git(&["init", "--quiet", "--bare", "--initial-branch=main", &format!("--object-format={format}"), path]);
        self.git(&["remote", "add", "origin", path]);
        self.git(&["push", "--quiet", "origin", "main"]);
        self.git(&["--git-dir", path, "config", "uploadpack.allowAnySHA1InWant", "true"]);
        remote
    }

    /// A clone that was made beside the work tree.
    pub(crate) fn clone_at(&self, root: PathBuf) -> Clone {
        Clone { root, home: self.home() }
    }

    /// Clones `remote` shallowly to a place beside the work tree.
    pub(crate) fn clone_shallow(&self, remote: &Path, revision: &str, depth: u32, name: &str) -> Clone {
        let root = self.beside(name);
        let into = root.to_str().expect("a plain path");
        self.git(&["init", "--quiet", "--initial-branch=main", into]);
        let clone = self.clone_at(root.clone());
        let url = format!("file://{}", remote.display());
        clone.git(&["remote", "add", "origin", &url]);
        clone.git(&["fetch", "--quiet", "--no-tags", &format!("--depth={depth}"), "origin", revision]);
        clone.git(&["checkout", "--quiet", "--detach", "FETCH_HEAD"]);
        clone
    }
}

/// A clone beside a repository.
pub(crate) struct Clone {
    pub(crate) root: PathBuf,
    home: PathBuf,
}

impl Clone {
    #[track_caller]
    pub(crate) fn git(&self, args: &[&str]) -> String {
        let mut command = clean("git", &self.home);
        command.current_dir(&self.root).args(args);
        let run = GitCommand(command).run_with(&[]);
        assert_eq!(run.status, 0, "git {args:?}: {run}");
        run.out().trim_end().to_owned()
    }

    pub(crate) fn call(&self, args: &[&str]) -> Call {
        Call::new(&self.root, &self.home, &[&["check", "-o", "json"], args].concat())
    }
}

/// A git command about to run.
pub(crate) struct GitCommand(Command);

impl GitCommand {
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    pub(crate) fn run_with(self, input: &[u8]) -> Run {
        Call { command: self.0, input: input.to_vec() }.run()
    }
}

/// A directory without a repository, with a home beside it.
pub(crate) struct Plain {
    space: TempDir,
}

impl Plain {
    pub(crate) fn new() -> Self {
        let space = tempfile::Builder::new().prefix("plain-").tempdir().expect("a temporary directory");
        for name in ["work", "home"] {
            std::fs::create_dir_all(space.path().join(name)).expect("a directory");
        }
        Self { space }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.space.path().join("work").join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, bytes).expect("a file");
        self
    }

    pub(crate) fn call(&self, args: &[&str]) -> Call {
        let (work, home) = (self.space.path().join("work"), self.space.path().join("home"));
        Call::new(&work, &home, args)
    }
}

/// Says whether `hay` holds `needle`.
pub(crate) fn holds(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len()).any(|w| w == needle)
}

/// Every file below a directory.
pub(crate) fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort_by(|a, b| a.as_os_str().as_bytes().cmp(b.as_os_str().as_bytes()));
    found
}

/// The names of all report formats, as the program itself lists them.
pub(crate) fn formats() -> Vec<String> {
    use clap::ValueEnum;
    let named = portcullis::report::Format::value_variants().iter().filter_map(ValueEnum::to_possible_value);
    named.map(|value| value.get_name().to_owned()).collect()
}
