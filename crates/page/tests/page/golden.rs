//! Whole pages, each with the expected result in a file beside it. After an intended change, run
//! with `CANTER_REWRITE_GOLDEN=1` and review the difference.

use std::fs;
use std::path::Path;

use canter_page::{Page, read};
use serde_json::{Value, json};
use url::Url;

/// The result of reading a page in a form for people, with the texts of sections and code.
fn readable(page: &Page) -> Value {
    let sections: Vec<Value> = page
        .sections
        .iter()
        .map(|section| {
            json!({
                "anchor": section.anchor,
                "level": section.level,
                "title": section.title,
                "names": section.names,
                "text": page.text[section.range.clone()].split('\n').collect::<Vec<_>>(),
            })
        })
        .collect();
    let links: Vec<String> = page
        .links
        .iter()
        .map(|link| {
            let fragment = link.fragment.as_deref().map(|f| format!(" #{f}"));
            let nofollow = if link.nofollow { " (nofollow)" } else { "" };
            let (url, text) = (&link.url, &link.text);
            format!("[{text}] {url}{}{nofollow}", fragment.unwrap_or_default())
        })
        .collect();
    let code: Vec<&str> = page
        .code
        .iter()
        .map(|code| &page.text[code.clone()])
        .collect();
    json!({
        "title": page.title,
        "language": page.language,
        "canonical": page.canonical,
        "refresh": page.refresh,
        "noindex": page.directives.noindex,
        "nofollow": page.directives.nofollow,
        "sections": sections,
        "code": code,
        "links": links,
    })
}

fn check(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let html = fs::read(folder.join(format!("{name}.html"))).unwrap();
    let url = Url::parse("https://mill.example.org/stable/grind/page.html").unwrap();
    let page = readable(&read(&html, None, &url));
    let golden = folder.join(format!("{name}.json"));
    #[expect(clippy::disallowed_methods, reason = "asked for by a person at a test")]
    let rewrite = std::env::var_os("CANTER_REWRITE_GOLDEN").is_some();
    if rewrite {
        let text = serde_json::to_string_pretty(&page).unwrap();
        fs::write(&golden, text + "\n").unwrap();
    }
    let expected: Value = serde_json::from_slice(&fs::read(&golden).unwrap()).unwrap();
    assert_eq!(
        page,
        expected,
        "{}",
        serde_json::to_string_pretty(&page).unwrap()
    );
}

macro_rules! golden {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            check(stringify!($name));
        })*
    };
}

golden! {
    asciidoctor
    blog
    docusaurus
    docusaurus_blog
    doxygen
    doxygen_file
    furo
    groff
    handmade
    javadoc
    man2html
    mandoc
    mandoc_c
    material
    material_tabs
    mdbook
    mediawiki
    mkdocs
    pdoc
    rustdoc
    sphinx
    typedoc
    vitepress
}
