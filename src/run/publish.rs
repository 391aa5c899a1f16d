//! I/O: writes reports to files, to the terminal and to where CI systems look for them.

#![expect(clippy::disallowed_methods, reason = "I/O edge: writes reports")]

use super::RunError;
use crate::change::select::Surroundings;
use crate::report::{Format, Report, Style, render};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A report to write: its format, and where to; `None` is standard output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The format.
    pub format: Format,
    /// The file.
    pub file: Option<PathBuf>,
}

/// Refuses two reports for one place: the second would take the place of the first, or be mixed with it. Only the report
/// for people and the annotations of GitHub, which are both lines of a log, may share standard output.
///
/// # Errors
/// [`RunError::Usage`] for the first place that is named twice.
pub fn no_collision(outputs: &[Output]) -> Result<(), RunError> {
    let mut places: Vec<(PathBuf, Format)> = Vec::new();
    for output in outputs {
        let Some(place) = place(output.file.as_deref()) else { continue };
        let for_log = |format: Format| matches!(format, Format::Human | Format::Github);
        let is_log = place == Path::new(STDOUT[0]);
        let share = |other: Format| is_log && other != output.format && for_log(other) && for_log(output.format);
        if places.iter().any(|(taken, format)| *taken == place && !share(*format)) {
            let shown = match &output.file {
                Some(file) => format!("the file `{}`", crate::path::visible(&file.display().to_string())),
                None => "standard output".to_owned(),
            };
            return Err(RunError::Usage(format!(
                "two reports are to be written to {shown}, where the last would hide the others; give each `--output` \
                 a file of its own: `--output FORMAT=FILE`"
            )));
        }
        places.push((place, output.format));
    }
    Ok(())
}

/// Names of standard output, the first for all.
const STDOUT: [&str; 4] = ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/proc/thread-self/fd/1"];

/// Returns one name for each place a report can go to; `None` where anything may be written.
fn place(file: Option<&Path>) -> Option<PathBuf> {
    let file = match file {
        Some(file) if STDOUT.iter().all(|name| file != Path::new(name)) => std::path::absolute(file).ok()?,
        _ => return Some(PathBuf::from(STDOUT[0])),
    };
    if file == Path::new("/dev/null") {
        return None;
    }
    let parent = file.parent().unwrap_or(Path::new("/"));
    // A link in the place of the report is replaced, so only the directory is followed.
    let real = std::fs::canonicalize(parent).unwrap_or_else(|_| parent.to_owned());
    Some(real.join(file.file_name().unwrap_or_default()))
}

/// Writes all reports. Each file appears whole or not at all, and a link in its place is replaced, not followed.
///
/// # Errors
/// [`RunError::Write`] or [`RunError::Reports`] for those that cannot be written; the others are written all the same.
pub fn publish(report: &Report, outputs: &[Output], style: Style, around: &Surroundings) -> Result<(), RunError> {
    let mut failures = Vec::new();
    for output in outputs {
        let mut bytes = Vec::new();
        let plain = Style { color: style.color && output.file.is_none(), ..style };
        let written = render(output.format, report, plain, &mut bytes).and_then(|()| match &output.file {
            None => to_stdout(&bytes),
            Some(file) => replace(file, &bytes),
        });
        if let Err(source) = written {
            let path = output.file.clone().unwrap_or_else(|| PathBuf::from("standard output"));
            failures.push(RunError::Write { path, source });
        }
        if output.format == Format::Github {
            failures.extend(github(report, around).err());
        }
    }
    match failures.len() {
        0 | 1 => failures.pop().map_or(Ok(()), Err),
        _ => Err(RunError::Reports(failures)),
    }
}

/// Writes to standard output. A reader that has gone away is no failure: the verdict is the exit status.
///
/// # Errors
/// Whatever the system says, except a broken pipe.
pub fn to_stdout(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Writes a file whole: to a new file beside it, then renamed over it. A device (`/dev/stdout`, `/dev/null`,
/// `/proc/self/fd/3`) is written to as it is, for a rename would put a file in its place.
///
/// # Errors
/// Whatever the system says.
pub fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    if is_device(file) {
        return std::fs::OpenOptions::new().append(true).open(file)?.write_all(bytes);
    }
    let directory = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut temporary = tempfile::Builder::new().prefix(".portcullis-").tempfile_in(directory)?;
    temporary.write_all(bytes)?;
    temporary.flush()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        temporary.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    temporary.persist(file).map_err(|e| e.error)?;
    Ok(())
}

/// Says whether a path names a device rather than a place for a file. `/dev/shm` is an ordinary directory.
fn is_device(file: &Path) -> bool {
    (file.starts_with("/dev") && !file.starts_with("/dev/shm")) || file.starts_with("/proc")
}

/// Appends the job summary and the step outputs, where the runner names files for them.
fn github(report: &Report, around: &Surroundings) -> Result<(), RunError> {
    let file = |name: &str| around.variables.get(name).filter(|p| !p.is_empty()).map(PathBuf::from);
    if let Some(path) = file("GITHUB_STEP_SUMMARY") {
        let mut bytes = Vec::new();
        let written = crate::report::summary(report, &mut bytes).and_then(|()| append(&path, &bytes));
        written.map_err(|source| RunError::Write { path, source })?;
    }
    if let Some(path) = file("GITHUB_OUTPUT") {
        let lines = format!(
            "verdict={}\nrisk={}\nfindings-count={}\n",
            report.verdict.as_str(),
            report.risk.score,
            report.findings.iter().filter(|f| f.origin == "introduced").count()
        );
        append(&path, lines.as_bytes()).map_err(|source| RunError::Write { path, source })?;
    }
    Ok(())
}

fn append(path: &Path, bytes: &[u8]) -> io::Result<()> {
    std::fs::OpenOptions::new().append(true).create(true).open(path)?.write_all(bytes)
}
