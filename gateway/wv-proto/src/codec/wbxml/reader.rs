//! Reads WBXML into a tree.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::charset::Charset;
use super::cursor::Cursor;
use super::global;
use crate::codec::date_time::DateTime;
use crate::codec::is_protocol_namespace;
use crate::codec::tree::{Builder, Tree, integer_from_octets};
use crate::codec::xml::is_name;
use crate::error::{CodecError, Limit};
use crate::limit::Limits;
use crate::schema::{ElementName, ValueKind, read_attribute_start, read_tag, read_value};
use crate::version::{Encoding, Version};

/// Reads a CSP message and finds its version: the namespace of the root, then the public identifier, then the session.
pub(crate) fn read_message<'a>(
    octets: &'a [u8],
    session_version: Version,
    limits: &Limits,
) -> Result<(Version, Tree<'a>), CodecError> {
    if octets.len() > limits.document_bytes_max {
        return Err(CodecError::LimitExceeded(Limit::Document));
    }
    let mut cursor = Cursor(octets);
    let header = Header::read(&mut cursor, limits)?;
    let version = header.version().unwrap_or(session_version);
    let mut reader = Reader {
        cursor,
        header,
        version,
        page: 0,
        builder: Builder::with_limits(version, Encoding::Wbxml, limits),
        limits,
    };
    reader.read_body()?;
    Ok((reader.version, reader.builder.into_tree()?))
}

/// What stands before the document element .
struct Header<'a> {
    public_id: PublicId,
    charset: Charset,
    string_table: &'a [u8],
}

enum PublicId {
    Number(u32),
    /// Offset of its text in the string table.
    Text(u32),
}

impl<'a> Header<'a> {
    fn read(cursor: &mut Cursor<'a>, limits: &Limits) -> Result<Self, CodecError> {
        if !matches!(cursor.octet()?, 0x01..=0x03) {
            return Err(CodecError::UnsupportedWbxmlVersion);
        }
        let public_id = match cursor.integer()? {
            0 => PublicId::Text(cursor.integer()?),
            number => PublicId::Number(number),
        };
        let charset = Charset::from_mib_enum(cursor.integer()?)?;
        let length = cursor.integer()?;
        if usize::try_from(length).is_ok_and(|length| length > limits.string_table_bytes_max) {
            return Err(CodecError::LimitExceeded(Limit::StringTable));
        }
        Ok(Self { public_id, charset, string_table: cursor.octets(length)? })
    }

    fn version(&self) -> Option<Version> {
        match self.public_id {
            PublicId::Number(number) => Version::from_public_id(number),
            PublicId::Text(offset) => self.string(offset).ok().and_then(|text| Version::from_public_id_text(&text)),
        }
    }

    fn string(&self, offset: u32) -> Result<Cow<'a, str>, CodecError> {
        let offset = usize::try_from(offset).map_err(|_| CodecError::StringTableOverrun)?;
        let rest = self.string_table.get(offset..).filter(|rest| !rest.is_empty());
        let mut cursor = Cursor(rest.ok_or(CodecError::StringTableOverrun)?);
        let octets = cursor.terminated(self.charset.terminator_width()).map_err(|_| CodecError::StringTableOverrun)?;
        self.charset.decode(octets)
    }
}

struct Reader<'l, 'a> {
    cursor: Cursor<'a>,
    header: Header<'a>,
    version: Version,
    /// The tag code page. All attributes of CSP are on page 0 of their own pages.
    page: u8,
    builder: Builder<'a>,
    limits: &'l Limits,
}

