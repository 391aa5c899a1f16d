//! What happens on the way of a flow, in words for people.

/// How the places are called that classes of weakness are about.
const PLACES: [(&str, &str); 19] = [
    ("sql", "an SQL statement"),
    ("nosql", "a query"),
    ("command", "a shell"),
    ("argument", "the options of a program"),
    ("code", "code"),
    ("template", "the text of a template"),
    ("xss", "a page"),
    ("path", "the path of a file"),
    ("ssrf", "the address of a request"),
    ("redirect", "the address of a page"),
    ("deserialization", "serialized objects"),
    ("xxe", "an XML document"),
    ("ldap", "an LDAP filter"),
    ("xpath", "an XPath expression"),
    ("log", "a log"),
    ("header", "a header"),
    ("email", "a letter"),
    ("redos", "a pattern"),
    ("prototype-pollution", "the names of properties"),
];

/// Says what a sanitizer helps against, and why that does not help where the data ends.
pub(super) fn sanitized(by: &str, helps: &[String], class: &str) -> String {
    let place = PLACES.iter().find(|(of, _)| *of == class).map_or("this place", |(_, place)| place);
    if helps.is_empty() {
        return format!("`{by}` does not help against {class}: it leaves what does harm in {place}");
    }
    let helps = helps.join(", ");
    if helps.split(", ").any(|of| of == class) {
        // It was undone, or the place needs more: an escaped text without quotes around it.
        return format!("`{by}` helps against {helps}, but not as the data is used here");
    }
    format!("`{by}` helps against {helps}, not against {class}: it leaves what does harm in {place}")
}

#[cfg(test)]
mod tests {
    use super::sanitized;

    #[test]
    fn a_sanitizer_that_does_not_help_says_why() {
        let helps = |of: &[&str]| of.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            sanitized("html.escape", &helps(&["xss"]), "sql"),
            "`html.escape` helps against xss, not against sql: it leaves what does harm in an SQL statement"
        );
        assert_eq!(
            sanitized("html.escape", &helps(&["log", "xss"]), "xss"),
            "`html.escape` helps against log, xss, but not as the data is used here"
        );
        assert_eq!(
            sanitized("tidy", &[], "coupon"),
            "`tidy` does not help against coupon: it leaves what does harm in this place"
        );
    }
}
