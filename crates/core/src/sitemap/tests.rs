use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

/// 2020-01-01.
const NOW: Moment = Moment::from_millis(1_577_836_800_000);

/// Reads a sitemap of which all URLs of `example.org` are wanted.
fn listing(body: &[u8]) -> Listing {
    match read(body, NOW, |url, _| url.host_str() == Some("example.org")) {
        Contents::Listing(listing) => listing,
        other => panic!("{other:?}"),
    }
}

fn urls(entries: &[Entry]) -> String {
    let urls: Vec<&str> = entries.iter().map(|entry| entry.url.path()).collect();
    urls.join(" ")
}

/// The pages, the sitemaps and the number of entries left out, and `broken` unless it is whole.
fn told(body: &[u8]) -> String {
    let listing = listing(body);
    let (pages, sitemaps) = (urls(&listing.pages), urls(&listing.sitemaps));
    let end = if listing.whole { "" } else { " broken" };
    format!("{pages} | {sitemaps} | {}{end}", listing.left_out)
}

fn packed(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn wide(text: &str) -> Vec<u8> {
    let units = text.encode_utf16().flat_map(u16::to_le_bytes);
    [0xff, 0xfe].into_iter().chain(units).collect()
}

const SET: &str = "<?xml version='1.0' encoding='UTF-8'?>\n\
    <urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>\
    <url><loc>http://example.org/a</loc></url><url><loc> https://example.org/b#c\n</loc></url></urlset>";

macro_rules! sitemaps {
    ($($name:ident: $body:expr => $expected:expr,)*) => {
        $(#[test]
        fn $name() {
            let body = $body;
            let body: &[u8] = body.as_ref();
            assert_eq!(told(body), $expected);
        })*
    };
}

sitemaps! {
    a_set: SET => "/a /b |  | 0",
    an_index: "<sitemapindex><sitemap><loc>http://example.org/1.xml</loc></sitemap></sitemapindex>" =>
        " | /1.xml | 0",
    a_prefix: "<s:urlset xmlns:s='x'><s:url><s:loc>http://example.org/a</s:loc></s:url></s:urlset>" =>
        "/a |  | 0",
    a_mark_and_blanks: "\u{feff} \n<urlset><url><loc>http://example.org/a</loc></url></urlset>" => "/a |  | 0",
    a_wide_encoding: wide(SET) => "/a /b |  | 0",
    a_declared_encoding: b"<?xml version=\"1.0\" encoding = 'ISO-8859-1'?>\
        <urlset><url><loc>http://example.org/\xe9</loc></url></urlset>" => "/%C3%A9 |  | 0",
    a_declaration_that_cannot_be: "<?xml version='1.0' encoding='UTF-16'?>\
        <urlset><url><loc>http://example.org/a</loc></url></urlset>" => "/a |  | 0",
    packed_by_gzip: packed(SET.as_bytes()) => "/a /b |  | 0",
    packed_in_two_members: [packed(&SET.as_bytes()[..80]), packed(&SET.as_bytes()[80..])].concat() =>
        "/a /b |  | 0",
    packed_and_cut: packed(SET.as_bytes())[..packed(SET.as_bytes()).len() - 12].to_vec() => "/a /b |  | 0 broken",
    a_list: "\u{feff}http://example.org/a\r\n\r\n  https://example.org/b\nc\n" => "/a /b |  | 1",
    characters_and_entities: "<urlset><url><loc><![CDATA[http://example.org/a?b&c]]></loc></url>\
        <url><loc>http://example.org/&#x61;&amp;b</loc></url></urlset>" => "/a /a&b |  | 0",
    bare_ampersands: "<urlset><url><loc>http://example.org/a&b=1&c;d&</loc></url></urlset>" =>
        "/a&b=1&c;d& |  | 0",
    an_entity_is_not_expanded: "<!DOCTYPE u [<!ENTITY e 'http://example.org/secret'>]>\
        <urlset><url><loc>&e;</loc></url></urlset>" => " |  | 1",
    an_image_is_no_page: "<urlset xmlns:image='i'><url><image:image><image:loc>http://example.org/i</image:loc>\
        </image:image><loc>http://example.org/a</loc></url></urlset>" => "/a |  | 0",
    alternates: "<urlset xmlns:xhtml='x'><url><loc>http://example.org/a</loc>\
        <xhtml:link rel='alternate' hreflang='de' href='http://example.org/de?a&amp;b'/>\
        <xhtml:link rel='alternate' hreflang='en' href='http://example.org/a'/>\
        <xhtml:link rel='icon' href='http://example.org/icon'/></url></urlset>" => "/a /de |  | 0",
    lies: "<urlset><url><loc>http://other.org/</loc></url><url><loc>javascript:alert(1)</loc></url>\
        <url><loc>/relative</loc></url><url><loc>ftp://example.org/</loc></url><url><loc>http://[</loc></url>\
        <url><loc/></url><url/><url><loc>http://example.org/a</loc></url></urlset>" => "/a |  | 5",
    each_url_once: "<urlset><url><loc>http://example.org/%61</loc></url>\
        <url><loc>http://example.org/a#b</loc></url></urlset>" => "/a |  | 0",
    a_break: "<urlset><url><loc>http://example.org/a</loc></url><url><loc>http://example.org/b</loc>\
        </wrong><url><loc>http://example.org/c</loc></url></urlset>" => "/a /b |  | 0 broken",
    a_cut: "<urlset><url><loc>http://example.org/a</loc></url><url><loc>http://example.org/bc" =>
        "/a |  | 0 broken",
    noise_within: b"<urlset><url><loc>http://example.org/a</loc><x>\xff\xfe</x></url></urlset>" => "/a |  | 0",
    nothing_listed: "<urlset/>" => " |  | 0",
    rss: "<rss><channel><link>http://example.org/</link><item><title>t</title>\
        <link>http://example.org/a</link></item></channel></rss>" => "/a |  | 0",
    atom: "<feed xmlns='a'><link href='http://example.org/'/><entry><link rel='edit' href='http://example.org/e'/>\
        <link href='http://example.org/a'/></entry></feed>" => "/a |  | 0",
    long_url: format!("<urlset><url><loc>http://example.org/{}</loc></url></urlset>", "x".repeat(100_000)) =>
        " |  | 1",
}

#[test]
fn what_is_no_sitemap_is_told() {
    let what = |body: &str| read(body.as_bytes(), NOW, |_, _| true);
    for page in [
        "<!DOCTYPE html><title>a</title>",
        " <!doctype HTML public 'x'><p>",
        "<HTML><body></html>",
    ] {
        assert_eq!(what(page), Contents::Html, "{page}");
    }
    for other in [
        "",
        "  \n",
        "not found",
        "<svg></svg>",
        "<",
        "<?xml version='1.0'?>",
        "\u{1}\0",
    ] {
        assert!(matches!(what(other), Contents::Other(_)), "{other:?}");
    }
}

#[test]
fn dates_are_kept_unless_they_lie_in_the_future() {
    let entry = |date: &str| {
        format!("<url><loc>http://example.org/{date}</loc><lastmod>{date}</lastmod></url>")
    };
    let body: String = ["2019-12-31", "2020-01-02", "soon"].map(entry).concat();
    let listing = listing(format!("<urlset>{body}</urlset>").as_bytes());
    let dates: Vec<Option<u64>> = listing
        .pages
        .iter()
        .map(|entry| entry.lastmod.map(Moment::millis))
        .collect();
    assert_eq!(dates, [Some(1_577_750_400_000), None, None]);
}

#[test]
fn what_goes_beyond_the_limits_is_cut() {
    let entries = |count: usize| -> String {
        (0..count)
            .map(|n| format!("<url><loc>http://example.org/{n}</loc></url>"))
            .collect()
    };
    let full = listing(format!("<urlset>{}</urlset>", entries(MAX_ENTRIES)).as_bytes());
    assert_eq!((full.pages.len(), full.whole), (MAX_ENTRIES, true));
    let over = listing(format!("<urlset>{}</urlset>", entries(MAX_ENTRIES + 1)).as_bytes());
    assert_eq!((over.pages.len(), over.whole), (MAX_ENTRIES, false));
}

#[test]
fn a_bomb_does_not_go_off() {
    let mut bomb = b"<urlset><url><loc>http://example.org/a</loc></url>".to_vec();
    bomb.resize(MAX_BYTES + (20 << 20), b' ');
    bomb.extend_from_slice(b"<url><loc>http://example.org/b</loc></url></urlset>");
    assert_eq!(told(&packed(&bomb)), "/a |  | 0 broken");
    assert_eq!(told(&bomb), "/a |  | 0 broken");
}

#[test]
fn a_url_that_the_limit_cuts_is_none() {
    let mut list = b"http://example.org/a\n".to_vec();
    list.resize(MAX_BYTES - 21, b' ');
    list.extend_from_slice(b"\nhttp://example.org/bc\n");
    assert_eq!(told(&list), "/a |  | 0 broken");
}

#[test]
fn elements_without_end_end() {
    let deep = format!("<urlset>{}", "<a>".repeat(1_000_000));
    assert_eq!(told(deep.as_bytes()), " |  | 0 broken");
}
