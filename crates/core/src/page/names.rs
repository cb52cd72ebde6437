//! Names that a page defines: what a person types who looks for a function.

/// A section defines at most so many names, against generated pages.
const MAX_NAMES: usize = 200;

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
    let signature = signature.trim_start_matches('@');
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
    let mut names = Names::default();
    // Sphinx writes so what documents a module.
    if let Some(module) = id.strip_prefix("module-") {
        names.add_if(is_identifier(module), module);
    }
    // Javadoc's ids are signatures: `compareTo(java.lang.String)`.
    if let Some((call, _)) = id.split_once('(') {
        names.add_if(is_identifier(call), call);
    }
    names.add_if(is_distinctive(id) && !is_slug(id, text), id);
    let mut words = text.split_whitespace().map(bare).peekable();
    if let Some(first) = words.next() {
        let alone = words.peek().is_none() || text.contains('(');
        names.add_if(alone && is_distinctive(first), first);
        for word in std::iter::once(first).chain(words) {
            names.add_if(is_distinctive(word) && word.contains(['_', '.', ':']), word);
        }
    }
    names.0
}

/// The names that code declares in C's manner: what is called outside of parentheses, and macros.
pub(super) fn of_declarations(code: &str) -> Vec<String> {
    let mut names = Names::default();
    let mut depth = 0_usize;
    for line in code.lines() {
        if let Some(definition) = line.strip_prefix("#define ") {
            let name = bare(definition.split_whitespace().next().unwrap_or_default());
            names.add_if(is_distinctive(name), name);
            continue;
        }
        let mut word = 0;
        for (at, c) in line.char_indices() {
            match c {
                '(' => {
                    let name = line[word..at].trim_end();
                    names.add_if(depth == 0 && is_distinctive(name), name);
                    depth += 1;
                }
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if !(c.is_alphanumeric() || c == '_') {
                word = at + c.len_utf8();
            }
        }
    }
    names.0
}

/// Names in order, each once.
#[derive(Default)]
struct Names(Vec<String>);

impl Names {
    fn add_if(&mut self, wanted: bool, name: &str) {
        if wanted && !self.0.iter().any(|known| known == name) && self.0.len() < MAX_NAMES {
            self.0.push(name.to_owned());
        }
    }
}

/// A word of a heading without what stands around a name: quotes, brackets, arguments.
fn bare(word: &str) -> &str {
    let word = word.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '_');
    let word = word.split_once('(').map_or(word, |(name, _)| name);
    word.trim_end_matches(|c: char| !c.is_alphanumeric() && c != '_')
}

/// Whether an id was made from the words of its heading, and so names nothing.
fn is_slug(id: &str, text: &str) -> bool {
    let letters = |text: &str| -> String {
        text.chars()
            .filter(|c| c.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect()
    };
    !id.contains('.') && text.contains(char::is_whitespace) && letters(text).ends_with(&letters(id))
}

/// Whether a term defines its id: that is a name, or what the term calls (`abs` of `abs(X)`).
pub(super) fn is_defined_by(id: &str, term: &str) -> bool {
    let is_called = term
        .split_once('(')
        .is_some_and(|(called, _)| called.trim_end() == id);
    is_distinctive(id) || (is_called && is_identifier(id))
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
        let rows: [(&str, &str, &[&str]); 11] = [
            ("module-heapq", "heapq — Heap queue algorithm", &["heapq"]),
            ("pragma_auto_vacuum", "PRAGMA auto_vacuum", &["auto_vacuum"]),
            ("the_where_clause", "2.1. The WHERE clause", &[]),
            ("locked", "(6) SQLITE_LOCKED", &["SQLITE_LOCKED"]),
            ("sqlite", "Why SQLite", &[]),
            ("typeddict", "TypedDict", &["TypedDict"]),
            ("length()", "length", &["length"]),
            ("add(int,java.lang.Object)", "add", &["add"]),
            ("x", "os.path.join(path, *paths)", &["os.path.join"]),
            ("Buffer.Write", "func (*Buffer) Write", &["Buffer.Write"]),
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
            ("classmethod", "@classmethod", "classmethod"),
        ];
        for (id, signature, expected) in rows {
            assert_eq!(defined(id, signature), expected, "{id:?}");
        }
    }

    #[test]
    fn declarations_name_what_they_declare() {
        let code = "int my_open(const char*, void(*)(my_type*));\n#define MY_OK 0\n\
                    int my_close(my_db*,\n   int (my_inner)(int));\nint plain(int);";
        assert_eq!(of_declarations(code), ["my_open", "MY_OK", "my_close"]);
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
