//! `Link` headers (RFC 8288): the canonical URL of pages that cannot say it themselves.

use url::Url;

use crate::url::join;

/// The first target with `rel=canonical` (RFC 6596), resolved and normalised. What is no link says
/// nothing.
pub fn canonical<'a>(values: impl Iterator<Item = &'a str>, base: &Url) -> Option<Url> {
    for mut rest in values {
        while let Some((_, link)) = rest.split_once('<') {
            let (target, after) = link.split_once('>')?;
            let end = end_of_link(after);
            if is_canonical(&after[..end]) {
                return join(base, target);
            }
            rest = &after[end..];
        }
    }
    None
}

/// Where the parameters of a link end: at a comma that stands in no quotes.
fn end_of_link(parameters: &str) -> usize {
    let mut quoted = false;
    let mut escaped = false;
    let end = parameters.find(|sign| {
        let was_escaped = std::mem::take(&mut escaped);
        match sign {
            _ if was_escaped => {}
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => return true,
            _ => {}
        }
        false
    });
    end.unwrap_or(parameters.len())
}

/// Whether the first `rel` among parameters names `canonical` (RFC 8288 §3.3: later ones do not
/// count).
fn is_canonical(parameters: &str) -> bool {
    parameters
        .split(';')
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("rel"))
        .is_some_and(|(_, value)| {
            let relations = value.trim().trim_matches('"').split_ascii_whitespace();
            relations
                .into_iter()
                .any(|relation| relation.eq_ignore_ascii_case("canonical"))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! links {
        ($($name:ident: $header:expr => $expect:expr;)+) => {
            $(#[test] fn $name() {
                let base = Url::parse("http://a.test/x/y").unwrap();
                let found = canonical([$header].into_iter(), &base);
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
        another_relation: "</b>; rel=alternate" => None;
        first_rel_counts: "</b>; rel=next; rel=canonical" => None;
        no_link: "rel=canonical" => None;
        without_an_end: "</b; rel=canonical" => None;
        no_page: "<mailto:a@b.test>; rel=canonical" => None;
    }
}
