//! Calls whose names alone do not tell whether they run a statement: `x.query(text)`.

use super::{Engine, Place};
use crate::detect::flow::catalog::Classes;
use crate::detect::flow::name::Name;
use crate::detect::flow::value::Value;

/// Names of methods that run SQL for some and mean something else to others.
const UNSURE: [&str; 8] =
    ["*.query", "*.execute", "*.raw", "*.prepare", "*.unsafe", "*.oneOrNone", "*.manyOrNone", "*.run"];
/// Words of names of what runs statements.
const DATABASES: [&str; 52] = [
    "db",
    "dbs",
    "d1",
    "database",
    "databases",
    "pool",
    "conn",
    "connection",
    "connections",
    "con",
    "client",
    "pg",
    "pgp",
    "postgres",
    "postgresql",
    "mysql",
    "maria",
    "mariadb",
    "sql",
    "sqlite",
    "mssql",
    "oracle",
    "knex",
    "sequelize",
    "orm",
    "typeorm",
    "prisma",
    "drizzle",
    "repo",
    "repository",
    "manager",
    "em",
    "entity",
    "runner",
    "source",
    "datasource",
    "tx",
    "trx",
    "transaction",
    "session",
    "model",
    "models",
    "cassandra",
    "driver",
    "statement",
    "stmt",
    "bigquery",
    "clickhouse",
    "duckdb",
    "adapter",
    "dao",
    "store",
];
/// Names of methods that write a record for some and do something else for others.
const WRITING: [&str; 6] = ["*.create", "*.update", "*.upsert", "*.build", "*.createMany", "*.updateMany"];
/// Words of names of what does more than write a record.
const SERVICES: [&str; 9] =
    ["service", "services", "controller", "factory", "helper", "storage", "handler", "builder", "api"];
/// Words with which statements begin.
const VERBS: [&str; 20] = [
    "select", "insert", "update", "delete", "with", "create", "drop", "alter", "call", "exec", "replace", "merge",
    "pragma", "show", "set", "truncate", "begin", "explain", "grant", "from",
];

impl Engine<'_> {
    /// Says whether nothing but the name of a method tells that it runs a statement: neither what it belongs to nor the text
    /// that it is given.
    pub(super) fn is_unsure_statement(&self, path: Name, value: &Value, span: (u32, u32)) -> bool {
        if !self.language.is_script() {
            return false;
        }
        if WRITING.contains(&path.as_str()) {
            return self.is_called_on(self.place(span), path, &SERVICES);
        }
        if !UNSURE.contains(&path.as_str()) {
            return false;
        }
        let start = value.prefix().trim_start().trim_start_matches('(');
        let verb = start.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default().to_ascii_lowercase();
        !VERBS.contains(&verb.as_str()) && !self.is_called_on(self.place(span), path, &DATABASES)
    }

    /// Returns the classes that what a schema of some library lets through is harmless to: its members and their types are
    /// those that the schema names.
    pub(super) fn fitted_by_schema(&self, name: &str, receiver: Option<&Value>) -> Classes {
        let is_parse = matches!(
            name,
            "parse" | "safeParse" | "parseAsync" | "safeParseAsync" | "validateSync" | "validateAsync" | "cast"
        );
        let is_schema = receiver.is_some_and(|r| !r.is_name && r.labels.is_empty());
        if !is_parse || !is_schema || !self.language.is_script() {
            return 0;
        }
        self.catalog.bit_of("nosql") | self.catalog.bit_of("mass-assignment")
    }

    /// Says whether the names before a method are among words, such as those of databases: `this.pool.query(text)`.
    fn is_called_on(&self, place: Place, path: Name, of: &[&str]) -> bool {
        let (module, (start, end)) = place;
        let handle = self.module(module);
        let Some(text) = handle.file().text().get(start as usize..end as usize) else { return true };
        let method = format!(".{}", path.last());
        let owner = text.find(&method).map_or(text, |at| &text[..at]);
        super::secret::words(owner).iter().any(|word| of.contains(&word.as_str()))
    }
}

/// Words with which names begin of functions that give what was kept under a key.
const LOOKING: [&str; 13] =
    ["find", "get", "fetch", "load", "lookup", "look", "select", "retrieve", "search", "list", "count", "exists", "by"];
/// Words with which names end of functions that give what they are given in another form.
const FORMS: [&str; 22] = [
    "path",
    "paths",
    "url",
    "urls",
    "uri",
    "name",
    "file",
    "filename",
    "folder",
    "dir",
    "directory",
    "param",
    "params",
    "query",
    "body",
    "header",
    "headers",
    "value",
    "address",
    "host",
    "text",
    "string",
];

/// Says whether a function, by its name, gives what is kept under a key, such as a row of a table: not what it is given.
pub(super) fn looks_up(name: &str) -> bool {
    let words = super::secret::words(name);
    let words: Vec<&str> = words.iter().map(String::as_str).filter(|w| !matches!(*w, "" | "async" | "sync")).collect();
    let (Some(first), Some(last)) = (words.first(), words.last()) else { return false };
    LOOKING.contains(first) && (words.len() == 1 || !FORMS.contains(last))
}

#[cfg(test)]
mod tests {
    use super::looks_up;

    #[test]
    fn names_tell_what_looks_something_up() {
        for name in ["findOneAsync", "getUserById", "fetch_account", "get", "loadTopic", "find"] {
            assert!(looks_up(name), "{name}");
        }
        for name in ["getFilePath", "normalize", "getUrl", "buildQuery", "query", "target", "getHeader"] {
            assert!(!looks_up(name), "{name}");
        }
    }
}
