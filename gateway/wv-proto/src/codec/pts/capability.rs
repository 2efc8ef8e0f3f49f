//! Capabilities and functions: pairs and lists of short codes.

use super::PtsError;
use super::value::PtsValue;
use crate::primitive::capability::{
    AgreedCapabilityList, Bearer, CapabilityList, CirMethod, ClientType, DeliveryMethod,
};
use crate::primitive::function::{Feature, FunctionSet};
use crate::version::Version;
use std::time::Duration;

/// Reads what a client says of itself. Names that are not known are left out: a client may say more than we understand.
pub(super) fn read_list(value: &PtsValue) -> Result<CapabilityList, PtsError> {
    let mut list = CapabilityList::default();
    for (name, values) in pairs(value) {
        let first = values.first().copied().unwrap_or_default();
        match name.as_str() {
            "CT" => list.client_type = Some(read_client_type(first)),
            "DL" => list.default_language = Some(first.into()),
            "ID" => list.initial_delivery_method = Some(DeliveryMethod::parse(first)),
            "MT" => list.multi_trans = Some(number(first)?),
            "PS" => list.parser_size = Some(number(first)?),
            "PM" => list.server_poll_min = Some(Duration::from_secs(u64::from(number(first)?))),
            "SB" => list.supported_bearers.extend(values.iter().map(|value| Bearer::parse(value))),
            "SC" => list.supported_cir_methods.extend(values.iter().map(|value| read_cir_method(value))),
            "TA" => list.tcp_address = Some(first.into()),
            "TP" => list.tcp_port = Some(port(first)?),
            "UP" => list.udp_port = Some(port(first)?),
            _ => {}
        }
    }
    Ok(list)
}

/// Reads what a server agreed to.
pub(super) fn read_agreed(value: &PtsValue) -> Result<AgreedCapabilityList, PtsError> {
    let list = read_list(value)?;
    let url =
        pairs(value).find(|(name, _)| name == "CI").and_then(|(_, values)| values.first().map(|url| Box::from(*url)));
    Ok(AgreedCapabilityList { cir_url: url, ..list.to_agreed() })
}

/// Writes what a client says of itself.
pub(super) fn write_list(list: &CapabilityList) -> PtsValue {
    let mut pairs = Pairs::default();
    pairs.maybe("CT", list.client_type.as_ref().map(write_client_type));
    pairs.maybe("DL", list.default_language.as_deref());
    pairs.maybe("ID", list.initial_delivery_method.as_ref().map(DeliveryMethod::as_str));
    pairs.number("MT", list.multi_trans.map(u64::from));
    pairs.number("PS", list.parser_size.map(u64::from));
    pairs.number("PM", list.server_poll_min.map(|wait| wait.as_secs()));
    pairs.each("SB", list.supported_bearers.iter().map(Bearer::as_str));
    pairs.each("SC", list.supported_cir_methods.iter().map(write_cir_method));
    pairs.maybe("TA", list.tcp_address.as_deref());
    pairs.number("TP", list.tcp_port.map(u64::from));
    pairs.number("UP", list.udp_port.map(u64::from));
    PtsValue::List(pairs.0)
}

/// Writes what a server agreed to.
pub(super) fn write_agreed(list: &AgreedCapabilityList) -> PtsValue {
    let mut pairs = Pairs::default();
    pairs.maybe("CI", list.cir_url.as_deref());
    pairs.number("MT", list.multi_trans.map(u64::from));
    pairs.number("PM", list.server_poll_min.map(|wait| wait.as_secs()));
    pairs.each("SB", list.supported_bearers.iter().map(Bearer::as_str));
    pairs.each("SC", list.supported_cir_methods.iter().map(write_cir_method));
    pairs.maybe("TA", list.tcp_address.as_deref());
    pairs.number("TP", list.tcp_port.map(u64::from));
    pairs.number("UP", list.udp_port.map(u64::from));
    PtsValue::List(pairs.0)
}

/// Reads the codes of features. The code of the whole tree stands for all of them.
pub(super) fn read_functions(value: &PtsValue, version: Version) -> FunctionSet {
    let all = FunctionSet::of_version(version);
    value.texts().fold(FunctionSet::NONE, |set, code| {
        let feature = FEATURES.iter().find(|(known, _)| code.eq_ignore_ascii_case(known));
        match feature {
            Some((_, feature)) => set.union(FunctionSet::of_feature(*feature).intersection(all)),
            None if code.eq_ignore_ascii_case(TREE) && value.elements().len() == 1 => all,
            None => set,
        }
    })
}

