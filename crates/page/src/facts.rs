//! What a page says about itself, and its links, collected in one pass over all events.

use url::Url;

use super::Directives;
use super::events::{Element, ElementId, Event, Events};
use super::item::Generator;
use super::links::LinkCollector;
use super::refresh;
use super::relations::has_word;
use super::tag::{Attribute, Tag};
use super::text::{TextWriter, fold};
use crate::url::join;

/// Maximum number of robots whose directives are kept.
const MAX_NAMED: usize = 16;

/// What a page says about itself.
#[derive(Default)]
pub(super) struct Facts<'t> {
    title: Capture,
    first_heading: Capture,
    og_title: Option<&'t str>,
    og_locale: Option<&'t str>,
    /// `lang` and `xml:lang` of `html`, and `lang` of the body.
    languages: [Option<&'t str>; 3],
    content_language: Option<&'t str>,
    base: Option<&'t str>,
    canonical: Option<&'t str>,
    refresh: Option<&'t str>,
    /// Directives of the meta robots.
    pub(super) directives: Directives,
    /// Directives for other robots.
    pub(super) named_directives: Vec<(String, Directives)>,
    /// The links, not yet resolved.
    pub(super) links: LinkCollector<'t>,
    pub(super) body: ElementId,
    main: Option<ElementId>,
    article: Option<ElementId>,
    articles: usize,
    /// The outermost article that is open.
    open_article: Option<ElementId>,
    /// The article that holds the first `h1`.
    article_of_heading: Option<ElementId>,
    headings: usize,
    pub(super) generator: Generator,
    /// Content of `meta name=description`.
    pub(super) description: Option<&'t str>,
}

/// The text of the first element of a kind.
#[derive(Default)]
struct Capture {
    element: Option<ElementId>,
    open: bool,
    text: TextWriter,
}

impl Capture {
    fn enter(&mut self, id: ElementId) {
        if self.element.is_none() {
            self.element = Some(id);
            self.open = true;
        }
    }

    fn leave(&mut self, id: ElementId) {
        if self.element == Some(id) {
            self.open = false;
        }
    }

    fn text(&mut self, text: &str) {
        if self.open {
            self.text.folded(text);
        }
    }
}

impl<'t> Facts<'t> {
    /// Collects the facts of a page.
    pub(super) fn collect(events: &'t Events) -> Self {
        let mut facts = Facts {
            languages: [
                events.html_attr(Attribute::Lang),
                events.html_attr(Attribute::XmlLang),
                events.body_attr(Attribute::Lang),
            ],
            body: events.body,
            ..Facts::default()
        };
        let mut walk = events.walk();
        while let Some(event) = walk.next() {
            match event {
                Event::Enter(element) => {
                    if facts.enter(element) {
                        walk.leave_out(&element);
                    }
                }
                Event::Leave(id) => {
                    facts.title.leave(id);
                    facts.first_heading.leave(id);
                    facts.links.leave(id);
                    facts.open_article = facts.open_article.filter(|open| *open != id);
                }
                Event::Text(text) => {
                    facts.title.text(text);
                    facts.first_heading.text(text);
                    facts.links.text(text);
                }
            }
        }
        facts
    }

    /// Notes an element, and returns whether to leave out its content.
    fn enter(&mut self, element: Element<'t>) -> bool {
        match element.tag {
            Tag::Template => return true,
            Tag::Base if self.base.is_none() => {
                self.base = element.attr(Attribute::Href);
            }
            Tag::Title => self.title.enter(element.id),
            Tag::H1 => {
                self.first_heading.enter(element.id);
                self.headings += 1;
                self.article_of_heading = self.article_of_heading.or(self.open_article);
            }
            Tag::Meta => self.meta(element),
            Tag::Link => {
                let rel = element.attr(Attribute::Rel).unwrap_or_default();
                let may_name = element.id < self.body && self.canonical.is_none();
                if may_name && has_word(rel, "canonical") {
                    self.canonical = element.attr(Attribute::Href);
                }
                self.links.enter(element);
            }
            Tag::Frame | Tag::Iframe => self.links.enter(element),
            Tag::A | Tag::Area => {
                if is_permalink_mark(&element) {
                    self.first_heading.open = false;
                }
                self.links.enter(element);
            }
            Tag::Br | Tag::P | Tag::Div | Tag::Li => {
                self.links.space();
            }
            _ => {}
        }
        self.candidate(element);
        false
    }

