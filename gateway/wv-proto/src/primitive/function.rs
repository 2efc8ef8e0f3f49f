//! The service tree: which functions exist, in which version, and sets of them.

use crate::version::Version;
use serde::{Deserialize, Serialize};
use std::fmt;

/// First level of the service tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Feature {
    /// FundamentalFeat.
    Fundamental,
    /// PresenceFeat.
    Presence,
    /// IMFeat.
    Message,
    /// GroupFeat.
    Group,
}

impl Feature {
    /// All, in the order of the documents.
    pub const ALL: [Self; 4] = [Self::Fundamental, Self::Presence, Self::Message, Self::Group];
}

/// Second level of the service tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FunctionGroup {
    /// ServiceFunc.
    Service,
    /// SearchFunc.
    Search,
    /// InviteFunc.
    Invite,
    /// VerifyIDFunc (1.2, 1.3).
    VerifyId,
    /// ContListFunc.
    ContactList,
    /// PresenceAuthFunc.
    PresenceAuth,
    /// PresenceDeliverFunc.
    PresenceDeliver,
    /// AttListFunc (1.1, 1.2).
    AttributeList,
    /// IMSendFunc.
    MessageSend,
    /// IMReceiveFunc.
    MessageReceive,
    /// IMAuthFunc.
    MessageAuth,
    /// GroupMgmtFunc.
    GroupManage,
    /// GroupUseFunc.
    GroupUse,
    /// GroupAuthFunc.
    GroupAuth,
}

impl FunctionGroup {
    /// All, in the order of the documents.
    pub const ALL: [Self; 14] = [
        Self::Service,
        Self::Search,
        Self::Invite,
        Self::VerifyId,
        Self::ContactList,
        Self::PresenceAuth,
        Self::PresenceDeliver,
        Self::AttributeList,
        Self::MessageSend,
        Self::MessageReceive,
        Self::MessageAuth,
        Self::GroupManage,
        Self::GroupUse,
        Self::GroupAuth,
    ];

    /// The feature that holds the group.
    #[must_use]
    pub const fn feature(self) -> Feature {
        match self {
            Self::Service | Self::Search | Self::Invite | Self::VerifyId => Feature::Fundamental,
            Self::ContactList | Self::PresenceAuth | Self::PresenceDeliver | Self::AttributeList => Feature::Presence,
            Self::MessageSend | Self::MessageReceive | Self::MessageAuth => Feature::Message,
            Self::GroupManage | Self::GroupUse | Self::GroupAuth => Feature::Group,
        }
    }
}

