//! Scope: what a person means by a seed and by `--include`, `--exclude` and `--subdomains`.

use canter_core::scope::{Options, Scope, site_id};
use url::Url;

fn url(text: &str) -> Url {
    Url::parse(text).expect("a URL")
}

fn scope(seeds: &str, options: &str) -> Scope {
    let seeds: Vec<Url> = seeds.split_whitespace().map(url).collect();
    let mut parsed = Options::default();
    for option in options.split_whitespace() {
        match option.split_at(1) {
            ("+", glob) => parsed.include.push(glob.to_owned()),
            ("-", glob) => parsed.exclude.push(glob.to_owned()),
            _ => parsed.subdomains = true,
        }
    }
    Scope::new(&seeds, parsed).expect("valid globs")
}

/// Each row has seeds, options (`+include -exclude subdomains`), URLs inside and URLs outside.
macro_rules! scopes {
    ($($name:ident: $seeds:expr, $options:expr, $inside:expr, $outside:expr;)*) => {$(
        #[test]
        fn $name() {
            let scope = scope($seeds, $options);
            let stored = serde_json::to_string(&scope).unwrap();
            let restored: Scope = serde_json::from_str(&stored).unwrap();
            for scope in [scope, restored] {
                for inside in $inside.split_whitespace() {
                    assert!(scope.contains(&url(inside)), "{inside} is in {stored}");
                    assert_eq!(scope.outside(&url(inside)), None, "{inside} is in {stored}");
                }
                for outside in $outside.split_whitespace() {
                    assert!(!scope.contains(&url(outside)), "{outside} is out of {stored}");
                    assert!(scope.outside(&url(outside)).is_some(), "{outside} is out of {stored}");
                }
            }
        }
    )*};
}

scopes! {
    whole_host: "https://h.org/", "",
        "https://h.org/ https://h.org/a?b http://h.org/ http://h.org:80/ https://h.org:443/x",
        "https://www.h.org/ https://org/ https://h.org:8443/ http://h.org:8080/ ftp://h.org/ https://h.org.evil.net/";
    folder: "https://h.org/3/", "",
        "https://h.org/3/ https://h.org/3/a/b",
        "https://h.org/ https://h.org/3 https://h.org/3.1/ https://h.org/30/ https://h.org/a/3/";
    no_final_slash: "https://h.org/docs?x=1", "",
        "https://h.org/docs https://h.org/docs?y https://h.org/docs/ https://h.org/docs/a",
        "https://h.org/docsother https://h.org/docs-2/ https://h.org/";
    page: "https://h.org/docs/index.html", "",
        "https://h.org/docs/ https://h.org/docs/a https://h.org/docs/index.html",
        "https://h.org/docs https://h.org/ https://h.org/docsother/";
    page_at_the_root: "https://h.org/index.PHP", "", "https://h.org/ https://h.org/a", "https://x.org/";
    version_is_a_folder: "https://h.org/3.14", "",
        "https://h.org/3.14 https://h.org/3.14/a", "https://h.org/ https://h.org/3.13/ https://h.org/3.145";
    product_is_a_folder: "https://h.org/node.js", "", "https://h.org/node.js/a", "https://h.org/a";
    port: "http://127.0.0.1:8000/", "",
        "http://127.0.0.1:8000/a", "http://127.0.0.1/ http://127.0.0.1:8001/";
    several_seeds: "https://h.org/a/ https://i.org/b/", "",
        "https://h.org/a/x https://i.org/b/x", "https://h.org/b/x https://i.org/a/x";
    include_replaces_the_prefix: "https://h.org/docs/", "+/blog/** +/news/*.html",
        "https://h.org/docs/ https://h.org/blog https://h.org/blog/ https://h.org/blog/a/b https://h.org/news/a.html",
        "https://h.org/docs/a https://h.org/blogs https://h.org/news/a/b.html https://i.org/blog/ https://h.org/";
    exclude_wins: "https://h.org/", "+/blog/** -/blog/de/** -*.pdf -tags/**",
        "https://h.org/ https://h.org/blog/a https://h.org/blog/tags/x",
        "https://h.org/blog/de https://h.org/blog/de/a https://h.org/blog/a.pdf https://h.org/tags/x";
    exclude_wins_over_a_seed: "https://h.org/a", "-/a", "https://h.org/a/b", "https://h.org/a";
    exclude_beside_the_prefix: "https://h.org/docs/", "-**/print/**",
        "https://h.org/docs/a", "https://h.org/docs/print/a https://h.org/docs/x/print";
    globs_do_not_see_the_query: "https://h.org/", "-*.pdf", "https://h.org/a?b.pdf", "https://h.org/a.pdf?b";
    everything_included: "https://h.org/docs/", "+/**", "https://h.org/ https://h.org/x/y", "https://i.org/";
    glob_in_letters: "https://h.org/", "-/größe/*", "https://h.org/", "https://h.org/gr%C3%B6%C3%9Fe/a";
    alternatives: "https://h.org/", "-/{de,fr}/**", "https://h.org/en/", "https://h.org/de/a https://h.org/fr";
    subdomains: "https://h.org/", "subdomains",
        "https://h.org/ https://docs.h.org/ https://a.b.h.org/x http://www.h.org/",
        "https://eh.org/ https://docs.h.org:8443/ https://org/ https://h.org.evil.net/";
    subdomains_of_www: "https://www.h.org/", "subdomains",
        "https://h.org/ https://docs.h.org/ https://www.h.org/", "https://wwwh.org/";
    subdomains_keep_the_prefix: "https://h.org/docs/", "subdomains",
        "https://de.h.org/docs/a", "https://de.h.org/a";
    subdomains_of_an_address: "http://127.0.0.1/", "subdomains", "http://127.0.0.1/", "http://9.127.0.0.1.nip.io/";
    subdomains_of_a_public_suffix: "https://github.io/", "subdomains", "https://github.io/", "https://me.github.io/";
    subdomains_of_a_local_name: "http://wiki.internal/", "subdomains", "http://a.wiki.internal/", "http://internal/";
    nothing: "", "+/**", "", "https://h.org/";
}

