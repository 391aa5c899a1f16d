//! I/O: the program: reads the command line, runs a command, writes what it says, returns the exit status.

#![expect(clippy::disallowed_methods, reason = "I/O edge: looks at the terminal")]

pub mod args;
pub mod failure;
#[cfg(unix)]
mod signals;

use crate::change::select::Surroundings;
use crate::config;
use crate::model::{EMBEDDED, session};
use crate::report::{Format, Style};
use crate::run::check::{Options, Outcome, Overrides};
use crate::run::gather::Wanted;
use crate::run::publish::{Output, no_collision, publish, to_stdout};
use crate::run::{
    RunError, audit, check, exit, explain, hook, init, measure, replay, rules, surroundings, tokens, worker,
};
use args::{
    AuditArgs, CheckArgs, Cli, Color, Command, ConfigCommand, GlobalArgs, HookCommand, MeasureArgs, MeasureFormat,
    OutputArgs, ReplayArgs, ReplayFormat, RulesCommand,
};
use clap::{CommandFactory, Parser};
use failure::Failure;
use std::io::{BufReader, IsTerminal, Write};
use std::path::PathBuf;

/// Columns where the width of the terminal is not known.
const WIDTH: usize = 100;
/// Columns below which nothing can be laid out.
const MIN_WIDTH: usize = 40;

/// Runs the program and returns its exit status.
pub fn main() -> u8 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            if error.use_stderr() {
                complain(&failure::safe_lines(&error.render().to_string()));
                return exit::USAGE;
            }
            // Help that cannot be written has no other place to go.
            drop(error.print());
            return exit::PASS;
        }
    };
    // A panic is a bug, and must never look like a verdict; its message may quote what is being read, so it is not shown.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|l| format!(" at {}:{}", l.file(), l.line())).unwrap_or_default();
        complain(&format!("panic{place}\n"));
    }));
    match std::panic::catch_unwind(|| dispatch(cli)) {
        Ok(Ok(status)) => status,
        Ok(Err(error)) => {
            let failure = Failure::of(&error);
            complain(&failure.render());
            failure.exit
        }
        Err(_) => {
            complain(&Failure::of(&RunError::Internal("the program panicked; see above".into())).render());
            exit::INTERNAL
        }
    }
}

fn dispatch(cli: Cli) -> Result<u8, RunError> {
    let around = surroundings::read();
    if let Some(directory) = &cli.global.directory {
        // Every path that the user gives is then relative to it, as with `git -C`.
        std::env::set_current_dir(directory).map_err(|source| RunError::Read { path: directory.clone(), source })?;
    }
    if cli.version {
        return say(&version());
    }
    #[cfg(unix)]
    if matches!(cli.command, Some(Command::Check(_) | Command::Audit(_) | Command::Hook(HookCommand::Run { .. }))) {
        signals::watch();
    }
    let Some(command) = cli.command else {
        complain(&Cli::command().render_help().to_string());
        return Ok(exit::USAGE);
    };
    let directory = here();
    match command {
        Command::Check(args) => run_check(&args, &cli.global, &around),
        Command::Audit(args) => run_audit(&args, &cli.global, &around),
        Command::Replay(args) => run_replay(&args, &cli.global, &around),
        Command::Rules(RulesCommand::Measure(args)) => run_measure(&args, &cli.global, &around),
        Command::Rules(command) => run_rules(&command),
        Command::Explain(args) => say(&explain::run(&args.what, args.from.as_deref(), &args.rules)?),
        Command::Hook(HookCommand::Install { force }) => say(&(hook::install(&directory, force)? + "\n")),
        Command::Hook(HookCommand::Uninstall) => say(&(hook::uninstall(&directory)? + "\n")),
        Command::Hook(HookCommand::Run { remote, .. }) => run_hook(remote.as_deref(), &cli.global, &around),
        Command::Init(args) => say(&init::run(&directory, args.force)?),
        Command::Config(ConfigCommand::Schema) => say(&config::schema()),
        Command::Config(ConfigCommand::Check { file }) => {
            let config = config::load::from_directory(&directory, file.as_deref())?;
            if config.digest.is_empty() {
                let names = config::FILE_NAMES.join(", ");
                return Err(RunError::Usage(format!("there is no policy here: none of {names}")));
            }
            say(&format!("{} is a valid policy\n", config.source))
        }
        Command::Completions { shell } => {
            let mut bytes = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "portcullis", &mut bytes);
            say(&String::from_utf8_lossy(&bytes))
        }
        Command::Man { command } => manual(command.as_deref()),
        Command::Worker => {
            worker::serve(BufReader::new(std::io::stdin()), std::io::stdout())?;
            Ok(exit::PASS)
        }
        Command::Tokens => {
            let internal = |e: tokens::TokensError| RunError::Usage(e.to_string());
            tokens::run(BufReader::new(std::io::stdin()), std::io::stdout().lock()).map_err(internal)?;
            Ok(exit::PASS)
        }
    }
}

