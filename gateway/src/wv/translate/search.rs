//! What a search asks for, and whether somebody is that.

use super::address;
use crate::account::PersonDetails;
use mapping::{address::Address, conversation::Query};
use wv_proto::primitive::search::{SearchElement, SearchPair};

/// What a search asks for: every pair has to fit, or what AdvancedCriteria makes of them (WV-SRC-01, WV-SRC-04).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Criteria {
    pairs: Vec<SearchPair>,
    rule: Term,
}

/// A rule over pairs, which are named by their place in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Term {
    Pair(usize),
    Not(Box<Term>),
    All(Vec<Term>),
    Any(Vec<Term>),
}

/// Somebody who may be what is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// Address.
    pub user: &'a Address,
    /// Public profile.
    pub profile: &'a [(Box<str>, Box<str>)],
    /// What the operator knows.
    pub details: &'a PersonDetails,
}

impl Criteria {
    /// The criteria that a request names; none when they make no sense: a mix of users and groups, an element that is
    /// none, a rule that cannot be read.
    #[must_use]
    pub fn parse(pairs: &[SearchPair], advanced: Option<&str>) -> Option<Self> {
        let is_known = |pair: &SearchPair| !matches!(pair.element, SearchElement::Other(_));
        let groups = pairs.iter().filter(|pair| pair.element.is_of_group()).count();
        if pairs.is_empty() || pairs.len() > PAIRS_MAX || !pairs.iter().all(is_known) {
            return None;
        }
        // WV-SRC-01
        if groups != 0 && groups != pairs.len() {
            return None;
        }
        let rule = match advanced {
            None => Term::All((0..pairs.len()).map(Term::Pair).collect()),
            Some(text) => Reader::new(text, pairs).read()?,
        };
        Some(Self { pairs: pairs.to_vec(), rule })
    }

    /// Whether groups are looked for.
    #[must_use]
    pub fn is_about_groups(&self) -> bool {
        self.pairs.first().is_some_and(|pair| pair.element.is_of_group())
    }

    /// Whether it would find everybody.
    #[must_use]
    pub fn is_too_broad(&self) -> bool {
        self.pairs.iter().all(|pair| pair.text.trim_matches([' ', '*', '%', '?']).is_empty())
    }

    /// Whether the person is what is looked for.
    #[must_use]
    pub fn matches(&self, person: &Person<'_>) -> bool {
        self.holds(&self.rule, &|pair| fits(pair, person))
    }

    /// What is asked of the groups.
    #[must_use]
    pub fn to_query(&self, domain_default: &str) -> Query {
        self.query_of(&self.rule, domain_default)
    }

    fn query_of(&self, term: &Term, domain: &str) -> Query {
        let all = |terms: &[Term]| terms.iter().map(|term| self.query_of(term, domain)).collect();
        match term {
            Term::Pair(at) => self.pairs.get(*at).map_or(Query::Any(Vec::new()), |pair| group_query(pair, domain)),
            Term::Not(inner) => Query::Not(Box::new(self.query_of(inner, domain))),
            Term::All(terms) => Query::All(all(terms)),
            Term::Any(terms) => Query::Any(all(terms)),
        }
    }

    fn holds(&self, term: &Term, fits: &dyn Fn(&SearchPair) -> bool) -> bool {
        match term {
            Term::Pair(at) => self.pairs.get(*at).is_some_and(fits),
            Term::Not(inner) => !self.holds(inner, fits),
            Term::All(terms) => terms.iter().all(|term| self.holds(term, fits)),
            Term::Any(terms) => terms.iter().any(|term| self.holds(term, fits)),
        }
    }
}

