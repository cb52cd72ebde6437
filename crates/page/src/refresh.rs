//! Redirects by `<meta http-equiv=refresh>`.

/// Maximum delay of a redirect, in seconds. A later refresh lets a reader see the page first.
const MAX_DELAY_S: u64 = 100;

/// The target of a refresh, as it is written (WHATWG HTML, "shared declarative refresh steps").
/// None if the refresh is malformed, reloads the page itself or comes late.
pub(super) fn target(content: &str) -> Option<&str> {
    let content = content.trim_ascii_start();
    let digits = content.bytes().take_while(u8::is_ascii_digit).count();
    let delay = match &content[..digits] {
        "" if !content.starts_with('.') => return None,
        "" => 0,
        digits => digits.parse().unwrap_or(u64::MAX),
    };
    let rest = content[digits..].trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    if delay > MAX_DELAY_S || !rest.starts_with([';', ',', ' ', '\t', '\n', '\x0C', '\r']) {
        return None;
    }
    let rest = rest.trim_ascii_start();
    let rest = rest.strip_prefix([';', ',']).unwrap_or(rest);
    let reference = without_url_equals(rest.trim_ascii_start());
    let reference = match reference.chars().next()? {
        quote @ ('"' | '\'') => {
            let inside = &reference[1..];
            inside.split(quote).next().unwrap_or(inside)
        }
        _ => reference,
    };
    let reference = reference.trim_ascii();
    (!reference.is_empty()).then_some(reference)
}

fn without_url_equals(text: &str) -> &str {
    match text.get(..3) {
        Some(word) if word.eq_ignore_ascii_case("url") => text[3..]
            .trim_ascii_start()
            .strip_prefix('=')
            .map_or(text, str::trim_ascii_start),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::target;

    macro_rules! refresh {
        ($($name:ident: $content:expr => $expected:expr,)*) => {
            $(#[test]
            fn $name() {
                assert_eq!(target($content), $expected);
            })*
        };
    }

    refresh! {
        at_once: "0;url=/a" => Some("/a"),
        spaces_and_case: "  0 ; URL = /a " => Some("/a"),
        quoted: "0; url='/a b' x" => Some("/a b"),
        quote_that_does_not_end: "0; url=\"/a" => Some("/a"),
        comma: "0,url=/a" => Some("/a"),
        only_space: "0 url=/a" => Some("/a"),
        without_the_word: "0; /a" => Some("/a"),
        a_path_that_begins_with_url: "0; urls/a" => Some("urls/a"),
        fraction_of_a_second: ".5; url=/a" => Some("/a"),
        fraction: "1.5; url=/a" => Some("/a"),
        longest_delay: "100; url=/a" => Some("/a"),
        too_late: "101; url=/a" => None,
        no_number_is_so_small: "99999999999999999999999; url=/a" => None,
        reload: "5" => None,
        reload_with_semicolon: "5;" => None,
        empty_target: "0; url=" => None,
        no_delay: "; url=/a" => None,
        junk_behind_the_delay: "0x; url=/a" => None,
        not_ascii: "0; é/url" => Some("é/url"),
    }
}