fn run_check(args: &CheckArgs, global: &GlobalArgs, around: &Surroundings) -> Result<u8, RunError> {
    let options = Options {
        wanted: Wanted {
            directory: here(),
            base: args.change.base.clone(),
            head: args.change.head.clone(),
            staged: args.change.staged,
            deepen: args.change.deepen,
            paths: args.change.paths.iter().map(|p| tidy(p)).collect(),
            config: args.policy.config.clone(),
            rules: args.policy.rules.clone(),
            ..Wanted::default()
        },
        patch: args.change.diff.clone(),
        overrides: Overrides {
            severity: args.fail_on_severity,
            risk: args.fail_on_risk,
            classifier: (args.classifier || args.no_classifier).then_some(args.classifier),
        },
        threads: threads(global),
    };
    no_collision(&args.output.output)?;
    let outcome = check::run(&options, around)?;
    let style = Style { existing: args.change.all, ..style(global) };
    finish(&outcome, &args.output, style, around)
}

fn run_audit(args: &AuditArgs, global: &GlobalArgs, around: &Surroundings) -> Result<u8, RunError> {
    let quiet = around.variables.get("CI").is_some_and(|v| v != "false");
    let options = audit::Options {
        paths: args.paths.clone(),
        wanted: Wanted {
            directory: here(),
            config: args.policy.config.clone(),
            rules: args.policy.rules.clone(),
            ..Wanted::default()
        },
        overrides: Overrides { classifier: Some(args.classifier), ..Overrides::default() },
        fail_on: args.fail_on,
        vendored: args.include_vendored,
        no_ignore: args.no_ignore,
        write_baseline: args.write_baseline.clone(),
        progress: !quiet && std::io::stderr().is_terminal(),
        threads: threads(global),
    };
    no_collision(&args.output.output)?;
    let outcome = audit::run(&options)?;
    finish(&outcome, &args.output, style(global), around)
}

/// Writes the reports, and returns the status: a report that cannot be written never hides a blocked change.
fn finish(outcome: &Outcome, args: &OutputArgs, style: Style, around: &Surroundings) -> Result<u8, RunError> {
    let human = [Output { format: Format::Human, file: None }];
    let outputs = if args.output.is_empty() { &human[..] } else { &args.output };
    let status = if args.require_input && !outcome.had_input && outcome.exit == exit::PASS {
        exit::NOTHING
    } else {
        outcome.exit
    };
    match publish(&outcome.report, outputs, style, around) {
        Err(error) if status == exit::BLOCKED || status == exit::INCONCLUSIVE => {
            let failure = Failure::of(&error);
            let verdict = outcome.report.verdict.as_str();
            complain(&format!("error: {}\n  the verdict stands: {verdict} (exit {status})\n", failure.message));
            Ok(status)
        }
        Err(error) => Err(error),
        Ok(()) => Ok(status),
    }
}

fn run_rules(command: &RulesCommand) -> Result<u8, RunError> {
    match command {
        RulesCommand::List { rules: own } => say(&rules::list(&rules::load(own)?)?),
        RulesCommand::Show { id, rules: own } => say(&rules::show(&rules::load(own)?, id)?),
        RulesCommand::Measure(_) => Err(RunError::Internal("measuring is dispatched before".into())),
        RulesCommand::Index => say(&crate::detect::rules::index::generate(&rules::load(&[])?)?),
        RulesCommand::Schema { catalog: false } => say(&crate::detect::rules::schema::json()),
        RulesCommand::Schema { catalog: true } => say(&crate::detect::flow::catalog::schema::json()),
        RulesCommand::Test { rules: own } => {
            let set = rules::load(own)?;
            let tested = rules::test(&set)?;
            let failures: String = tested.failures.iter().map(|f| format!("{f}\n")).collect();
            let (passed, failed) = (tested.passed, tested.failures.len());
            say(&format!("{failures}{} rules: {passed} examples passed, {failed} failed\n", set.len()))?;
            Ok(if failed == 0 { exit::PASS } else { exit::BLOCKED })
        }
    }
}

fn run_measure(args: &MeasureArgs, global: &GlobalArgs, around: &Surroundings) -> Result<u8, RunError> {
    let measurement = measure::run(
        &measure::Options {
            manifest: args.manifest.clone(),
            repositories: args.repositories.clone(),
            judged: args.judged.clone(),
            write: args.write.clone(),
            rules: args.rules.clone(),
            threads: threads(global),
        },
        around,
    )?;
    say(&match args.output {
        MeasureFormat::Text => measure::text::write(&measurement),
        MeasureFormat::Json => measure::json(&measurement),
    })
}

