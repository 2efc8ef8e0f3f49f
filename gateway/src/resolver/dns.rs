//! DNS.

use super::{Asking, NameSource};
use hickory_resolver::{
    TokioResolver,
    config::{NameServerConfig, ResolverConfig, ResolverOpts},
    lookup::Lookup,
    net::{DnsError, NetError, runtime::TokioRuntimeProvider},
    proto::rr::{Name, RData, RecordType, rdata},
};
use sip_proto::resolve::record::{Answer, NaptrRecord, Question, QuestionKind, SrvRecord};
use std::{net::SocketAddr, sync::Arc, time::Duration};

/// Why names cannot be asked for.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ResolverError(String);

/// Name servers.
pub(super) struct NameServers(TokioResolver);

impl NameServers {
    /// These; those of the system when there are none.
    pub(super) fn open(servers: &[SocketAddr]) -> Result<Self, ResolverError> {
        let failed = |error: NetError| ResolverError(error.to_string());
        let mut builder = if servers.is_empty() {
            TokioResolver::builder_tokio().map_err(failed)?
        } else {
            let config = ResolverConfig::from_name_servers(servers.iter().map(server).collect());
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        };
        let options: &mut ResolverOpts = builder.options_mut();
        // What is remembered is remembered once.
        options.cache_size = 0;
        options.timeout = QUESTION_PATIENCE;
        options.attempts = 2;
        Ok(Self(builder.build().map_err(failed)?))
    }
}

fn server(address: &SocketAddr) -> NameServerConfig {
    let mut config = NameServerConfig::udp_and_tcp(address.ip());
    config.connections.iter_mut().for_each(|connection| connection.port = address.port());
    config
}

impl NameSource for NameServers {
    fn ask(&self, question: Question) -> Asking {
        let resolver = self.0.clone();
        Box::pin(async move {
            let Ok(mut name) = Name::from_utf8(&*question.name) else { return (Answer::Nothing, EMPTY_LIFE) };
            // Names are whole: no search list is applied.
            name.set_fqdn(true);
            let kind = match question.kind {
                QuestionKind::Naptr => RecordType::NAPTR,
                QuestionKind::Srv => RecordType::SRV,
                QuestionKind::Ipv4 => RecordType::A,
                QuestionKind::Ipv6 => RecordType::AAAA,
            };
            match resolver.lookup(name, kind).await {
                Ok(lookup) => read(&lookup, question.kind),
                Err(NetError::Dns(DnsError::NoRecordsFound(absence))) => {
                    let life = absence.negative_ttl.map_or(EMPTY_LIFE, |seconds| Duration::from_secs(seconds.into()));
                    (Answer::Nothing, life.min(EMPTY_LIFE_MAX))
                }
                Err(error) => {
                    tracing::debug!(name = %question.name, %error, "no answer of DNS");
                    (Answer::Failed, EMPTY_LIFE)
                }
            }
        })
    }
}

/// The records of the kind; with the shortest lifetime of all that led to them.
fn read(lookup: &Lookup, kind: QuestionKind) -> (Answer, Duration) {
    let records = || lookup.answers().iter().map(|record| &record.data);
    let answer = match kind {
        QuestionKind::Naptr => Answer::Naptr(records().filter_map(naptr).collect()),
        QuestionKind::Srv => Answer::Srv(records().filter_map(srv).collect()),
        QuestionKind::Ipv4 => Answer::Addresses(
            records()
                .filter_map(|data| match data {
                    RData::A(address) => Some(address.0.into()),
                    _ => None,
                })
                .collect(),
        ),
        QuestionKind::Ipv6 => Answer::Addresses(
            records()
                .filter_map(|data| match data {
                    RData::AAAA(address) => Some(address.0.into()),
                    _ => None,
                })
                .collect(),
        ),
    };
    let seconds = lookup.answers().iter().map(|record| record.ttl).min().unwrap_or(0);
    (answer, Duration::from_secs(seconds.into()))
}

fn naptr(data: &RData) -> Option<NaptrRecord> {
    let RData::NAPTR(rdata::NAPTR { order, preference, flags, services, regexp, replacement, .. }) = data else {
        return None;
    };
    Some(NaptrRecord {
        order: *order,
        preference: *preference,
        flags: String::from_utf8_lossy(flags).into_owned(),
        service: String::from_utf8_lossy(services).into_owned(),
        has_expression: !regexp.is_empty(),
        replacement: host(replacement),
    })
}

fn srv(data: &RData) -> Option<SrvRecord> {
    let RData::SRV(rdata::SRV { priority, weight, port, target, .. }) = data else { return None };
    Some(SrvRecord { priority: *priority, weight: *weight, port: *port, target: host(target) })
}

/// In lower case, without the last dot; the root is empty.
fn host(name: &Name) -> Arc<str> {
    Arc::from(name.to_ascii().trim_end_matches('.').to_ascii_lowercase())
}

/// How long one question waits for an answer before it is asked again.
const QUESTION_PATIENCE: Duration = Duration::from_secs(2);

/// How long it is remembered that there is nothing, where nobody says for how long.
const EMPTY_LIFE: Duration = Duration::from_secs(60);

/// How long that is remembered at most: somebody may be setting the domain up.
const EMPTY_LIFE_MAX: Duration = Duration::from_secs(900);
