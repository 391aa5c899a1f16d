//! Passwords that a command line gives to a program: `--password=…`, `-p…`, `-u user:…`, `user:…@host`.

use regex::{Captures, Regex};
use std::ops::Range;
use std::sync::LazyLock;

/// What may stand between an option and its value, where they are two arguments: in a shell, or in a list of texts.
const BETWEEN: &str = r#"(?:=\\?["']?|\s+["']?|\\?["']\s*,\s*\\?["'])"#;
/// Characters of a password; a group by itself.
const VALUE: &str = r#"([^\s"'`\\]{3,256})"#;
/// Programs that take a password, with the option they take it by and whether the two may be apart.
const PROGRAMS: [(&str, &str, bool); 5] = [
    (r"\b(?:mysql[a-z]*|mariadb(?:-[a-z]+)?|7za?)\b", "-p", false),
    (r"\b(?:sshpass|(?:docker|podman|az|oc|helm registry)\s+login|mongo[a-z]*)\b", "-p", true),
    (r"\bredis-cli\b", "-a", true),
    (r"\bldap(?:search|add|modify|delete|passwd|whoami)\b", "-w", true),
    (r"\b(?:sqlcmd|bcp|zip|unzip)\b", "-P", true),
];
/// How far behind the name of a program its options are looked for.
const REACH: usize = 400;

struct Program {
    name: Regex,
    option: Regex,
}

static ANYWHERE: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let long = r"(?i)--(?:[a-z]+-)*(?:password|passwd|passphrase|passwort|pwd|pass|token|secret|api-?key|secret-?key)";
    let user = r#"(?:^|[\s"'`])(?:-u|-U|--user|--userpwd|--proxy-user|--auth)"#;
    let shapes = [
        format!("{long}{BETWEEN}{VALUE}"),
        format!(r#"{user}(?:{BETWEEN})?[^\s:"'`/$={{}}-][^\s:"'`/]{{0,63}}:{VALUE}"#),
        format!(r"\b(?:PGPASSWORD|MYSQL_PWD|SSHPASS|REDISCLI_AUTH)={VALUE}"),
        format!(r#"["']-p{VALUE}["']"#),
        r#"(?:^|[\s"'`=/(])[A-Za-z0-9._+-]{1,64}:([^\s"'`\\/:@]{3,256})@[A-Za-z0-9][A-Za-z0-9.-]*"#.to_owned(),
    ];
    shapes.iter().map(|s| Regex::new(s).expect("a constant")).collect()
});

static OF_PROGRAMS: LazyLock<Vec<Program>> = LazyLock::new(|| {
    let program = |(name, option, apart): &(&str, &str, bool)| Program {
        name: Regex::new(name).expect("a constant"),
        option: Regex::new(&format!(
            r#"[\s"',]{option}{}["']?{VALUE}"#,
            if *apart { format!("(?:{BETWEEN})?") } else { String::new() }
        ))
        .expect("a constant"),
    };
    PROGRAMS.iter().map(program).collect()
});

/// Returns where passwords stand that are given to commands, in no order.
pub(super) fn passwords(text: &str) -> Vec<Range<usize>> {
    if !text.contains('-') && !text.contains('@') && !text.contains('=') {
        return Vec::new();
    }
    let mut found: Vec<Range<usize>> = Vec::new();
    for (number, shape) in ANYWHERE.iter().enumerate() {
        // The fourth has no program beside it, so that letters alone are more likely another option.
        let alone = number == 3;
        let secret = |c: Captures<'_>| {
            let value = c.get(1)?;
            let spared = is_no_value(value.as_str(), &c[0]) || (alone && is_letters_or_numbers(value.as_str()));
            (!spared).then(|| value.range())
        };
        found.extend(shape.captures_iter(text).filter_map(secret));
    }
    for program in OF_PROGRAMS.iter() {
        for name in program.name.find_iter(text) {
            let end = (name.end() + REACH).min(text.len());
            let end = (end..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
            let value = program.option.captures(&text[name.end()..end]).and_then(|c| c.get(1).map(|v| v.range()));
            let value = value.map(|v| v.start + name.end()..v.end + name.end());
            found.extend(value.filter(|v| !is_no_value(&text[v.clone()], "")));
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
