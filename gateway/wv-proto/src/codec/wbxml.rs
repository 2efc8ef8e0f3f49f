//! The binary encoding (WBXML).

mod charset;
mod cursor;
mod reader;
mod writer;

pub(crate) use reader::read_message;
pub use writer::Writer;

/// Global tokens.
mod global {
    pub(super) const SWITCH_PAGE: u8 = 0x00;
    pub(super) const END: u8 = 0x01;
    pub(super) const ENTITY: u8 = 0x02;
    pub(super) const STR_I: u8 = 0x03;
    pub(super) const LITERAL: u8 = 0x04;
    /// In CSP the number of a value token follows, not an offset.
    pub(super) const EXT_T_0: u8 = 0x80;
    pub(super) const STR_T: u8 = 0x83;
    pub(super) const OPAQUE: u8 = 0xC3;
    /// Flag of an element token: attributes follow.
    pub(super) const HAS_ATTRIBUTES: u8 = 0x80;
    /// Flag of an element token: content follows.
    pub(super) const HAS_CONTENT: u8 = 0x40;
    /// The token itself.
    pub(super) const TOKEN_MASK: u8 = 0x3F;
    /// The lowest token of a table; what is below is global.
    pub(super) const FIRST_TABLE_TOKEN: u8 = 0x05;
}
