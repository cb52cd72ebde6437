//! Pages that no person wrote: reading them takes time linear in their length, and no stack.

use canter_page::{MAX_LINKS, Page, read, read_html};
use proptest::prelude::*;
use url::Url;

fn page_url() -> Url {
    Url::parse("https://example.org/a/b").unwrap()
}

/// Checks what holds for every page.
fn check(page: &Page) {
    let mut end = 0;
    for section in &page.sections {
        assert_eq!(section.range.start, end, "sections leave a gap or overlap");
        assert!(section.range.end >= end);
        end = section.range.end;
        assert!(page.text.is_char_boundary(end));
        assert!(section.level <= 7);
    }
    assert_eq!(end, page.text.len(), "sections do not cover the text");
    let mut end = 0;
    for code in &page.code {
        assert!(code.start >= end && code.end > code.start);
        assert!(page.text.get(code.clone()).is_some());
        end = code.end;
    }
    assert!(page.links.len() <= MAX_LINKS);
    for place in page.links.iter().filter_map(|link| link.place.clone()) {
        assert!(page.text.get(place).is_some_and(|text| !text.is_empty()));
    }
    for url in page
        .links
        .iter()
        .map(|link| &link.url)
        .chain(&page.canonical)
    {
        assert!(url.fragment().is_none());
        assert!(matches!(url.scheme(), "http" | "https"));
    }
}

macro_rules! hostile {
    ($($name:ident: $piece:expr, $times:expr => $then:expr,)*) => {
        $(#[test]
        fn $name() {
            let mut html = $piece.repeat($times);
            html += "<p>end";
            let page = read_html(&html, &page_url());
            check(&page);
            let then: fn(&Page) = $then;
            then(&page);
        })*
    };
}

hostile! {
    deep_blocks: "<div>", 100_000 => |page| assert_eq!(page.text, "end"),
    deep_inline: "<b>x", 30_000 => |page| assert!(page.text.ends_with("end")),
    deep_formatting_with_ids: "<p><b id=1 class=a><i title=x><u lang=y>", 20_000 => |_| {},
    formatting_without_end: "<p><b><i><u><s><em><code>x</p>", 15_000 => |page| {
        assert!(page.text.ends_with("end"));
    },
    formatting_opened_again: "<p><b a=1><b a=2><b a=3><b a=4></p>", 20_000 => |_| {},
    deep_lists: "<ul><li>", 30_000 => |page| assert_eq!(page.text, "end"),
    deep_tables: "<table><tr><td>", 15_000 => |_| {},
    deep_tables_with_text: "<table>a", 30_000 => |_| {},
    deep_links: "<a href=x><table>", 30_000 => |_| {},
    many_fallbacks: "<noscript><a href=x></noscript>", 50_000 => |page| {
        assert_eq!(page.links.len(), 50_000);
    },
    a_long_fallback: "<noscript><a href=x>", 100_000 => |_| {},
    deep_svg: "<svg><g>", 30_000 => |_| {},
    deep_templates: "<template>", 30_000 => |_| {},
    deep_ruby: "<ruby><rt>", 30_000 => |_| {},
    many_ends: "</p></div></b>", 30_000 => |page| assert!(page.text.ends_with("end")),
    many_paragraphs_in_depth: "<div><p>x", 30_000 => |page| assert!(page.text.ends_with("end")),
    many_links: "<a href='page'>text</a> ", 150_000 => |page| {
        assert_eq!(page.links.len(), MAX_LINKS);
        assert!(page.text.ends_with("end"));
    },
    many_unclosed_links: "<a href=x>y", 100_000 => |page| assert_eq!(page.links.len(), MAX_LINKS),
    many_headings: "<h1>a</h1>", 100_000 => |page| assert_eq!(page.sections.len(), 100_000),
    many_empty_headings: "<h1></h1>", 30_000 => |page| assert_eq!(page.sections.len(), 1),
    many_definitions: "<dl><dt id=a.b>x", 15_000 => |_| {},
    many_permalinks: "<a href='#x'>", 30_000 => |_| {},
    many_mains: "<main>", 15_000 => |_| {},
    many_attributes: "<p a=1 b=2 c=3 d=4 e=5 f=6 g=7>", 15_000 => |_| {},
    entities: "&amp;&bogus;&#0;", 30_000 => |_| {},
    comments: "<!--a-->", 30_000 => |page| assert_eq!(page.text, "end"),
    unclosed_tags: "<a href=x title='", 30_000 => |_| {},
    unclosed_scripts: "<script><!--<script>", 15_000 => |_| {},
    unclosed_comments: "<!--", 30_000 => |_| {},
    framesets: "<frameset>", 15_000 => |_| {},
    selects: "<select><option>", 15_000 => |_| {},
    buttons: "<button>x", 15_000 => |_| {},
}

