//! What real clients do differently, by name: profiles, the evidence that selects them, and the single quirks.

use crate::codec::{DateTimeForm, TextForm, WriterOptions};
use serde::{Deserialize, Serialize};

/// A family of clients that share their quirks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Nothing known against it.
    #[default]
    Plain,
    /// The IMPS client of the Android open source project.
    Android,
    /// The IMPS engine of Nokia S60 phones.
    S60,
    /// The clients of the Movistar "SMS 2.0" service.
    Movistar,
    /// The Motorola Razr V3.
    Razr,
    /// Test tools and test vectors.
    Test,
}

/// One named deviation from the plain behaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Quirk {
    /// QUIRK no_201: takes every code but 200 for a failure, so an answer 201 becomes 200; Android.
    No201,
    /// QUIRK date_as_text: loses a DateTime sent as WBXML opaque data, so it is sent as text; Android.
    DateAsText,
    /// QUIRK flat_user_map: wants Mapping directly under UserMapList, without UserMapping; Android.
    FlatUserMap,
    /// QUIRK one_transaction: reads only one Transaction of a message (the last), whatever was agreed; Android.
    OneTransaction,
    /// QUIRK own_text_only: trims text and keeps only the last text chunk of an element, so no insignificant text
    /// and no mix of text and CDATA; Android.
    OwnTextOnly,
    /// QUIRK new_id_on_retry: retries a failed message under a new transaction id, so that duplicates of SendMessage
    /// show only in their content; Android.
    NewIdOnRetry,
    /// QUIRK short_session_id: gives up the login when the SessionID is longer than 50 characters; S60.
    ShortSessionId,
    /// QUIRK answers_once: answers each server transaction id once in the life of the session and swallows it after
    /// that; S60.
    AnswersOnce,
    /// QUIRK wbxml_only: understands only WBXML; S60.
    WbxmlOnly,
    /// QUIRK early_poll_timeout: gives up a poll after 20 s, so polls are never held longer than 15 s; S60.
    EarlyPollTimeout,
    /// QUIRK cir_flag_true: opens the CIR channel again on the flag T instead of F; S60.
    CirFlagTrue,
    /// QUIRK html_wrapper: wraps plain talk into text/html with a styled span; Movistar.
    HtmlWrapper,
    /// QUIRK bare_sender: writes addresses without `wv:`; Movistar.
    BareSender,
    /// QUIRK constant_content_size: always announces the same ContentSize, which means nothing; Movistar.
    ConstantContentSize,
    /// QUIRK qualifier_only_status: publishes OnlineStatus with a Qualifier and no value; Movistar.
    QualifierOnlyStatus,
    /// QUIRK plain_text_search: finds SessionID and lists by plain text search, so element names get no prefix; Movistar.
    PlainTextSearch,
    /// QUIRK expects_generic_type: is used to answers of type application/xml; Razr.
    ExpectsGenericType,
    /// QUIRK new_message_as_response: may answer a NewMessage that it knows only in mode Response with any id; Razr.
    NewMessageAsResponse,
    /// QUIRK text_client_id: writes the ClientID as plain text without URL or MSISDN; test vectors.
    TextClientId,
    /// QUIRK namespace_over_public_id: sends tokens of one version under the public id of another, so the namespace
    /// decides; test vectors.
    NamespaceOverPublicId,
    /// QUIRK whole_presence: takes what a notification does not name for gone, so each one names all that the watcher
    /// may see, not only what changed; Android.
    WholePresence,
}

/// A set of quirks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct QuirkSet(u32);

