//! The command line, as clap reads it. Parsing does nothing but check.

use crate::causes::nearest;
use crate::config::SeverityLimit;
use crate::finding::Severity;
use crate::report::Format;
use crate::run::publish::Output;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, ValueHint};
use std::path::PathBuf;

/// A merge gate for CI: what a change adds, how risky it is, and one verdict
///
/// Exit status: 0 pass, 1 blocked, 2 usage or configuration, 3 inconclusive, 4 nothing to check (with --require-input),
/// 70 internal error, 130 or 143 ended by SIGINT or SIGTERM.
#[derive(Debug, Parser)]
#[command(name = "portcullis", disable_version_flag = true, max_term_width = 100)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Options of every command
    #[command(flatten)]
    pub global: GlobalArgs,
    /// Print version, rules and models with their digests
    #[arg(long, short = 'V')]
    pub version: bool,
}

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalArgs {
    /// Run as if started in this directory
    #[arg(long, short = 'C', global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub directory: Option<PathBuf>,
    /// Threads to use; all cores by default
    #[arg(long, global = true, value_name = "N", env = "PORTCULLIS_THREADS", hide_env_values = true)]
    pub threads: Option<usize>,
    /// When to colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check what a change adds and give a verdict
    Check(Box<CheckArgs>),
    /// Analyse whole trees; exits 0 unless --fail-on is given
    Audit(Box<AuditArgs>),
    /// List, show, test and measure rules
    #[command(subcommand)]
    Rules(RulesCommand),
    /// Run the gate over what was merged already, to see what it would have blocked
    Replay(ReplayArgs),
    /// Explain a rule, or a finding of an earlier verdict
    Explain(ExplainArgs),
    /// Install, remove or run the pre-push hook
    #[command(subcommand)]
    Hook(HookCommand),
    /// Write a commented policy, a GitHub workflow and a GitLab job
    Init(InitArgs),
    /// Print the form of the policy file, or check one
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page of the program, or of one command
    Man {
        /// The command
        command: Option<String>,
    },
    /// Analyse files for the gate, in a process of its own
    #[command(hide = true)]
    Worker,
    /// Write what the network would see of changed files, for training: JSON lines in, JSON lines out
    #[command(hide = true)]
    Tokens,
}

/// Options that say what is compared.
#[derive(Debug, Args)]
#[command(next_help_heading = "Change options")]
pub struct ChangeArgs {
    /// Compare with the merge base of this revision and the head
    ///
    /// By default the base is taken from the GitHub or GitLab environment, else from the remote's default branch.
    #[arg(long, value_name = "REF", env = "PORTCULLIS_BASE")]
    pub base: Option<String>,
    /// Check this revision; HEAD by default
    #[arg(long, value_name = "REF", env = "PORTCULLIS_HEAD")]
    pub head: Option<String>,
    /// Check what is staged against HEAD
    #[arg(long, conflicts_with_all = ["base", "head", "diff"])]
    pub staged: bool,
    /// Check a unified patch; `-` reads it from standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["base", "head"], value_hint = ValueHint::FilePath)]
    pub diff: Option<PathBuf>,
    /// Show findings that were there before, too; they never block
    #[arg(long)]
    pub all: bool,
    /// Fetch more history where a shallow clone lacks the base (uses the network)
    #[arg(long, env = "PORTCULLIS_DEEPEN", value_parser = clap::builder::FalseyValueParser::new(), action = ArgAction::SetTrue)]
    pub deepen: bool,
    /// Check only these files and directories, relative to the repository root
    #[arg(value_name = "PATHS")]
    pub paths: Vec<String>,
}

/// Options that say what is allowed.
#[derive(Debug, Args)]
#[command(next_help_heading = "Policy options")]
pub struct PolicyArgs {
    /// Policy file; one inside the repository is read from the base commit
    #[arg(long, value_name = "FILE", env = "PORTCULLIS_CONFIG", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// Directory with rules of your own (can be repeated); inside the repository it is read from the base commit
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub rules: Vec<PathBuf>,
}