fn run_replay(args: &ReplayArgs, global: &GlobalArgs, around: &Surroundings) -> Result<u8, RunError> {
    /// Changes that are checked where neither their number nor a day is given.
    const LAST: u32 = 300;
    let options = replay::Options {
        directory: here(),
        head: Some(args.head.clone()),
        last: args.last.or(args.since.is_none().then_some(LAST)),
        since: args.since,
        config: args.config.clone(),
        rules: args.rules.clone(),
        state: args.resume.clone(),
        at_most: args.at_most / 100.0,
        threads: threads(global),
    };
    let is_seen = std::io::stderr().is_terminal();
    let progress = |done: usize, all: usize| {
        if is_seen {
            let full = done * 30 / all.max(1);
            let end = if done == all { "\n" } else { "" };
            complain(&format!("\r[{:<30}] {done} of {all} changes{end}", "#".repeat(full)));
        }
    };
    let replay = replay::run(&options, around, &progress)?;
    say(&match args.output {
        ReplayFormat::Text => replay::text::write(&replay),
        ReplayFormat::Json => {
            serde_json::to_string_pretty(&replay).expect("numbers and strings are always JSON") + "\n"
        }
        ReplayFormat::Html => replay::html::write(&replay),
    })
}

fn run_hook(remote: Option<&str>, global: &GlobalArgs, around: &Surroundings) -> Result<u8, RunError> {
    if around.variables.get("PORTCULLIS_SKIP").is_some_and(|v| !v.is_empty()) {
        return Ok(exit::PASS);
    }
    let wanted = Wanted { directory: here(), ..Wanted::default() };
    let options = Options { wanted, threads: threads(global), ..Options::default() };
    let human = [Output { format: Format::Human, file: None }];
    if let Some((head, candidates)) = hook::under_pre_commit(around) {
        let options = Options { wanted: Wanted { head, candidates, ..options.wanted.clone() }, ..options };
        let outcome = check::run(&options, around)?;
        publish(&outcome.report, &human, style(global), around)?;
        return Ok(outcome.exit);
    }
    let outcomes = hook::run(remote.unwrap_or("origin"), &options, around)?;
    for (name, outcome) in &outcomes {
        say(&format!("{name}\n"))?;
        publish(&outcome.report, &human, style(global), around)?;
    }
    Ok(hook::worst(outcomes.iter().map(|(_, o)| o.exit)))
}

fn manual(command: Option<&str>) -> Result<u8, RunError> {
    let mut whole = Cli::command();
    whole.build();
    let page = match command {
        None => whole,
        Some(name) => match whole.find_subcommand(name).filter(|c| !c.is_hide_set()) {
            Some(found) => found.clone().display_name(format!("portcullis-{name}")),
            None => return Err(RunError::Usage(format!("there is no command `{}`", crate::path::visible(name)))),
        },
    };
    let mut bytes = Vec::new();
    let write = |source| RunError::Write { path: PathBuf::from("standard output"), source };
    clap_mangen::Man::new(page).render(&mut bytes).map_err(write)?;
    say(&String::from_utf8_lossy(&bytes))
}

fn version() -> String {
    let rules = crate::detect::rules::RuleSet::new(crate::detect::rules::load::embedded());
    let mut text = format!("portcullis {}\nrules {} ({})\n", env!("CARGO_PKG_VERSION"), rules.len(), rules.digest());
    for model in EMBEDDED {
        text.push_str(&match model.card() {
            Ok(card) => format!("model {} {} ({})\n", card.name, card.version, &card.sha256[..12]),
            Err(error) => format!("model {}: {error}\n", model.name),
        });
    }
    text.push_str(&format!("runtime {}\n", session::runtime()));
    text
}

fn here() -> PathBuf {
    PathBuf::from(".")
}

fn threads(global: &GlobalArgs) -> usize {
    let all = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    global.threads.filter(|n| *n > 0).unwrap_or_else(all)
}

fn style(global: &GlobalArgs) -> Style {
    let color = match global.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
    };
    let terminal = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    Style { color, width: terminal.unwrap_or(WIDTH).max(MIN_WIDTH), existing: false }
}

fn tidy(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !matches!(*part, "" | ".")) {
        match parts.last() {
            Some(last) if part == ".." && *last != ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    match (path.starts_with('/'), parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
    }
}

fn say(text: &str) -> Result<u8, RunError> {
    let write = |source| RunError::Write { path: PathBuf::from("standard output"), source };
    to_stdout(text.as_bytes()).map_err(write)?;
    Ok(exit::PASS)
}

fn complain(text: &str) {
    // Standard error that is gone leaves the exit status as the only word.
    drop(std::io::stderr().lock().write_all(text.as_bytes()));
}
