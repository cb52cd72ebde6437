//! The names that a page defines: what a person types who looks for a function.

/// Maximum number of names of a section.
const MAX_NAMES: usize = 200;

/// The options of a command that a term defines: `-v` and `--verbose` for `-v, --verbose=<level>`.
pub(super) fn options(term: &str) -> Vec<String> {
    let mut names = Names::default();
    if term.starts_with('-') {
        for word in term.split([' ', ',', '=', '[', '|', '/']) {
            let is_option = word.starts_with('-') && word.contains(char::is_alphanumeric);
            names.add_if(is_option, word);
        }
    }
    names.0
}

/// The name of a definition of Sphinx, from its id and the name in its signature. The id is the
/// name in Python (`asyncio.gather`). In other languages it has a prefix (`c.PyList_New`) or is
/// mangled, and the signature has the name.
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
    if text.contains("nherited from ") {
        return names.0;
    }
    // Sphinx gives this id to the documentation of a module.
    if let Some(module) = id.strip_prefix("module-") {
        names.add_if(is_identifier(module), module);
    }
    // Javadoc's ids are signatures: `compareTo(java.lang.String)`.
    if let Some((call, _)) = id.split_once('(') {
        names.add_if(is_identifier(call), call);
    }
    let is_name = is_distinctive(id) && !is_slug(id, text) && is_about(id, text);
    names.add_if(is_name, id);
    // A heading that is one call names the function, even if its name is a plain word.
    if let Some((call, "()")) = text.find('(').map(|at| text.split_at(at)) {
        names.add_if(is_identifier(call), call);
    }
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

/// The names before the dash in the section NAME of a manual page (man-pages(7)), such as
/// `open, openat, creat - open and possibly create a file`.
pub(super) fn of_manual(text: &str) -> Vec<String> {
    let mut names = Names::default();
    let dashes = [" - ", " -- ", " — ", " – "];
    let line = text.trim_start().lines().next().unwrap_or_default();
    let Some(end) = dashes.iter().filter_map(|dash| line.find(dash)).min() else {
        return names.0;
    };
    for name in line[..end].split(',').map(str::trim) {
        let is_name = !name.is_empty() && !name.contains(char::is_whitespace);
        names.add_if(is_name, name);
    }
    names.0
}

/// The names that C code declares: functions outside of parentheses, and macros.
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

/// Names in order, without repetition.
#[derive(Default)]
struct Names(Vec<String>);

impl Names {
    fn add_if(&mut self, wanted: bool, name: &str) {
        if wanted && !self.0.iter().any(|known| known == name) && self.0.len() < MAX_NAMES {
            self.0.push(name.to_owned());
        }
    }
}

/// A word of a heading without quotes, brackets and arguments around its name.
fn bare(word: &str) -> &str {
    let word = word.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '_');
    let word = word.split_once('(').map_or(word, |(name, _)| name);
    word.trim_end_matches(|c: char| !c.is_alphanumeric() && c != '_')
}

/// Whether an id was generated from the words of its heading, so that it names nothing.
fn is_slug(id: &str, text: &str) -> bool {
    let (text_letters, id_letters) = (letters(text), letters(id));
    // `Buffer.Write` is more than the end of `func (*Buffer) Write`.
    let is_made = match id.contains('.') {
        true => text_letters == id_letters,
        false => text_letters.ends_with(&id_letters),
    };
    is_made && !text.contains(id)
}

/// Whether an id and its heading have a word in common. If not, the id names a place on the page
/// (`firstHeading`).
fn is_about(id: &str, text: &str) -> bool {
    let text = letters(text);
    id.split(|c: char| !c.is_alphanumeric())
        .any(|word| word.len() > 2 && text.contains(&letters(word)))
}

/// The letters and digits of a text, in lower case.
fn letters(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Whether a term defines its id, which is then a distinctive name or the function that the term
/// calls (`abs` for `abs(X)`).
pub(super) fn is_defined_by(id: &str, term: &str) -> bool {
    let is_called = term
        .split_once('(')
        .is_some_and(|(called, _)| called.trim_end() == id);
    is_distinctive(id) || (is_called && is_identifier(id))
}

/// Whether a text can be a name in a program: letters, digits and `_`, joined by `.`, `::` or `$`.
pub(super) fn is_identifier(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '$')
        && !text.ends_with(['.', ':'])
        && text
            .split("::")
            .flat_map(str::chars)
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '$'))
}

/// Whether a text can be a name in a program but not a plain word: it has a `_`, a `.`, a `::` or
/// an inner capital.
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
        let rows: [(&str, &str, &[&str]); 18] = [
            ("module-heapq", "heapq — Heap queue algorithm", &["heapq"]),
            ("pragma_auto_vacuum", "PRAGMA auto_vacuum", &["auto_vacuum"]),
            ("the_where_clause", "2.1. The WHERE clause", &[]),
            ("locked", "(6) SQLITE_LOCKED", &["SQLITE_LOCKED"]),
            ("sqlite", "Why SQLite", &[]),
            ("typeddict", "TypedDict", &["TypedDict"]),
            ("_see_also", "SEE ALSO", &[]),
            ("millset_gapdepth", "mill.set_gap(depth)", &["mill.set_gap"]),
            ("method.summary", "Method Summary", &[]),
            ("x", "Methods inherited from class java.lang.Object", &[]),
            ("firstHeading", "Grinding grain", &[]),
            ("set-gap", "gap()", &["gap"]),
            ("a", "Stone(s)", &[]),
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
    fn manual_pages_name_what_they_are_about() {
        let rows: [(&str, &[&str]); 4] = [
            (
                "\nmill_open, mill_close - open",
                &["mill_open", "mill_close"],
            ),
            ("\ngit-var — Show a variable\nmore", &["git-var"]),
            ("\nof a miller\nx - y", &[]),
            ("\nA long - sentence", &[]),
        ];
        for (text, expected) in rows {
            assert_eq!(of_manual(text), expected, "{text:?}");
        }
    }

    #[test]
    fn terms_name_options() {
        let rows: [(&str, &[&str]); 5] = [
            ("-v, --verbose=<level>", &["-v", "--verbose"]),
            ("-g gap", &["-g"]),
            ("--[no-]color", &[]),
            ("- item", &[]),
            ("a -b", &[]),
        ];
        for (term, expected) in rows {
            assert_eq!(options(term), expected, "{term:?}");
        }
    }
}