/// Options that say what is written.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output options")]
pub struct OutputArgs {
    /// Report to write, `FORMAT` to standard output or `FORMAT=FILE` (can be repeated) [default: human]
    ///
    /// Formats: human, json, sarif, gitlab-sast, gitlab-code-quality, junit, markdown, github.
    #[arg(long, short = 'o', value_name = "FORMAT[=FILE]", value_parser = parse_output)]
    pub output: Vec<Output>,
    /// Exit with 4 where there is nothing to check
    #[arg(long)]
    pub require_input: bool,
}

/// `portcullis check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// What is compared
    #[command(flatten)]
    pub change: ChangeArgs,
    /// What is allowed
    #[command(flatten)]
    pub policy: PolicyArgs,
    /// Lowest severity that blocks: low, medium (or moderate), high, critical, none
    #[arg(long, value_name = "SEVERITY", env = "PORTCULLIS_FAIL_ON_SEVERITY", value_parser = parse_severity, help_heading = "Policy options")]
    pub fail_on_severity: Option<SeverityLimit>,
    /// Run the network over changed functions; its findings are advice and never block
    #[arg(long, overrides_with = "no_classifier", help_heading = "Policy options")]
    pub classifier: bool,
    /// Do not run the network, whatever the policy says
    #[arg(long, overrides_with = "classifier", help_heading = "Policy options")]
    pub no_classifier: bool,
    /// Risk of the change from which on it is blocked, 0 to 100; over 100 for never
    #[arg(long, value_name = "RISK", env = "PORTCULLIS_FAIL_ON_RISK", value_parser = parse_risk, help_heading = "Policy options")]
    pub fail_on_risk: Option<f64>,
    /// What is written
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `portcullis audit`.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// Files and directories; the current directory by default
    #[arg(value_name = "PATHS", value_hint = ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,
    /// Exit with 1 where there is a finding of this severity or above
    #[arg(long, value_name = "SEVERITY", value_parser = parse_severity)]
    pub fail_on: Option<SeverityLimit>,
    /// Analyse vendored and generated code, too
    #[arg(long)]
    pub include_vendored: bool,
    /// Do not leave out what .gitignore names
    #[arg(long)]
    pub no_ignore: bool,
    /// Run the network over every function, too; it was trained on changes, so expect little of it
    #[arg(long)]
    pub classifier: bool,
    /// Write the findings as a baseline file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub write_baseline: Option<PathBuf>,
    /// What is allowed
    #[command(flatten)]
    pub policy: PolicyArgs,
    /// What is written
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `portcullis rules`.
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// List the rules
    List {
        /// Directory with rules of your own (can be repeated)
        #[arg(long, value_name = "DIR")]
        rules: Vec<PathBuf>,
    },
    /// Show one rule
    Show {
        /// Its id
        id: String,
        /// Directory with rules of your own (can be repeated)
        #[arg(long, value_name = "DIR")]
        rules: Vec<PathBuf>,
    },
    /// Run the rules' own examples
    Test {
        /// Directory with rules of your own (can be repeated)
        #[arg(long, value_name = "DIR")]
        rules: Vec<PathBuf>,
    },
    /// Run labelled old changes as `check` would and count what the rules are right about
    Measure(MeasureArgs),
    /// Print the JSON schema of a rule file
    Schema {
        /// That of a flow catalog in its place
        #[arg(long)]
        catalog: bool,
    },
    /// Print the index of the built-in rules, `rules/index.json`
    #[command(hide = true)]
    Index,
}

/// `portcullis rules measure`.
#[derive(Debug, Args)]
pub struct MeasureArgs {
    /// YAML file that lists the changes with their labels
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub manifest: PathBuf,
    /// Directory that the manifest's repositories lie in
    #[arg(long, value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    pub repositories: PathBuf,
    /// YAML file with judgements of single findings, which beat the labels
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub judged: Option<PathBuf>,
    /// File to write the precision of each rule to, `precision.yml` of a rule directory
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub write: Option<PathBuf>,
    /// What to print
    #[arg(long, short = 'o', value_name = "FORMAT", default_value = "text")]
    pub output: MeasureFormat,
    /// Directory with rules of your own (can be repeated)
    #[arg(long, value_name = "DIR")]
    pub rules: Vec<PathBuf>,
}

/// What `rules measure` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MeasureFormat {
    /// Tables for a reader.
    Text,
    /// Everything, each change and each finding.
    Json,
}

