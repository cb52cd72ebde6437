//! The terms of a plan that a snippet highlights.

use super::{Field, Plan};
use crate::tokenizer::{Token, TokenKind};

/// The terms of a plan, by the tokens that may match them.
pub(crate) struct Marked<'a> {
    words: &'a [String],
    common: &'a [String],
    body: &'a [String],
    /// Whether a term begins with an ASCII character. A stem begins like its word.
    initials: [bool; 128],
}

impl<'a> Marked<'a> {
    pub(crate) fn of(plan: &'a Plan) -> Self {
        let (words, common) = (plan.terms(Field::Sections), plan.terms(Field::Common));
        let mut initials = [false; 128];
        for term in words.iter().chain(common) {
            let first = term.bytes().next().map(usize::from);
            if let Some(initial) = first.and_then(|first| initials.get_mut(first)) {
                *initial = true;
            }
        }
        Marked {
            words,
            common,
            body: plan.terms(Field::Body),
            initials,
        }
    }

    /// Returns whether a word, or one of its camelCase parts, may be a term. This is cheaper than stemming
    /// the word.
    pub(crate) fn may_begin(&self, word: &str) -> bool {
        let Some((first, rest)) = word.as_bytes().split_first() else {
            return false;
        };
        let initial = self.initials.get(usize::from(first.to_ascii_lowercase()));
        initial.is_none_or(|initial| *initial)
            || rest
                .iter()
                .any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii())
    }

    /// Returns a small number for the term that a token matches, the same for all tokens of the
    /// term; none if the token matches no term.
    pub(crate) fn number_of(&self, token: &Token<'_>) -> Option<usize> {
        let (among, before) = match token.kind {
            TokenKind::Word | TokenKind::Part | TokenKind::Single => (self.words, 0),
            TokenKind::Stop | TokenKind::Signs => (self.common, 0),
            TokenKind::Whole => (self.body, self.words.len()),
        };
        let place = among.iter().position(|term| term == token.term)?;
        Some(before + place)
    }
}
