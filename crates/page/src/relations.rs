//! The link relations by which `<link>` elements and `Link` headers lead to pages.

/// Link types that name another document for readers: those of HTML 4.01 §6.12, those of the HTML
/// standard, and historical ones that documentation generators write.
const PAGES: [&str; 25] = [
    "appendix",
    "author",
    "bookmark",
    "chapter",
    "contents",
    "copyright",
    "first",
    "glossary",
    "help",
    "home",
    "index",
    "last",
    "license",
    "next",
    "prev",
    "previous",
    "search",
    "section",
    "start",
    "subsection",
    "toc",
    "top",
    "up",
    "parent",
    "child",
];

/// Whether a link with this `rel` leads to a page: one of the site's structure, or the same page in
/// another language (`alternate` with `hreflang`). Style sheets, icons, feeds and preloads are not
/// pages, nor is anything whose type is not HTML.
pub(super) fn leads_to_page(rel: &str, hreflang: Option<&str>, media_type: Option<&str>) -> bool {
    let is_page = media_type.is_none_or(|name| {
        let essence = name.split(';').next().unwrap_or_default().trim();
        ["", "text/html", "application/xhtml+xml"]
            .iter()
            .any(|html| essence.eq_ignore_ascii_case(html))
    });
    let has = |wanted: &str| has_word(rel, wanted);
    let is_translation = || has("alternate") && hreflang.is_some_and(|tag| !tag.trim().is_empty());
    is_page && !has("stylesheet") && (PAGES.iter().any(|page| has(page)) || is_translation())
}

/// Whether `rel` has a word. Letter case does not matter.
pub(super) fn has_word(rel: &str, wanted: &str) -> bool {
    rel.split_ascii_whitespace()
        .any(|word| word.eq_ignore_ascii_case(wanted))
}

#[cfg(test)]
mod tests {
    use super::leads_to_page;

    macro_rules! relations {
        ($($name:ident: $rel:expr, $hreflang:expr, $type:expr => $expected:expr,)*) => {
            $(#[test]
            fn $name() {
                assert_eq!(leads_to_page($rel, $hreflang, $type), $expected);
            })*
        };
    }

    relations! {
        next: "next", None, None => true,
        one_of_several_in_capitals: "nofollow NEXT", None, None => true,
        a_page_by_its_type: "search", None, Some("text/HTML; charset=utf-8") => true,
        a_description_of_a_search:
            "search", None, Some("application/opensearchdescription+xml") => false,
        a_translation: "alternate", Some("de"), None => true,
        a_translation_for_everyone: "alternate", Some("x-default"), None => true,
        an_alternate_in_no_language: "alternate", Some(" "), None => false,
        a_feed: "alternate", None, Some("application/rss+xml") => false,
        a_feed_with_a_language: "alternate", Some("de"), Some("application/atom+xml") => false,
        a_style_sheet: "stylesheet", None, None => false,
        another_style_sheet: "alternate stylesheet", Some("de"), None => false,
        a_style_sheet_that_is_the_start: "stylesheet start", None, None => false,
        an_icon: "shortcut icon", None, None => false,
        loaded_ahead: "prefetch", None, None => false,
        looked_up_ahead: "dns-prefetch", None, None => false,
        canonical: "canonical", None, None => false,
        nothing: "", None, None => false,
    }
}
