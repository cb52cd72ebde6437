//! Cuts the lists of terms that the core makes where it joined them.
//!
//! Tantivy's own tokenizer for white space looks at characters; here one byte is looked for.

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

/// Name of the [`Cutter`] in the schema.
pub(super) const TERMS: &str = "terms";

/// Cuts at each space.
#[derive(Clone, Default)]
pub(super) struct Cutter {
    token: Token,
}

impl Tokenizer for Cutter {
    type TokenStream<'a> = Cut<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Cut<'a> {
        self.token.reset();
        Cut {
            rest: text,
            token: &mut self.token,
        }
    }
}

/// The terms of one list.
pub(super) struct Cut<'a> {
    rest: &'a str,
    token: &'a mut Token,
}

impl TokenStream for Cut<'_> {
    fn advance(&mut self) -> bool {
        let end = self.rest.bytes().position(|byte| byte == b' ');
        let (term, rest) = match end {
            Some(end) => (&self.rest[..end], &self.rest[end + 1..]),
            None => (self.rest, ""),
        };
        self.rest = rest;
        // From its largest value to 0 at first; offsets are of no use to anybody here.
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
