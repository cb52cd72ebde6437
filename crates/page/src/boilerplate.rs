//! Boilerplate: what a page shows besides its content, such as navigation, banners, forms, buttons,
//! permalinks of headings, and line numbers. It is recognised by structure, by roles (WAI-ARIA,
//! DPUB-ARIA) and by the classes that the common generators write.

use super::events::{Element, ElementId, Event};
use super::item::Generator;
use super::tag::{Attribute, Kind, Tag};

/// Which elements are boilerplate in a part of a page.
#[derive(Clone, Copy)]
pub(super) struct Boilerplate {
    /// Whether the part is the whole body, which includes what the site shows around its content.
    pub(super) whole_body: bool,
    /// The first `h1` of the page.
    pub(super) first_heading: Option<ElementId>,
    pub(super) generator: Generator,
}

impl Boilerplate {
    /// Whether an element is boilerplate. `in_section` tells whether it lies in an article or
    /// section, whose headers are content.
    pub(super) fn contains(self, element: &Element<'_>, in_section: bool) -> bool {
        match element.tag {
            Tag::Template
            | Tag::Svg
            | Tag::Nav
            | Tag::Search
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
            Tag::Ul if self.is_menu(element) => return true,
            _ => {}
        }
        element
            .attributes()
            .any(|(attribute, value)| match attribute {
                Attribute::AriaHidden => value == "true" && !is_panel(element),
                Attribute::Role => self.is_role(value, element.tag),
                Attribute::Hidden => {
                    !value.eq_ignore_ascii_case("until-found") && !is_panel(element)
                }
                Attribute::Class => {
                    let mut classes = value.split_ascii_whitespace();
                    classes.any(|class| self.is_class(class, element))
                }
                Attribute::Id => self.is_id(value, element),
                _ => false,
            })
    }

    /// Whether a list stands before the page's heading and has many items, all of them links.
    fn is_menu(self, list: &Element<'_>) -> bool {
        let is_before = |heading| list.id < heading;
        if !self.whole_body || !self.first_heading.is_some_and(is_before) {
            return false;
        }
        let mut links = 0;
        let mut open: Option<ElementId> = None;
        for event in list.walk().take(MAX_MENU_EVENTS) {
            match event {
                Event::Enter(link) if link.tag == Tag::A => {
                    links += 1;
                    open = Some(link.id);
                }
                Event::Leave(id) if open == Some(id) => open = None,
                Event::Text(text) if open.is_none() && text.contains(char::is_alphanumeric) => {
                    return false;
                }
                _ => {}
            }
        }
        links >= MIN_MENU_LINKS
    }

    fn is_role(self, role: &str, tag: Tag) -> bool {
        match role {
            "navigation" | "search" | "contentinfo" | "menu" | "menubar" | "toolbar"
            | "tooltip" | "doc-toc" | "doc-pagelist" | "doc-pageheader" | "doc-pagefooter" => true,
            "button" => matches!(tag, Tag::Label | Tag::Span),
            "banner" | "complementary" => self.whole_body,
            _ => false,
        }
    }

