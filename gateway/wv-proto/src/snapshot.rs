//! What of a session survives the end of the process, as opaque octets with a version of their own.
//!
//! Not in it: the queue and the transactions under way. The owner queues again what must reach the client; a request
//! whose answer was lost is sent again by the client.

pub(crate) mod field;

use crate::primitive::capability::{
    AcceptedContentType, Bearer, CapabilityList, CirMethod, ClientType, DeliveryMethod,
};
use crate::primitive::function::{Function, FunctionSet};
use crate::primitive::identifier::{ClientId, GroupId, SessionCookie, SessionId, UserId};
use crate::quirk::{Profile, QuirkSet};
use crate::session::keep_alive::KeepAlive;
use crate::session::negotiation::{GroupDelivery, Negotiated, Services};
use crate::session::poll::Epoch;
use crate::session::server::{Party, ServerSession, SessionPolicy};
use crate::session::time::Timestamp;
use crate::version::{Encoding, Version};
use bytes::Bytes;
use field::{Reader, Writer};
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;

/// Why octets are not a snapshot of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SnapshotError {
    /// They do not begin like one.
    #[error("these octets are not a session snapshot")]
    NotASnapshot,
    /// They were written by a later release.
    #[error("session snapshots of format {0} are not known")]
    UnknownFormat(u8),
    /// They end in the middle.
    #[error("the session snapshot is truncated")]
    Truncated,
    /// There is more after the end.
    #[error("the session snapshot has octets after its end")]
    TrailingOctets,
    /// A field holds what it cannot hold.
    #[error("a field of the session snapshot has an impossible value")]
    BadField,
}

/// The octets that bring this session back after a restart.
// WV-SNAP-01
#[must_use]
pub fn export(session: &ServerSession) -> Bytes {
    let mut writer = Writer::default();
    writer.octets(MAGIC);
    writer.octet(FORMAT);
    write_party(&mut writer, session.party());
    let clock = session.keep_alive();
    writer.number(u64::try_from(clock.granted().as_millis()).unwrap_or(u64::MAX));
    writer.number(clock.restarted().as_millis());
    writer.number(u64::from(session.epoch().number()));
    write_negotiated(&mut writer, session.negotiated());
    writer.finish()
}

/// The session that was exported. Its clock starts anew, because the client could not be heard while the process was
/// down; the epoch becomes the one given, or the one after that of the snapshot when the given one is not larger.
///
/// # Errors
/// The octets are not a snapshot; see [`SnapshotError`].
// WV-SNAP-01
pub fn restore(
    now: Timestamp,
    policy: Arc<SessionPolicy>,
    epoch: Epoch,
    octets: &[u8],
) -> Result<ServerSession, SnapshotError> {
    let body = octets.strip_prefix(MAGIC).ok_or(SnapshotError::NotASnapshot)?;
    let mut reader = Reader::new(body);
    let has_groups = match reader.octet()? {
        FORMAT => true,
        FORMAT_WITHOUT_GROUPS => false,
        other => return Err(SnapshotError::UnknownFormat(other)),
    };
    let party = read_party(&mut reader)?;
    let granted = Duration::from_millis(reader.number()?);
    let restarted = Timestamp::from_millis(reader.number()?);
    let earlier = u32::try_from(reader.number()?).map_err(|_| SnapshotError::BadField)?;
    let mut negotiated = read_negotiated(&mut reader)?;
    if has_groups {
        negotiated.groups = reader.list(read_group)?;
    }
    reader.finish()?;
    // WV-TRX-04
    let epoch = epoch.max(Epoch::new(earlier.saturating_add(1)));
    let clock = KeepAlive::start(now.max(restarted), granted);
    Ok(ServerSession::with(policy, party, clock, negotiated, epoch))
}

fn write_party(writer: &mut Writer, party: &Party) {
    let Party { session_id, user_id, client_id, session_cookie, version, encoding, profile, quirks } = party;
    writer.text(session_id.as_str());
    writer.text(user_id.as_str());
    match client_id {
        ClientId::Described { url, msisdn } => {
            writer.octet(0);
            writer.option(url.as_deref(), |writer, text| writer.text(text));
            writer.option(msisdn.as_deref(), |writer, text| writer.text(text));
        }
        ClientId::Plain(text) => {
            writer.octet(1);
            writer.text(text);
        }
        ClientId::Application(text) => {
            writer.octet(2);
            writer.text(text);
        }
    }
    writer.option(session_cookie.as_ref(), |writer, cookie| writer.text(cookie.as_str()));
    writer.text(version.as_str());
    writer.octet(match encoding {
        Encoding::Xml => 0,
        Encoding::Wbxml => 1,
    });
    writer.text(profile.as_str());
    writer.number(u64::from(quirks.to_bits()));
}

