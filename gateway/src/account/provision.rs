//! What belongs to a user besides the account, as lines of JSON: for moving users in, out, and between installations.
//!
//! One object per line, its `kind` first. Users are written `wv:USER@DOMAIN`, `sip:USER@DOMAIN` or `USER@DOMAIN`; what an
//! export writes, an import takes.
//!
//! ```json
//! {"kind":"person","user":"wv:alice@wv.example","first_name":"Alice","last_name":"Liddell",
//!  "email":"alice@example.org","msisdn":"+4915112345"}
//! {"kind":"contact_list","user":"wv:alice@wv.example","name":"friends","display_name":"Friends","default":true,
//!  "members":[{"user":"sip:bob@sip.example","nickname":"Bob"}]}
//! {"kind":"authorization","user":"wv:alice@wv.example","watcher":"sip:bob@sip.example","decision":"allow",
//!  "attributes":["OnlineStatus","StatusText"]}
//! {"kind":"authorization","user":"wv:alice@wv.example","list":"friends","decision":"allow"}
//! {"kind":"authorization","user":"wv:alice@wv.example","everybody":true,"decision":"allow",
//!  "attributes":["OnlineStatus"],"asks_for_more":true}
//! {"kind":"group","user":"wv:alice@wv.example","group":"wv:alice/room@wv.example","access":"restricted",
//!  "visibility":"private","members":[{"user":"wv:alice@wv.example","role":"administrator"}]}
//! {"kind":"screening","user":"wv:alice@wv.example","block":{"in_use":true,"users":["sip:bob@sip.example"]}}
//! ```

mod group;
mod screening;

pub use group::{GroupMemberProvision, GroupProvision, WelcomeProvision};

pub use screening::{EntitiesProvision, ScreenNameProvision, ScreeningProvision};

use super::{Account, AccountUser, PersonDetails};
use mapping::{
    address::Address,
    contact_list::Contact,
    conversation::Person,
    event::{AttributeScope, BeyondOf, Operation},
    presence::{Attribute, AttributeSet},
    record::Fact,
    route::DomainTable,
    side::Side,
    watcher::{Beyond, Decision},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Provision {
    /// What is known of the person behind an account.
    Person(PersonProvision),
    /// A contact list with its members.
    ContactList(ListProvision),
    /// A presentity's word on a watcher, on the members of a list, or on everybody else.
    Authorization(AuthorizationProvision),
    /// Whom a user refuses, and whom alone it accepts.
    Screening(ScreeningProvision),
    /// A group with its members.
    Group(GroupProvision),
}

/// What is known of a person; what is not named is not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonProvision {
    /// Whose account.
    pub user: String,
    /// First name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// Last name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// Mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Telephone number, with country code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub msisdn: Option<String>,
    /// The SIP user for whom the account stands at a foreign WV server. The account has to be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow_of: Option<String>,
}

/// A contact list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListProvision {
    /// Whose list.
    pub user: String,
    /// Its name: what stands behind the slash of its address.
    pub name: String,
    /// What people see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Whether it is the default list of its owner.
    #[serde(default, skip_serializing_if = "is_false")]
    pub default: bool,
    /// Its members, in order.
    #[serde(default)]
    pub members: Vec<MemberProvision>,
}

/// A member of a contact list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberProvision {
    /// Who.
    pub user: String,
    /// The owner's name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
}

/// An authorisation. Exactly one of `watcher`, `list` and `everybody` says for whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorizationProvision {
    /// Whose word it is.
    pub user: String,
    /// On one watcher.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watcher: Option<String>,
    /// On the members of the contact list of that name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<String>,
    /// On everybody on whom nothing else is said.
    #[serde(default, skip_serializing_if = "is_false")]
    pub everybody: bool,
    /// Yes or no.
    pub decision: Decision,
    /// What may be seen; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attributes: Option<Vec<Attribute>>,
    /// Whether the user is asked about who wants to see more than is allowed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub asks_for_more: bool,
}

/// What a line asks for.
#[derive(Clone, Debug)]
pub enum Deed {
    /// Of the engine.
    Ask(Wish),
    /// Of the accounts: to know this of a person.
    Describe(AccountUser, PersonDetails),
}

/// What a line asks of the engine.
#[derive(Clone, Debug)]
pub struct Wish {
    /// In whose name.
    pub user: Address,
    /// The side on which that user lives.
    pub side: Side,
    /// What to do.
    pub operation: Operation,
}

