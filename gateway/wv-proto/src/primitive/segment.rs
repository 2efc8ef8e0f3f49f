//! Segmentation (1.3): a message that is too large for its receiver goes in slices.

use crate::codec::sink::Sink;
use crate::codec::tree::Element;
use crate::primitive::envelope::MalformedReason;
use crate::primitive::field::Part;
use crate::primitive::identifier::TransactionId;
use crate::primitive::message::Content;
use crate::schema::element;
use bytes::Bytes;

/// SegmentInfo in a TransactionDescriptor: the transaction is cut into slices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentInfo {
    /// SegmentCount: how many slices there are.
    pub count: u32,
    /// SegmentID of the slice at hand.
    pub id: SegmentId,
}

/// SegmentID: one slice of one transaction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SegmentId {
    /// TransactionID of the transaction that is cut.
    pub transaction: TransactionId,
    /// SegmentReference: which slice, from 1.
    pub reference: u32,
}

/// GetSegment-Request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetSegmentRequest {
    /// SegmentID.
    pub id: SegmentId,
}

/// GetSegment-Response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetSegmentResponse {
    /// SegmentContent: text in XML, octets in WBXML.
    pub content: Content,
}

/// DropSegment-Request: the slices of the transaction are not wanted any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropSegmentRequest {
    /// SegmentID.
    pub id: SegmentId,
}

impl Part for SegmentInfo {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        let count = element.integer_of(element::SEGMENT_COUNT)?;
        Ok(Self {
            count: count.ok_or(MalformedReason::Missing(element::SEGMENT_COUNT))?,
            id: element.needed_part_of(element::SEGMENT_ID)?,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::SEGMENT_INFO);
        sink.leaf_integer(element::SEGMENT_COUNT, self.count);
        self.id.write(sink);
        sink.close();
    }
}

impl Part for SegmentId {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        let reference = element.integer_of(element::SEGMENT_REFERENCE)?;
        Ok(Self {
            transaction: TransactionId::new(element.needed_text_of(element::TRANSACTION_ID)?),
            reference: reference.ok_or(MalformedReason::Missing(element::SEGMENT_REFERENCE))?,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::SEGMENT_ID);
        sink.leaf_text(element::TRANSACTION_ID, self.transaction.as_str());
        sink.leaf_integer(element::SEGMENT_REFERENCE, self.reference);
        sink.close();
    }
}

impl Part for GetSegmentRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self { id: element.needed_part_of(element::SEGMENT_ID)? })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::GET_SEGMENT_REQUEST);
        self.id.write(sink);
        sink.close();
    }
}

impl Part for GetSegmentResponse {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        let slice = element.child(element::SEGMENT_CONTENT);
        let slice = slice.ok_or(MalformedReason::Missing(element::SEGMENT_CONTENT))?;
        let octets = slice.content_octets(false, None);
        let octets = octets.map_err(|_| MalformedReason::BadValue(element::SEGMENT_CONTENT))?;
        Ok(Self { content: Content::from_octets(Bytes::copy_from_slice(&octets)) })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::GET_SEGMENT_RESPONSE);
        sink.leaf_octets(element::SEGMENT_CONTENT, self.content.octets());
        sink.close();
    }
}

impl Part for DropSegmentRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self { id: element.needed_part_of(element::SEGMENT_ID)? })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::DROP_SEGMENT_REQUEST);
        self.id.write(sink);
        sink.close();
    }
}
