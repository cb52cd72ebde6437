//! What a page shows beside its content: navigation, banners, forms, buttons, marks beside
//! headings. Told by structure and by the classes that the common generators write.

use super::steps::{Element, Step};
use super::tag::{Attribute, Tag};

/// What counts as noise in a part of a page.
#[derive(Clone, Copy)]
pub(super) struct Noise {
    /// The part is the whole body, so that the site's own surroundings are in it.
    pub(super) whole_body: bool,
    /// The page was written by rustdoc.
    pub(super) rustdoc: bool,
}

impl Noise {
    /// Whether an element says nothing that belongs to the content. `in_section` tells whether it
    /// lies inside an article or section, whose headers are content.
    pub(super) fn is(self, element: &Element<'_>, in_section: bool) -> bool {
        match element.tag {
            Tag::Template
            | Tag::Svg
            | Tag::Nav
            | Tag::Footer
            | Tag::Form
            | Tag::Button
            | Tag::Select
            | Tag::Textarea
            | Tag::Object
            | Tag::Audio
            | Tag::Video
            | Tag::Canvas => return true,
            Tag::Header if self.whole_body && !in_section => return true,
            Tag::A if is_permalink(element) => return true,
            _ => {}
        }
        element.attr(Attribute::AriaHidden) == Some("true")
            || self.is_role(element)
            || element.classes().any(|class| self.is_class(class))
    }

    fn is_role(self, element: &Element<'_>) -> bool {
        let role = element.attr(Attribute::Role).unwrap_or_default();
        match role {
            "navigation" | "search" | "contentinfo" => true,
            "banner" => self.whole_body,
            // The sheets of a set of tabs, of which a script shows one.
            "tabpanel" => false,
            _ => element
                .attr(Attribute::Hidden)
                .is_some_and(|state| !state.eq_ignore_ascii_case("until-found")),
        }
    }

    fn is_class(self, class: &str) -> bool {
        match class {
            // Sphinx, Pygments; and what a site marks for its own search.
            "sphinxsidebar" | "headerlink" | "viewcode-link" | "linenos" | "lineno" | "gutter"
            | "nosearch" => true,
            "src"
            | "since"
            | "rightside"
            | "rustdoc-breadcrumbs"
            | "hideme"
            | "sub-heading"
            | "test-arrow" => self.rustdoc,
            "menu" | "mainmenu" | "submenu" | "nav" | "navbar" | "navigation" | "sidenav"
            | "sidebar" | "breadcrumb" | "breadcrumbs" | "topbar" | "footer" => self.whole_body,
            _ => false,
        }
    }
}

/// Whether an element is a link into its own page whose text is a mark, no word: `¶`, `§`, `#`,
/// an image.
pub(super) fn is_permalink(element: &Element<'_>) -> bool {
    let into_page = element
        .attr(Attribute::Href)
        .is_some_and(|reference| reference.starts_with('#') && reference.len() > 1);
    into_page
        && !element.walk().any(|step| match step {
            Step::Text(text) => text.contains(char::is_alphanumeric),
            _ => false,
        })
}
