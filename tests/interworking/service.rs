//! Services of the server itself: the provider, search, identifiers, public profiles, version discovery.

use acceptance::{
    phone::{Phone, code_of},
    product::{Pair, pair, shared},
};
use wv_proto::{
    codec::decode,
    limit::Limits,
    presence_attribute::{GeoLocation, PresenceAttribute, PresenceSubList, Qualified},
    primitive::{
        Envelope, Primitive, SessionDescriptor, Transaction,
        discovery::{VersionDiscoveryRequest, VersionDiscoveryResponse, VersionList},
        identifier::{SearchId, TransactionId, UserId},
        map::{GetMapRequest, GetMapResponse},
        party::Property,
        presence::UpdatePresenceRequest,
        profile::{GetPublicProfileRequest, PublicProfile, UpdatePublicProfileRequest},
        provider::{GetSpInfoRequest, VerifyIdRequest},
        search::{SearchElement, SearchPair, SearchRequest, SearchResponse, SearchResult, StopSearchRequest},
    },
    version::{ContentType, Encoding, Version},
};

/// Every version in every encoding.
fn kinds() -> impl Iterator<Item = (Version, Encoding)> {
    Version::ALL.into_iter().flat_map(|version| [Encoding::Xml, Encoding::Wbxml].map(|encoding| (version, encoding)))
}

fn phone_of(version: Version, encoding: Encoding) -> (Pair, Phone) {
    let pair = pair();
    let phone = Phone::logged_in(shared().csp(), &pair.wv, version, encoding);
    (pair, phone)
}

fn find(phone: &mut Phone, request: SearchRequest) -> Result<SearchResponse, u16> {
    match phone.request(Primitive::SearchRequest(Box::new(request))) {
        Ok(Primitive::SearchResponse(response)) => Ok(*response),
        Ok(other) => Err(code_of(&other).unwrap_or_default()),
        Err(error) => panic!("{error}"),
    }
}

fn begin(pairs: &[(SearchElement, &str)], limit: u32) -> SearchRequest {
    let pair = |(element, text): &(SearchElement, &str)| SearchPair {
        element: element.clone(),
        text: (*text).into(),
        pair_id: None,
    };
    SearchRequest::Begin { pairs: pairs.iter().map(pair).collect(), criteria: None, limit: Some(limit) }
}