/// Writes the features of which something is in the set: there are no codes for single functions.
pub(super) fn write_some(set: FunctionSet) -> PtsValue {
    features(|feature| !set.intersection(FunctionSet::of_feature(feature)).is_empty())
}

/// Writes the features that are in the set as a whole: one of which only a part is refused counts as granted, because
/// there are no codes for single functions.
pub(super) fn write_whole(set: FunctionSet, version: Version) -> PtsValue {
    let all = FunctionSet::of_version(version);
    features(|feature| {
        let whole = FunctionSet::of_feature(feature).intersection(all);
        !whole.is_empty() && set.contains_all(whole)
    })
}

fn features(is_meant: impl Fn(Feature) -> bool) -> PtsValue {
    let meant = FEATURES.iter().filter(|(_, feature)| is_meant(*feature));
    PtsValue::List(meant.map(|(code, _)| PtsValue::text(*code)).collect())
}

/// Names, in upper case, and their values.
fn pairs(value: &PtsValue) -> impl Iterator<Item = (String, Vec<&str>)> {
    // One pair may stand without the list around it.
    let single = matches!(value.elements().first(), Some(PtsValue::Simple(_)));
    let pairs = if single { std::slice::from_ref(value) } else { value.elements() };
    pairs.iter().filter_map(|pair| match pair.elements() {
        [PtsValue::Simple(name), values @ ..] => {
            Some((name.to_ascii_uppercase(), values.iter().flat_map(PtsValue::texts).collect()))
        }
        _ => None,
    })
}

#[derive(Default)]
struct Pairs(Vec<PtsValue>);

impl Pairs {
    fn maybe(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.0.push(PtsValue::List(vec![PtsValue::text(name), PtsValue::text(value)]));
        }
    }

    fn number(&mut self, name: &str, value: Option<u64>) {
        self.maybe(name, value.map(|number| number.to_string()).as_deref());
    }

    fn each<'a>(&mut self, name: &str, values: impl Iterator<Item = &'a str>) {
        let values: Vec<PtsValue> = values.map(PtsValue::text).collect();
        match values.as_slice() {
            [] => {}
            [single] => self.0.push(PtsValue::List(vec![PtsValue::text(name), single.clone()])),
            _ => self.0.push(PtsValue::List(vec![PtsValue::text(name), PtsValue::List(values)])),
        }
    }
}

pub(super) fn number(text: &str) -> Result<u32, PtsError> {
    text.parse().map_err(|_| PtsError::BadParameter)
}

fn port(text: &str) -> Result<u16, PtsError> {
    text.parse().map_err(|_| PtsError::BadParameter)
}

pub(super) fn read_client_type(text: &str) -> ClientType {
    match text.to_ascii_uppercase().as_str() {
        "MP" => ClientType::MobilePhone,
        "CO" => ClientType::Computer,
        "PD" => ClientType::Pda,
        "CL" => ClientType::Cli,
        "OT" => ClientType::Unspecified,
        _ => ClientType::parse(text),
    }
}

pub(super) fn write_client_type(client_type: &ClientType) -> &str {
    match client_type {
        ClientType::MobilePhone => "MP",
        ClientType::Computer => "CO",
        ClientType::Pda => "PD",
        ClientType::Cli => "CL",
        ClientType::Unspecified => "OT",
        ClientType::Other(word) => word,
    }
}

fn read_cir_method(text: &str) -> CirMethod {
    match text.to_ascii_uppercase().as_str() {
        "SS" => CirMethod::Ssms,
        "ST" => CirMethod::Stcp,
        "SU" => CirMethod::Sudp,
        "WS" => CirMethod::WapSms,
        "WU" => CirMethod::WapUdp,
        _ => CirMethod::parse(text),
    }
}

fn write_cir_method(method: &CirMethod) -> &str {
    match method {
        CirMethod::Ssms => "SS",
        CirMethod::Stcp => "ST",
        CirMethod::Sudp => "SU",
        CirMethod::WapSms => "WS",
        CirMethod::WapUdp => "WU",
        CirMethod::Shttp => "SHTTP",
        CirMethod::Other(word) => word,
    }
}

const FEATURES: [(&str, Feature); 4] =
    [("FF", Feature::Fundamental), ("PF", Feature::Presence), ("IF", Feature::Message), ("GE", Feature::Group)];

/// The whole tree.
const TREE: &str = "WV";
