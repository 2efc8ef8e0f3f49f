//! Octets that are taken from the front, with every bound checked.

use crate::error::CodecError;

/// What is left of the octets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) const fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn octet(&mut self) -> Result<u8, CodecError> {
        let (first, rest) = self.0.split_first().ok_or(CodecError::Truncated)?;
        self.0 = rest;
        Ok(*first)
    }

    pub(super) fn octets(&mut self, count: u32) -> Result<&'a [u8], CodecError> {
        let count = usize::try_from(count).map_err(|_| CodecError::Truncated)?;
        let (taken, rest) = self.0.split_at_checked(count).ok_or(CodecError::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    /// Takes a multi-byte integer: seven bits an octet, at most five octets and 32 bits.
    pub(super) fn integer(&mut self) -> Result<u32, CodecError> {
        let mut number = 0u32;
        for _ in 0..5 {
            let octet = self.octet()?;
            if number.leading_zeros() < 7 {
                return Err(CodecError::IntegerOverflow);
            }
            number = (number << 7) | u32::from(octet & 0x7F);
            if octet & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(CodecError::IntegerOverflow)
    }

    /// Takes octets up to a terminator of so many zero octets, aligned to its width, and the terminator.
    pub(super) fn terminated(&mut self, terminator_width: usize) -> Result<&'a [u8], CodecError> {
        let width = terminator_width.max(1);
        let units = match width {
            1 => self.0.iter().position(|octet| *octet == 0),
            _ => self.0.chunks_exact(width).position(|unit| unit.iter().all(|octet| *octet == 0)),
        };
        let length = units.and_then(|units| units.checked_mul(width)).ok_or(CodecError::Truncated)?;
        let (taken, rest) = self.0.split_at_checked(length).ok_or(CodecError::Truncated)?;
        self.0 = rest.get(width..).ok_or(CodecError::Truncated)?;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_to_their_limits() {
        let rows: [(&[u8], Result<u32, CodecError>); 7] = [
            (&[0x24], Ok(0x24)),
            (&[0x81, 0x25], Ok(0xA5)),
            (&[0x9C, 0x10], Ok(3600)),
            (&[0x8F, 0xFF, 0xFF, 0xFF, 0x7F], Ok(u32::MAX)),
            (&[0x90, 0x80, 0x80, 0x80, 0x00], Err(CodecError::IntegerOverflow)),
            (&[0x80, 0x80, 0x80, 0x80, 0x80, 0x01], Err(CodecError::IntegerOverflow)),
            (&[0x81], Err(CodecError::Truncated)),
        ];
        for (octets, expected) in rows {
            assert_eq!(Cursor(octets).integer(), expected, "{octets:02x?}");
        }
    }

    #[test]
    fn a_wide_terminator_is_aligned() {
        let mut cursor = Cursor(&[1, 0, 0, 2, 0, 0, 9]);
        assert_eq!(cursor.terminated(2), Ok(&[1, 0, 0, 2][..]));
        assert_eq!(cursor.0, [9]);
        assert_eq!(Cursor(b"ab").terminated(1), Err(CodecError::Truncated));
    }
}