/// `portcullis replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// Check at most so many changes, the newest [default: 300, without --since]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub last: Option<u32>,
    /// Check what was merged since this day
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    pub since: Option<jiff::civil::Date>,
    /// Branch, tag or commit whose history counts, by first parents; its policy is used for all
    #[arg(long, value_name = "REV", default_value = "HEAD")]
    pub head: String,
    /// Propose limits that would have stopped at most this share of the changes, in percent
    #[arg(long, value_name = "PERCENT", default_value = "1", value_parser = percent)]
    pub at_most: f64,
    /// Keep what was done in this file, and go on from there the next time
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub resume: Option<PathBuf>,
    /// What to print
    #[arg(long, short = 'o', value_name = "FORMAT", default_value = "text")]
    pub output: ReplayFormat,
    /// Policy file in place of the repository's
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// Directory with rules of your own (can be repeated)
    #[arg(long, value_name = "DIR")]
    pub rules: Vec<PathBuf>,
}

/// What `replay` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReplayFormat {
    /// For a reader.
    Text,
    /// Everything, each change and each finding.
    Json,
    /// A page with charts.
    Html,
}

fn day(text: &str) -> Result<jiff::civil::Date, String> {
    text.parse().map_err(|_: jiff::Error| "a day is written like 2026-01-31".to_owned())
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| (0.0..=100.0).contains(number));
    number.ok_or_else(|| "a number from 0 to 100 is wanted".to_owned())
}

/// `portcullis explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A rule id, or a fingerprint of a finding
    #[arg(value_name = "FINGERPRINT|RULE")]
    pub what: String,
    /// The verdict that holds the finding, as `--output json=FILE` wrote it
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub from: Option<PathBuf>,
    /// Directory with rules of your own (can be repeated)
    #[arg(long, value_name = "DIR")]
    pub rules: Vec<PathBuf>,
}

/// `portcullis hook`.
#[derive(Debug, Subcommand)]
pub enum HookCommand {
    /// Install the pre-push hook in this repository
    Install {
        /// Replace another hook
        #[arg(long)]
        force: bool,
    },
    /// Remove the pre-push hook
    Uninstall,
    /// Check what is being pushed, as git calls a pre-push hook
    Run {
        /// Name of the remote
        remote: Option<String>,
        /// Address of the remote
        url: Option<String>,
    },
}

/// `portcullis init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Replace files that are there already
    #[arg(long)]
    pub force: bool,
}

/// `portcullis config`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print the JSON schema of the policy file
    Schema,
    /// Check a policy file
    Check {
        /// The file; the usual names are tried by default
        file: Option<PathBuf>,
    },
}

fn parse_output(text: &str) -> Result<Output, String> {
    let (name, file) = match text.split_once('=') {
        Some((_, "")) => return Err("no file after `=`".into()),
        Some((name, file)) => (name, Some(PathBuf::from(file))),
        None => (text, None),
    };
    let format = Format::from_str(name, true).map_err(|_| {
        let names: Vec<_> = Format::value_variants().iter().filter_map(ValueEnum::to_possible_value).collect();
        let nearest = match nearest(name, names.iter().map(|v| v.get_name())) {
            Some(near) => format!("; did you mean `{near}`?"),
            None => format!("; there are {}", names.iter().map(|v| v.get_name()).collect::<Vec<_>>().join(", ")),
        };
        format!("there is no format `{name}`{nearest}")
    })?;
    Ok(Output { format, file })
}

fn parse_severity(text: &str) -> Result<SeverityLimit, String> {
    match text.to_ascii_lowercase().as_str() {
        "none" => Ok(SeverityLimit::None),
        "low" => Ok(SeverityLimit::Low),
        "medium" | "moderate" => Ok(SeverityLimit::Medium),
        word if word == Severity::High.as_str() => Ok(SeverityLimit::High),
        word if word == Severity::Critical.as_str() => Ok(SeverityLimit::Critical),
        _ => Err("it is none of none, low, medium, high, critical".into()),
    }
}

fn parse_risk(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(risk) if (0.0..=1000.0).contains(&risk) => Ok(risk),
        _ => Err("it is not a number from 0 to 100 (or above, for never)".into()),
    }
}