macro_rules! functions {
    ($($name:ident $group:ident $first:ident $last:ident $meaning:literal,)+) => {
        /// Leaf of the service tree; the names are the codes of the documents.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "UPPERCASE")]
        #[repr(u8)]
        pub enum Function {
            $(#[doc = $meaning] $name,)+
        }

        impl Function {
            /// All, in the order of the documents.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The group that holds the function.
            #[must_use]
            pub const fn group(self) -> FunctionGroup {
                match self {
                    $(Self::$name => FunctionGroup::$group,)+
                }
            }

            /// Whether the version knows the function.
            #[must_use]
            pub const fn is_in(self, version: Version) -> bool {
                let (first, last) = match self {
                    $(Self::$name => (Version::$first as u8, Version::$last as u8),)+
                };
                first <= version as u8 && version as u8 <= last
            }
        }
    };
}

functions! {
    Getspi Service V1_1 V1_3 "Get service provider information.",
    Getmap Service V1_3 V1_3 "Get a location map.",
    Sgmnt Service V1_3 V1_3 "Segmentation.",
    Srch Search V1_1 V1_3 "Search.",
    Advsr Search V1_3 V1_3 "Advanced search.",
    Stsrc Search V1_1 V1_3 "Stop a search.",
    Invit Invite V1_1 V1_3 "Invite.",
    Cainv Invite V1_1 V1_3 "Cancel an invitation.",
    Vrid VerifyId V1_2 V1_3 "Verify an identifier.",
    Gcli ContactList V1_1 V1_3 "Get the contact lists.",
    Ccli ContactList V1_1 V1_3 "Create a contact list.",
    Dcli ContactList V1_1 V1_3 "Delete a contact list.",
    Mcls ContactList V1_1 V1_3 "Manage a contact list.",
    Getwl PresenceAuth V1_1 V1_3 "Get the watcher list.",
    React PresenceAuth V1_1 V1_2 "Reactive authorisation.",
    Caaut PresenceAuth V1_1 V1_2 "Cancel an authorisation.",
    Getaut PresenceAuth V1_2 V1_2 "Get the state of reactive authorisations.",
    Getpr PresenceDeliver V1_1 V1_3 "Get presence.",
    Updpr PresenceDeliver V1_1 V1_3 "Update presence.",
    Cali AttributeList V1_1 V1_2 "Create an attribute list.",
    Dali AttributeList V1_1 V1_2 "Delete an attribute list.",
    Gals AttributeList V1_1 V1_2 "Get the attribute lists.",
    Mdeliv MessageSend V1_1 V1_3 "Delivery reports.",
    Fwmsg MessageSend V1_1 V1_3 "Forward a message.",
    Setd MessageReceive V1_1 V1_3 "Set the delivery method.",
    Getlm MessageReceive V1_1 V1_3 "Get the list of messages.",
    Getm MessageReceive V1_1 V1_3 "Get a message.",
    Rejcm MessageReceive V1_1 V1_3 "Reject a message.",
    Notif MessageReceive V1_1 V1_3 "Notification of a message.",
    Newm MessageReceive V1_1 V1_3 "Push of a message.",
    Offnotif MessageReceive V1_3 V1_3 "Notification while offline.",
    Glblu MessageAuth V1_1 V1_3 "Get the list of blocked entities.",
    Blent MessageAuth V1_1 V1_3 "Block an entity.",
    Creag GroupManage V1_1 V1_3 "Create a group.",
    Delgr GroupManage V1_1 V1_3 "Delete a group.",
    Getgp GroupManage V1_1 V1_3 "Get the properties of a group.",
    Setgp GroupManage V1_1 V1_3 "Set the properties of a group.",
    Subgcn GroupUse V1_1 V1_3 "Subscribe to changes of a group.",
    Grchn GroupUse V1_1 V1_3 "Notice of a change of a group.",
    Excon GroupUse V1_3 V1_3 "Extend a conversation.",
    Getgm GroupAuth V1_1 V1_3 "Get the members of a group.",
    Addgm GroupAuth V1_1 V1_3 "Add members to a group.",
    Rmvgm GroupAuth V1_1 V1_3 "Remove members from a group.",
    Mbrac GroupAuth V1_1 V1_3 "Rights of members of a group.",
    Rejec GroupAuth V1_1 V1_3 "Reject list of a group.",
    Getju GroupAuth V1_2 V1_3 "Get the users that joined a group.",
}

impl Function {
    /// The feature that holds the function.
    #[must_use]
    pub const fn feature(self) -> Feature {
        self.group().feature()
    }
}

/// A set of functions.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FunctionSet(u64);

impl FunctionSet {
    /// No function.
    pub const NONE: Self = Self(0);

    /// Every function that the version knows.
    #[must_use]
    pub fn of_version(version: Version) -> Self {
        Function::ALL.iter().copied().filter(|function| function.is_in(version)).collect()
    }

    /// Every function of the feature, whatever the version.
    #[must_use]
    pub fn of_feature(feature: Feature) -> Self {
        Function::ALL.iter().copied().filter(|function| function.feature() == feature).collect()
    }

    /// Every function of the group, whatever the version.
    #[must_use]
    pub fn of_group(group: FunctionGroup) -> Self {
        Function::ALL.iter().copied().filter(|function| function.group() == group).collect()
    }

    /// Adds the function.
    pub const fn insert(&mut self, function: Function) {
        self.0 |= 1 << function as u8;
    }

    /// Whether the function is in the set.
    #[must_use]
    pub const fn contains(self, function: Function) -> bool {
        self.0 & (1 << function as u8) != 0
    }

    /// Whether every function of the other set is in this one.
    #[must_use]
    pub const fn contains_all(self, other: Self) -> bool {
        other.0 & !self.0 == 0
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What is in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in this one only.
    #[must_use]
    pub const fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The members in the order of the documents.
    pub fn iter(self) -> impl Iterator<Item = Function> {
        Function::ALL.iter().copied().filter(move |function| self.contains(*function))
    }

    /// Whether what a primitive needs is in the set; a feature is when any function of it is.
    #[must_use]
    pub fn grants(self, need: FunctionNeed) -> bool {
        match need {
            FunctionNeed::Nothing => true,
            FunctionNeed::Feature(feature) => !self.intersection(Self::of_feature(feature)).is_empty(),
            FunctionNeed::Function(function) => self.contains(function),
        }
    }
}

impl FromIterator<Function> for FunctionSet {
    fn from_iter<I: IntoIterator<Item = Function>>(functions: I) -> Self {
        let mut set = Self::NONE;
        for function in functions {
            set.insert(function);
        }
        set
    }
}

impl fmt::Debug for FunctionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// Which place of the service tree a primitive belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FunctionNeed {
    /// None: every session may use it.
    Nothing,
    /// The feature itself, which has no leaf for it.
    Feature(Feature),
    /// This leaf.
    Function(Function),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_know_different_functions() {
        assert!(Function::React.is_in(Version::V1_1) && !Function::React.is_in(Version::V1_3));
        assert!(!Function::Getju.is_in(Version::V1_1) && Function::Getju.is_in(Version::V1_2));
        assert_eq!(FunctionSet::of_version(Version::V1_3).iter().count(), 40);
    }

    #[test]
    fn a_feature_is_granted_by_any_function_of_it() {
        let set: FunctionSet = [Function::Newm].into_iter().collect();
        assert!(set.grants(FunctionNeed::Feature(Feature::Message)));
        assert!(!set.grants(FunctionNeed::Feature(Feature::Group)));
        assert!(!set.grants(FunctionNeed::Function(Function::Getm)));
        assert!(FunctionSet::NONE.grants(FunctionNeed::Nothing));
    }
}
