//! B22: secrets in the code and in the environment stay out of everything that is written.

use crate::harness::{BAD_RULE, GOOD_PY, Repo, Run, files_below, formats};

/// Length of the pieces that are looked for: a secret cut in two by wrapping still shows one of them.
const PIECE: usize = 12;

/// Letters and digits that look random and are the same in every run. Built here, so that no secret scanner takes this
/// file for a leak.
fn noise(seed: u64, alphabet: &str, length: usize) -> String {
    let alphabet: Vec<char> = alphabet.chars().collect();
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        alphabet[((state >> 33) as usize) % alphabet.len()]
    };
    (0..length).map(|_| next()).collect()
}

const MIXED: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const HEX: &str = "0123456789abcdef";

/// A planted secret: what it is, the whole token, and the part of it that is secret.
struct Secret {
    name: &'static str,
    token: String,
    forms: Vec<String>,
}

impl Secret {
    fn new(name: &'static str, token: String, body: &str) -> Self {
        Self { name, forms: forms(&token, body), token }
    }
}

/// Twenty-five shapes, as the services that issue them document.
fn secrets() -> Vec<Secret> {
    let shape = |name, before: &str, alphabet, length, after: &str| {
        let body = noise(name_seed(name), alphabet, length);
        Secret::new(name, format!("{before}{body}{after}"), &body)
    };
    let pem = |kind: &str| (format!("-----BEGIN {kind}-----\\n"), format!("\\n-----END {kind}-----"));
    let (rsa, end) = pem("RSA PRIVATE KEY");
    vec![
        shape("AWS key id", "AKIA", UPPER, 16, ""),
        shape("AWS secret", "", MIXED, 40, ""),
        shape("GitHub classic", "ghp_", MIXED, 36, ""),
        shape("GitHub app", "ghs_", MIXED, 36, ""),
        shape("GitHub fine-grained", "github_pat_", MIXED, 82, ""),
        shape("GitLab personal", "glpat-", MIXED, 20, ""),
        shape("GitLab trigger", "glptt-", HEX, 40, ""),
        shape("Slack bot", "xoxb-123456789012-", MIXED, 24, ""),
        shape("Slack hook", "https://hooks.slack.com/services/T00000000/B00000000/", MIXED, 24, ""),
        shape("Stripe live", "sk_live_", MIXED, 24, ""),
        shape("Google API", "AIza", MIXED, 35, ""),
        shape("Google OAuth", "ya29.", MIXED, 60, ""),
        shape("npm", "npm_", MIXED, 36, ""),
        shape("PyPI", "pypi-", MIXED, 90, ""),
        shape("SendGrid", "SG.aB3dE5gH7jK9mN1pQ3sT5v.", MIXED, 43, ""),
        shape("Twilio", "SK", HEX, 32, ""),
        shape("JWT", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.", MIXED, 43, ""),
        shape("Azure storage", "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=", MIXED, 86, "=="),
        shape("Databricks", "dapi", HEX, 32, ""),
        shape("DigitalOcean", "dop_v1_", HEX, 64, ""),
        shape("Shopify", "shpat_", HEX, 32, ""),
        shape("Telegram bot", "123456789:", MIXED, 35, ""),
        shape("database address", "postgres://admin:", MIXED, 20, "@db.example.com/app"),
        shape("bearer header", "Authorization: Bearer ", MIXED, 40, ""),
        shape("private key", &rsa, &format!("{MIXED}+/"), 64, &end),
    ]
}

fn name_seed(name: &str) -> u64 {
    name.bytes().fold(11, |seed, b| seed.wrapping_mul(131).wrapping_add(u64::from(b)))
}

fn base64(bytes: &[u8]) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().enumerate().fold(0u32, |word, (i, b)| word | u32::from(*b) << (16 - 8 * i));
        for i in 0..=chunk.len() {
            out.push(char::from(alphabet[(word >> (18 - 6 * i) & 63) as usize]));
        }
    }
    out
}

/// Every form in which a piece of the secret could show itself.
fn forms(token: &str, body: &str) -> Vec<String> {
    let last = body.len().saturating_sub(PIECE);
    let mut forms: Vec<String> = (0..=last).map(|i| body[i..(i + PIECE).min(body.len())].to_owned()).collect();
    forms.push(token.bytes().map(|b| format!("%{b:02X}")).collect());
    forms.push(token.bytes().map(|b| format!("{b:02x}")).collect());
    // Base64 of a text depends on where it begins in its group of three.
    for skip in 0..3 {
        let end = body.len() - (body.len() - skip) % 3;
        forms.push(base64(&body.as_bytes()[skip..end]));
    }
    forms.push(body.chars().rev().collect());
    forms
}

#[track_caller]
fn keeps_quiet(what: &str, bytes: &[u8], secrets: &[Secret]) {
    let text = String::from_utf8_lossy(bytes);
    for secret in secrets {
        for form in &secret.forms {
            assert!(!text.contains(form.as_str()), "{what} shows {} as {form}", secret.name);
        }
    }
}

/// Each secret in a line that blocks, in one that is merely near, in a comment, and as the value of a variable.
fn plant(repo: &Repo) -> Vec<Secret> {
    let secrets = secrets();
    for (i, secret) in secrets.iter().enumerate() {
        let token = &secret.token;
        let python = format!(
            "import os\n\nAPI_KEY = \"{token}\"\npassword = '{token}'\n\n\ndef call_{i}(name):\n    # {token}\n    \
             os.system(\"curl -u {token} \" + name)  # {token}\n    return '{token}'\n"
        );
        let script = format!(
            "const {{ exec }} = require(\"child_process\");\nconst secret = \"{token}\";\nfunction f{i}(x) {{\n  \
             exec(`curl -H '{token}' ${{x}}`); eval(\"{token}\" + x);\n}}\n"
        );
        repo.write(&format!("py/s{i}.py"), python).write(&format!("js/s{i}.js"), script);
        repo.write(
            &format!("rs/s{i}.rs"),
            format!("fn f() {{\n    let api_key = \"{token}\";\n    connect(api_key);\n}}\n"),
        );
    }
    repo.commit("planted");
    secrets
}