/// One thing that a server does which the documents do not have, and which is understood all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ServerQuirk {
    /// QUIRK session_in_descriptor: names the new session only around its answer; loose servers.
    SessionInDescriptor,
    /// QUIRK unnamed_schema: does not say which of the offered schemas it chose, so it is the first; loose servers.
    UnnamedSchema,
    /// QUIRK question_as_response: sends what it asks in mode Response, with any id; InterVillage.
    QuestionAsResponse,
    /// QUIRK answer_as_request: sends its answer in mode Request; loose servers.
    AnswerAsRequest,
    /// QUIRK unnamed_answer: answers without the id of the transaction or with another one; loose servers.
    UnnamedAnswer,
    /// QUIRK reused_transaction_id: uses one id for two transactions, so their content tells them apart; Baraza.
    ReusedTransactionId,
    /// QUIRK repeated_transaction: sends a transaction again that was answered, so it is answered again; loose servers.
    RepeatedTransaction,
    /// QUIRK channel_flag: says CIR, whose value means one thing in one version and another in the next, so that its
    /// channel does not count as working; loose servers.
    ChannelFlag,
    /// QUIRK wrong_content_type: names a type that its answer has not, so the octets decide; loose servers.
    WrongContentType,
    /// QUIRK bare_doctype: begins with a DOCTYPE without identifier, which is passed over; Baraza.
    BareDoctype,
    /// QUIRK doubled_scheme: writes addresses with `wv:` twice; Baraza.
    DoubledScheme,
    /// QUIRK bare_user: writes addresses without `wv:`; loose servers.
    BareUser,
    /// QUIRK padded_content: writes line ends around the text of a message, which ContentSize does not count; Baraza.
    PaddedContent,
}

impl ServerQuirk {
    /// The name used in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SessionInDescriptor => "session_in_descriptor",
            Self::UnnamedSchema => "unnamed_schema",
            Self::QuestionAsResponse => "question_as_response",
            Self::AnswerAsRequest => "answer_as_request",
            Self::UnnamedAnswer => "unnamed_answer",
            Self::ReusedTransactionId => "reused_transaction_id",
            Self::RepeatedTransaction => "repeated_transaction",
            Self::ChannelFlag => "channel_flag",
            Self::WrongContentType => "wrong_content_type",
            Self::BareDoctype => "bare_doctype",
            Self::DoubledScheme => "doubled_scheme",
            Self::BareUser => "bare_user",
            Self::PaddedContent => "padded_content",
        }
    }
}

/// What is known of a client when it logs in. Everything may be missing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Evidence<'a> {
    /// The User-Agent header of the HTTP request.
    pub user_agent: Option<&'a str>,
    /// The text of the ClientID.
    pub client_id: Option<&'a str>,
    /// The SessionCookie.
    pub session_cookie: Option<&'a str>,
    /// The TransactionID of the login.
    pub transaction_id: Option<&'a str>,
    /// Whether the message declares the namespaces `xsd` and `xsi`.
    pub schema_prefixes: SchemaPrefixes,
    /// Whether it came in plain text (PTS).
    pub is_plain_text: bool,
}

/// Whether a message declares the namespace prefixes of XML Schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum SchemaPrefixes {
    /// Not declared, or the message is not XML.
    #[default]
    Absent,
    /// `xmlns:xsd` or `xmlns:xsi` is declared.
    Declared,
}

impl Profile {
    /// All profiles.
    pub const ALL: [Self; 6] = [Self::Plain, Self::Android, Self::S60, Self::Movistar, Self::Razr, Self::Test];

    /// The profile that the evidence speaks for, the strongest evidence first.
    // WV-QRK-01
    #[must_use]
    pub fn recognise(evidence: &Evidence<'_>) -> Self {
        if has_any(evidence.user_agent, &["android-imps"]) {
            return Self::Android;
        }
        if has_any(evidence.user_agent, &["mot-v3", "motorola-v3", "razr"]) {
            return Self::Razr;
        }
        if starts_with(evidence.session_cookie, "wv:nokia.") || is_nokia_id(evidence.transaction_id) {
            return Self::S60;
        }
        if has_any(evidence.client_id, &["@nok.s60"]) || has_any(evidence.user_agent, &["series60", "symbianos"]) {
            return Self::S60;
        }
        if has_any(evidence.client_id, &["@colibria", "movistar", "sms2.0"]) {
            return Self::Movistar;
        }
        if evidence.schema_prefixes == SchemaPrefixes::Declared {
            return Self::Movistar;
        }
        if has_any(evidence.client_id, &["razr"]) {
            return Self::Razr;
        }
        if has_any(evidence.client_id, &["libwbxml", "test-vector"]) {
            return Self::Test;
        }
        // No other client is known to speak plain text.
        if evidence.is_plain_text {
            return Self::Android;
        }
        Self::Plain
    }

