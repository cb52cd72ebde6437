//! A tokenizer that splits lists of terms at spaces.
//!
//! Tantivy's own tokenizer for white space decodes characters; this one searches for a single byte.

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

/// Name of the [`SpaceTokenizer`] in the schema.
pub(super) const TERMS: &str = "terms";

/// A tokenizer that splits at each space.
#[derive(Clone, Default)]
pub(super) struct SpaceTokenizer {
    token: Token,
}

impl Tokenizer for SpaceTokenizer {
    type TokenStream<'a> = SpaceTokens<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> SpaceTokens<'a> {
        self.token.reset();
        SpaceTokens {
            rest: text,
            token: &mut self.token,
        }
    }
}

/// A stream of the terms of a list.
pub(super) struct SpaceTokens<'a> {
    rest: &'a str,
    token: &'a mut Token,
}

impl TokenStream for SpaceTokens<'_> {
    fn advance(&mut self) -> bool {
        let end = self.rest.bytes().position(|byte| byte == b' ');
        let (term, rest) = match end {
            Some(end) => (&self.rest[..end], &self.rest[end + 1..]),
            None => (self.rest, ""),
        };
        self.rest = rest;
        // The position wraps around to 0 at first. Offsets are not needed.
        self.token.position = self.token.position.wrapping_add(1);
        self.token.text.clear();
        self.token.text.push_str(term);
        !term.is_empty()
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}
