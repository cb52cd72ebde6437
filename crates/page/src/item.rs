//! The item that a page of an API's documentation is about, as the common generators write it.

use super::names::is_identifier;

/// The generator of a page, if it matters for reading.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Generator {
    Rustdoc,
    Javadoc,
    Doxygen,
    Pdoc,
    /// Any other: the page is read by structure and conventions only.
    #[default]
    Other,
}

impl Generator {
    /// The generator that the content of `meta name=generator` names.
    pub(super) fn named(content: &str) -> Generator {
        let name = content.split([' ', '/']).next().unwrap_or_default();
        match name {
            "rustdoc" => Generator::Rustdoc,
            "javadoc" => Generator::Javadoc,
            "Doxygen" => Generator::Doxygen,
            "pdoc" => Generator::Pdoc,
            _ => Generator::Other,
        }
    }

    /// The member that an element with this id defines, if any.
    pub(super) fn member_of_id(self, id: &str) -> Option<&str> {
        match self {
            Generator::Rustdoc => member_of_rustdoc(id),
            Generator::Pdoc => Some(id).filter(|id| is_identifier(id)),
            _ => None,
        }
    }

    /// The member that a heading with this id and text defines, if any.
    pub(super) fn member_of_heading<'t>(self, id: &str, text: &'t str) -> Option<&'t str> {
        match self {
            Generator::Javadoc => member_of_javadoc(id, text),
            Generator::Doxygen => member_of_doxygen(id, text),
            _ => None,
        }
    }
}

/// The item that a page defines as a whole.
pub(super) struct Item {
    /// Qualified name: `std::option::Option`, `java.util.List`.
    pub(super) path: String,
    separator: &'static str,
}

impl Item {
    /// Finds the item in the page's title or description, in the form that its generator writes.
    pub(super) fn of_page(generator: Generator, title: &str, description: &str) -> Option<Item> {
        let (path, separator) = match generator {
            Generator::Rustdoc => (of_rustdoc(title)?, "::"),
            Generator::Javadoc => (of_javadoc(description)?, "."),
            Generator::Doxygen => (of_doxygen(title)?.to_owned(), "::"),
            Generator::Pdoc => (title.strip_suffix(" API documentation")?.to_owned(), "."),
            Generator::Other => return None,
        };
        is_identifier(&path).then_some(Item { path, separator })
    }

    /// The names of a member, qualified by the item's own name and by its whole path.
    pub(super) fn members(&self, member: &str) -> Vec<String> {
        let own = self.path.rsplit(self.separator).next().unwrap_or_default();
        let mut names = vec![
            [own, self.separator, member].concat(),
            [&self.path, self.separator, member].concat(),
        ];
        names.dedup();
        names
    }
}

/// Parses `Option in std::option - Rust` or `std::option - Rust`.
fn of_rustdoc(title: &str) -> Option<String> {
    let title = title.strip_suffix(" - Rust")?;
    Some(match title.split_once(" in ") {
        Some((name, module)) => format!("{module}::{name}"),
        None => title.to_owned(),
    })
}

/// Parses `declaration: module: java.base, package: java.util, interface: List`.
fn of_javadoc(description: &str) -> Option<String> {
    let mut package = "";
    let mut last = ("", "");
    for part in description.strip_prefix("declaration: ")?.split(", ") {
        last = part.split_once(": ")?;
        if last.0 == "package" {
            package = last.1;
        }
    }
    Some(match last {
        ("package" | "module", name) => name.to_owned(),
        (_, name) if package.is_empty() => name.to_owned(),
        (_, name) => format!("{package}.{name}"),
    })
}

/// Parses `Mill: mill::Stone< G > Class Template Reference`.
fn of_doxygen(title: &str) -> Option<&str> {
    let title = title.rsplit_once(": ").map_or(title, |(_, title)| title);
    let kind = title.strip_suffix(" Reference")?;
    let kinds = ["Class", "Struct", "Union", "Interface", "Namespace"];
    let kind = kind.strip_suffix(" Template").unwrap_or(kind);
    let name = kinds.iter().find_map(|known| kind.strip_suffix(known))?;
    name.split([' ', '<']).next()
}

/// The member that an id of rustdoc names: `push` for `method.push`, and for `method.push-1`, its
/// second definition.
fn member_of_rustdoc(id: &str) -> Option<&str> {
    let (kind, name) = id.split_once('.')?;
    let is_member = matches!(
        kind,
        "method" | "tymethod" | "variant" | "structfield" | "associatedconstant" | "associatedtype"
    );
    let name = name.split('-').next()?;
    (is_member && is_identifier(name) && !name.contains('.')).then_some(name)
}

