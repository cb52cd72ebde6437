//! A part of an object, and its text in a [`Place`]: `OBJECT.OFFSET.LENGTH`, all in hexadecimal
//! digits. Rows hold such texts, so they are short.

use std::ops::Range;

use canter_core::ports::Place;

/// Number of digits of an object's name.
const DIGITS: usize = 32;

/// The part of an object that holds a page.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Piece {
    /// The object's key without the prefix of its site.
    pub(super) object: String,
    /// Offset of the first byte.
    pub(super) offset: u64,
    /// Number of bytes, at least one.
    pub(super) length: u64,
}

impl Piece {
    /// Reads a place; none if it is of another archive.
    pub(super) fn parse(place: &Place) -> Option<Self> {
        let mut parts = place.0.split('.');
        let object = parts.next().filter(|name| {
            let is_digit = |digit: u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
            name.len() == DIGITS && name.bytes().all(is_digit)
        })?;
        let number = |text: &str| u64::from_str_radix(text, 16).ok();
        let (offset, length) = (number(parts.next()?)?, number(parts.next()?)?);
        offset.checked_add(length)?;
        (length > 0 && parts.next().is_none()).then(|| Piece {
            object: object.to_owned(),
            offset,
            length,
        })
    }

    pub(super) fn place(&self) -> Place {
        Place(format!(
            "{}.{:x}.{:x}",
            self.object, self.offset, self.length
        ))
    }

    pub(super) fn range(&self) -> Range<u64> {
        self.offset..self.offset + self.length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_back() {
        let piece = Piece {
            object: "0123456789abcdef0123456789abcdef".into(),
            offset: 4_194_304,
            length: 1,
        };
        let place = piece.place();
        assert_eq!(place.0, "0123456789abcdef0123456789abcdef.400000.1");
        assert_eq!(Piece::parse(&place), Some(piece));
    }

    #[test]
    fn a_place_of_another_archive_is_none() {
        let name = "0123456789abcdef0123456789abcdef";
        for text in [
            String::new(),
            "17+4".into(),
            name.into(),
            format!("{name}.0"),
            format!("{name}.0.0"),
            format!("{name}.0.1.2"),
            format!("{name}.x.1"),
            format!("{name}.ffffffffffffffff.1"),
            format!("{}/.0.1", &name[1..]),
        ] {
            assert_eq!(Piece::parse(&Place(text.clone())), None, "{text}");
        }
    }
}