/// Each part of a scope gives its own reason, and the options that would change it.
#[test]
fn reasons_and_remedies() {
    let rows = [
        // seeds, options, URL, reason, remedy
        (
            "https://h.org/3/",
            "",
            "ftp://h.org/3/",
            "ftp: is neither http nor https",
            None,
        ),
        (
            "https://h.org/3/",
            "",
            "https://i.org/3/",
            "i.org is another host",
            None,
        ),
        (
            "https://h.org/3/",
            "",
            "https://docs.h.org/3/a",
            "docs.h.org is another host",
            Some("--subdomains"),
        ),
        (
            "https://h.org/3/",
            "",
            "https://h.org:8443/3/",
            "port 8443 is another one",
            None,
        ),
        (
            "https://h.org/3/ https://h.org/a[1]",
            "",
            "https://h.org/4/x/y",
            "its path is not below /3/ or /a[1]",
            Some("--include '/3/**' --include '/a\\[1\\]/**' --include '/4/x/**'"),
        ),
        (
            "https://h.org/",
            "+/3/** +*.htm",
            "https://h.org/4/x",
            "its path matches no --include '/3/**' or '*.htm'",
            Some("--include '/4/**'"),
        ),
        (
            "https://h.org/",
            "-*.pdf -/old/**",
            "https://h.org/old",
            "its path matches --exclude '/old/**'",
            None,
        ),
    ];
    for (seeds, options, outside, reason, remedy) in rows {
        let scope = scope(seeds, options);
        let outside = url(outside);
        assert_eq!(scope.outside(&outside).unwrap().to_string(), reason);
        assert_eq!(scope.remedy(&outside).as_deref(), remedy, "{reason}");
    }
}

