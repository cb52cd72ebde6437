//! Directives to robots in `meta name=robots` and the `X-Robots-Tag` header. There is no RFC; both
//! follow what the large search engines document.

use super::Directives;

/// Directives that have a value after a colon, and thus are not the name of a robot.
const WITH_VALUE: [&str; 4] = [
    "unavailable_after",
    "max-snippet",
    "max-image-preview",
    "max-video-preview",
];

impl Directives {
    /// The directives of all `X-Robots-Tag` values of a response to the robot with one of these
    /// product tokens (`canter`). `otherbot: noindex, nofollow` applies to that robot only, up to the next
    /// name in the value. Directives add up; unknown ones and dates are ignored.
    pub fn from_header<'v>(
        values: impl IntoIterator<Item = &'v str>,
        products: &[&str],
    ) -> Directives {
        let mut all = Directives::default();
        for value in values {
            let mut for_us = true;
            for word in value.split(',') {
                let mut word = word.trim();
                if let Some((name, rest)) = word.split_once(':')
                    && let name = name.trim()
                    && is_robot(name)
                {
                    let is_name = |it: &&str| name.eq_ignore_ascii_case(it);
                    for_us = products.iter().any(is_name) || name == "*";
                    word = rest.trim();
                }
                if for_us {
                    all = all.union(Directives::from_word(word));
                }
            }
        }
        all
    }

    /// The directives in the `content` of a `meta`, separated by commas.
    pub fn from_meta(content: &str) -> Directives {
        content
            .split(',')
            .map(|word| Directives::from_word(word.trim()))
            .fold(Directives::default(), Directives::union)
    }

    /// The directives of both.
    pub fn union(self, other: Directives) -> Directives {
        Directives {
            noindex: self.noindex || other.noindex,
            nofollow: self.nofollow || other.nofollow,
        }
    }

    fn from_word(word: &str) -> Directives {
        let none = word.eq_ignore_ascii_case("none");
        Directives {
            noindex: none || word.eq_ignore_ascii_case("noindex"),
            nofollow: none || word.eq_ignore_ascii_case("nofollow"),
        }
    }
}

fn is_robot(name: &str) -> bool {
    !name.is_empty()
        && !name.contains(char::is_whitespace)
        && !WITH_VALUE
            .iter()
            .any(|directive| name.eq_ignore_ascii_case(directive))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(directives: Directives) -> &'static str {
        match (directives.noindex, directives.nofollow) {
            (false, false) => "",
            (true, false) => "noindex",
            (false, true) => "nofollow",
            (true, true) => "both",
        }
    }

    macro_rules! header {
        ($($name:ident: $values:expr => $expected:expr,)*) => {
            $(#[test]
            fn $name() {
                let values: &[&str] = &$values;
                let directives = Directives::from_header(values.iter().copied(), &["canter", "Ours"]);
                assert_eq!(said(directives), $expected);
            })*
        };
    }

    header! {
        no_header_asks_nothing: [] => "",
        one_word: ["noindex"] => "noindex",
        case_and_spaces_do_not_matter: ["  NoIndex ,NOFOLLOW"] => "both",
        none_is_both: ["none"] => "both",
        values_add_up: ["noindex", "nofollow"] => "both",
        unknown_words_say_nothing: ["noarchive, all, index"] => "",
        a_word_is_matched_whole: ["noindexed"] => "",
        ours_by_name: ["canter: noindex"] => "noindex",
        ours_by_name_in_any_case: ["Canter: none"] => "both",
        another_robots_words_are_not_ours: ["otherbot: noindex, nofollow"] => "",
        a_name_ends_the_words_of_another: ["otherbot: noindex, canter: nofollow"] => "nofollow",
        the_next_value_is_for_all_again: ["otherbot: noindex", "nofollow"] => "nofollow",
        a_date_is_no_robot: ["unavailable_after: 25 Jun 2030 15:00:00 PST, noindex"] => "noindex",
        a_date_with_a_comma_is_no_robot:
            ["unavailable_after: Tuesday, 25-Jun-30 15:00:00 UTC, noindex"] => "noindex",
        a_number_is_no_robot: ["max-snippet: 20, nofollow"] => "nofollow",
    }

    #[test]
    fn a_meta_has_the_same_words() {
        assert_eq!(said(Directives::from_meta("NOINDEX,follow")), "noindex");
        assert_eq!(said(Directives::from_meta("none")), "both");
        assert_eq!(said(Directives::from_meta("")), "");
    }
}