fn fits(pair: &SearchPair, person: &Person<'_>) -> bool {
    let text = pair.text.trim().to_lowercase();
    let says = |name: &str| {
        let value = person.profile.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        value.map(|(_, value)| value.to_lowercase())
    };
    let holds = |name: &str| says(name).is_some_and(|value| value.contains(&text));
    let is = |name: &str| says(name).is_some_and(|value| value == text);
    // WV-SRC-07
    let within = |name: &Option<String>| name.as_ref().is_some_and(|name| name.to_lowercase().contains(&text));
    let age = || says("PP_AGE").and_then(|age| age.trim().parse::<u32>().ok());
    match &pair.element {
        SearchElement::UserId => {
            let wanted = text.strip_prefix("wv:").or_else(|| text.strip_prefix("sip:")).unwrap_or(&text);
            person.user.as_str().to_lowercase().contains(wanted)
        }
        SearchElement::UserMobileNumber => {
            let known = person.details.msisdn.as_deref();
            is_number(person.user.user(), &text) || known.is_some_and(|known| is_number(known, &text))
        }
        SearchElement::UserFriendlyName | SearchElement::UserAlias => {
            holds("PP_FRIENDLY_NAME") || within(&person.details.friendly_name())
        }
        // UNCLEAR elements §3: where the operator knows no names, they are looked for in the friendly name.
        SearchElement::UserFirstName => match &person.details.first_name {
            None => holds("PP_FRIENDLY_NAME"),
            known => within(known),
        },
        SearchElement::UserLastName => match &person.details.last_name {
            None => holds("PP_FRIENDLY_NAME"),
            known => within(known),
        },
        SearchElement::UserEmailAddress => {
            let known = person.details.email.as_ref();
            person.user.as_str() == text || known.is_some_and(|known| known.to_lowercase() == text)
        }
        SearchElement::UserCity => holds("PP_CITY"),
        SearchElement::UserCountry => is("PP_COUNTRY"),
        SearchElement::UserGender => is("PP_GENDER"),
        SearchElement::UserIntention => holds("PP_INTENTION"),
        SearchElement::UserInterestsHobbies => holds("PP_INTERESTS"),
        SearchElement::UserMaritalStatus => is("PP_MARITAL_STATUS"),
        SearchElement::UserAgeMin => text.parse().is_ok_and(|least: u32| age().is_some_and(|age| age >= least)),
        SearchElement::UserAgeMax => text.parse().is_ok_and(|most: u32| age().is_some_and(|age| age <= most)),
        // Presence is shown to those who are authorised, and a search asks nobody.
        SearchElement::UserOnlineStatus => false,
        SearchElement::GroupId
        | SearchElement::GroupName
        | SearchElement::GroupTopic
        | SearchElement::GroupUserIdJoined
        | SearchElement::GroupUserIdOwner
        | SearchElement::GroupUserIdAutoJoin
        | SearchElement::Other(_) => false,
    }
}

/// What one pair asks of a group; nothing fits a text that names no user where it has to.
fn group_query(pair: &SearchPair, domain: &str) -> Query {
    let text = pair.text.trim_matches([' ', '*', '%']).to_lowercase();
    let of_user =
        |query: fn(Address) -> Query| address::to_neutral(&text, domain).map_or(Query::Any(Vec::new()), query);
    match &pair.element {
        SearchElement::GroupId => Query::Address(text.strip_prefix("wv:").unwrap_or(&text).to_owned()),
        SearchElement::GroupName => Query::Name(text),
        SearchElement::GroupTopic => Query::Topic(text),
        SearchElement::GroupUserIdJoined => of_user(Query::Participant),
        SearchElement::GroupUserIdOwner => of_user(Query::Owner),
        SearchElement::GroupUserIdAutoJoin => of_user(Query::JoiningByItself),
        _ => Query::Any(Vec::new()),
    }
}

/// Whether a user part is that mobile number: all its digits, or the last ones where one of both has a country code.
fn is_number(user: &str, wanted: &str) -> bool {
    let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    let is_number = user.chars().all(|c| c.is_ascii_digit() || c == '+');
    let (user, wanted) = (digits(user), digits(wanted));
    let is_tail = |long: &str, short: &str| short.len() >= NUMBER_DIGITS_MIN && long.ends_with(short);
    is_number && !wanted.is_empty() && (user == wanted || is_tail(&user, &wanted) || is_tail(&wanted, &user))
}