/// Why a line is refused before the engine sees it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProvisionError {
    /// It is no JSON object of a known kind.
    #[error("{0}")]
    Syntax(String),
    /// A user or list name that is none.
    #[error("\"{0}\" is no user")]
    User(String),
    /// The name of a list cannot be used.
    #[error("\"{0}\" is no name for a list")]
    ListName(String),
    /// The address of a group cannot be used.
    #[error("\"{0}\" is no group")]
    GroupName(String),
    /// The domain is not served here.
    #[error("the domain of {0} is not hosted here")]
    NotHosted(Address),
    /// None or several of `watcher`, `list` and `everybody`.
    #[error("say exactly one of watcher, list and everybody")]
    Target,
    /// `asks_for_more` where nothing is allowed.
    #[error("asks_for_more goes with what is allowed, not with \"block\"")]
    AsksWhereRefused,
}

impl Provision {
    /// Reads a line.
    ///
    /// # Errors
    /// [`ProvisionError::Syntax`].
    pub fn parse(line: &str) -> Result<Self, ProvisionError> {
        serde_json::from_str(line).map_err(|error| ProvisionError::Syntax(error.to_string()))
    }

    /// The lines of facts, of conversations with the people in them.
    #[must_use]
    pub fn of_facts<'a>(facts: impl IntoIterator<Item = &'a Fact>, domains: &DomainTable) -> Vec<Self> {
        let (mut lines, mut groups) = (Vec::new(), Vec::new());
        let mut people: BTreeMap<&Address, Vec<(&Address, &Person)>> = BTreeMap::new();
        for fact in facts {
            match fact {
                Fact::Conversation(kept) => groups.push(kept),
                Fact::Person { conversation, user, person } => {
                    people.entry(conversation).or_default().push((user, person));
                }
                other => lines.extend(Self::of_fact(other, domains)),
            }
        }
        lines.extend(groups.into_iter().map(|kept| {
            let within = people.get(&kept.address).map(Vec::as_slice).unwrap_or_default();
            Self::Group(GroupProvision::of(kept, within, domains))
        }));
        lines
    }

    /// The line of a fact; none for facts that are no property of a user but of what goes on.
    #[must_use]
    pub fn of_fact(fact: &Fact, domains: &DomainTable) -> Option<Self> {
        match fact {
            Fact::ContactList(list) => Some(Self::ContactList(ListProvision {
                user: spell(&list.address.owner(), domains),
                name: list.address.resource().unwrap_or_default().to_owned(),
                display_name: list.display_name.clone(),
                default: list.is_default,
                members: list
                    .members
                    .iter()
                    .map(|member| MemberProvision {
                        user: spell(&member.address, domains),
                        nickname: member.nickname.as_deref().map(str::to_owned),
                    })
                    .collect(),
            })),
            Fact::Authorization { presentity, watcher, decision, attributes, beyond } => {
                let list = watcher.resource().map(str::to_owned);
                let everybody = watcher == presentity;
                let named = list.is_none() && !everybody;
                Some(Self::Authorization(AuthorizationProvision {
                    user: spell(presentity, domains),
                    watcher: named.then(|| spell(watcher, domains)),
                    list,
                    everybody,
                    decision: *decision,
                    attributes: (*attributes != AttributeSet::ALL && *decision == Decision::Allow)
                        .then(|| attributes.iter().collect()),
                    asks_for_more: *beyond == Beyond::Asked,
                }))
            }
            Fact::Screening { user, screening } => {
                Some(Self::Screening(ScreeningProvision::of(user, screening, domains)))
            }
            Fact::Attachment { .. }
            | Fact::Publication { .. }
            | Fact::Watch { .. }
            | Fact::ListWatch { .. }
            | Fact::Question { .. }
            | Fact::Inbox { .. }
            | Fact::Outbox { .. }
            | Fact::Report(_)
            | Fact::Origin { .. }
            | Fact::Awaited { .. }
            | Fact::Announcement(_)
            | Fact::Conversation(_)
            | Fact::Person { .. }
            | Fact::Said(_)
            | Fact::Invitation(_)
            | Fact::Sent { .. }
            | Fact::FarSeat { .. } => None,
        }
    }

    /// The line of an account; none where nothing is known of the person.
    #[must_use]
    pub fn of_account(account: &Account) -> Option<Self> {
        let PersonDetails { first_name, last_name, email, msisdn, shadow_of } = account.person.clone();
        let user = account.user.to_string();
        let line = PersonProvision { user, first_name, last_name, email, msisdn, shadow_of };
        (!account.person.is_empty()).then_some(Self::Person(line))
    }

    /// What is asked for.
    ///
    /// # Errors
    /// Other than [`ProvisionError::Syntax`].
    pub fn to_deed(&self, domains: &DomainTable) -> Result<Deed, ProvisionError> {
        Ok(match self {
            Self::Person(person) => {
                let user = match person.shadow_of {
                    // At home elsewhere; whether it is known here says the book of accounts.
                    Some(_) => AccountUser::parse(&person.user).ok(),
                    None => {
                        let (address, side) = owner(&person.user, domains)?;
                        AccountUser::new(side, address).ok()
                    }
                };
                let user = user.ok_or_else(|| ProvisionError::User(person.user.clone()))?;
                let PersonProvision { first_name, last_name, email, msisdn, shadow_of, .. } = person.clone();
                Deed::Describe(user, PersonDetails { first_name, last_name, email, msisdn, shadow_of })
            }
            Self::ContactList(list) => Deed::Ask(list.to_wish(domains)?),
            Self::Authorization(word) => Deed::Ask(word.to_wish(domains)?),
            Self::Group(group) => Deed::Ask(group.to_wish(domains)?),
            Self::Screening(lists) => {
                let (user, side) = owner(&lists.user, domains)?;
                let operation = lists.to_operation(&user)?;
                Deed::Ask(Wish { user, side, operation })
            }
        })
    }
}