    /// The quirks of the profile.
    #[must_use]
    pub fn quirks(self) -> QuirkSet {
        QuirkSet::of(match self {
            Self::Plain => &[],
            Self::Android => &[
                Quirk::No201,
                Quirk::DateAsText,
                Quirk::FlatUserMap,
                Quirk::OneTransaction,
                Quirk::OwnTextOnly,
                Quirk::NewIdOnRetry,
                Quirk::WholePresence,
            ],
            Self::S60 => &[
                Quirk::ShortSessionId,
                Quirk::AnswersOnce,
                Quirk::WbxmlOnly,
                Quirk::EarlyPollTimeout,
                Quirk::CirFlagTrue,
            ],
            Self::Movistar => &[
                Quirk::HtmlWrapper,
                Quirk::BareSender,
                Quirk::ConstantContentSize,
                Quirk::QualifierOnlyStatus,
                Quirk::PlainTextSearch,
            ],
            Self::Razr => &[Quirk::ExpectsGenericType, Quirk::NewMessageAsResponse],
            Self::Test => &[Quirk::TextClientId, Quirk::NamespaceOverPublicId],
        })
    }

    /// The name used in configuration and in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Android => "android",
            Self::S60 => "s60",
            Self::Movistar => "movistar",
            Self::Razr => "razr",
            Self::Test => "test",
        }
    }

    /// The profile of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.as_str() == name)
    }
}

impl QuirkSet {
    /// These quirks.
    #[must_use]
    pub fn of(quirks: &[Quirk]) -> Self {
        Self(quirks.iter().fold(0, |bits, quirk| bits | quirk.bit()))
    }

    /// Whether the quirk is in the set.
    #[must_use]
    pub const fn has(self, quirk: Quirk) -> bool {
        self.0 & quirk.bit() != 0
    }

    /// The set with one quirk more.
    #[must_use]
    pub const fn with(self, quirk: Quirk) -> Self {
        Self(self.0 | quirk.bit())
    }

    /// The set with one quirk less.
    #[must_use]
    pub const fn without(self, quirk: Quirk) -> Self {
        Self(self.0 & !quirk.bit())
    }

    /// How messages to this client are written.
    #[must_use]
    pub fn writer_options(self) -> WriterOptions {
        // QUIRK date_as_text: loses a DateTime sent as WBXML opaque data, so it is sent as text; Android.
        let date_time_form = if self.has(Quirk::DateAsText) { DateTimeForm::Text } else { DateTimeForm::Octets };
        // QUIRK own_text_only: trims text and keeps only the last text chunk of an element, so no insignificant text
        // and no mix of text and CDATA; Android.
        let text_form = if self.has(Quirk::OwnTextOnly) { TextForm::Whole } else { TextForm::Escaped };
        WriterOptions { date_time_form, text_form, ..WriterOptions::default() }
    }

    /// The quirks of the set.
    pub fn iter(self) -> impl Iterator<Item = Quirk> {
        Quirk::ALL.into_iter().filter(move |quirk| self.has(*quirk))
    }

    /// The quirks of both sets.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The set as bits, for a snapshot.
    #[must_use]
    pub const fn to_bits(self) -> u32 {
        self.0
    }

    /// The set from the bits of a snapshot.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }
}

impl Quirk {
    /// All quirks of clients.
    pub const ALL: [Self; 21] = [
        Self::No201,
        Self::DateAsText,
        Self::FlatUserMap,
        Self::OneTransaction,
        Self::OwnTextOnly,
        Self::NewIdOnRetry,
        Self::ShortSessionId,
        Self::AnswersOnce,
        Self::WbxmlOnly,
        Self::EarlyPollTimeout,
        Self::CirFlagTrue,
        Self::HtmlWrapper,
        Self::BareSender,
        Self::ConstantContentSize,
        Self::QualifierOnlyStatus,
        Self::PlainTextSearch,
        Self::ExpectsGenericType,
        Self::NewMessageAsResponse,
        Self::TextClientId,
        Self::NamespaceOverPublicId,
        Self::WholePresence,
    ];