fn read_party(reader: &mut Reader<'_>) -> Result<Party, SnapshotError> {
    Ok(Party {
        session_id: SessionId::new(reader.text()?),
        user_id: UserId::new(reader.text()?),
        client_id: match reader.octet()? {
            0 => ClientId::Described { url: reader.option(Reader::text)?, msisdn: reader.option(Reader::text)? },
            1 => ClientId::Plain(reader.text()?),
            2 => ClientId::Application(reader.text()?),
            _ => return Err(SnapshotError::BadField),
        },
        session_cookie: reader.option(Reader::text)?.map(SessionCookie::new),
        version: Version::parse(&reader.text()?).ok_or(SnapshotError::BadField)?,
        encoding: match reader.octet()? {
            0 => Encoding::Xml,
            1 => Encoding::Wbxml,
            _ => return Err(SnapshotError::BadField),
        },
        profile: Profile::parse(&reader.text()?).ok_or(SnapshotError::BadField)?,
        quirks: QuirkSet::from_bits(reader.number_of()?),
    })
}

fn write_negotiated(writer: &mut Writer, negotiated: &Negotiated) {
    let Negotiated { services, capabilities, cir_methods, poll_min, multi_trans, multi_trans_per_message, groups } =
        negotiated;
    writer.option(services.as_ref(), |writer, services| {
        write_functions(writer, services.agreed);
        write_functions(writer, services.refused);
    });
    writer.option(capabilities.as_deref(), write_capabilities);
    writer.list(cir_methods, |writer, method| writer.text(method.as_str()));
    writer.option(*poll_min, Writer::duration);
    writer.option(*multi_trans, Writer::number_from);
    writer.option(*multi_trans_per_message, Writer::number_from);
    writer.list(groups, |writer, known| {
        writer.text(known.group.as_str());
        writer.text(known.method.as_str());
        writer.option(known.octets_max, Writer::number_from);
    });
}

fn read_group(reader: &mut Reader<'_>) -> Result<GroupDelivery, SnapshotError> {
    Ok(GroupDelivery {
        group: GroupId::new(reader.text()?),
        method: DeliveryMethod::parse(&reader.text()?),
        octets_max: reader.option(Reader::number_of)?,
    })
}

fn read_negotiated(reader: &mut Reader<'_>) -> Result<Negotiated, SnapshotError> {
    Ok(Negotiated {
        services: reader
            .option(|reader| Ok(Services { agreed: read_functions(reader)?, refused: read_functions(reader)? }))?,
        capabilities: reader.option(read_capabilities)?.map(Box::new),
        cir_methods: reader.list(|reader| Ok(CirMethod::parse(&reader.text()?)))?,
        poll_min: reader.option(Reader::duration)?,
        multi_trans: reader.option(Reader::number_of)?,
        multi_trans_per_message: reader.option(Reader::number_of)?,
        groups: Vec::new(),
    })
}

fn write_functions(writer: &mut Writer, functions: FunctionSet) {
    let functions: Vec<Function> = functions.iter().collect();
    writer.list(&functions, |writer, function| writer.octet(*function as u8));
}

fn read_functions(reader: &mut Reader<'_>) -> Result<FunctionSet, SnapshotError> {
    let functions = reader.list(|reader| {
        let place = usize::from(reader.octet()?);
        Function::ALL.get(place).copied().ok_or(SnapshotError::BadField)
    })?;
    Ok(functions.into_iter().collect())
}

