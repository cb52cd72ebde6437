//! Where a script ends, by WHATWG HTML, "Script data state" and those after it.

use memchr::memchr2;

use super::tokenizer::ends_name;

/// What a script's text lies in. A comment that holds a start tag hides an end tag.
#[derive(Clone, Copy)]
enum Within {
    Script,
    Comment,
    ScriptInComment,
}

/// Returns where the end tag of a script begins; the length of the text if it has none.
pub(super) fn end(text: &[u8]) -> usize {
    let mut within = Within::Script;
    // The dashes before a `>` count from here on.
    let mut dashes = 0;
    let mut at = 0;
    while let Some(found) = memchr2(b'<', b'>', &text[at..]) {
        let place = at + found;
        at = place + 1;
        let after = &text[at..];
        let is_end = after.strip_prefix(b"/").is_some_and(is_script);
        match (text[place], within) {
            (b'>', Within::Comment | Within::ScriptInComment)
                if text[dashes..place].ends_with(b"--") =>
            {
                within = Within::Script;
            }
            (b'>', _) => {}
            (_, Within::Script | Within::Comment) if is_end => return place,
            (_, Within::Script) if after.starts_with(b"!--") => {
                within = Within::Comment;
                dashes = at + 1;
                at += "!--".len();
            }
            (_, Within::Comment) if is_script(after) => {
                within = Within::ScriptInComment;
                at += "script>".len();
                dashes = at;
            }
            (_, Within::ScriptInComment) if is_end => {
                within = Within::Comment;
                at += "/script>".len();
                dashes = at;
            }
            _ => {}
        }
    }
    text.len()
}

/// Whether a text begins with the name of a script's tag.
fn is_script(text: &[u8]) -> bool {
    let Some((name, rest)) = text.split_at_checked("script".len()) else {
        return false;
    };
    name.eq_ignore_ascii_case(b"script") && rest.first().is_some_and(|byte| ends_name(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_hides_an_end_tag_after_a_start_tag() {
        for (text, expected) in [
            ("a < b</script>", "a < b"),
            ("</scripts></SCRIPT\t>", "</scripts>"),
            ("'</script'", "'</script'"),
            ("<!-- </script>", "<!-- "),
            (
                "<!-- <script> </script> --></script>",
                "<!-- <script> </script> -->",
            ),
            (
                "<!-- <script> </script> </script>",
                "<!-- <script> </script> ",
            ),
            ("<!--><script></script>", "<!--><script>"),
            ("<!--<script>--></script>", "<!--<script>-->"),
            (
                "<!--<script/-></script/</script>",
                "<!--<script/-></script/",
            ),
            ("<!-- <scripts></script>", "<!-- <scripts>"),
        ] {
            assert_eq!(&text[..end(text.as_bytes())], expected, "{text}");
        }
    }
}