    /// Its name, as in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::No201 => "no_201",
            Self::DateAsText => "date_as_text",
            Self::FlatUserMap => "flat_user_map",
            Self::OneTransaction => "one_transaction",
            Self::OwnTextOnly => "own_text_only",
            Self::NewIdOnRetry => "new_id_on_retry",
            Self::ShortSessionId => "short_session_id",
            Self::AnswersOnce => "answers_once",
            Self::WbxmlOnly => "wbxml_only",
            Self::EarlyPollTimeout => "early_poll_timeout",
            Self::CirFlagTrue => "cir_flag_true",
            Self::HtmlWrapper => "html_wrapper",
            Self::BareSender => "bare_sender",
            Self::ConstantContentSize => "constant_content_size",
            Self::QualifierOnlyStatus => "qualifier_only_status",
            Self::PlainTextSearch => "plain_text_search",
            Self::ExpectsGenericType => "expects_generic_type",
            Self::NewMessageAsResponse => "new_message_as_response",
            Self::TextClientId => "text_client_id",
            Self::NamespaceOverPublicId => "namespace_over_public_id",
            Self::WholePresence => "whole_presence",
        }
    }

    const fn bit(self) -> u32 {
        1_u32.wrapping_shl(self as u32)
    }
}

/// What other WV servers do differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SspQuirk {
    /// QUIRK ssp_late_store: refuses what overtakes its own storing, so it is sent once more; Baraza.
    LateStore,
    /// QUIRK ssp_dead_session: goes on in a session that its peer has replaced, and repeats what is refused there until it
    /// expires; Baraza.
    DeadSession,
    /// QUIRK ssp_bare_ids: leaves `wv:` out of some ids; Baraza.
    BareIds,
    /// QUIRK ssp_joined_user: writes JoinedUser and reads JoinedUsers; Baraza.
    JoinedUser,
    /// QUIRK ssp_procotol_version: writes the attribute as procotolVersion; Baraza.
    ProcotolVersion,
    /// QUIRK ssp_one_transaction: refuses a message with several transactions, or asks again for what was answered in one,
    /// so each goes by itself; none known.
    OneTransaction,
}

impl SspQuirk {
    /// Its name, as in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LateStore => "ssp_late_store",
            Self::DeadSession => "ssp_dead_session",
            Self::BareIds => "ssp_bare_ids",
            Self::JoinedUser => "ssp_joined_user",
            Self::ProcotolVersion => "ssp_procotol_version",
            Self::OneTransaction => "ssp_one_transaction",
        }
    }

    /// Those that show in a document, for counting: what it means the reader finds.
    #[must_use]
    pub fn seen_in(document: &[u8]) -> Vec<Self> {
        let (mut is_bare, mut is_single, mut is_misspelt) = (false, false, false);
        // One walk: every message of a peer is looked at.
        for (at, octet) in document.iter().enumerate() {
            let (before, rest) = document.split_at_checked(at).unwrap_or((document, &[]));
            match octet {
                b'=' if before.ends_with(b"userID") || before.ends_with(b"groupID") => {
                    let id = rest.strip_prefix(b"=\"").unwrap_or_default();
                    is_bare |= id.first().is_some_and(u8::is_ascii_alphanumeric) && !id.get(..3).is_some_and(is_scheme);
                }
                // Lines are broken between attributes.
                b'=' => is_misspelt |= before.ends_with(b"procotolVersion"),
                b'<' => {
                    let behind = rest.strip_prefix(b"<JoinedUser").and_then(<[u8]>::first);
                    is_single |= behind.is_some_and(|octet| *octet != b's');
                }
                _ => {}
            }
        }
        let found = [(is_bare, Self::BareIds), (is_single, Self::JoinedUser), (is_misspelt, Self::ProcotolVersion)];
        found.into_iter().filter(|(is_found, _)| *is_found).map(|(_, quirk)| quirk).collect()
    }
}

const fn is_scheme(text: &[u8]) -> bool {
    text.eq_ignore_ascii_case(b"wv:")
}

fn has_any(text: Option<&str>, needles: &[&str]) -> bool {
    text.is_some_and(|text| {
        let text = text.to_ascii_lowercase();
        needles.iter().any(|needle| text.contains(needle))
    })
}