fn write_capabilities(writer: &mut Writer, list: &CapabilityList) {
    let CapabilityList {
        client_type,
        initial_delivery_method,
        any_content,
        accepted_charsets,
        accepted_content_types,
        accepted_transfer_encodings,
        accepted_content_length,
        supported_bearers,
        multi_trans,
        parser_size,
        supported_cir_methods,
        udp_port,
        tcp_address,
        tcp_port,
        server_poll_min,
        default_language,
        accepted_pull_length,
        accepted_push_length,
        accepted_text_content_length,
        multi_trans_per_message,
        offline_etem_handling,
        online_etem_handling,
        plain_text_charsets,
        supported_offline_bearers,
        session_priority,
    } = list;
    writer.option(client_type.as_ref(), |writer, word| writer.text(word.as_str()));
    writer.option(initial_delivery_method.as_ref(), |writer, word| writer.text(word.as_str()));
    writer.option(*any_content, |writer, flag| writer.octet(u8::from(flag)));
    writer.list(accepted_charsets, |writer, number| writer.number_from(*number));
    writer.list(accepted_content_types, write_content_type);
    writer.list(accepted_transfer_encodings, |writer, text| writer.text(text));
    writer.option(*accepted_content_length, Writer::number_from);
    writer.list(supported_bearers, |writer, word| writer.text(word.as_str()));
    writer.option(*multi_trans, Writer::number_from);
    writer.option(*parser_size, Writer::number_from);
    writer.list(supported_cir_methods, |writer, word| writer.text(word.as_str()));
    writer.option(*udp_port, Writer::number_from);
    writer.option(tcp_address.as_deref(), |writer, text| writer.text(text));
    writer.option(*tcp_port, Writer::number_from);
    writer.option(*server_poll_min, Writer::duration);
    writer.option(default_language.as_deref(), |writer, text| writer.text(text));
    writer.option(*accepted_pull_length, Writer::number_from);
    writer.option(*accepted_push_length, Writer::number_from);
    writer.option(*accepted_text_content_length, Writer::number_from);
    writer.option(*multi_trans_per_message, Writer::number_from);
    writer.option(offline_etem_handling.as_deref(), |writer, text| writer.text(text));
    writer.option(online_etem_handling.as_deref(), |writer, text| writer.text(text));
    writer.list(plain_text_charsets, |writer, number| writer.number_from(*number));
    writer.list(supported_offline_bearers, |writer, word| writer.text(word.as_str()));
    writer.option(*session_priority, Writer::number_from);
}

fn read_capabilities(reader: &mut Reader<'_>) -> Result<CapabilityList, SnapshotError> {
    Ok(CapabilityList {
        client_type: reader.option(Reader::text)?.map(|word| ClientType::parse(&word)),
        initial_delivery_method: reader.option(Reader::text)?.map(|word| DeliveryMethod::parse(&word)),
        any_content: reader.option(|reader| Ok(reader.octet()? != 0))?,
        accepted_charsets: reader.list(Reader::number_of)?,
        accepted_content_types: reader.list(read_content_type)?,
        accepted_transfer_encodings: reader.list(Reader::text)?,
        accepted_content_length: reader.option(Reader::number_of)?,
        supported_bearers: reader.list(|reader| Ok(Bearer::parse(&reader.text()?)))?,
        multi_trans: reader.option(Reader::number_of)?,
        parser_size: reader.option(Reader::number_of)?,
        supported_cir_methods: reader.list(|reader| Ok(CirMethod::parse(&reader.text()?)))?,
        udp_port: reader.option(Reader::number_of)?,
        tcp_address: reader.option(Reader::text)?,
        tcp_port: reader.option(Reader::number_of)?,
        server_poll_min: reader.option(Reader::duration)?,
        default_language: reader.option(Reader::text)?,
        accepted_pull_length: reader.option(Reader::number_of)?,
        accepted_push_length: reader.option(Reader::number_of)?,
        accepted_text_content_length: reader.option(Reader::number_of)?,
        multi_trans_per_message: reader.option(Reader::number_of)?,
        offline_etem_handling: reader.option(Reader::text)?,
        online_etem_handling: reader.option(Reader::text)?,
        plain_text_charsets: reader.list(Reader::number_of)?,
        supported_offline_bearers: reader.list(|reader| Ok(Bearer::parse(&reader.text()?)))?,
        session_priority: reader.option(Reader::number_of)?,
    })
}

fn write_content_type(writer: &mut Writer, accepted: &AcceptedContentType) {
    let AcceptedContentType { content_type, length_max, policy, policy_limit } = accepted;
    writer.text(content_type);
    writer.option(*length_max, Writer::number_from);
    writer.option(policy.as_deref(), |writer, text| writer.text(text));
    writer.option(*policy_limit, Writer::number_from);
}

fn read_content_type(reader: &mut Reader<'_>) -> Result<AcceptedContentType, SnapshotError> {
    Ok(AcceptedContentType {
        content_type: reader.text()?,
        length_max: reader.option(Reader::number_of)?,
        policy: reader.option(Reader::text)?,
        policy_limit: reader.option(Reader::number_of)?,
    })
}

/// How every snapshot begins.
const MAGIC: &[u8] = b"WVS";

/// The second format also holds in which way the messages of groups come.
const FORMAT: u8 = 2;

const FORMAT_WITHOUT_GROUPS: u8 = 1;

#[cfg(test)]
mod tests;
