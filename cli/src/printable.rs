//! Text of a site on its way to a terminal.

/// Replaces what a terminal would obey, control characters and signs that change the direction of
/// writing, with the replacement character.
pub fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if is_obeyed(c) { '\u{FFFD}' } else { c })
        .collect()
}

fn is_obeyed(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_commands_no_terminal() {
        let title = "a\u{1b}[31mred\u{7}\u{202e}b\u{9b}2J é";
        assert_eq!(
            printable(title),
            "a\u{FFFD}[31mred\u{FFFD}\u{FFFD}b\u{FFFD}2J é"
        );
    }
}
