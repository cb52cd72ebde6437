//! English stop words and question words.

/// Returns whether a word of an English question says nothing about its subject. Question words are
/// left out of queries only, since they may matter in a text.
pub(super) fn is_question_word(word: &str) -> bool {
    QUESTION_WORDS.binary_search(&word).is_ok()
}

/// Returns whether a folded word says little about a text.
pub(super) fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.binary_search(&word).is_ok()
}

/// Stop words, sorted for binary search.
const STOP_WORDS: [&str; 33] = [
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is", "it",
    "no", "not", "of", "on", "or", "such", "that", "the", "their", "then", "there", "these",
    "they", "this", "to", "was", "will", "with",
];

/// Question words, sorted for binary search; folded, but not stemmed.
const QUESTION_WORDS: [&str; 58] = [
    "able",
    "am",
    "any",
    "anyone",
    "been",
    "being",
    "best",
    "can",
    "cannot",
    "could",
    "did",
    "do",
    "does",
    "doing",
    "done",
    "get",
    "give",
    "had",
    "has",
    "have",
    "having",
    "help",
    "how",
    "i",
    "know",
    "like",
    "make",
    "may",
    "me",
    "might",
    "must",
    "my",
    "need",
    "one",
    "our",
    "possible",
    "proper",
    "should",
    "some",
    "something",
    "than",
    "use",
    "used",
    "using",
    "want",
    "way",
    "ways",
    "we",
    "what",
    "when",
    "where",
    "which",
    "who",
    "whose",
    "why",
    "would",
    "you",
    "your",
];