#[test]
fn redirects_of_seeds_move_the_scope() {
    let rows = [
        // seed, target, inside afterwards, outside afterwards; no row for what stays
        (
            "https://h.org/",
            "https://www.h.org/",
            "https://www.h.org/a",
            "https://h.org/a",
        ),
        (
            "https://www.h.org/docs/",
            "https://docs.h.org/",
            "https://docs.h.org/a",
            "https://www.h.org/docs/a",
        ),
        (
            "https://h.org/docs/",
            "https://h.org/manual/",
            "https://h.org/manual/a",
            "https://h.org/docs/a",
        ),
        (
            "http://127.0.0.1:8000/a/",
            "http://127.0.0.1:8000/b/",
            "http://127.0.0.1:8000/b/c",
            "http://127.0.0.1:8000/a/",
        ),
        (
            "http://localhost/a/",
            "https://localhost/b/",
            "http://localhost/b/c",
            "http://localhost/a/",
        ),
    ];
    for (seed, to, inside, outside) in rows {
        let moved = scope(seed, "").moved(&url(seed), &url(to)).unwrap();
        assert_eq!(moved.seeds(), [url(to)]);
        assert!(moved.contains(&url(inside)), "{inside}");
        assert!(!moved.contains(&url(outside)), "{outside}");
    }
    let stays = [
        // seed, target, why
        (
            "https://h.org/",
            "https://h.org/en/",
            "in scope: the scope does not narrow",
        ),
        ("http://h.org/", "https://h.org/", "in scope"),
        ("https://h.org/", "https://i.org/", "another domain"),
        (
            "https://me.github.io/",
            "https://you.github.io/",
            "another person's",
        ),
        (
            "http://127.0.0.1:8000/",
            "http://127.0.0.1:9000/",
            "another server",
        ),
        ("http://10.0.0.1/", "http://10.0.0.2/", "another address"),
        ("https://h.org/", "ftp://h.org/", "not of the web"),
    ];
    for (seed, to, why) in stays {
        assert_eq!(scope(seed, "").moved(&url(seed), &url(to)), None, "{why}");
    }
    let two = scope("https://h.org/a/ https://h.org/b/", "-/x/**");
    let moved = two
        .moved(&url("https://h.org/a/"), &url("https://h.org/c/"))
        .unwrap();
    assert_eq!(
        moved.seeds(),
        [url("https://h.org/c/"), url("https://h.org/b/")]
    );
    assert_eq!(
        two.moved(&url("https://h.org/a/"), &url("https://h.org/x/")),
        None
    );
    assert_eq!(
        two.moved(&url("https://h.org/z/"), &url("https://www.h.org/")),
        None
    );
    // With --include, the target takes the place of the seed, which always counts.
    let included = scope("https://h.org/", "+/blog/**");
    let moved = included
        .moved(&url("https://h.org/"), &url("https://h.org/en/"))
        .unwrap();
    assert!(
        moved.contains(&url("https://h.org/en/")) && moved.contains(&url("https://h.org/blog"))
    );
}

#[test]
fn wrong_globs() {
    for (glob, expected) in [
        ("", "the glob \"\" must be a path such as /blog/** or *.pdf"),
        (
            "https://h.org/blog/**",
            "the glob \"https://h.org/blog/**\" must be a path such as /blog/** or *.pdf",
        ),
        (
            "/a[b",
            "the glob \"/a[b\" is wrong: unclosed character class; missing ']'",
        ),
        (
            "/{a",
            "the glob \"/{a\" is wrong: unclosed alternate group; missing '}' (maybe escape '{' with '[{]'?)",
        ),
    ] {
        let options = Options {
            exclude: vec![glob.to_owned()],
            ..Options::default()
        };
        let error = Scope::new(&[url("https://h.org/")], options).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    let stored = r#"{"seeds":["https://h.org/"],"include":["[z-a]"]}"#;
    assert!(serde_json::from_str::<Scope>(stored).is_err());
}

#[test]
fn site_ids() {
    for (seed, expected) in [
        ("https://docs.python.org/3/", "docs.python.org/3"),
        ("http://docs.python.org/3/index.html?x", "docs.python.org/3"),
        ("https://docs.python.org/3.14", "docs.python.org/3.14"),
        ("https://h.org/index.html", "h.org"),
        ("https://h.org", "h.org"),
        ("http://127.0.0.1:8000/", "127.0.0.1:8000"),
        ("http://[::1]:8000/a/", "[::1]:8000/a"),
        ("https://h.org:443/", "h.org"),
    ] {
        assert_eq!(site_id(&url(seed)), expected);
    }
}
