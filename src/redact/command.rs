//! Passwords that a command line gives to a program: `--password=…`, `-p…`, `-u user:…`, `user:…@host`, variables of its
//! environment, and what it sends: headers, forms, queries, connection strings.

use regex::bytes::{Captures, Regex};
use std::ops::Range;
use std::sync::OnceLock;

/// What may stand between an option and its value, where they are two arguments: in a shell, or in a list of texts.
const BETWEEN: &str = r#"(?:=\\?["']?|\s+\\?["']?|\\?["']\s*,\s*\\?["'])"#;
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
static ANYWHERE: [Shape; 12] = [
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
        r#"\b(?:PGPASSWORD|MYSQL_PWD|SSHPASS|REDISCLI_AUTH)=\\?["']?VALUE"#,
    ),
    Shape::new(
        &["@"],
        r#"(?:^|[\s"'`=/(])[A-Za-z0-9._+-]+:([^\s"'`\\/:,;()]{3,}|[^\s"'`\\/:@]{3,})@[A-Za-z0-9][A-Za-z0-9.-]*"#,
    ),
    // Variables of an environment. Between two names of a program's own a `=` says nothing.
    Shape::new(
        &["="],
        r#"(?i)(?:["'`]|\s-e\s*["']?|--env[\s=]["']?|\bexport\s+|&&\s*)[a-z][a-z0-9_]*(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|API_?KEY|ACCESS_KEY|SECRET_KEY|_PWD|_PASS)=\\?["']?VALUE"#,
    ),
    // Queries and forms.
    Shape::new(
        &["="],
        r#"(?i)[?&"'`](?:[a-z]+[_-])?(?:api[_-]?key|token|secret|password|passwd|passphrase|pwd|signature)=([^\s"'`\\&#;]{3,})"#,
    ),
    // Connection strings, of which one kind parts its pairs by `;` and another by blanks.
    Shape::new(&[";"], r#"(?i);\s*(?:user\s+)?(?:password|pwd|sharedaccesskey)\s*=\s*([^\s"'`\\;]{3,})"#),
    Shape::new(
        &["password=", "password ="],
        r#"(?i)\b(?:host|hostaddr|user|dbname|port|sslmode)\s?=\s?[^\s"',;()=]+\s+password\s?=\s?["']?VALUE"#,
    ),
    Shape::new(
        &["uthorization", "UTHORIZATION"],
        r#"(?i)authorization\\?["']?\s*[:=,]\s*\\?["'`]?(?:token|basic|digest|api-?key|key)\s+VALUE"#,
    ),
    Shape::new(&["-key:", "-token:", "-Key:", "-Token:", "-KEY:"], r#"(?i)\bx-(?:[a-z]+-)*(?:key|token):\s*VALUE"#),
    Shape::new(&["pass:"], r#"-pass(?:in|out|phrase|word)?BETWEENpass:VALUE"#),
    // There is no program beside it, so that letters alone are more likely another option.
    Shape { hints: &["\"-p", "'-p"], expression: r#"["']-pVALUE["']"#, spares_words: true, regex: OnceLock::new() },
];

/// Programs that take a password, each with the option that it takes it by, which may stand apart from it or not.
static OF_PROGRAMS: [(Shape, Shape); 6] = [
    (
        Shape::new(&["curl"], r"\bcurl\b"),
        Shape::new(&["-"], r#"[\s"',]-[A-Za-z]{1,8}[uU]BETWEEN?[^\s:"'`/$={}-][^\s:"'`/]*:VALUE"#),
    ),
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
            let (whole, range) = (c.get(0)?.range(), c.get(1)?.range());
            let value = text.get(range.clone())?;
            let spared = is_no_value(value, text.get(whole.clone())?)
                || (shape.spares_words && is_letters_or_numbers(value))
                || is_owner(value, text.get(..whole.end)?);
            (!spared).then(|| to_the_quote(text, range))
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
            let is_option = text.get(..start).is_some_and(|t| t.ends_with("-p")) && OPTIONS.contains(&&rest[..length]);
            found.extend(
                Some(start..start + length)
                    .filter(|v| !is_option && text.get(v.clone()).is_some_and(|v| !is_no_value(v, "")))
                    .map(|range| to_the_quote(text, range)),
            );
        }
    }
    found
}

/// What follows on `-p` in the names of options of other kinds.
const OPTIONS: [&str; 6] = ["ort", "ath", "rint", "rotocol", "refix", "arallel"];

/// A value in quotes of its own goes on to the next of them: a password may hold a blank.
fn to_the_quote(text: &str, range: Range<usize>) -> Range<usize> {
    let (before, rest) = (text[..range.start].chars().next_back(), &text[range.end..]);
    let Some(quote) = before.filter(|c| matches!(c, '"' | '\'')) else { return range };
    let line = rest.lines().next().unwrap_or_default();
    match line.find(quote) {
        Some(at) if at <= LONGEST => range.start..range.end + line[..at].trim_end_matches('\\').len(),
        _ => range,
    }
}

/// How much of a value may follow on its first blank.
const LONGEST: usize = 80;

/// Programs that are told whose rights to take, as `user:group`, and some that are told a password in the same form.
const OWNERS: &[&str] = &[
    "install",
    "docker",
    "podman",
    "nerdctl",
    "chroot",
    "setpriv",
    "gosu",
    "su-exec",
    "chown",
    "chpst",
    "systemd-run",
    "rsync",
];
const CLIENTS: &[&str] = &["curl", "wget", "http", "httpie", "xh"];
/// Groups that systems come with.
const GROUPS: &[&str] = &["staff", "wheel", "root", "users", "nogroup", "nobody", "daemon", "www-data", "adm"];

/// Says whether the last word of `text` is the group of `-u user:group`, and no password.
fn is_owner(group: &str, text: &str) -> bool {
    let is_name = group.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '_' | '-'));
    let option = ["-u", "--user", "-U"].iter().any(|o| {
        text.rfind(o)
            .is_some_and(|at| !text[at + o.len()..].trim_start_matches([' ', '=', '"', '\'', ',']).contains(' '))
    });
    if !is_name || !option {
        return false;
    }
    let words = text.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    let program = words.map(|w| (OWNERS.contains(&w), CLIENTS.contains(&w))).find(|(owner, client)| *owner || *client);
    program.map_or(GROUPS.contains(&group), |(owner, _)| owner)
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
            ("PGPASSWORD='hunter2' psql", "hunter2"),
            ("PGPASSWORD='hun ter2 x' psql", "hun ter2 x"),
            (r#"os.system("x --password \"hun ter2\" y")"#, "hun ter2"),
            (r#"["x", "--password", "hunter two"]"#, "hunter two"),
            ("curl -su bob:letmein https://x", "letmein"),
            (r#"["curl", "-fsSu", "bob:letmein"]"#, "letmein"),
            ("rsync x 'me:hunt@r2@db.internal:/x'", "hunt@r2"),
            ("docker run -e DB_PASSWORD=letmein x", "letmein"),
            (r#"["docker", "run", "-e", "DB_PASSWORD=letmein"]"#, "letmein"),
            ("docker run --env 'API_TOKEN=letmein' x", "letmein"),
            ("sh -c 'cd x && DB_PASSWORD=letmein ./run'", "letmein"),
            ("get('https://x/y?api_key=letmein&b=1')", "letmein"),
            ("get('https://x/y?a=1&access_token=letmein')", "letmein"),
            ("curl -d 'password=letmein' x", "letmein"),
            ("curl -d 'user=x&password=letmein' x", "letmein"),
            ("'Server=db;User Id=sa;Password=letmein;Encrypt=no'", "letmein"),
            ("'Server=db;Uid=sa;Pwd=letmein'", "letmein"),
            ("'host=db user=shop password=letmein'", "letmein"),
            ("curl -H 'Authorization: token letmein' x", "letmein"),
            (r#"headers = {"Authorization": "Basic bGV0bWVpbg=="}"#, "bGV0bWVpbg=="),
            ("curl -H 'X-Api-Key: letmein' x", "letmein"),
            ("openssl rsa -in k -passin pass:letmein", "letmein"),
            (r#"["openssl", "-passout", "pass:letmein"]"#, "letmein"),
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
            "install -u root:wheel x /usr/bin",
            "docker run --user app:staff x",
            r#"["podman", "run", "--user", "app:web"]"#,
            "args = ['--user', 'root:wheel']",
            "mysqlproxy -port 3306",
            "connect(host=h, user=u, password=pw)",
            "connect(host=h,user=u,password=pw)",
            "API_TOKEN=os.environ['X']",
            "f(DB_PASSWORD=read(), token=token)",
            "f'docker run -e DB_PASSWORD={password} x'",
            "docker run -e DB_PASSWORD=$DB_PASSWORD x",
            "docker run -e DB_PASSWORD x",
            "f'https://x/y?api_key={key}'",
            "`https://x/y?token=${token}&b=1`",
            "'https://x/y?token=' + token",
            "'https://x/y?token=%s' % token",
            "`Authorization: token ${token}`",
            r#"{"Authorization": f"Basic {credentials}"}"#,
            r#"{"Authorization": "Basic " + credentials}"#,
            "'host=%s user=%s password=%s' % x",
            "for a, b in c; password = d",
            "{'x-api-key': apiKey}",
        ] {
            let found: Vec<&str> = passwords(line).into_iter().map(|r| &line[r]).collect();
            assert!(found.is_empty(), "{line}: {found:?}");
        }
    }
}
