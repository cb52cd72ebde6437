//! Detects the language of a page that names none.

use whatlang::{Lang, Script};

/// Minimum length of a text whose language can be detected, in bytes.
const MIN_BYTES: usize = 200;
/// Maximum number of bytes of a text that are looked at.
const MAX_BYTES: usize = 4_000;
/// Maximum number of words of a text that are compared with the frequent ones.
const LOOKED_AT: usize = 200;
/// Minimum share of words that a text in Latin letters has in common with every text of its
/// language, such as articles: one in ten. Prose has three to five in ten; a listing of names from a
/// program, which may look like any language, has hardly one.
const COMMON: usize = 10;

/// BCP 47 tag of the language of a text, if it is clear.
pub(super) fn detected(text: &str) -> Option<String> {
    let start = &text[..text.floor_char_boundary(MAX_BYTES)];
    if start.len() < MIN_BYTES {
        return None;
    }
    let told = whatlang::detect(start).filter(|told| told.is_reliable())?;
    let tag = tag(told.lang())?;
    let is_clear = told.script() != Script::Latin || is_prose(start, tag);
    is_clear.then(|| tag.to_owned())
}

/// Returns whether a text has the frequent words of a language, as far as they are known.
fn is_prose(text: &str, tag: &str) -> bool {
    let Some(frequent) = stop_words::lookup(tag) else {
        return true;
    };
    let (mut words, mut found) = (0, 0);
    for word in text.split_whitespace().take(LOOKED_AT) {
        let word = word
            .trim_matches(|c: char| !c.is_alphanumeric())
            .to_lowercase();
        words += 1;
        found += usize::from(frequent.contains(&word.as_str()));
    }
    found * COMMON >= words
}

/// The ISO 639-1 code of a language that many pages of the web are in.
fn tag(language: Lang) -> Option<&'static str> {
    Some(match language {
        Lang::Afr => "af",
        Lang::Ara => "ar",
        Lang::Aze => "az",
        Lang::Bel => "be",
        Lang::Ben => "bn",
        Lang::Bul => "bg",
        Lang::Cat => "ca",
        Lang::Ces => "cs",
        Lang::Cmn => "zh",
        Lang::Dan => "da",
        Lang::Deu => "de",
        Lang::Ell => "el",
        Lang::Eng => "en",
        Lang::Epo => "eo",
        Lang::Est => "et",
        Lang::Fin => "fi",
        Lang::Fra => "fr",
        Lang::Heb => "he",
        Lang::Hin => "hi",
        Lang::Hrv => "hr",
        Lang::Hun => "hu",
        Lang::Hye => "hy",
        Lang::Ind => "id",
        Lang::Ita => "it",
        Lang::Jpn => "ja",
        Lang::Kat => "ka",
        Lang::Kor => "ko",
        Lang::Lat => "la",
        Lang::Lav => "lv",
        Lang::Lit => "lt",
        Lang::Mkd => "mk",
        Lang::Nld => "nl",
        Lang::Nob => "nb",
        Lang::Pes => "fa",
        Lang::Pol => "pl",
        Lang::Por => "pt",
        Lang::Ron => "ro",
        Lang::Rus => "ru",
        Lang::Slk => "sk",
        Lang::Slv => "sl",
        Lang::Spa => "es",
        Lang::Srp => "sr",
        Lang::Swe => "sv",
        Lang::Tam => "ta",
        Lang::Tha => "th",
        Lang::Tur => "tr",
        Lang::Ukr => "uk",
        Lang::Urd => "ur",
        Lang::Vie => "vi",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::detected;

    #[test]
    fn a_text_of_some_length_tells_its_language() {
        let rows = [
            (
                "en",
                "A list keeps its members in the order in which they were put there, and gives \
                 them back in that order, while a set forgets which of them came first. ",
            ),
            (
                "de",
                "Eine Liste behält die Reihenfolge, in der ihre Glieder hinzugefügt wurden, \
                 während eine Menge vergisst, welches von ihnen das erste war. ",
            ),
            (
                "ru",
                "Список хранит свои элементы в том порядке, в котором они были добавлены, а \
                 множество забывает, какой из них был первым. ",
            ),
        ];
        for (language, text) in rows {
            let text = text.repeat(2);
            assert_eq!(detected(&text).as_deref(), Some(language), "{text}");
            assert_eq!(detected(&text[..10]), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_language_has_none() {
        assert_eq!(detected(&"0x1F 4711 == != ".repeat(40)), None);
        // Names of a program look like Portuguese to trigrams.
        let classes = "java.time.chrono.AbstractChronology (implements java.time.chrono.Chronology) \
                       java.time.chrono.HijrahChronology java.time.chrono.IsoChronology \
                       java.time.chrono.JapaneseChronology (implements java.io.Serializable) \
                       java.lang.Comparable java.time.temporal.TemporalAdjuster ";
        assert_eq!(detected(&classes.repeat(4)), None);
    }
}