impl ListProvision {
    fn to_wish(&self, domains: &DomainTable) -> Result<Wish, ProvisionError> {
        let (user, side) = owner(&self.user, domains)?;
        let address = list_address(&user, &self.name)?;
        let members = self.members.iter().map(|member| contact(member, side)).collect::<Result<_, _>>()?;
        let operation = Operation::CreateContactList {
            written: with_scheme(address.as_str(), side),
            list: address,
            members,
            display_name: self.display_name.clone(),
            make_default: self.default,
        };
        Ok(Wish { user, side, operation })
    }
}

impl AuthorizationProvision {
    fn to_wish(&self, domains: &DomainTable) -> Result<Wish, ProvisionError> {
        let (user, side) = owner(&self.user, domains)?;
        let watcher = match (&self.watcher, &self.list, self.everybody) {
            (Some(watcher), None, false) => parse_user(watcher)?,
            (None, Some(list), false) => list_address(&user, list)?,
            (None, None, true) => user.clone(),
            _ => return Err(ProvisionError::Target),
        };
        let attributes = match &self.attributes {
            Some(named) => named.iter().copied().collect(),
            None => AttributeSet::ALL,
        };
        let operation = match (self.decision, self.asks_for_more) {
            (decision, false) => Operation::Authorize { watcher, decision, attributes },
            (Decision::Allow, true) => {
                let targets = if self.everybody { Vec::new() } else { vec![watcher] };
                let scope = AttributeScope { targets, everybody: self.everybody };
                let beyond = BeyondOf { users: Beyond::Asked, lists: Beyond::Asked, everybody: Beyond::Asked };
                Operation::SetAttributeLists { scope, attributes, beyond }
            }
            (Decision::Block, true) => return Err(ProvisionError::AsksWhereRefused),
        };
        Ok(Wish { user, side, operation })
    }
}

fn owner(text: &str, domains: &DomainTable) -> Result<(Address, Side), ProvisionError> {
    let user = parse_user(text)?;
    match domains.find(&user) {
        Some(row) if domains.is_hosted(&user) => Ok((user, row.side)),
        Some(_) | None => Err(ProvisionError::NotHosted(user)),
    }
}

fn contact(member: &MemberProvision, side: Side) -> Result<Contact, ProvisionError> {
    let address = parse_user(&member.user)?;
    // On this side it is always written so.
    let written = match side {
        Side::Wv => "".into(),
        Side::Simple => with_scheme(address.as_str(), side).into(),
    };
    Ok(Contact { address, written, nickname: member.nickname.as_deref().map(Into::into) })
}

fn list_address(owner: &Address, name: &str) -> Result<Address, ProvisionError> {
    let wrong = || ProvisionError::ListName(name.to_owned());
    let (user, domain) = owner.as_str().split_once('@').ok_or_else(wrong)?;
    let address = Address::parse(&format!("{user}/{name}@{domain}")).map_err(|_| wrong())?;
    // The name must not have been read as part of something else.
    if address.owner() == *owner && address.resource().is_some_and(|name| !name.is_empty()) {
        Ok(address)
    } else {
        Err(wrong())
    }
}

