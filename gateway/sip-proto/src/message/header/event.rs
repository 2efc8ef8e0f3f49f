//! Event and Subscription-State.

use crate::error::ValueError;
use crate::message::{
    param::Params,
    scan::{self, Scanner},
    text::Text,
};
use std::fmt;

/// An event package with its templates, and the id that tells subscriptions of one dialog apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    package: Text,
    params: Params,
}

impl Event {
    /// An event without parameters.
    ///
    /// # Errors
    /// [`ValueError::Token`] when the package is no token.
    pub fn new(package: &str) -> Result<Self, ValueError> {
        Self::from_text(&Text::from(package))
    }

    /// Reads a value.
    ///
    /// # Errors
    /// [`ValueError`] names the part at fault.
    pub fn from_text(text: &Text) -> Result<Self, ValueError> {
        let mut scanner = Scanner::new(text);
        scanner.skip_blanks();
        let package = scanner.token()?;
        Ok(Self { package, params: Params::scan_header(&mut scanner)? })
    }

    /// The same with an id.
    #[must_use]
    pub fn with_id(mut self, id: &str) -> Self {
        self.params.set("id", Some(id));
        self
    }

    /// The package, templates included: `presence`, `presence.winfo`.
    #[must_use]
    pub fn package(&self) -> &Text {
        &self.package
    }

    /// The id.
    #[must_use]
    pub fn id(&self) -> Option<&Text> {
        self.params.raw("id")
    }

    /// All parameters.
    #[must_use]
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// Whether both name the same subscription: package and id are compared octet by octet, other parameters are not.
    // RFC 6665 §8.2.1
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.package == other.package && self.id() == other.id()
    }

    /// The same with octets of its own.
    #[must_use]
    pub fn detach(&self) -> Self {
        Self { package: self.package.detach(), params: self.params.detach() }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.package, self.params)
    }
}

macro_rules! tokens {
    ($(#[$doc:meta])* $name:ident { $($variant:ident $text:literal $variant_doc:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $(#[doc = $variant_doc] $variant,)*
            /// Any other token.
            Other(Text),
        }

        impl $name {
            /// Reads a token; case does not count.
            #[must_use]
            pub fn from_text(text: Text) -> Self {
                $(if text.is_like($text) {
                    return Self::$variant;
                })*
                Self::Other(text)
            }

            /// The token.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(text) => text,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

tokens! {
    /// What became of a subscription.
    // RFC 6665 §4.1.3
    SubscriptionStatus {
        Active "active" "Accepted.";
        Pending "pending" "Received, not yet decided.";
        Terminated "terminated" "Over.";
    }
}

tokens! {
    /// Why a subscription is over.
    // RFC 6665 §4.1.3
    TerminationReason {
        Deactivated "deactivated" "Subscribe again at once, maybe elsewhere.";
        Probation "probation" "Subscribe again later.";
        Rejected "rejected" "Not authorised; do not subscribe again.";
        Timeout "timeout" "Not refreshed in time.";
        GiveUp "giveup" "No authorisation could be had in time.";
        NoResource "noresource" "The resource is gone.";
        Invariant "invariant" "The state cannot change any more.";
    }
}

/// The value of Subscription-State.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionState {
    status: SubscriptionStatus,
    params: Params,
}

impl SubscriptionState {
    /// A state without parameters.
    #[must_use]
    pub fn new(status: SubscriptionStatus) -> Self {
        Self { status, params: Params::default() }
    }

    /// Reads a value.
    ///
    /// # Errors
    /// [`ValueError`] names the part at fault.
    pub fn from_text(text: &Text) -> Result<Self, ValueError> {
        let mut scanner = Scanner::new(text);
        scanner.skip_blanks();
        let status = SubscriptionStatus::from_text(scanner.token()?);
        Ok(Self { status, params: Params::scan_header(&mut scanner)? })
    }

    /// The same with the seconds that are left.
    #[must_use]
    pub fn with_expires_s(mut self, seconds: u32) -> Self {
        self.params.set("expires", Some(&seconds.to_string()));
        self
    }

    /// The same with a reason.
    #[must_use]
    pub fn with_reason(mut self, reason: &TerminationReason) -> Self {
        self.params.set("reason", Some(reason.as_str()));
        self
    }

    /// The same with the seconds to wait before subscribing again.
    #[must_use]
    pub fn with_retry_after_s(mut self, seconds: u32) -> Self {
        self.params.set("retry-after", Some(&seconds.to_string()));
        self
    }

    /// What became of the subscription.
    #[must_use]
    pub fn status(&self) -> &SubscriptionStatus {
        &self.status
    }

    /// Why it is over.
    #[must_use]
    pub fn reason(&self) -> Option<TerminationReason> {
        self.params.raw("reason").map(|raw| TerminationReason::from_text(raw.clone()))
    }

    /// The seconds that are left.
    #[must_use]
    pub fn expires_s(&self) -> Option<u32> {
        self.params.raw("expires").and_then(|raw| scan::parse_number(raw).ok())
    }

    /// The seconds to wait before subscribing again.
    #[must_use]
    pub fn retry_after_s(&self) -> Option<u32> {
        self.params.raw("retry-after").and_then(|raw| scan::parse_number(raw).ok())
    }
}

impl fmt::Display for SubscriptionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.status, self.params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_package_and_id_tell_events_apart() {
        let event = |text: &str| Event::from_text(&text.into()).unwrap();
        assert!(event("presence;id=1;x=2").is_same(&event("presence ; id=1")));
        assert!(!event("presence;id=1").is_same(&event("presence")));
        assert_eq!(event("presence.winfo").package(), &"presence.winfo");
        assert!(Event::new("pres ence").is_err());
    }

    #[test]
    fn state_reads_what_it_writes() {
        let state = SubscriptionState::new(SubscriptionStatus::Terminated)
            .with_reason(&TerminationReason::Probation)
            .with_retry_after_s(60);
        assert_eq!(state.to_string(), "terminated;reason=probation;retry-after=60");
        assert_eq!(SubscriptionState::from_text(&state.to_string().into()), Ok(state));
        let odd = SubscriptionState::from_text(&"Active ;expires=9".into()).unwrap();
        assert_eq!((odd.status(), odd.expires_s()), (&SubscriptionStatus::Active, Some(9)));
    }
}