    fn is_class(self, class: &str, element: &Element<'_>) -> bool {
        match class {
            // Sphinx, Pygments; and what a site excludes from its own search.
            "sphinxsidebar" | "headerlink" | "viewcode-link" | "nosearch" => true,
            // Line numbers: Pygments, Chroma, Rouge, Shiki, highlight.js, Javadoc.
            "linenos"
            | "lineno"
            | "gutter"
            | "lnt"
            | "ln"
            | "rouge-gutter"
            | "line-numbers-wrapper"
            | "line-numbers-rows"
            | "hljs-ln-numbers"
            | "linenumber"
            | "source-line-no"
            | "sourceLineNo" => true,
            // What is not printed is not part of the text.
            "noprint" | "no-print" | "d-print-none" | "print:hidden" => true,
            // Navigation: MediaWiki, DocBook, Texinfo, DokuWiki, Bootstrap.
            "mw-editsection" | "mw-jump-link" | "printfooter" | "catlinks" | "navheader"
            | "navfooter" | "nav-panel" | "pageId" | "docInfo" | "breadcrumb" | "breadcrumbs"
            | "pagination" | "skip-link" | "skip-to-content" => true,
            // Links to the source: Docusaurus, gi-docgen, pdoc.
            "theme-edit-this-page" | "edit-link" | "srclink" | "view-source-button" => true,
            // The lines above and below a manual page: mandoc.
            "head" | "foot" => element.tag == Tag::Table,
            "pdoc-code" => element.tag == Tag::Div,
            // Text for screen readers repeats what others see, except in headings.
            "sr-only" | "visually-hidden" | "screen-reader-text" => {
                element.tag.kind() != Kind::Heading
            }
            // The name of the language, shown in the corner of a code block.
            "lang" => element.tag == Tag::Span,
            // The lines of an example that mdBook hides.
            "boring" => element.tag == Tag::Span,
            "table-of-contents" => leads_into_page(element),
            "src"
            | "since"
            | "rightside"
            | "out-of-band"
            | "rustdoc-breadcrumbs"
            | "hideme"
            | "sub-heading"
            | "test-arrow" => self.generator == Generator::Rustdoc,
            "summary" | "ttc" | "navpath" | "levels" | "mlabels" | "ingroups" => {
                self.generator == Generator::Doxygen
            }
            "header" => self.whole_body && is_way_on(element),
            _ if !self.whole_body && !class.ends_with("toc") => false,
            _ => match name(class) {
                Some("toc") => leads_into_page(element),
                Some(name) => self.whole_body && is_surrounding(name),
                None => false,
            },
        }
    }

    fn is_id(self, id: &str, element: &Element<'_>) -> bool {
        match id {
            "top" | "titlearea" | "side-nav" | "nav-path" => {
                self.generator == Generator::Doxygen && element.tag == Tag::Div
            }
            // What MediaWiki writes below a page's heading.
            "siteSub" | "contentSub" => true,
            "toc" | "TOC" | "table-of-contents" => {
                element.tag.kind() != Kind::Heading && leads_into_page(element)
            }
            "footer" | "sidebar" | "navbar" | "nav" | "navigation" | "menu" | "breadcrumbs" => {
                self.whole_body && element.tag.kind() == Kind::Block
            }
            _ => false,
        }
    }
}

/// Whether an element is a panel of a set of tabs, which is hidden until a script shows it: by its role,
/// or by a class such as `tab-pane`, `tabs__panel` or `TabPanel_x1`.
fn is_panel(element: &Element<'_>) -> bool {
    let is_class = |class: &str| {
        let class = class.to_ascii_lowercase();
        let mut parts = class
            .split(['-', '_'])
            .skip_while(|part| !part.starts_with("tab"));
        match parts.next() {
            Some("tabpanel" | "tabpane") => true,
            Some("tab" | "tabs" | "tabbed") => {
                parts.any(|part| matches!(part, "pane" | "panel" | "content"))
            }
            _ => false,
        }
    };
    element.attr(Attribute::Role) == Some("tabpanel") || element.classes().any(is_class)
}

/// What a class names: its last part (`footer` of `site-footer`), unless the class only tells that
/// there is such a thing (`has-sidebar`).
fn name(class: &str) -> Option<&str> {
    let Some((before, name)) = class.rsplit_once(['-', '_']) else {
        return Some(class);
    };
    let is_about_another = matches!(
        before.split(['-', '_']).next(),
        Some("has" | "no" | "with" | "without" | "left" | "right" | "hide" | "show")
    );
    (!is_about_another).then_some(name)
}

/// Whether a class of this name marks what surrounds the content.
fn is_surrounding(name: &str) -> bool {
    matches!(
        name,
        "menu"
            | "mainmenu"
            | "submenu"
            | "nav"
            | "navbar"
            | "navigation"
            | "sidenav"
            | "sidebar"
            | "breadcrumb"
            | "breadcrumbs"
            | "topbar"
            | "footer"
            | "topNav"
            | "bottomNav"
            | "subNav"
    )
}

/// Maximum number of events of an element that are searched for its first link.
const MAX_EVENTS: usize = 64;
/// Minimum number of links of a menu.
const MIN_MENU_LINKS: usize = 8;
/// Maximum number of events of a list that are read to recognise a menu, so that nested lists cost
/// little.
const MAX_MENU_EVENTS: usize = 256;