impl<'a> Reader<'_, 'a> {
    fn read_body(&mut self) -> Result<(), CodecError> {
        // Each turn takes at least one octet.
        while !(self.cursor.is_at_end() || self.builder.is_begun() && self.builder.depth() == 0) {
            let octet = self.cursor.octet()?;
            match octet {
                global::SWITCH_PAGE => self.page = self.cursor.octet()?,
                global::END => self.builder.close_node()?,
                global::ENTITY | global::STR_I | global::STR_T | global::EXT_T_0 => {
                    let text = self.string(octet)?;
                    self.builder.add_text(text)?;
                }
                global::OPAQUE => self.opaque()?,
                _ => self.element(octet)?,
            }
        }
        if self.cursor.is_at_end() { Ok(()) } else { Err(CodecError::TrailingContent) }
    }

    fn element(&mut self, octet: u8) -> Result<(), CodecError> {
        let token = octet & global::TOKEN_MASK;
        let name = match token {
            global::LITERAL => {
                let offset = self.cursor.integer()?;
                ElementKind::Spelled(self.header.string(offset)?)
            }
            global::FIRST_TABLE_TOKEN.. => ElementKind::Known(
                read_tag(self.version, self.page, token).ok_or(CodecError::UnknownTag { page: self.page, token })?,
            ),
            _ => return Err(CodecError::UnexpectedToken(octet)),
        };
        match name {
            // Nearly all are like this, and nothing has to be looked at.
            ElementKind::Known(name) if octet & global::HAS_ATTRIBUTES == 0 => self.builder.open_known(name, None)?,
            ElementKind::Spelled(_) if octet & global::HAS_ATTRIBUTES == 0 => self.open(name, Attributes::new())?,
            ElementKind::Known(_) | ElementKind::Spelled(_) => {
                let attributes = self.attributes()?;
                self.open(name, attributes)?;
            }
        }
        if octet & global::HAS_CONTENT == 0 {
            self.builder.close_node()?;
        }
        Ok(())
    }

    fn open(&mut self, kind: ElementKind<'a>, attributes: Attributes<'a>) -> Result<(), CodecError> {
        let mut namespace = None;
        let mut others = Vec::new();
        for (name, value) in attributes {
            if name == "xmlns" {
                namespace = Some(value);
            } else {
                others.push((name, value));
            }
        }
        if let Some(namespace) = namespace.as_deref()
            && !self.builder.is_begun()
        {
            self.version = Version::from_namespace(namespace).ok_or(CodecError::UnsupportedVersion)?;
        }
        match kind {
            ElementKind::Known(name) => self.builder.open_known(name, namespace)?,
            ElementKind::Spelled(spelling) => {
                let in_force = namespace.as_deref().or_else(|| self.builder.namespace()).unwrap_or_default();
                let is_protocol = in_force.is_empty() || is_protocol_namespace(in_force);
                let known = ElementName::from_text(&spelling);
                match known.filter(|known| is_protocol || known.is_extension_container()) {
                    Some(name) => self.builder.open_known(name, namespace)?,
                    None if is_name(&spelling) => self.builder.open_foreign(spelling, namespace)?,
                    None => return Err(CodecError::ForbiddenCharacter),
                }
            }
        }
        for (name, value) in others {
            self.builder.add_attribute(name, value)?;
        }
        Ok(())
    }

    /// Reads an attribute list up to its END. Values are put together from all their pieces.
    fn attributes(&mut self) -> Result<Attributes<'a>, CodecError> {
        let mut attributes = Attributes::new();
        loop {
            let octet = self.cursor.octet()?;
            let started = match octet {
                global::END => return Ok(attributes),
                // UNCLEAR attribute pages: only page 0 exists, so another one makes the next token unknown anyway.
                global::SWITCH_PAGE if self.cursor.octet()? == 0 => continue,
                global::LITERAL => {
                    let offset = self.cursor.integer()?;
                    let name = self.header.string(offset)?;
                    if !is_name(&name) {
                        return Err(CodecError::ForbiddenCharacter);
                    }
                    (name, Cow::Borrowed(""))
                }
                global::ENTITY | global::STR_I | global::STR_T | global::EXT_T_0 => {
                    let piece = self.string(octet)?;
                    let (_, value) = attributes.last_mut().ok_or(CodecError::UnexpectedToken(octet))?;
                    append(value, piece, self.limits.text_bytes_max)?;
                    continue;
                }
                _ => {
                    let value = read_attribute_start(octet).ok_or(CodecError::UnexpectedToken(octet))?;
                    (Cow::Borrowed("xmlns"), Cow::Borrowed(value))
                }
            };
            if attributes.len() >= self.limits.attributes_max {
                return Err(CodecError::LimitExceeded(Limit::Attributes));
            }
            attributes.push(started);
        }
    }

    /// Reads the string that follows one of the four string tokens.
    fn string(&mut self, token: u8) -> Result<Cow<'a, str>, CodecError> {
        match token {
            global::STR_I => {
                let octets = self.cursor.terminated(self.header.charset.terminator_width())?;
                self.header.charset.decode(octets)
            }
            global::STR_T => {
                let offset = self.cursor.integer()?;
                self.header.string(offset)
            }
            global::ENTITY => {
                let number = self.cursor.integer()?;
                let character = char::from_u32(number).filter(|character| *character != '\0');
                Ok(Cow::Owned(character.ok_or(CodecError::ForbiddenCharacter)?.to_string()))
            }
            _ => {
                let number = self.cursor.integer()?;
                let text = read_value(self.version, self.builder.within(), number);
                text.map(Cow::Borrowed).ok_or(CodecError::UnknownValue(number))
            }
        }
    }

    /// Reads octets as what the element around them holds.
    fn opaque(&mut self) -> Result<(), CodecError> {
        let length = self.cursor.integer()?;
        let octets = self.cursor.octets(length)?;
        let kind = self.builder.within().map_or(ValueKind::Binary, |name| name.kind(self.version));
        match kind {
            ValueKind::Integer => match integer_from_octets(octets) {
                Some(number) => self.builder.add_integer(number),
                None => self.builder.add_octets(Cow::Borrowed(octets)),
            },
            ValueKind::DateTime => match DateTime::from_octets(octets) {
                Ok(moment) => self.builder.add_date_time(moment),
                Err(_) => self.builder.add_octets(Cow::Borrowed(octets)),
            },
            ValueKind::NumericText => match integer_from_octets(octets) {
                Some(number) => self.builder.add_text(Cow::Owned(number.to_string())),
                None => self.opaque_text(octets),
            },
            ValueKind::Text | ValueKind::Boolean => self.opaque_text(octets),
            ValueKind::Binary => self.builder.add_octets(Cow::Borrowed(octets)),
        }
    }

    fn opaque_text(&mut self, octets: &'a [u8]) -> Result<(), CodecError> {
        match self.header.charset.decode(octets) {
            Ok(text) if !text.contains('\0') => self.builder.add_text(text),
            Ok(_) | Err(_) => self.builder.add_octets(Cow::Borrowed(octets)),
        }
    }
}

/// Names and values; nearly always one `xmlns`.
type Attributes<'a> = SmallVec<[(Cow<'a, str>, Cow<'a, str>); 1]>;

enum ElementKind<'a> {
    Known(ElementName),
    /// By its spelling in the string table.
    Spelled(Cow<'a, str>),
}

fn append<'a>(value: &mut Cow<'a, str>, piece: Cow<'a, str>, bytes_max: usize) -> Result<(), CodecError> {
    if value.len().saturating_add(piece.len()) > bytes_max {
        return Err(CodecError::LimitExceeded(Limit::Text));
    }
    match Version::parse(&piece).and_then(|version| version.namespace_beginning(value)) {
        // The namespaces of the protocol need no copy.
        Some(namespace) => *value = Cow::Borrowed(namespace),
        None if value.is_empty() => *value = piece,
        None => value.to_mut().push_str(&piece),
    }
    Ok(())
}