    fn candidate(&mut self, element: Element<'t>) {
        match element.tag {
            Tag::Main => self.main = self.main.or(Some(element.id)),
            Tag::Article => {
                self.article = self.article.or(Some(element.id));
                self.open_article = self.open_article.or(Some(element.id));
                self.articles += 1;
            }
            _ if element.attr(Attribute::Role) == Some("main") => {
                self.main = self.main.or(Some(element.id));
            }
            _ => {}
        }
    }

    fn meta(&mut self, element: Element<'t>) {
        let Some(content) = element.attr(Attribute::Content) else {
            return;
        };
        if let Some(pragma) = element.attr(Attribute::HttpEquiv) {
            if pragma.eq_ignore_ascii_case("refresh") {
                self.refresh = self.refresh.or(Some(content));
            } else if pragma.eq_ignore_ascii_case("content-language") {
                self.content_language = self.content_language.or(Some(content));
            }
        }
        match element.attr(Attribute::Property) {
            Some("og:title") => self.og_title = self.og_title.or(Some(content)),
            Some("og:locale") => self.og_locale = self.og_locale.or(Some(content)),
            _ => {}
        }
        let Some(name) = element.attr(Attribute::Name) else {
            return;
        };
        if name.eq_ignore_ascii_case("robots") || name.eq_ignore_ascii_case("canter") {
            self.directives = self.directives.union(Directives::from_meta(content));
        } else if name.eq_ignore_ascii_case("generator") {
            if self.generator == Generator::Other {
                self.generator = Generator::named(content);
            }
        } else if name.eq_ignore_ascii_case("description") {
            self.description = self.description.or(Some(content));
        } else {
            let directives = Directives::from_meta(content);
            let is_one = directives != Directives::default();
            if is_one && self.named_directives.len() < MAX_NAMED {
                let name = name.to_ascii_lowercase();
                self.named_directives.push((name, directives));
            }
        }
    }

    /// The base of relative references: the first `base`, or else the page's own URL.
    pub(super) fn base(&self, url: &Url) -> Url {
        self.base
            .and_then(|reference| join(url, reference))
            .unwrap_or_else(|| url.clone())
    }

    /// The title: `title`, or else the first `h1`, or else `og:title`.
    pub(super) fn title(&mut self) -> String {
        let title = std::mem::take(&mut self.title.text).finish();
        if !title.is_empty() {
            return title;
        }
        let heading = std::mem::take(&mut self.first_heading.text).finish();
        if !heading.is_empty() {
            return heading;
        }
        fold(self.og_title.unwrap_or_default())
    }

    /// The first `h1`.
    pub(super) fn first_heading(&self) -> Option<ElementId> {
        self.first_heading.element
    }

    /// The language that the elements name, or else the first of `content-language`, or else
    /// `og:locale`.
    pub(super) fn language(&self) -> Option<String> {
        let pragma = self
            .content_language
            .and_then(|tags| tags.split(',').next());
        let named = self.languages.into_iter().chain([pragma, self.og_locale]);
        named.flatten().find_map(language_tag)
    }

    /// Target of `link rel=canonical`.
    pub(super) fn canonical(&self, base: &Url) -> Option<Url> {
        join(base, self.canonical?)
    }

    /// Target of a meta refresh, if it redirects soon.
    pub(super) fn refresh(&self, base: &Url) -> Option<Url> {
        join(base, refresh::target(self.refresh?)?)
    }

    /// The element of the main content: `main` or `role=main`, or else the only `article`, or else
    /// the article with the only `h1`, which is a post that has its comments as further articles.
    pub(super) fn main(&self) -> Option<ElementId> {
        let article = match (self.articles, self.headings) {
            (1, _) => self.article,
            (_, 1) => self.article_of_heading,
            _ => None,
        };
        self.main.or(article)
    }
}