/// Whether the first link inside an element leads into its own page, as in a table of contents.
fn leads_into_page(element: &Element<'_>) -> bool {
    first_link(element)
        .and_then(|link| link.attr(Attribute::Href))
        .is_some_and(|reference| reference.starts_with('#'))
}

/// Whether the first link inside an element leads to the previous or next page, or up.
fn is_way_on(element: &Element<'_>) -> bool {
    first_link(element)
        .and_then(|link| link.attr(Attribute::Rel))
        .is_some_and(|rel| {
            rel.split_ascii_whitespace()
                .any(|word| matches!(word, "next" | "prev" | "previous" | "up"))
        })
}

fn first_link<'s>(element: &Element<'s>) -> Option<Element<'s>> {
    element
        .walk()
        .take(MAX_EVENTS)
        .find_map(|event| match event {
            Event::Enter(inside) if inside.tag == Tag::A => Some(inside),
            _ => None,
        })
}

/// Whether an element is a link into its own page whose text is a mark and not a word: `¶`, `§`,
/// `#`, or an image.
fn is_permalink(element: &Element<'_>) -> bool {
    let into_page = element
        .attr(Attribute::Href)
        .is_some_and(|reference| reference.starts_with('#') && reference.len() > 1);
    into_page
        && !element.walk().any(|event| match event {
            Event::Text(text) => text.contains(char::is_alphanumeric),
            _ => false,
        })
}

#[cfg(test)]
mod tests {
    use url::Url;

    use crate::read_html;

    fn text(html: &str) -> String {
        let url = Url::parse("https://example.org/").unwrap();
        read_html(html, &url).text
    }

    /// A list of `count` links.
    fn links(count: usize) -> String {
        format!("<ul>{}</ul>", "<li><a href=b>l</a>".repeat(count))
    }

    macro_rules! texts {
        ($($name:ident: $html:expr => $expected:expr,)*) => {
            $(#[test]
            fn $name() {
                assert_eq!(text(&$html), $expected);
            })*
        };
    }

    texts! {
        menu_before_the_heading: format!("{}<h1>A</h1>", links(8)) => "A",
        few_links_before_the_heading: format!("{}<h1>A</h1>", links(2)) => "l\nl\nA",
        links_below_the_heading: format!("<h1>A</h1>{}", links(8)) => "A\nl\nl\nl\nl\nl\nl\nl\nl",
        links_with_words_beside:
            format!("<ul><li>x{}</ul><h1>A</h1>", "<li><a href=b>l</a>".repeat(8)) =>
            "x\nl\nl\nl\nl\nl\nl\nl\nl\nA",
        way_to_the_next_page:
            "<div class=header>Next: <a href=b rel=next>B</a></div><h1>A</h1>" => "A",
        header_with_a_heading: "<div class=header><h1>A</h1><a href=b>b</a></div>" => "A\nb",
        surroundings_by_the_end_of_a_class: "<h1>A</h1><div class=site-footer>x</div>" => "A",
        surroundings_that_are_only_there: "<div class='has-footer no-nav'><h1>A</h1></div>" => "A",
        surroundings_inside_the_content: "<main><h1>A</h1><div class=tab-menu>x</div></main>" => "A\nx",
        contents_of_the_page: "<h1>A</h1><div class=page-toc><a href='#b'>B</a></div>" => "A",
        contents_of_other_pages: "<h1>A</h1><div class=toc><a href='b'>B</a></div>" => "A\nB",
        words_that_are_only_heard:
            "<h1>A</h1><a href='#a'><span class=sr-only>Link</span></a><h2 class=sr-only>B</h2>" =>
            "A\nB",
        label_that_is_a_button: "<h1>A</h1><label role=button>x</label>" => "A",
        labels_are_words: "<label>A</label><label>B</label>" => "A B",
        numbers_of_lines: "<pre><span class=lnt>1</span>a</pre>" => "a",
        not_printed: "<h1>A</h1><p class=noprint>x" => "A",
    }
}