/// The member that a heading of Javadoc defines: its text, if the id is that of a member, such as
/// `add(int,java.lang.Object)`, `width`, or in older versions `add-int-java.lang.Object-`.
fn member_of_javadoc<'t>(id: &str, text: &'t str) -> Option<&'t str> {
    let name = id.split(['(', '-']).next()?;
    (name == text && is_identifier(text)).then_some(text)
}

/// The member that a heading of Doxygen defines: `crush` for `crush() [1/2]`, if the id is that of
/// a member, which is a hash.
fn member_of_doxygen<'t>(id: &str, text: &'t str) -> Option<&'t str> {
    let hash = id.strip_prefix('g').unwrap_or(id);
    let is_member = hash.len() >= 33 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    let name = text.split([' ', '(']).next()?;
    (is_member && is_identifier(name)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_found_as_their_generators_write_them() {
        let rows = [
            (
                "rustdoc",
                "Option in std::option - Rust",
                "",
                "std::option::Option",
            ),
            ("rustdoc", "std::option - Rust", "", "std::option"),
            ("rustdoc", "Option<T> in std::option", "", ""),
            (
                "javadoc/ClassWriterImpl",
                "List (Java SE 17 & JDK 17)",
                "declaration: module: java.base, package: java.util, interface: List",
                "java.util.List",
            ),
            (
                "javadoc/PackageWriterImpl",
                "",
                "declaration: package: java.util",
                "java.util",
            ),
            (
                "javadoc/ClassWriterImpl",
                "",
                "declaration: class: Mill",
                "Mill",
            ),
            ("javadoc/HelpWriter", "API Help", "help", ""),
            (
                "Doxygen 1.9.4",
                "Mill: mill::Stone Class Reference",
                "",
                "mill::Stone",
            ),
            (
                "Doxygen 1.9.4",
                "Mill: mill::Stone< G, N > Class Template Reference",
                "",
                "mill::Stone",
            ),
            ("Doxygen 1.9.4", "mill Namespace Reference", "", "mill"),
            ("Doxygen 1.9.4", "Mill: mill.h File Reference", "", ""),
            (
                "pdoc 16.0.0",
                "mill.grind API documentation",
                "",
                "mill.grind",
            ),
            ("Sphinx", "Option in std::option - Rust", "", ""),
        ];
        for (generator, title, description, expected) in rows {
            let item = Item::of_page(Generator::named(generator), title, description);
            let path = item.map(|item| item.path).unwrap_or_default();
            assert_eq!(path, expected, "{generator} {title:?}");
        }
    }

    #[test]
    fn members_are_named_after_their_item() {
        let title = "java.util API documentation";
        let item = Item::of_page(Generator::Pdoc, title, "").unwrap();
        assert_eq!(
            item.members("List.add"),
            ["util.List.add", "java.util.List.add"]
        );
    }

    #[test]
    fn ids_of_members() {
        let rustdoc_rows = [
            ("method.is_some", Some("is_some")),
            ("method.cloned-1", Some("cloned")),
            ("variant.None", Some("None")),
            ("variant.A.field.b", None),
            ("impl-Clone-for-Option", None),
            ("fields", None),
        ];
        for (id, expected) in rustdoc_rows {
            assert_eq!(member_of_rustdoc(id), expected, "{id:?}");
        }
        let javadoc_rows = [
            ("add(int,java.lang.Object)", "add", Some("add")),
            ("add-int-java.lang.Object-", "add", Some("add")),
            ("width", "width", Some("width")),
            ("<init>(int)", "Stone", None),
            ("field-detail", "Field Details", None),
        ];
        for (id, text, expected) in javadoc_rows {
            assert_eq!(member_of_javadoc(id, text), expected, "{id:?}");
        }
        let hash = "a0eb4044e2bf0875a869754a166714b15";
        let doxygen_rows = [
            (hash, "crush() [1/2]", Some("crush")),
            (hash, "MILL_OK", Some("MILL_OK")),
            (hash, "operator==()", None),
            ("details", "Detailed Description", None),
            ("func-members", "Functions", None),
        ];
        for (id, text, expected) in doxygen_rows {
            assert_eq!(member_of_doxygen(id, text), expected, "{id:?} {text:?}");
        }
    }
}
