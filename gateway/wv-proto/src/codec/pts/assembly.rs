//! Messages that are longer than one short message: taken apart, and put together again.

use super::message::{PARTS_MAX, Preamble};
use super::{MESSAGE_OCTETS_MAX, PtsError};
use crate::session::time::Timestamp;
use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

/// Takes a message apart so that no part is longer than this.
///
/// # Errors
/// When it does not fit into 26 parts, or is none.
// WV-PTS-03
pub fn split(text: &str, octets_max: usize) -> Result<Vec<String>, PtsError> {
    if text.len() <= octets_max {
        return Ok(vec![text.to_owned()]);
    }
    let (preamble, payload) = text.split_once(' ').ok_or(PtsError::BadPreamble)?;
    let preamble = Preamble::read(preamble)?;
    let with_part = |index, count| Preamble { part: Some((index, count)), ..preamble }.to_text();
    let room = octets_max.saturating_sub(with_part(1, 1).len()).saturating_sub(1);
    let mut pieces = Vec::new();
    let mut rest = payload;
    while !rest.is_empty() {
        let mut end = room.min(rest.len());
        while !rest.is_char_boundary(end) {
            end = end.saturating_sub(1);
        }
        let (piece, later) = rest.split_at_checked(end).ok_or(PtsError::BadPreamble)?;
        if piece.is_empty() || pieces.len() >= usize::from(PARTS_MAX) {
            return Err(PtsError::LimitExceeded("the number of parts"));
        }
        pieces.push(piece);
        rest = later;
    }
    let count = u8::try_from(pieces.len()).unwrap_or(PARTS_MAX);
    Ok((1..=count).zip(pieces).map(|(index, piece)| format!("{} {piece}", with_part(index, count))).collect())
}

/// Puts parts together, by who sent them.
#[derive(Debug)]
pub struct Assembly<K> {
    open: HashMap<(K, u16), Parts>,
}

#[derive(Debug)]
struct Parts {
    since: Timestamp,
    preamble: Preamble,
    pieces: Vec<Option<String>>,
    octets: usize,
}

impl<K: Eq + Hash + Clone> Default for Assembly<K> {
    fn default() -> Self {
        Self { open: HashMap::new() }
    }
}

impl<K: Eq + Hash + Clone> Assembly<K> {
    /// Takes what arrived: a whole message, when there is one now.
    ///
    /// # Errors
    /// When it is no part of anything, or when more is open than may be.
    // WV-PTS-03
    pub fn take(&mut self, now: Timestamp, from: &K, octets: &[u8]) -> Result<Option<String>, PtsError> {
        self.expire(now);
        if octets.len() > MESSAGE_OCTETS_MAX {
            return Err(PtsError::LimitExceeded("the size"));
        }
        let text = std::str::from_utf8(octets).map_err(|_| PtsError::NotText)?;
        let (head, payload) = text.split_once(' ').unwrap_or((text, ""));
        let preamble = Preamble::read(head.trim_end_matches(['\r', '\n']))?;
        let Some((index, count)) = preamble.part else { return Ok(Some(text.to_owned())) };
        let key = (from.clone(), preamble.transaction);
        let is_other = |parts: &Parts| parts.pieces.len() != usize::from(count) || parts.preamble.code != preamble.code;
        if self.open.get(&key).is_some_and(is_other) {
            self.open.remove(&key);
        }
        if !self.open.contains_key(&key) && self.open.len() >= OPEN_MAX {
            return Err(PtsError::LimitExceeded("the number of messages in parts"));
        }
        let preamble = Preamble { part: None, ..preamble };
        let fresh = || Parts { since: now, preamble, pieces: vec![None; usize::from(count)], octets: 0 };
        let parts = self.open.entry(key.clone()).or_insert_with(fresh);
        if let Some(piece) = parts.pieces.get_mut(usize::from(index).saturating_sub(1))
            && piece.is_none()
        {
            parts.octets = parts.octets.saturating_add(payload.len());
            *piece = Some(payload.to_owned());
        }
        if parts.octets > MESSAGE_OCTETS_MAX {
            self.open.remove(&key);
            return Err(PtsError::LimitExceeded("the size"));
        }
        if parts.pieces.iter().any(Option::is_none) {
            return Ok(None);
        }
        let whole = self.open.remove(&key);
        Ok(whole.map(|parts| {
            let payload: String = parts.pieces.into_iter().flatten().collect();
            format!("{} {payload}", parts.preamble.to_text())
        }))
    }

    /// Forgets messages whose last parts do not come.
    pub fn expire(&mut self, now: Timestamp) {
        self.open.retain(|_, parts| parts.since.after(PARTS_LIFE) > now);
    }

    /// How many messages are not complete.
    #[must_use]
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether no part waits for others.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}

/// How long the parts of a message may take: short messages wait for each other.
const PARTS_LIFE: Duration = Duration::from_secs(300);

/// Messages that are not complete.
const OPEN_MAX: usize = 1000;
