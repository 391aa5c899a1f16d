//! The replay as one page without scripts, which needs nothing from elsewhere.

use super::figures::{Replay, Row};
use super::text::{false_alarms, headline, left_open, proposal, short};
use crate::path::visible;

/// Width and height of a chart, in its own units.
const CHART: (u32, u32) = (640, 160);
const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em}\
table{border-collapse:collapse}td,th{border-bottom:1px solid #ddd;padding:.2em .6em;text-align:left;vertical-align:top}\
code{font-size:90%}svg{max-width:100%}.all{fill:#b8c4d0}.bad{fill:#b3261e}text{font-size:11px;fill:#444}";

/// Writes the page.
pub fn write(replay: &Replay) -> String {
    let title = escaped(&headline(replay));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>Portcullis replay</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>Replay</h1>\n<p>{title}</p>\n"
    );
    page.push_str(&format!("<p>False alarms: {}.</p>\n", escaped(&false_alarms(replay))));
    for line in left_open(replay) {
        page.push_str(&format!("<p>{line}.</p>\n"));
    }
    page.push_str(&format!("<p>{}.</p>\n", escaped(&proposal(replay))));
    let months: Vec<(String, u32, u32)> =
        replay.months.iter().map(|(month, (all, bad))| (month.clone(), *all, *bad)).collect();
    page.push_str(&chart("Changes by month, blocked ones in red", &months));
    let limits: Vec<(String, u32, u32)> =
        replay.limits.iter().map(|limit| (limit.risk.to_string(), 0, limit.changes)).collect();
    page.push_str(&chart("Changes that a limit on risk alone would have stopped", &limits));
    page.push_str(&blocked(replay));
    page.push_str("</body>\n</html>\n");
    page
}

/// Draws bars: for each its name, the whole, and the part of it that is red.
fn chart(title: &str, bars: &[(String, u32, u32)]) -> String {
    let (width, height) = CHART;
    let most = bars.iter().map(|(_, all, bad)| *all.max(bad)).max().unwrap_or(0).max(1);
    let step = width / u32::try_from(bars.len()).unwrap_or(u32::MAX).max(1);
    let mut text = format!(
        "<h2>{title}</h2>\n<svg viewBox=\"0 0 {width} {}\" role=\"img\" aria-label=\"{title}\">\n",
        height + 32
    );
    for (at, (name, all, bad)) in (0u32..).zip(bars) {
        let x = at * step;
        for (count, class) in [(all, "all"), (bad, "bad")] {
            let tall = count * height / most;
            text.push_str(&format!(
                "<rect class=\"{class}\" x=\"{x}\" y=\"{}\" width=\"{}\" height=\"{tall}\"/>\n",
                height - tall + 14,
                (step * 3 / 4).max(1)
            ));
        }
        let label = if *all > 0 { format!("{bad}/{all}") } else { bad.to_string() };
        let high = height - all.max(bad) * height / most + 10;
        text.push_str(&format!("<text x=\"{x}\" y=\"{high}\">{label}</text>\n"));
        text.push_str(&format!("<text x=\"{x}\" y=\"{}\">{}</text>\n", height + 28, escaped(name)));
    }
    text + "</svg>\n"
}

fn blocked(replay: &Replay) -> String {
    let rows: Vec<&Row> = replay.changes.iter().filter(|row| row.blocked().is_some()).collect();
    if rows.is_empty() {
        return "<h2>Would have been blocked</h2>\n<p>None.</p>\n".to_owned();
    }
    let mut text = "<h2>Would have been blocked</h2>\n<table>\n<tr><th>Commit</th><th>Day</th><th>Risk</th>\
                    <th>Change</th></tr>\n"
        .to_owned();
    for row in rows {
        let Some(seen) = row.blocked() else { continue };
        let day: String = row.date.chars().take(10).collect();
        text.push_str(&format!(
            "<tr><td><code>{}</code></td><td>{}</td><td>{:.1}</td><td>{}",
            escaped(&short(&row.commit)),
            escaped(&day),
            seen.risk,
            escaped(&row.subject)
        ));
        if let Some(by) = &row.reverted_by {
            text.push_str(&format!("<br>taken back by <code>{}</code>", escaped(&short(by))));
        }
        for finding in seen.findings.iter().filter(|finding| finding.blocks) {
            let place = format!("{}:{}", finding.path, finding.line);
            let (rule, message) = (escaped(finding.rule.as_str()), escaped(&finding.message));
            text.push_str(&format!("<br><code>{}</code> {rule}: {message}", escaped(&place)));
        }
        text.push_str("</td></tr>\n");
    }
    text + "</table>\n"
}

/// Makes what comes from a repository harmless in a page, in its text and in quoted attributes.
fn escaped(text: &str) -> String {
    visible(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
