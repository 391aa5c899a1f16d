//! What the user reads: one view model, one file a format.
//!
//! The view model is a serialisable copy, so that no format shapes the core types. Renderers write to a `Write` and
//! know nothing of files, terminals or configuration. Every text in the model has its steering characters made visible
//! and its secrets masked; renderers add only the escaping that their format needs.

pub mod github;
pub mod gitlab_code_quality;
pub mod gitlab_sast;
pub mod human;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod model;
mod remedy;
pub mod sarif;
mod text;
pub mod way;

#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;

pub use github::summary;
pub use model::Report;

use clap::ValueEnum;
use std::io::{self, Write};

/// A report format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people, on a terminal.
    Human,
    /// For programs: the whole verdict, versioned.
    Json,
    /// SARIF 2.1.0, as GitHub code scanning takes it.
    Sarif,
    /// GitLab SAST report.
    GitlabSast,
    /// GitLab Code Quality report.
    GitlabCodeQuality,
    /// JUnit XML.
    Junit,
    /// The comment on a pull request.
    Markdown,
    /// GitHub workflow annotations.
    Github,
}

/// How a report is to be written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether to colour.
    pub color: bool,
    /// Columns that the reader has.
    pub width: usize,
    /// Whether to show findings that were there before.
    pub existing: bool,
}

/// Writes a report.
///
/// # Errors
/// Whatever the writer says.
pub fn render(format: Format, report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Human => human::write(report, style, out),
        Format::Json => json::write(report, out),
        Format::Sarif => sarif::write(report, style, out),
        Format::GitlabSast => gitlab_sast::write(report, style, out),
        Format::GitlabCodeQuality => gitlab_code_quality::write(report, style, out),
        Format::Junit => junit::write(report, style, out),
        Format::Markdown => markdown::write(report, style, out),
        Format::Github => github::write(report, style, out),
    }
}