fn own_tokens() -> Vec<Secret> {
    let own = |name, before: &str| {
        let body = noise(name_seed(name), MIXED, 36);
        Secret::new(name, format!("{before}{body}"), &body)
    };
    vec![own("GITHUB_TOKEN", "ghs_"), own("CI_JOB_TOKEN", "glcbt-64_"), own("PORTCULLIS_TOKEN", "plain")]
}

#[test]
fn b22_planted_and_own_secrets_show_in_no_output() {
    let repo = Repo::on_topic();
    let mut secrets = plant(&repo);
    assert_eq!(secrets.len(), 25);
    secrets.extend(own_tokens());
    let run = |args: &[&str]| -> Run {
        let call = own_tokens().iter().fold(repo.call(args), |call, own| call.env(own.name, &own.token));
        call.env("RUST_LOG", "trace")
            .env("RUST_BACKTRACE", "1")
            .env("GITHUB_STEP_SUMMARY", repo.beside("out/summary"))
            .run()
    };
    std::fs::create_dir(repo.beside("out")).unwrap();
    let verdict = repo.beside("out/verdict.json");
    let to_file = format!("json={}", verdict.display());
    for format in formats() {
        let ran = run(&["check", "--all", "-o", &format, "-o", &to_file]).exits(1);
        keeps_quiet(&format, &ran.all(), &secrets);
    }
    keeps_quiet("audit", &run(&["audit", "-o", "json", "--write-baseline", "../out/baseline.json"]).all(), &secrets);
    for file in files_below(&repo.beside("out")) {
        keeps_quiet(&file.display().to_string(), &std::fs::read(&file).unwrap(), &secrets);
    }
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(&verdict).unwrap()).expect("a verdict");
    let findings = report["findings"].as_array().expect("a list");
    let blocking = findings.iter().filter(|f| f["rule"] == BAD_RULE && f["disposition"] == "blocks").count();
    assert_eq!(blocking, 25, "every planted line is found");
    for finding in findings.iter().step_by(7) {
        let fingerprint = finding["fingerprint"].as_str().expect("a fingerprint");
        let ran = run(&["explain", fingerprint, "--from", verdict.to_str().unwrap()]).exits(0);
        keeps_quiet("explain", &ran.all(), &secrets);
    }
}

#[test]
fn b22_secrets_typed_by_mistake_are_not_repeated_in_errors() {
    let repo = Repo::on_topic();
    repo.write("good.py", GOOD_PY).commit("change");
    let secrets = secrets();
    for secret in secrets.iter().filter(|s| !s.token.contains(['\\', ' ', ';'])) {
        let name = &secret.token;
        for args in
            [vec!["check", "--base", name], vec!["check", "--config", name], vec!["check", "-o", name], vec![name]]
        {
            keeps_quiet(secret.name, &repo.call(&args).run().exits(2).all(), &secrets);
        }
    }
}

#[test]
fn b22_secrets_in_names_messages_and_suppressions_are_masked() {
    let repo = Repo::on_topic();
    let secrets = secrets();
    let usable: Vec<&Secret> = secrets.iter().filter(|s| !s.token.contains(['\\', '/', ' '])).collect();
    for (i, secret) in usable.iter().enumerate() {
        let comment = format!("# portcullis: ignore {BAD_RULE} -- {}", secret.token);
        let code = format!("import os\n\n\ndef f{i}(x):\n    {comment}\n    os.system('ls ' + x)\n");
        repo.write(&format!("d{i}/{}.py", secret.token), code);
    }
    repo.commit(&usable[0].token);
    for format in formats() {
        keeps_quiet(&format, &repo.call(&["check", "-o", &format]).run().exits(1).all(), &secrets);
    }
}

/// What a rule has found is masked in part, too, and what a command is given is masked without a rule.
#[test]
fn b22_parts_of_secrets_and_passwords_of_commands_are_masked() {
    let body = |name: &str| noise(name_seed(name), MIXED, 24);
    let [found, typed, address, user] = ["found", "typed", "address", "user"].map(body);
    let (head, tail) = found.split_at(12);
    let repo = Repo::on_topic();
    repo.write(
        "shell.py",
        format!(
            "import os\n\nAPI_KEY = \"{found}\"\nURL = \"postgresql://shop:{address}@db.internal/shop\"\n\n\ndef f(x):\n    \
             os.system('{head}' + x + '{tail}')\n    os.system('mysql -u root -p{typed} ' + x)\n    \
             os.system('curl -u joe:{user} ' + x)\n    os.system('wget --password={typed} ' + x)\n    \
             os.system('rsync joe:{user}@host.internal:/a ' + x)\n    os.system(\"x '{address}' \" + x)\n"
        ),
    );
    repo.write("other.py", format!("import os\n\n\ndef g(x):\n    os.system('{tail} ' + x)\n"));
    repo.commit("planted");
    let secrets = [("found", &found), ("typed", &typed), ("address", &address), ("user", &user)];
    for format in formats() {
        let shown =
            String::from_utf8_lossy(&repo.call(&["check", "--all", "-o", &format]).run().exits(1).all()).into_owned();
        for (name, secret) in secrets {
            for piece in secret.as_bytes().windows(8).map(|p| std::str::from_utf8(p).unwrap()) {
                assert!(!shown.contains(piece), "{format} shows {name}: {piece} in\n{shown}");
            }
        }
    }
}