/// Reads AdvancedCriteria: PairIDs with AND, OR, NOT and brackets (WV-SRC-04).
struct Reader<'a> {
    words: Vec<&'a str>,
    at: usize,
    pairs: &'a [SearchPair],
    depth: usize,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, pairs: &'a [SearchPair]) -> Self {
        let mut words = Vec::new();
        let mut rest = text.trim();
        while let Some(first) = rest.chars().next() {
            let is_mark = |c: char| matches!(c, '(' | ')' | '&' | '|' | '!');
            let end = if is_mark(first) {
                first.len_utf8()
            } else {
                rest.find(|c: char| c.is_whitespace() || is_mark(c)).unwrap_or(rest.len())
            };
            let (word, more) = rest.split_at(end);
            words.push(word);
            rest = more.trim_start();
        }
        Self { words, at: 0, pairs, depth: 0 }
    }

    fn read(mut self) -> Option<Term> {
        let term = self.any()?;
        (self.at == self.words.len()).then_some(term)
    }

    fn take(&mut self, names: &[&str]) -> bool {
        let found =
            self.words.get(self.at).is_some_and(|word| names.iter().any(|name| word.eq_ignore_ascii_case(name)));
        if found {
            self.at = self.at.saturating_add(1);
        }
        found
    }

    fn any(&mut self) -> Option<Term> {
        let mut terms = vec![self.all()?];
        while self.take(&["OR", "|"]) {
            terms.push(self.all()?);
        }
        Some(Term::Any(terms))
    }

    fn all(&mut self) -> Option<Term> {
        let mut terms = vec![self.one()?];
        while self.take(&["AND", "&"]) {
            terms.push(self.one()?);
        }
        Some(Term::All(terms))
    }

    fn one(&mut self) -> Option<Term> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > PAIRS_MAX.saturating_mul(2) {
            return None;
        }
        if self.take(&["NOT", "!"]) {
            return self.one().map(|term| Term::Not(Box::new(term)));
        }
        if self.take(&["("]) {
            let term = self.any()?;
            return self.take(&[")"]).then_some(term);
        }
        let id: u32 = self.words.get(self.at)?.parse().ok()?;
        self.at = self.at.saturating_add(1);
        // A pair without PairID is named by its place, counted from 1.
        let named = self.pairs.iter().position(|pair| pair.pair_id == Some(id));
        let is_unnamed = |at: &usize| self.pairs.get(*at).is_some_and(|pair| pair.pair_id.is_none());
        let placed = || usize::try_from(id).ok()?.checked_sub(1).filter(is_unnamed);
        named.or_else(placed).map(Term::Pair)
    }
}

/// Pairs of one search.
const PAIRS_MAX: usize = 32;