/// A user with or without its scheme.
pub(crate) fn parse_user(text: &str) -> Result<Address, ProvisionError> {
    let bare = AccountUser::parse(text).map(|user| user.address().clone());
    bare.ok()
        .or_else(|| Address::parse(text).ok())
        .filter(|address| address.resource().is_none())
        .ok_or_else(|| ProvisionError::User(text.to_owned()))
}

/// As clients of the owner's side write addresses.
fn with_scheme(address: &str, side: Side) -> String {
    match side {
        Side::Wv => format!("wv:{address}"),
        Side::Simple => format!("sip:{address}"),
    }
}

/// With the scheme of the side on which the domain lives, where that is known.
fn spell(address: &Address, domains: &DomainTable) -> String {
    match domains.find(address) {
        Some(row) => with_scheme(address.as_str(), row.side),
        None => address.as_str().to_owned(),
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{AccountOrigin, Credential, Secret};
    use mapping::contact_list::ContactList;
    use mapping::route::{DomainRoute, Route};

    fn domains() -> DomainTable {
        let mut table = DomainTable::default();
        table.insert("wv.example", DomainRoute { side: Side::Wv, route: Route::Hosted });
        table.insert("sip.example", DomainRoute { side: Side::Simple, route: Route::Hosted });
        table
    }

    fn wish(deed: Result<Deed, ProvisionError>) -> Wish {
        match deed {
            Ok(Deed::Ask(wish)) => wish,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_shadow_is_exported_with_the_user_for_whom_it_stands() {
        let line = r#"{"kind":"person","user":"wv:bob@old.example","shadow_of":"sip:bob@sip.example"}"#;
        let Ok(Deed::Describe(user, person)) = Provision::parse(line).unwrap().to_deed(&domains()) else { panic!() };
        assert_eq!(person.shadow_of.as_deref(), Some("sip:bob@sip.example"));
        let (credential, origin) = (Credential::Clear(Secret::new("x")), AccountOrigin::Store);
        let again = Provision::of_account(&Account { user, credential, origin, person }).unwrap();
        assert_eq!(serde_json::to_string(&again).unwrap(), line);
    }

    #[test]
    fn a_person_is_exported_and_imported_again() {
        let line = r#"{"kind":"person","user":"wv:alice@wv.example","first_name":"Alice","msisdn":"+49151"}"#;
        let Ok(Deed::Describe(user, person)) = Provision::parse(line).unwrap().to_deed(&domains()) else { panic!() };
        let (credential, origin) = (Credential::Clear(Secret::new("x")), AccountOrigin::Store);
        let account = Account { user, credential, origin, person };
        let again = Provision::of_account(&account).unwrap();
        assert_eq!(serde_json::to_string(&again).unwrap(), line);
        assert_eq!(Provision::of_account(&Account { person: PersonDetails::default(), ..account }), None);
    }

    #[test]
    fn what_is_exported_is_imported_again() {
        let lines = [
            r#"{"kind":"contact_list","user":"wv:alice@wv.example","name":"friends","display_name":"F","default":true,"members":[{"user":"sip:bob@sip.example","nickname":"Bob"},{"user":"x@elsewhere.example"}]}"#,
            r#"{"kind":"authorization","user":"wv:alice@wv.example","watcher":"sip:bob@sip.example","decision":"allow","attributes":["OnlineStatus"]}"#,
            r#"{"kind":"authorization","user":"wv:alice@wv.example","list":"friends","decision":"allow"}"#,
            r#"{"kind":"authorization","user":"wv:alice@wv.example","everybody":true,"decision":"block"}"#,
            r#"{"kind":"authorization","user":"wv:alice@wv.example","everybody":true,"decision":"allow","attributes":[],"asks_for_more":true}"#,
            r#"{"kind":"screening","user":"wv:alice@wv.example","block":{"in_use":true,"users":["sip:bob@sip.example"],"groups":["wv:carol/club@wv.example"],"screen_names":[{"group":"wv:carol/club@wv.example","name":"Neo"}],"lists":["friends"],"applications":["x"]},"grant":{"in_use":false}}"#,
        ];
        for line in lines {
            let provision = Provision::parse(line).unwrap();
            let wish = wish(provision.to_deed(&domains()));
            assert_eq!(wish.user.as_str(), "alice@wv.example");
            let fact = match wish.operation {
                Operation::CreateContactList { list, written, members, display_name, make_default } => {
                    Fact::ContactList(ContactList {
                        address: list,
                        written,
                        display_name,
                        is_default: make_default,
                        members: members.into(),
                    })
                }
                Operation::Authorize { watcher, decision, attributes } => {
                    let beyond = Beyond::Silent;
                    Fact::Authorization { presentity: wish.user, watcher, decision, attributes, beyond }
                }
                Operation::SetAttributeLists { attributes, beyond, .. } => Fact::Authorization {
                    presentity: wish.user.clone(),
                    watcher: wish.user,
                    decision: Decision::Allow,
                    attributes,
                    beyond: beyond.everybody,
                },
                Operation::Screen(change) => {
                    let mut screening = mapping::screening::Screening::default();
                    screening.change(change);
                    Fact::Screening { user: wish.user, screening }
                }
                other => panic!("{other:?}"),
            };
            let again = Provision::of_fact(&fact, &domains()).unwrap();
            assert_eq!(serde_json::to_string(&again).unwrap(), line);
        }
    }

    #[test]
    fn a_group_is_exported_with_its_people_and_imported_again() {
        let line = r#"{"kind":"group","user":"wv:alice@wv.example","group":"wv:Alice/Room@wv.example","title":"Room","access":"restricted","visibility":"private","history":true,"ends_when_empty_after_s":60,"welcome":{"media_type":"text/plain","text":"hello"},"members":[{"user":"wv:alice@wv.example","role":"administrator"},{"user":"sip:bob@sip.example","role":"user","joins_by_itself":true}],"kept_out":["x@elsewhere.example"]}"#;
        let wish = wish(Provision::parse(line).unwrap().to_deed(&domains()));
        let Operation::CreateConversation { conversation, creation } = wish.operation else { panic!() };
        let kept = mapping::engine::KeptConversation {
            address: conversation.clone(),
            written: creation.written,
            owner: wish.user,
            properties: creation.properties.applied_to(&mapping::conversation::Properties::default()),
        };
        let people = creation.people.into_iter().map(|(user, person)| Fact::Person {
            conversation: conversation.clone(),
            user,
            person: Box::new(person),
        });
        let facts: Vec<Fact> = std::iter::once(Fact::Conversation(Box::new(kept))).chain(people).collect();
        let again = Provision::of_facts(&facts, &domains());
        assert_eq!(serde_json::to_string(&again[0]).unwrap(), line);
        let refusal =
            |line: &str| Provision::parse(line).and_then(|line| line.to_deed(&domains()).map(|_| ())).unwrap_err();
        let no_group = r#"{"kind":"group","user":"wv:alice@wv.example","group":"wv:alice@wv.example"}"#;
        assert!(matches!(refusal(no_group), ProvisionError::GroupName(_)));
        let odd = r#"{"kind":"group","user":"wv:alice@wv.example","group":"wv:/x@wv.example","welcome":{"media_type":"text/plain"}}"#;
        assert!(matches!(refusal(odd), ProvisionError::Syntax(_)));
    }

    #[test]
    fn a_wrong_line_says_what_is_wrong() {
        let refusal = |line: &str| {
            Provision::parse(line).and_then(|provision| provision.to_deed(&domains()).map(|_| ())).unwrap_err()
        };
        assert!(matches!(refusal("{"), ProvisionError::Syntax(_)));
        assert!(
            matches!(refusal(r#"{"kind":"roster"}"#), ProvisionError::Syntax(text) if text.contains("contact_list"))
        );
        let unknown = r#"{"kind":"contact_list","user":"wv:a@wv.example","name":"f","colour":"red"}"#;
        assert!(matches!(refusal(unknown), ProvisionError::Syntax(text) if text.contains("colour")));
        let elsewhere = r#"{"kind":"contact_list","user":"wv:a@other.example","name":"f"}"#;
        assert!(matches!(refusal(elsewhere), ProvisionError::NotHosted(_)));
        let name = r#"{"kind":"contact_list","user":"wv:a@wv.example","name":""}"#;
        assert!(matches!(refusal(name), ProvisionError::ListName(_)));
        let asks = r#"{"kind":"authorization","user":"wv:a@wv.example","everybody":true,"decision":"block","asks_for_more":true}"#;
        assert_eq!(refusal(asks), ProvisionError::AsksWhereRefused);
        let target = r#"{"kind":"authorization","user":"wv:a@wv.example","decision":"allow"}"#;
        assert_eq!(refusal(target), ProvisionError::Target);
    }
}
