//! Event and Subscription-State.

use crate::error::ValueError;
use crate::message::{
    param::Params,
    scan::{self, Scanner},
    text::{Text, Words},
};
use std::fmt;

/// An event package with its templates, and the id that tells subscriptions of one dialog apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Event<T: Words = Text> {
    package: T,
    params: Params<T>,
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
        Ok(Event::read(text)?.map(|part| text.share(part)))
    }

    /// The same with an id.
    #[must_use]
    pub fn with_id(mut self, id: &str) -> Self {
        self.params.set("id", Some(id));
        self
    }
}

impl<'a> Event<&'a str> {
    /// Reads a value where it stands.
    ///
    /// # Errors
    /// [`ValueError`] names the part at fault.
    pub fn read(text: &'a str) -> Result<Self, ValueError> {
        let mut scanner = Scanner::new(text);
        scanner.skip_blanks();
        let package = scanner.token()?;
        Ok(Self { package, params: Params::scan_header(&mut scanner)? })
    }
}

impl<T: Words> Event<T> {
    /// The package, templates included: `presence`, `presence.winfo`.
    #[must_use]
    pub fn package(&self) -> &T {
        &self.package
    }

    /// The id.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.params.raw("id")
    }

    /// All parameters.
    #[must_use]
    pub fn params(&self) -> &Params<T> {
        &self.params
    }

    /// Whether both name the same subscription: package and id are compared octet by octet, other parameters are not.
    // RFC 6665 §8.2.1
    #[must_use]
    pub fn is_same<U: Words>(&self, other: &Event<U>) -> bool {
        self.package.as_ref() == other.package.as_ref() && self.id() == other.id()
    }

    /// The same with octets of its own.
    #[must_use]
    pub fn detach(&self) -> Event {
        self.map(|text| Text::from(text.as_ref()))
    }

    fn map<U: Words>(&self, change: impl Fn(&T) -> U) -> Event<U> {
        Event { package: change(&self.package), params: self.params.map(change) }
    }
}

impl<T: Words> fmt::Display for Event<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.package.as_ref(), self.params)
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
            pub fn read(text: &str) -> Self {
                $(if text.eq_ignore_ascii_case($text) {
                    return Self::$variant;
                })*
                Self::Other(Text::from(text))
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
pub struct SubscriptionState<T: Words = Text> {
    status: SubscriptionStatus,
    params: Params<T>,
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
        let read = SubscriptionState::read(text)?;
        Ok(Self { status: read.status, params: read.params.map(|part| text.share(part)) })
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
}

impl<'a> SubscriptionState<&'a str> {
    /// Reads a value where it stands.
    ///
    /// # Errors
    /// [`ValueError`] names the part at fault.
    pub fn read(text: &'a str) -> Result<Self, ValueError> {
        let mut scanner = Scanner::new(text);
        scanner.skip_blanks();
        let status = SubscriptionStatus::read(scanner.token()?);
        Ok(Self { status, params: Params::scan_header(&mut scanner)? })
    }
}

impl<T: Words> SubscriptionState<T> {
    /// What became of the subscription.
    #[must_use]
    pub fn status(&self) -> &SubscriptionStatus {
        &self.status
    }

    /// Why it is over.
    #[must_use]
    pub fn reason(&self) -> Option<TerminationReason> {
        self.params.raw("reason").map(TerminationReason::read)
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

impl<T: Words> fmt::Display for SubscriptionState<T> {
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