/// So many digits tell a number from others without its country code.
const NUMBER_DIGITS_MIN: usize = 7;

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(element: SearchElement, text: &str, pair_id: Option<u32>) -> SearchPair {
        SearchPair { element, text: text.into(), pair_id }
    }

    fn finds(criteria: &Criteria, user: &str, profile: &[(&str, &str)]) -> bool {
        let profile: Vec<(Box<str>, Box<str>)> =
            profile.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let (user, details) = (&Address::parse(user).unwrap(), &PersonDetails::default());
        criteria.matches(&Person { user, profile: &profile, details })
    }

    #[test]
    fn wv_src_01_every_pair_has_to_fit() {
        let pairs = [pair(SearchElement::UserId, "wv:ali", None), pair(SearchElement::UserCity, "berlin", None)];
        let criteria = Criteria::parse(&pairs, None).unwrap();
        assert!(finds(&criteria, "alice@wv.example", &[("PP_CITY", "Berlin")]));
        assert!(!finds(&criteria, "alice@wv.example", &[("PP_CITY", "Bern")]));
        assert!(!finds(&criteria, "bob@wv.example", &[("PP_CITY", "Berlin")]));
    }

    #[test]
    fn wv_src_01_users_and_groups_do_not_mix() {
        let pairs = [pair(SearchElement::UserId, "a", None), pair(SearchElement::GroupName, "b", None)];
        assert_eq!(Criteria::parse(&pairs, None), None);
        assert_eq!(Criteria::parse(&[pair(SearchElement::Other("SHOE_SIZE".into()), "44", None)], None), None);
    }

    #[test]
    fn wv_src_04_advanced_criteria_join_pairs_by_their_ids() {
        let pairs = [
            pair(SearchElement::UserId, "alice", Some(7)),
            pair(SearchElement::UserId, "bob", Some(9)),
            pair(SearchElement::UserCity, "Rome", Some(11)),
        ];
        let criteria = Criteria::parse(&pairs, Some("(7 OR 9) AND NOT 11")).unwrap();
        assert!(finds(&criteria, "bob@wv.example", &[]));
        assert!(!finds(&criteria, "bob@wv.example", &[("PP_CITY", "rome")]));
        assert!(!finds(&criteria, "carol@wv.example", &[]));
        for broken in ["", "7 OR", "(7", "8", "7 9", ")", "NOT", "AND"] {
            assert_eq!(Criteria::parse(&pairs, Some(broken)), None, "{broken}");
        }
        let deep = format!("{}7{}", "(".repeat(5000), ")".repeat(5000));
        assert_eq!(Criteria::parse(&pairs, Some(&deep)), None);
    }

    #[test]
    fn wv_src_07_what_the_operator_knows_is_searched() {
        let details = PersonDetails {
            first_name: Some("Zo\u{eb}".to_owned()),
            last_name: Some("Adams".to_owned()),
            email: Some("Zoe@Mail.example".to_owned()),
            msisdn: Some("+4915112345678".to_owned()),
            shadow_of: None,
        };
        let user = Address::parse("z@wv.example").unwrap();
        let profile = [("PP_FRIENDLY_NAME".into(), "Kitten".into())];
        let is_found = |element: SearchElement, text: &str| {
            let criteria = Criteria::parse(&[pair(element, text, None)], None).unwrap();
            criteria.matches(&Person { user: &user, profile: &profile, details: &details })
        };
        assert!(is_found(SearchElement::UserFirstName, "ZO\u{cb}") && !is_found(SearchElement::UserFirstName, "adams"));
        assert!(is_found(SearchElement::UserLastName, "adam") && !is_found(SearchElement::UserLastName, "kitten"));
        assert!(is_found(SearchElement::UserFriendlyName, "kitten"));
        assert!(is_found(SearchElement::UserAlias, "zo\u{eb} adams"));
        assert!(is_found(SearchElement::UserEmailAddress, "zoe@mail.example"));
        assert!(!is_found(SearchElement::UserEmailAddress, "mail.example"));
        assert!(is_found(SearchElement::UserMobileNumber, "15112345678"));
        assert!(!is_found(SearchElement::UserMobileNumber, "15112345679"));
    }

    #[test]
    fn numbers_are_found_with_and_without_country_code() {
        let criteria = Criteria::parse(&[pair(SearchElement::UserMobileNumber, "600000001", None)], None).unwrap();
        assert!(finds(&criteria, "+34600000001@wv.example", &[]));
        assert!(finds(&criteria, "600000001@wv.example", &[]));
        assert!(!finds(&criteria, "600000002@wv.example", &[]));
        assert!(!finds(&criteria, "user600000001@wv.example", &[]));
        assert!(Criteria::parse(&[pair(SearchElement::UserId, "*", None)], None).unwrap().is_too_broad());
    }
}
