//! Passwords that a command line gives to a program: `--password=…`, `-p…`, `-u user:…`, `user:…@host`.

use regex::bytes::{Captures, Regex};
use std::ops::Range;
use std::sync::OnceLock;

/// What may stand between an option and its value, where they are two arguments: in a shell, or in a list of texts.
const BETWEEN: &str = r#"(?:=\\?["']?|\s+["']?|\\?["']\s*,\s*\\?["'])"#;
/// Characters of a password; a group by itself.
const VALUE: &str = r#"([^\s"'`\\]{3,})"#;

/// A shape of a password: texts of which one must be there before it is worth looking, and an expression in which
/// `BETWEEN` and `VALUE` stand for those.
struct Shape {
    hints: &'static [&'static str],
    expression: &'static str,
    /// Whether letters alone, and numbers alone, are no password.
    spares_words: bool,
    regex: OnceLock<Regex>,
}

/// Shapes that need no program beside them.
static ANYWHERE: [Shape; 5] = [
    Shape::new(
        &["--"],
        "(?i)--(?:[a-z]+-)*(?:password|passwd|passphrase|passwort|pwd|pass|token|secret|api-?key|secret-?key)BETWEENVALUE",
    ),
    Shape::new(
        &["-u", "-U", "--user", "--proxy-user", "--auth"],
        r#"(?:^|[\s"'`])(?:-u|-U|--user|--userpwd|--proxy-user|--auth)BETWEEN?[^\s:"'`/$={}-][^\s:"'`/]*:VALUE"#,
    ),
    Shape::new(
        &["PGPASSWORD=", "MYSQL_PWD=", "SSHPASS=", "REDISCLI_AUTH="],
        r"\b(?:PGPASSWORD|MYSQL_PWD|SSHPASS|REDISCLI_AUTH)=VALUE",
    ),
    Shape::new(&["@"], r#"(?:^|[\s"'`=/(])[A-Za-z0-9._+-]+:([^\s"'`\\/:@]{3,})@[A-Za-z0-9][A-Za-z0-9.-]*"#),
    // There is no program beside it, so that letters alone are more likely another option.
    Shape { hints: &["\"-p", "'-p"], expression: r#"["']-pVALUE["']"#, spares_words: true, regex: OnceLock::new() },
];

/// Programs that take a password, each with the option that it takes it by, which may stand apart from it or not.
static OF_PROGRAMS: [(Shape, Shape); 5] = [
    (
        Shape::new(&["mysql", "mariadb", "7z"], r"\b(?:mysql[a-z]*|mariadb(?:-[a-z]+)?|7za?)\b"),
        Shape::new(&["-p"], r#"[\s"',]-p["']?VALUE"#),
    ),
    (
        Shape::new(
            &["sshpass", "login", "mongo"],
            r"\b(?:sshpass|(?:docker|podman|az|oc|helm registry)\s+login|mongo[a-z]*)\b",
        ),
        Shape::new(&["-p"], r#"[\s"',]-pBETWEEN?["']?VALUE"#),
    ),
    (Shape::new(&["redis-cli"], r"\bredis-cli\b"), Shape::new(&["-a"], r#"[\s"',]-aBETWEEN?["']?VALUE"#)),
    (
        Shape::new(&["ldap"], r"\bldap(?:search|add|modify|delete|passwd|whoami)\b"),
        Shape::new(&["-w"], r#"[\s"',]-wBETWEEN?["']?VALUE"#),
    ),
    (
        Shape::new(&["sqlcmd", "bcp", "zip"], r"\b(?:sqlcmd|bcp|zip|unzip)\b"),
        Shape::new(&["-P"], r#"[\s"',]-PBETWEEN?["']?VALUE"#),
    ),
];
/// How far behind the name of a program its options are looked for.
const REACH: usize = 400;

impl Shape {
    const fn new(hints: &'static [&'static str], expression: &'static str) -> Self {
        Self { hints, expression, spares_words: false, regex: OnceLock::new() }
    }

    /// Returns the expression where it is worth looking; it is compiled when it first is, since that costs more than the
    /// looking, and without Unicode, since classes of it cost most.
    fn in_text(&self, text: &str) -> Option<&Regex> {
        let compile = || {
            let expression = self.expression.replace("BETWEEN", BETWEEN).replace("VALUE", VALUE);
            Regex::new(&format!("(?-u){expression}")).expect("a constant")
        };
        self.hints.iter().any(|hint| text.contains(hint)).then(|| self.regex.get_or_init(compile))
    }
}

/// Returns where passwords stand that are given to commands, in no order.
pub(super) fn passwords(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for shape in &ANYWHERE {
        let Some(regex) = shape.in_text(text) else { continue };
        let secret = |c: Captures<'_>| {
            let (whole, range) = (text.get(c.get(0)?.range())?, c.get(1)?.range());
            let value = text.get(range.clone())?;
            let spared = is_no_value(value, whole) || (shape.spares_words && is_letters_or_numbers(value));
            (!spared).then_some(range)
        };
        found.extend(regex.captures_iter(text.as_bytes()).filter_map(secret));
    }
    for (name, option) in &OF_PROGRAMS {
        let Some((name, option)) = name.in_text(text).zip(option.in_text(text)) else { continue };
        for name in name.find_iter(text.as_bytes()) {
            let end = (name.end() + REACH).min(text.len());
            let value = option.captures(&text.as_bytes()[name.end()..end]).and_then(|c| c.get(1).map(|v| v.range()));
            let Some(start) = value.map(|v| v.start + name.end()) else { continue };
            // The stretch that was looked at may end within the password.
            let rest = text.get(start..).unwrap_or_default();
            let length =
                rest.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '\\')).unwrap_or(rest.len());
            found.extend(
                Some(start..start + length).filter(|v| text.get(v.clone()).is_some_and(|v| !is_no_value(v, ""))),
            );
        }
    }
    found
}

/// A variable, a placeholder, the next option or what goes on behind a closed text is no password. `whole` is all that
/// the shape took.
fn is_no_value(value: &str, whole: &str) -> bool {
    let rest = value.get(1..).unwrap_or_default();
    let name = |text: &str| text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | ':' | '@' | ')' | ';' | ','));
    let other = whole.trim_start_matches(['"', '\'', ' ', '`', '(', '=']);
    let address = ["mailto:", "npm:", "jsr:", "sip:", "sips:", "acct:", "xmpp:"];
    match value.chars().next() {
        Some('$') => rest.starts_with(['{', '(']) || name(rest),
        Some('{') => value.contains('}'),
        Some('%') => rest.starts_with(['s', 'd', 'r', '(', '{']),
        Some('<') => value.contains('>'),
        Some('+' | ',' | ')' | '(' | '|' | '[' | ']' | '-' | '.' | '*' | '&' | '#') => true,
        _ => {
            value.chars().all(|c| c.is_ascii_digit() || matches!(c, ':' | '.' | '-' | '/'))
                || address.iter().any(|a| other.starts_with(a))
                || whole.ends_with("@sha256")
        }
    }
}

fn is_letters_or_numbers(value: &str) -> bool {
    let only = |kind: fn(&char) -> bool| value.chars().all(|c| kind(&c) || "/:.-_=".contains(c));
    only(char::is_ascii_alphabetic) || only(char::is_ascii_digit) || value.starts_with(['/', '.', '='])
}

#[cfg(test)]
mod tests {
    use super::passwords;

    #[test]
    fn passwords_given_to_commands_are_found() {
        for (line, secret) in [
            ("run('mysql -u root -phunter2 shop')", "hunter2"),
            ("mysqldump -u root -pletmein shop > x", "letmein"),
            (r#"subprocess.run(["mysql", "-u", "root", "-phunter2"])"#, "hunter2"),
            (r#"    "-phunter2","#, "hunter2"),
            ("curl -u admin:letmein https://x", "letmein"),
            ("curl -uadmin:letmein https://x", "letmein"),
            (r#"["curl", "--user", "admin:letmein"]"#, "letmein"),
            ("wget --password=hunter2 x", "hunter2"),
            ("wget --http-password 'hunter2' x", "hunter2"),
            (r#"["x", "--password", "hunter2"]"#, "hunter2"),
            (r#"exec("x --token=\"hunter2\"")"#, "hunter2"),
            ("sshpass -p hunter2 ssh host", "hunter2"),
            ("docker login -u me -p hunter2 registry", "hunter2"),
            ("PGPASSWORD=hunter2 psql", "hunter2"),
            ("rsync x 'me:hunter2@db.internal:/x'", "hunter2"),
            ("connect(\"shop:hunter2@db.internal/shop\")", "hunter2"),
            ("redis-cli -a hunter2 get x", "hunter2"),
            ("x --password=$ecr3t! y", "$ecr3t!"),
        ] {
            let found = passwords(line);
            assert!(found.iter().any(|r| &line[r.clone()] == secret), "{line}: {found:?}");
        }
    }

    #[test]
    fn what_is_no_password_is_left_alone() {
        for line in [
            "mkdir -p /var/lib/x",
            r#"["docker", "run", "-p", "8080:80", "-u", "1000:1000"]"#,
            r#"["gcc", "-pthread", "-pipe"]"#,
            "wget --password=$PASSWORD x",
            "f'wget --password={password} x'",
            "'wget --password=%s' % pw",
            "\"wget --password=\" + pw",
            r#"args.append("--password=" + password)"#,
            "f'curl -u {user}:{password} x'",
            "curl -u $USER:$PASSWORD x",
            "parser.add_argument('--password', required=True)",
            "program.option('--password <password>')",
            "mysql -u root -p$PASSWORD x",
            "[link](mailto:joe@example.com)",
            "image: 'nginx:1.25@sha256:0a'",
            "git clone git@github.com:me/x",
            "import x from 'npm:react@18'",
        ] {
            let found: Vec<&str> = passwords(line).into_iter().map(|r| &line[r]).collect();
            assert!(found.is_empty(), "{line}: {found:?}");
        }
    }
}
