//! `Link` headers (RFC 8288).

use url::Url;

use super::Link;
use super::relations::{has_word, leads_to_page};
use crate::url::join;

/// The first target with `rel=canonical` (RFC 6596), resolved and normalised. Malformed links are
/// ignored.
pub fn canonical<'a>(values: impl Iterator<Item = &'a str>, base: &Url) -> Option<Url> {
    let (target, _) = values
        .flat_map(links)
        .find(|(_, parameters)| has_word(relation(parameters), "canonical"))?;
    join(base, target)
}

/// The links to pages: `next`, `index`, other languages and the like.
pub fn pages<'a>(values: impl Iterator<Item = &'a str>, base: &Url) -> Vec<Link> {
    let links = values.flat_map(links).filter_map(|(target, parameters)| {
        let rel = relation(parameters);
        let hreflang = parameter(parameters, "hreflang");
        if !leads_to_page(rel, hreflang, parameter(parameters, "type")) {
            return None;
        }
        Some(Link {
            url: join(base, target)?,
            fragment: None,
            text: String::new(),
            nofollow: has_word(rel, "nofollow"),
            place: None,
        })
    });
    links.collect()
}

/// The links of a header's value, each as its target and parameters.
fn links(mut rest: &str) -> impl Iterator<Item = (&str, &str)> {
    std::iter::from_fn(move || {
        let (_, link) = rest.split_once('<')?;
        let (target, after) = link.split_once('>')?;
        let (parameters, next) = after.split_at(end(after, ','));
        rest = next;
        Some((target, parameters))
    })
}

/// Offset of the first `wanted` that is not in quotes, or else of the end.
fn end(text: &str, wanted: char) -> usize {
    let mut quoted = false;
    let mut escaped = false;
    let end = text.find(|sign| {
        let was_escaped = std::mem::take(&mut escaped);
        match sign {
            _ if was_escaped => {}
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            sign if sign == wanted && !quoted => return true,
            _ => {}
        }
        false
    });
    end.unwrap_or(text.len())
}

/// The first `rel`. Later ones are ignored (RFC 8288 §3.3).
fn relation(parameters: &str) -> &str {
    parameter(parameters, "rel").unwrap_or_default()
}

/// The value of the first parameter of this name, without its quotes.
fn parameter<'a>(mut parameters: &'a str, wanted: &str) -> Option<&'a str> {
    while !parameters.is_empty() {
        let (parameter, rest) = parameters.split_at(end(parameters, ';'));
        if let Some((name, value)) = parameter.split_once('=')
            && name.trim().eq_ignore_ascii_case(wanted)
        {
            return Some(value.trim().trim_matches('"'));
        }
        parameters = rest.strip_prefix(';').unwrap_or(rest);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Url {
        Url::parse("http://a.test/x/y").unwrap()
    }

    macro_rules! links {
        ($($name:ident: $header:expr => $expect:expr;)+) => {
            $(#[test] fn $name() {
                let found = canonical([$header].into_iter(), &base());
                let expect: Option<&str> = $expect;
                assert_eq!(found.as_ref().map(Url::as_str), expect);
            })+
        };
    }

    links! {
        plain: "</b>; rel=\"canonical\"" => Some("http://a.test/b");
        bare_and_in_capitals: "<z>;REL=Canonical" => Some("http://a.test/x/z");
        among_others: "</a>; rel=next, </b,c>; title=\"x, y\\\", <\"; rel=\"up canonical\"" =>
            Some("http://a.test/b,c");
        quotes_hold_no_parameter: "</b>; title=\"a; rel=next; b\"; rel=canonical" =>
            Some("http://a.test/b");
        another_relation: "</b>; rel=alternate" => None;
        first_rel_counts: "</b>; rel=next; rel=canonical" => None;
        no_link: "rel=canonical" => None;
        without_an_end: "</b; rel=canonical" => None;
        no_page: "<mailto:a@b.test>; rel=canonical" => None;
    }

    macro_rules! pages {
        ($($name:ident: $header:expr => $expect:expr;)+) => {
            $(#[test] fn $name() {
                let found = pages([$header].into_iter(), &base());
                let found = found.iter().map(|link| {
                    let nofollow = if link.nofollow { "!" } else { "" };
                    format!("{}{nofollow}", link.url.path())
                });
                assert_eq!(found.collect::<Vec<_>>().join(" "), $expect);
            })+
        };
    }

    pages! {
        next_and_index: "<b>; rel=next, </c>; rel=\"index\"; title=i" => "/x/b /c";
        a_translation: "</de>; rel=alternate; hreflang=de" => "/de";
        neither_feed_nor_style: "</f>; rel=alternate; type=\"application/rss+xml\", </s>; rel=stylesheet" => "";
        loaded_ahead: "</a.js>; rel=preload; as=script, <//b.test>; rel=preconnect" => "";
        not_to_be_followed: "</b>; rel=\"next nofollow\"" => "/b!";
        nothing: "" => "";
    }
}