fn users(response: &SearchResponse) -> Vec<String> {
    match &response.result {
        Some(SearchResult::Users(users)) => users.iter().map(|user| user.user_id.as_str().to_owned()).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn wv_src_02_a_search_is_told_in_parts() {
    for (version, encoding) in kinds() {
        let (_, mut phone) = phone_of(version, encoding);
        let mut response = find(&mut phone, begin(&[(SearchElement::UserId, "@wv.example")], 60)).unwrap();
        let search_id = response.search_id.clone().expect("there is more");
        let mut all = users(&response);
        while !response.is_complete {
            let next = SearchRequest::Continue { search_id: search_id.clone(), index: response.index };
            response = find(&mut phone, next).unwrap();
            assert!(users(&response).len() <= 60);
            all.extend(users(&response));
        }
        assert_eq!(u32::try_from(all.len()), Ok(response.findings));
        all.sort_unstable();
        all.dedup();
        assert_eq!(u32::try_from(all.len()), Ok(response.findings), "nobody twice");
        assert!(all.contains(&phone.user().to_owned()), "{all:?}");
        let beyond = SearchRequest::Continue { search_id: search_id.clone(), index: Some(9999) };
        assert_eq!(find(&mut phone, beyond), Err(425));
        let stop = || Primitive::StopSearchRequest(StopSearchRequest { search_id: search_id.clone() });
        assert_eq!((phone.ask(stop()), phone.ask(stop())), (200, 424));
        let unknown = SearchRequest::Continue { search_id: SearchId::new("nobody's"), index: Some(0) };
        assert_eq!(find(&mut phone, unknown), Err(424));
    }
}

#[test]
fn wv_src_01_pairs_are_joined_and_kinds_are_not_mixed() {
    let (pair, mut phone) = phone_of(Version::V1_2, Encoding::Wbxml);
    let user = pair.wv.trim_start_matches("wv:").to_owned();
    let found = find(&mut phone, begin(&[(SearchElement::UserId, &user), (SearchElement::UserId, "wv")], 10)).unwrap();
    assert!(users(&found).contains(&pair.wv), "{found:?}");
    let none = find(&mut phone, begin(&[(SearchElement::UserId, &user), (SearchElement::UserCity, "Rome")], 10));
    assert_eq!(none.map(|none| (none.findings, none.is_complete)), Ok((0, true)));
    let mixed = begin(&[(SearchElement::UserId, "a"), (SearchElement::GroupName, "b")], 10);
    assert_eq!(find(&mut phone, mixed), Err(402));
    assert_eq!(find(&mut phone, begin(&[(SearchElement::UserId, "")], 10)), Err(537));
}

#[test]
fn wv_ppr_01_a_public_profile_is_told_to_everybody_and_found() {
    for encoding in [Encoding::Xml, Encoding::Wbxml] {
        let (_, mut phone) = phone_of(Version::V1_3, encoding);
        let (_, mut other) = phone_of(Version::V1_3, encoding);
        let city = format!("City of {}", phone.user().replace(['@', ':', '.'], " "));
        let update = |properties| {
            let profile = Some(PublicProfile { user_id: None, properties });
            Primitive::UpdatePublicProfileRequest(Box::new(UpdatePublicProfileRequest { clear: false, profile }))
        };
        assert_eq!(phone.ask(update(vec![Property::new("PP_CITY", &city), Property::new("PP_AGE", "33")])), 200);
        assert_eq!(phone.ask(update(vec![Property::new("PP_SHOES", "44")])), 702);
        let ask = Primitive::GetPublicProfileRequest(GetPublicProfileRequest {
            users: vec![UserId::new(phone.user()), UserId::new("wv:nobody@wv.example")],
        });
        let Ok(Primitive::GetPublicProfileResponse(response)) = other.request(ask) else { panic!("no profile") };
        assert_eq!(response.result.code.number(), 201);
        assert_eq!(response.profiles[0].properties[0], Property::new("PP_CITY", &city));
        let pairs = vec![
            SearchPair { element: SearchElement::UserCity, text: city.as_str().into(), pair_id: Some(1) },
            SearchPair { element: SearchElement::UserAgeMin, text: "40".into(), pair_id: Some(2) },
        ];
        let search = |criteria: Option<&str>| SearchRequest::Begin {
            pairs: pairs.clone(),
            criteria: criteria.map(Into::into),
            limit: None,
        };
        assert_eq!(find(&mut other, search(None)).map(|found| found.findings), Ok(0));
        let found = find(&mut other, search(Some("1 AND NOT 2"))).unwrap();
        assert_eq!(users(&found), [phone.user()]);
    }
}

#[test]
fn wv_vid_01_bad_identifiers_are_named() {
    for (version, encoding) in kinds().filter(|(version, _)| *version != Version::V1_1) {
        let (pair, mut phone) = phone_of(version, encoding);
        let verify = |users: &[&str], domains: &[&str]| {
            Primitive::VerifyIdRequest(Box::new(VerifyIdRequest {
                users: users.iter().map(|user| UserId::new(*user)).collect(),
                domains: domains.iter().map(|domain| (*domain).into()).collect(),
                ..VerifyIdRequest::default()
            }))
        };
        assert_eq!(phone.ask(verify(&[&pair.wv, &pair.sip_in_wv()], &["wv.example"])), 200);
        assert_eq!(phone.ask(verify(&["wv:nobody@wv.example"], &[])), 531);
        let answer = phone.request(verify(&[&pair.wv, "wv:nobody@wv.example"], &["elsewhere.example"])).unwrap();
        let result = answer.result().unwrap();
        let details: Vec<u16> = result.detailed.iter().map(|detail| detail.code.number()).collect();
        assert_eq!((result.code.number(), details), (201, vec![531, 516]));
    }
}

#[test]
fn wv_spi_01_the_provider_is_told_inside_and_outside_of_sessions() {
    for (version, encoding) in kinds() {
        let (_, mut phone) = phone_of(version, encoding);
        let answer = phone.request(Primitive::GetSpInfoRequest(GetSpInfoRequest::default()));
        let Ok(Primitive::GetSpInfoResponse(inside)) = answer else { panic!("{answer:?}") };
        assert!(!inside.name.is_empty());
        let request = Transaction::request(
            Some(TransactionId::new("outside")),
            Primitive::GetSpInfoRequest(GetSpInfoRequest::default()),
        );
        let envelope = Envelope::new(SessionDescriptor::Outband, request);
        let octets = envelope.encode(version, encoding, Default::default()).unwrap();
        let kind = ContentType::for_version(version, encoding);
        let answer = phone.post_raw(kind.as_str(), &octets).unwrap();
        let decoded = decode(&answer.body, None, &Limits::default()).unwrap();
        let outside = Envelope::decode(&decoded.tree).unwrap();
        assert_eq!(outside.session, SessionDescriptor::Outband);
        assert_eq!(outside.transactions[0].content, Ok(Primitive::GetSpInfoResponse(inside)));
    }
}

#[test]
fn wv_dsc_01_versions_are_discovered_before_any_session() {
    let phone = Phone::new(shared().csp(), &pair().wv, Version::V1_3, Encoding::Xml);
    for version in [Version::V1_2, Version::V1_3] {
        for encoding in [Encoding::Xml, Encoding::Wbxml] {
            let request = VersionDiscoveryRequest { versions: VersionList::of(&[Version::V1_1, Version::V1_3]) };
            let octets = request.encode(version, encoding).unwrap();
            let kind = ContentType::for_version(version, encoding);
            let answer = phone.post_raw(kind.as_str(), &octets).unwrap();
            let decoded = decode(&answer.body, None, &Limits::default()).unwrap();
            let response = VersionDiscoveryResponse::decode(&decoded.tree).expect("a response");
            assert_eq!(response.versions.versions(), [Version::V1_1, Version::V1_3]);
        }
    }
}

fn code_or_name(phone: &mut Phone, primitive: Primitive) -> Result<Primitive, u16> {
    let answer = phone.request(primitive).unwrap();
    code_of(&answer).map_or(Ok(answer), Err)
}

#[test]
fn wv_map_01_a_map_shows_where_somebody_may_be_seen() {
    for encoding in [Encoding::Xml, Encoding::Wbxml] {
        let (me, mut phone) = phone_of(Version::V1_3, encoding);
        let (other, mut friend) = phone_of(Version::V1_3, encoding);
        let place = || {
            let at = GeoLocation {
                longitude: Some("13 24 36.000E".into()),
                latitude: Some("52 31 12.000N".into()),
                ..GeoLocation::default()
            };
            [PresenceAttribute::GeoLocation(Box::new(Qualified::valid(at)))].into_iter().collect::<PresenceSubList>()
        };
        let url = "https://maps.example/?lat=52.5200000&lon=13.4100000";
        let expected = Ok(Primitive::GetMapResponse(Box::new(GetMapResponse::Url(url.into()))));
        let map = |target| Primitive::GetMapRequest(Box::new(target));
        let of_user = |user: &str| map(GetMapRequest::User(UserId::new(user)));
        assert_eq!(code_or_name(&mut phone, map(GetMapRequest::Place(place()))), expected);
        assert_eq!(code_or_name(&mut phone, map(GetMapRequest::Place(PresenceSubList::default()))), Err(404));
        friend.ask(Primitive::UpdatePresenceRequest(UpdatePresenceRequest { attributes: place() }));
        assert_eq!(code_or_name(&mut friend, of_user(&other.wv)), expected, "one's own place");
        assert_eq!(code_or_name(&mut phone, of_user(&other.wv)), Err(521), "nothing may be seen");
        friend.grant(&me.wv, true);
        assert_eq!(code_or_name(&mut phone, of_user(&other.wv)), expected);
        assert_eq!(code_or_name(&mut phone, of_user("wv:nobody@wv.example")), Err(531));
    }
}

#[test]
fn wv_ext_01_no_extension_is_known() {
    for (version, encoding) in kinds().filter(|(version, _)| *version != Version::V1_1) {
        let (_, phone) = phone_of(version, encoding);
        let extended = acceptance::primitive_table::example(
            version,
            &phone.session_id().unwrap(),
            wv_proto::schema::element::EXTENDED_REQUEST,
        );
        let answer = phone.post_raw("application/vnd.wv.csp.xml", &extended).unwrap();
        assert!(String::from_utf8_lossy(&answer.body).contains("<Code>405</Code>"), "{answer:?}");
    }
}