#[test]
fn a_tag_of_a_million_attributes_is_ended() {
    let attributes: String = (0..1_000_000).map(|n| format!(" a{n}")).collect();
    let page = read_html(&format!("<p{attributes}><a href=x>end</a>"), &page_url());
    assert_eq!(page.links.len(), 1);
}

#[test]
fn a_tag_of_many_values_is_one_tag() {
    let attributes: String = (0..200_000).map(|n| format!(" id='{n}&amp;'")).collect();
    let page = read_html(&format!("<h1{attributes}>end"), &page_url());
    assert_eq!(page.sections[0].anchor.as_deref(), Some("0&"));
}

#[test]
fn everything_unclosed_is_read_to_its_end() {
    let piece = "<div><p>a<b><i title=x>b<ul><li>c<table><tr><td>d<a href=x>e<code>f<svg><g>";
    let page = read_html(&(piece.repeat(5_000) + "</svg>end"), &page_url());
    check(&page);
    assert!(page.text.ends_with("end"));
}

#[test]
fn a_long_value_does_not_end_its_tag() {
    let query = "x".repeat(50_000);
    let html = format!("<a class=c href='page?{query}' rel=nofollow>text</a>");
    let page = read_html(&html, &page_url());
    assert!(page.links[0].nofollow);
    assert_eq!(page.text, "text");
}

#[test]
fn links_beyond_the_depth_are_found() {
    let html = format!("{}<a href=found>text</a>", "<div>".repeat(5_000));
    let page = read_html(&html, &page_url());
    assert_eq!(page.links.len(), 1);
    assert_eq!(page.text, "text");
}

/// Found by the fuzz target `page::pages`.
#[test]
fn a_link_in_code_ends_where_the_code_ends() {
    for (html, text, link) in [
        ("<pre>a <a href=b>b  \n</a>\n</pre>c", "a b\nc", Some("b")),
        ("<pre>a <a href=b> \n</a>\n</pre>c", "a\nc", None),
        ("<a href=b>b<pre>x\n y\n", "b\nx\n y", Some("b\nx\n y")),
    ] {
        let page = read_html(html, &page_url());
        assert_eq!(page.text, text, "{html}");
        let place = page.links[0].place.clone();
        assert_eq!(place.map(|place| &page.text[place]), link, "{html}");
    }
}

#[test]
fn a_list_without_end_tags_is_not_deep() {
    let html = format!("<ul>{}</ul><h2 id=after>After</h2>", "<li>x".repeat(5_000));
    let page = read_html(&html, &page_url());
    assert_eq!(
        page.sections.last().unwrap().anchor.as_deref(),
        Some("after")
    );
}

/// Text like markup, which is likelier to reach corner cases than arbitrary bytes.
fn markup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "<main>",
            "</main>",
            "<h1>",
            "<h2 id='a.b'>",
            "</h2>",
            "<h3>",
            "<dl>",
            "<dt id=x.y>",
            "</dt>",
            "<dd>",
            "</dl>",
            "<pre>",
            "</pre>",
            "<code>",
            "</code>",
            "<a href='#x'>¶</a>",
            "<a name=a_b></a>",
            "<a href=x>",
            "</a>",
            "<section id=s>",
            "</section>",
            "<table>",
            "<tr>",
            "<td>",
            "</table>",
            "<br>",
            "<p>",
            "<b>",
            "</b>",
            "<header>",
            "<article>",
            "<div class=section id=d>",
            "</div>",
            "<span class=sig-name>",
            "</span>",
            "<svg>",
            "</svg>",
            "<template>",
            "<base href='http://[x'>",
            "<link rel=canonical href=c>",
            "<meta name=generator content=rustdoc>",
            "<section id=method.push>",
            " ",
            "\n",
            "\u{a0}",
            "é",
            "x",
            "&nbsp;",
            "<title>",
            "</title>",
            "<noscript>",
            "<body role=main>",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,4}",
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_bytes_are_a_page(body: Vec<u8>, content_type: Option<String>) {
        check(&read(&body, content_type.as_deref(), &page_url()));
    }

    #[test]
    fn any_markup_is_a_page(html in markup()) {
        check(&read_html(&html, &page_url()));
    }

    #[test]
    fn any_cut_of_a_page_is_a_page(cut in 0_usize..4096) {
        let page = include_bytes!("../golden/sphinx.html");
        check(&read(&page[..cut.min(page.len())], None, &page_url()));
    }
}