fn starts_with(text: Option<&str>, prefix: &str) -> bool {
    text.is_some_and(|text| text.to_ascii_lowercase().starts_with(prefix))
}

fn is_nokia_id(id: Option<&str>) -> bool {
    id.and_then(|id| id.strip_prefix("nok"))
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    // WV-QRK-01
    #[test]
    fn each_known_client_is_recognised_by_what_it_sends() {
        let android = Evidence { user_agent: Some("Android-Imps/0.1"), client_id: Some("lab"), ..Evidence::default() };
        assert_eq!(Profile::recognise(&android), Profile::Android);
        let cookie = Evidence { session_cookie: Some("wv:nokia.4711"), ..Evidence::default() };
        assert_eq!(Profile::recognise(&cookie), Profile::S60);
        let id = Evidence { transaction_id: Some("nok1"), ..Evidence::default() };
        assert_eq!(Profile::recognise(&id), Profile::S60);
        let client = Evidence { client_id: Some("WV:IMPEC01$00001@NOK.S60"), ..Evidence::default() };
        assert_eq!(Profile::recognise(&client), Profile::S60);
        let movistar = Evidence {
            client_id: Some("WV:InstantMessenger-1.0.2309.16485@COLIBRIA.PC-CLIENT"),
            ..Evidence::default()
        };
        assert_eq!(Profile::recognise(&movistar), Profile::Movistar);
        let traits = Evidence { schema_prefixes: SchemaPrefixes::Declared, ..Evidence::default() };
        assert_eq!(Profile::recognise(&traits), Profile::Movistar);
        let text = Evidence { client_id: Some("phone1"), is_plain_text: true, ..Evidence::default() };
        assert_eq!(Profile::recognise(&text), Profile::Android);
        let razr = Evidence { user_agent: Some("MOT-V3/0E.40"), ..Evidence::default() };
        assert_eq!(Profile::recognise(&razr), Profile::Razr);
    }

    #[test]
    fn an_unknown_client_has_no_quirks() {
        let profile = Profile::recognise(&Evidence { client_id: Some("lab-phone-1"), ..Evidence::default() });
        assert_eq!(profile, Profile::Plain);
        assert_eq!(profile.quirks(), QuirkSet::default());
    }

    #[test]
    fn ids_that_only_begin_like_nokia_ids_prove_nothing() {
        for id in ["nok", "nok1a", "anok1", "nokia1"] {
            let evidence = Evidence { transaction_id: Some(id), ..Evidence::default() };
            assert_eq!(Profile::recognise(&evidence), Profile::Plain, "{id}");
        }
    }

    #[test]
    fn quirks_can_be_switched_one_by_one() {
        let quirks = Profile::Android.quirks();
        assert!(quirks.has(Quirk::No201));
        assert!(!quirks.without(Quirk::No201).has(Quirk::No201));
        assert!(!quirks.has(Quirk::WbxmlOnly));
        assert!(quirks.with(Quirk::WbxmlOnly).has(Quirk::WbxmlOnly));
        assert_eq!(QuirkSet::from_bits(quirks.to_bits()), quirks);
    }

    #[test]
    fn only_clients_that_lose_binary_dates_get_them_as_text() {
        assert_eq!(Profile::Android.quirks().writer_options().date_time_form, DateTimeForm::Text);
        assert_eq!(Profile::S60.quirks().writer_options(), WriterOptions::default());
    }

    #[test]
    fn every_quirk_has_a_name_of_its_own_and_is_listed_once() {
        let mut names: Vec<&str> = Quirk::ALL.into_iter().map(Quirk::as_str).collect();
        assert_eq!(names.first(), Some(&"no_201"));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Quirk::ALL.len());
        for quirk in Quirk::ALL {
            let written = serde_json::to_value(quirk).ok();
            let name = written.as_ref().and_then(serde_json::Value::as_str).unwrap().replace("no201", "no_201");
            assert_eq!(name, quirk.as_str());
        }
        let quirks = Profile::Razr.quirks();
        assert_eq!(quirks.iter().collect::<Vec<_>>(), [Quirk::ExpectsGenericType, Quirk::NewMessageAsResponse]);
        assert!(quirks.union(Profile::S60.quirks()).has(Quirk::WbxmlOnly));
    }

    #[test]
    fn quirks_of_servers_show_in_what_they_write() {
        let seen = |text: &str| SspQuirk::seen_in(text.as_bytes());
        assert_eq!(seen(r#"<X userID="wv:a@b" groupID="WV:a/g@b" protocolVersion="1.3"/><JoinedUsers/>"#), []);
        assert_eq!(seen(r#"<X procotolVersion="1.3"/>"#), [SspQuirk::ProcotolVersion]);
        assert_eq!(seen("<X protocol=\"WV-SSP\"\nprocotolVersion=\"1.3\">"), [SspQuirk::ProcotolVersion]);
        assert_eq!(seen("<JoinedUser\n>"), [SspQuirk::JoinedUser]);
        assert!(seen("<JoinedUsers>").is_empty());
        assert_eq!(seen("<JoinedUser><User>"), [SspQuirk::JoinedUser]);
        assert_eq!(seen(r#"<X userID="wv:a@b"/><Y groupID="a/g@b"/>"#), [SspQuirk::BareIds]);
        assert_eq!(seen(r#"<X userID=""/>"#), []);
        let all = [SspQuirk::LateStore, SspQuirk::DeadSession, SspQuirk::OneTransaction];
        assert!(all.iter().all(|quirk| quirk.as_str().starts_with("ssp_")));
    }

    #[test]
    fn profile_names_round_trip() {
        for profile in Profile::ALL {
            assert_eq!(Profile::parse(profile.as_str()), Some(profile));
        }
        assert_eq!(Profile::parse("nokia"), None);
    }

    #[test]
    fn wv_qrk_01_each_profile_has_its_evidence_and_its_quirks() {
        let known = [
            (Evidence { user_agent: Some("Android-Imps/0.1"), ..Evidence::default() }, Profile::Android, Quirk::No201),
            (
                Evidence { user_agent: Some("MOT-V3/1.0"), ..Evidence::default() },
                Profile::Razr,
                Quirk::NewMessageAsResponse,
            ),
            (Evidence { session_cookie: Some("wv:nokia.17"), ..Evidence::default() }, Profile::S60, Quirk::CirFlagTrue),
            (
                Evidence { client_id: Some("x@COLIBRIA.PC"), ..Evidence::default() },
                Profile::Movistar,
                Quirk::BareSender,
            ),
            (
                Evidence { schema_prefixes: SchemaPrefixes::Declared, ..Evidence::default() },
                Profile::Movistar,
                Quirk::HtmlWrapper,
            ),
            (Evidence { client_id: Some("razr"), ..Evidence::default() }, Profile::Razr, Quirk::ExpectsGenericType),
            (Evidence { client_id: Some("libwbxml"), ..Evidence::default() }, Profile::Test, Quirk::TextClientId),
            (Evidence { is_plain_text: true, ..Evidence::default() }, Profile::Android, Quirk::DateAsText),
        ];
        for (evidence, profile, quirk) in known {
            assert_eq!(Profile::recognise(&evidence), profile, "{evidence:?}");
            assert!(profile.quirks().has(quirk));
            assert!(!Profile::Plain.quirks().has(quirk));
        }
        assert_eq!(Profile::recognise(&Evidence::default()), Profile::Plain);
    }

    #[test]
    fn the_names_of_quirks_of_servers_are_all_different() {
        let names = [
            ServerQuirk::SessionInDescriptor,
            ServerQuirk::UnnamedSchema,
            ServerQuirk::QuestionAsResponse,
            ServerQuirk::AnswerAsRequest,
            ServerQuirk::UnnamedAnswer,
            ServerQuirk::ReusedTransactionId,
            ServerQuirk::RepeatedTransaction,
            ServerQuirk::ChannelFlag,
            ServerQuirk::WrongContentType,
            ServerQuirk::BareDoctype,
            ServerQuirk::DoubledScheme,
            ServerQuirk::BareUser,
            ServerQuirk::PaddedContent,
        ]
        .map(ServerQuirk::as_str);
        assert_eq!(std::collections::BTreeSet::from(names).len(), names.len());
    }
}
