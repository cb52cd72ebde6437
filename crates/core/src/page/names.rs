//! Names that a page defines: what a person types who looks for a function.

/// What a page of rustdoc defines.
pub(super) struct Item {
    /// `std::option::Option`.
    pub(super) path: String,
}

impl Item {
    /// From the title of a page of rustdoc: `Option in std::option - Rust`, `std::option - Rust`.
    pub(super) fn of_rustdoc(title: &str) -> Option<Item> {
        let title = title.strip_suffix(" - Rust")?;
        let path = match title.split_once(" in ") {
            Some((name, module)) => format!("{module}::{name}"),
            None => title.to_owned(),
        };
        is_identifier(&path).then_some(Item { path })
    }

    /// The last part of its path.
    fn name(&self) -> &str {
        self.path.rsplit("::").next().unwrap_or(&self.path)
    }
}

/// The member that an id of rustdoc names: `push` of `method.push` and of `method.push-1`, its
/// second definition.
pub(super) fn rustdoc(id: &str) -> Option<&str> {
    let (kind, name) = id.split_once('.')?;
    let is_member = matches!(
        kind,
        "method" | "tymethod" | "variant" | "structfield" | "associatedconstant" | "associatedtype"
    );
    let name = name.split('-').next()?;
    (is_member && is_identifier(name) && !name.contains('.')).then_some(name)
}

/// The whole name of a member of an item.
pub(super) fn member(item: Option<&Item>, member: &str) -> String {
    match item {
        Some(item) => format!("{}::{member}", item.name()),
        None => member.to_owned(),
    }
}

/// The name of a definition of Sphinx, from its id and from the name in its signature. Ids of
/// Python are names (`asyncio.gather`); those of other languages have a prefix (`c.PyList_New`)
/// or are mangled, and then the signature tells.
pub(super) fn defined(id: &str, signature: &str) -> String {
    let ends_with_signature = id.strip_suffix(signature);
    let is_whole = match ends_with_signature {
        Some("c." | "cpp." | "js." | "rst.") => false,
        Some(before) => before.is_empty() || before.ends_with('.'),
        None => false,
    };
    if signature.is_empty() || (is_whole && is_identifier(id)) {
        id.to_owned()
    } else {
        signature.to_owned()
    }
}

/// The names that a heading defines, from its id and its text.
pub(super) fn of_heading(id: &str, text: &str) -> Vec<String> {
    let mut names = Vec::new();
    // Sphinx writes so what documents a module.
    let module = id.strip_prefix("module-").filter(|id| is_identifier(id));
    // Javadoc's ids are signatures: `compareTo(java.lang.String)`.
    let call = id.split_once('(').map(|(name, _)| name);
    let text = text.split_once('(').map_or(text, |(name, _)| name);
    let candidates = [
        module,
        call.filter(|name| is_identifier(name)),
        Some(id).filter(|id| is_distinctive(id)),
        Some(text).filter(|text| is_distinctive(text)),
    ];
    for name in candidates.into_iter().flatten() {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// Whether a text can be a name in a program: letters, digits, `_`, with `.`, `::` or `$` between.
pub(super) fn is_identifier(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '$')
        && !text.ends_with(['.', ':'])
        && text
            .replace("::", ".")
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '$'))
}

/// Whether a text is such a name and no plain word: it has a `_`, a `.`, a `::` or an inner
/// capital.
pub(super) fn is_distinctive(text: &str) -> bool {
    let mut inner = text.chars().skip(1);
    is_identifier(text)
        && (text.contains(['_', '.', ':'])
            || (inner.any(char::is_uppercase) && text.contains(char::is_lowercase)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_are_no_distinctive_names() {
        let rows = [
            ("asyncio.gather", true),
            ("sqlite3_open", true),
            ("std::option::Option", true),
            ("getElementById", true),
            ("summary", false),
            ("Overview", false),
            ("SELECT", false),
            ("two words_here", false),
            ("a-b_c", false),
            ("3.14", false),
            ("end.", false),
            ("", false),
        ];
        for (text, expected) in rows {
            assert_eq!(is_distinctive(text), expected, "{text:?}");
        }
    }

    #[test]
    fn headings_name_what_they_document() {
        let rows: [(&str, &str, &[&str]); 6] = [
            ("module-heapq", "heapq — Heap queue algorithm", &["heapq"]),
            (
                "pragma_auto_vacuum",
                "PRAGMA auto_vacuum",
                &["pragma_auto_vacuum"],
            ),
            ("length()", "length", &["length"]),
            ("add(int,java.lang.Object)", "add", &["add"]),
            ("x", "os.path.join(path, *paths)", &["os.path.join"]),
            ("summary", "Summary", &[]),
        ];
        for (id, text, expected) in rows {
            assert_eq!(of_heading(id, text), expected, "{id:?}");
        }
    }

    #[test]
    fn definitions_are_named_by_id_or_signature() {
        let rows = [
            ("asyncio.gather", "asyncio.gather", "asyncio.gather"),
            ("asyncio.Task.cancel", "cancel", "asyncio.Task.cancel"),
            ("len", "len", "len"),
            ("c.PyList_New", "PyList_New", "PyList_New"),
            ("_CPPv43foo", "foo", "foo"),
            ("envvar-PYTHONPATH", "PYTHONPATH", "PYTHONPATH"),
            ("cmdoption-m", "-m", "-m"),
        ];
        for (id, signature, expected) in rows {
            assert_eq!(defined(id, signature), expected, "{id:?}");
        }
    }

    #[test]
    fn rustdoc_names_members_by_id() {
        let item = Item::of_rustdoc("Option in std::option - Rust");
        let rows = [
            ("method.is_some", Some("Option::is_some")),
            ("method.cloned-1", Some("Option::cloned")),
            ("variant.None", Some("Option::None")),
            ("variant.A.field.b", None),
            ("impl-Clone-for-Option", None),
            ("fields", None),
        ];
        for (id, expected) in rows {
            let name = rustdoc(id).map(|name| member(item.as_ref(), name));
            assert_eq!(name.as_deref(), expected, "{id:?}");
        }
        assert_eq!(
            item.map(|item| item.path),
            Some("std::option::Option".to_owned())
        );
    }
}