/// Whether a link is the permalink of a heading (`¶`).
fn is_permalink_mark(element: &Element<'_>) -> bool {
    element.has_class("headerlink")
}

/// A language tag in lower case; none for a value that is not a tag.
fn language_tag(value: &str) -> Option<String> {
    let tag = value.trim().to_ascii_lowercase().replace('_', "-");
    let is_tag = tag.starts_with(|c: char| c.is_ascii_lowercase())
        && tag.len() <= 35
        && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    is_tag.then_some(tag)
}

#[cfg(test)]
mod tests {
    use url::Url;

    use crate::{Page, read_html};

    fn page(html: &str) -> Page {
        read_html(html, &Url::parse("https://example.org/a/b").unwrap())
    }

    macro_rules! facts {
        ($($name:ident: $html:expr, $fact:expr => $expected:expr,)*) => {
            $(#[test]
            fn $name() {
                let fact: fn(Page) -> Option<String> = $fact;
                assert_eq!(fact(page($html)).as_deref(), $expected);
            })*
        };
    }

    facts! {
        title: "<title> A\n B </title><h1>C</h1>", |p| Some(p.title) => Some("A B"),
        heading_for_a_title:
            "<title> </title><h1>C <a class=headerlink href='#c'>¶</a></h1>",
            |p| Some(p.title) => Some("C"),
        property_for_a_title:
            "<meta property=og:title content=' D '>", |p| Some(p.title) => Some("D"),
        title_of_a_drawing_is_none: "<svg><title>A</title></svg>", |p| Some(p.title) => Some(""),
        language: "<html lang=' pt_BR '>", |p| p.language => Some("pt-br"),
        language_by_meta:
            "<html lang=''><meta http-equiv=Content-Language content='de, en'>",
            |p| p.language => Some("de"),
        language_of_xhtml: "<html xml:lang=fr>", |p| p.language => Some("fr"),
        language_of_the_body: "<html lang=''><body lang=fr>", |p| p.language => Some("fr"),
        language_by_property:
            "<html><meta property=og:locale content=fr_CA>", |p| p.language => Some("fr-ca"),
        no_language: "<html lang='{{ lang }}'>", |p| p.language => None,
        canonical:
            "<link rel='x CANONICAL' href='../c#d'>",
            |p| p.canonical.map(String::from) => Some("https://example.org/c"),
        canonical_of_another_scheme:
            "<link rel=canonical href='file:///c'>", |p| p.canonical.map(String::from) => None,
        canonical_in_the_body_is_text_of_anyone:
            "<p><link rel=canonical href=c>", |p| p.canonical.map(String::from) => None,
        first_base:
            "<base target=x><base href='/x/'><base href='/y/'><a href=z>",
            |p| Some(p.links[0].url.to_string()) => Some("https://example.org/x/z"),
        broken_base:
            "<base href='http://['><a href=z>",
            |p| Some(p.links[0].url.to_string()) => Some("https://example.org/a/z"),
        refresh_relative_to_the_base:
            "<base href='/x/'><meta http-equiv=Refresh content='0;url=y'>",
            |p| p.refresh.map(String::from) => Some("https://example.org/x/y"),
        robots:
            "<meta name=ROBOTS content=noindex>", |p| Some(format!("{:?}", p.directives)) =>
            Some("Directives { noindex: true, nofollow: false }"),
        ours_and_all_add_up:
            "<meta name=robots content=noindex><meta name=canter content=nofollow>",
            |p| Some(format!("{:?}", p.directives)) =>
            Some("Directives { noindex: true, nofollow: true }"),
        other_robots:
            "<meta name=GoogleBot content=noindex><meta name=viewport content=width><meta name=x content=NONE>",
            |p| Some(format!("{:?}", p.named_directives.iter().map(|it| &it.0).collect::<Vec<_>>())) =>
            Some(r#"["googlebot", "x"]"#),
        another_robots:
            "<meta name=otherbot content=none>", |p| Some(format!("{:?}", p.directives)) =>
            Some("Directives { noindex: false, nofollow: false }"),
    }
}
