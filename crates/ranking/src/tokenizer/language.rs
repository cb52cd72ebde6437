//! Languages with a stemmer.

use rust_stemmers::{Algorithm, Stemmer};

use super::stop_words::is_question_word;

/// A language written in Latin letters. A word in another script selects its stemmer by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Language {
    code: &'static str,
    algorithm: Algorithm,
}

/// All languages, ordered by their codes (ISO 639-1).
const LANGUAGES: [Language; 14] = [
    Language::new("da", Algorithm::Danish),
    Language::new("de", Algorithm::German),
    Language::ENGLISH,
    Language::new("es", Algorithm::Spanish),
    Language::new("fi", Algorithm::Finnish),
    Language::new("fr", Algorithm::French),
    Language::new("hu", Algorithm::Hungarian),
    Language::new("it", Algorithm::Italian),
    Language::new("nl", Algorithm::Dutch),
    Language::new("no", Algorithm::Norwegian),
    Language::new("pt", Algorithm::Portuguese),
    Language::new("ro", Algorithm::Romanian),
    Language::new("sv", Algorithm::Swedish),
    Language::new("tr", Algorithm::Turkish),
];

impl Language {
    /// Language of texts that do not name one.
    pub const ENGLISH: Language = Language::new("en", Algorithm::English);

    const fn new(code: &'static str, algorithm: Algorithm) -> Self {
        Language { code, algorithm }
    }

    /// Returns the language of a BCP 47 tag (`de-at`); English without a tag or a stemmer for it.
    pub fn of_tag(tag: Option<&str>) -> Self {
        let primary = tag.and_then(|tag| tag.split('-').next()).unwrap_or("en");
        let primary = primary.to_ascii_lowercase();
        let code = match primary.as_str() {
            "nb" | "nn" => "no",
            code => code,
        };
        let language = LANGUAGES.into_iter().find(|it| it.code == code);
        language.unwrap_or(Language::ENGLISH)
    }

    /// Returns the languages of some tags, without duplicates, in a fixed order.
    pub fn of_tags<'a>(tags: impl Iterator<Item = &'a str>) -> Vec<Self> {
        let met: Vec<Language> = tags.map(|tag| Language::of_tag(Some(tag))).collect();
        let all = LANGUAGES.into_iter();
        all.filter(|language| met.contains(language)).collect()
    }

    /// Returns whether a lowercase word of a question in this language says nothing about its
    /// subject.
    pub(crate) fn asks(self, word: &str) -> bool {
        let code = match word.chars().next() {
            Some(first) if is_cyrillic(first) => "ru",
            _ => self.code,
        };
        match code {
            "en" => is_question_word(word),
            code => stop_words::lookup(code).is_some_and(|words| words.contains(&word)),
        }
    }

    pub(super) fn stemmer(self) -> Stemmer {
        Stemmer::create(self.algorithm)
    }
}

fn is_cyrillic(c: char) -> bool {
    ('а'..='я').contains(&c)
}

/// Stemmers of languages that have their own script.
pub(super) struct ScriptStemmers([ScriptStemmer; 4]);

struct ScriptStemmer {
    /// Returns whether a letter belongs to the script.
    has: fn(char) -> bool,
    stemmer: Stemmer,
}

impl Default for ScriptStemmers {
    fn default() -> Self {
        let script = |algorithm, has| ScriptStemmer {
            has,
            stemmer: Stemmer::create(algorithm),
        };
        ScriptStemmers([
            script(Algorithm::Russian, is_cyrillic),
            script(Algorithm::Greek, |c| matches!(c, '\u{370}'..='\u{3FF}')),
            script(Algorithm::Arabic, |c| matches!(c, '\u{620}'..='\u{65F}')),
            script(Algorithm::Tamil, |c| matches!(c, '\u{B80}'..='\u{BFF}')),
        ])
    }
}

impl ScriptStemmers {
    /// Returns the stemmer of a folded word that is written entirely in one of these scripts.
    pub(super) fn stemmer(&self, word: &str) -> Option<&Stemmer> {
        let first = word.chars().next()?;
        let script = self.0.iter().find(|script| (script.has)(first))?;
        word.chars().all(script.has).then_some(&script.stemmer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_names_a_language() {
        for (tag, code) in [
            (Some("de-at"), "de"),
            (Some("PT-br"), "pt"),
            (Some("nb"), "no"),
            (Some("xx"), "en"),
            (Some("ru"), "en"),
            (None, "en"),
        ] {
            assert_eq!(Language::of_tag(tag).code, code, "{tag:?}");
        }
    }

    #[test]
    fn languages_come_once_and_in_order() {
        let of = |tags: &[&str]| Language::of_tags(tags.iter().copied());
        let codes = |tags: &[&str]| of(tags).iter().map(|it| it.code).collect::<Vec<_>>();
        assert_eq!(codes(&["en", "xx", "de-at", "de"]), ["de", "en"]);
        assert_eq!(codes(&["nn", "no"]), ["no"]);
        assert_eq!(codes(&[]), [""; 0]);
    }

    #[test]
    fn each_language_has_words_that_only_ask() {
        let german = Language::of_tag(Some("de"));
        assert!(german.asks("wie") && !german.asks("haus"));
        assert!(german.asks("как") && !german.asks("файл"));
        assert!(Language::ENGLISH.asks("how") && !Language::ENGLISH.asks("wie"));
        for Language { code, .. } in LANGUAGES {
            assert!(code == "en" || stop_words::lookup(code).is_some(), "{code}");
        }
    }
}
