//! Groups that are looked for: searches, VerifyID, and AutoJoin.

use super::*;
use wv_proto::primitive::{
    identifier::SearchId,
    provider::VerifyIdRequest,
    search::{SearchElement, SearchPair, SearchRequest, SearchResponse, SearchResult, StopSearchRequest},
    service::ServiceRequest,
};

fn search(phone: &mut Phone, pairs: &[(SearchElement, &str)]) -> Result<SearchResponse, u16> {
    let pair = |(element, text): &(SearchElement, &str)| SearchPair {
        element: element.clone(),
        text: (*text).into(),
        pair_id: None,
    };
    let pairs = pairs.iter().map(pair).collect();
    let request = SearchRequest::Begin { pairs, criteria: None, limit: Some(1) };
    match phone.request(Primitive::SearchRequest(Box::new(request))).unwrap() {
        Primitive::SearchResponse(response) => Ok(*response),
        other => Err(code_of(&other).unwrap_or_else(|| panic!("{other:?}"))),
    }
}

fn found(response: &SearchResponse) -> Vec<GroupId> {
    match &response.result {
        Some(SearchResult::Groups(groups)) => groups.clone(),
        None => Vec::new(),
        other => panic!("{other:?}"),
    }
}

// WV-SRC-03
/// Wrong ways to go on with a search.
fn continues_wrongly(phone: &mut Phone, first: &SearchResponse) {
    let open = first.search_id.clone().unwrap();
    let mut go_on = |search_id: SearchId, index| {
        phone.ask(Primitive::SearchRequest(Box::new(SearchRequest::Continue { search_id, index })))
    };
    assert_eq!(go_on(SearchId::new("nobody"), first.index), 424);
    assert_eq!(go_on(open.clone(), Some(first.findings)), 425);
    assert_eq!(go_on(open.clone(), Some(u32::MAX)), 425);
    assert_eq!(go_on(open, None), 425);
}

// WV-SRC-03
/// A search is stopped once, and cannot be continued then.
fn stops(phone: &mut Phone, first: &SearchResponse) {
    let search_id = first.search_id.clone().unwrap();
    let stop = || Primitive::StopSearchRequest(StopSearchRequest { search_id: search_id.clone() });
    assert_eq!((phone.ask(stop()), phone.ask(stop())), (200, 424));
    let request = SearchRequest::Continue { search_id: search_id.clone(), index: first.index };
    assert_eq!(phone.ask(Primitive::SearchRequest(Box::new(request))), 424);
}

#[test]
fn wv_src_06_groups_are_found_by_what_they_are_and_who_is_in_them() {
    for (version, encoding) in WAYS {
        let (mut alice, mut bob) = (phone(version, encoding), phone(version, encoding));
        let (one, two) = (room_of(&alice), room_of(&bob));
        // Other tests search at the same time.
        let topic = format!("about {}", alice.user());
        let properties = |searchable| {
            [("Name", "Chess"), ("Topic", topic.as_str()), ("Accesstype", "Open"), ("Searchable", searchable)]
        };
        assert_eq!(create(&mut alice, &one, "al", &properties("T")), 200);
        assert_eq!(create(&mut bob, &two, "bo", &properties("T")), 200);
        let by_topic = [(SearchElement::GroupTopic, topic.as_str()), (SearchElement::GroupName, "chess")];
        let first = search(&mut bob, &by_topic).unwrap();
        assert_eq!((first.findings, first.is_complete, found(&first).len()), (2, false, 1), "{version} {encoding:?}");
        continues_wrongly(&mut bob, &first);
        let request = SearchRequest::Continue { search_id: first.search_id.clone().unwrap(), index: first.index };
        let Ok(Primitive::SearchResponse(rest)) = bob.request(Primitive::SearchRequest(Box::new(request))) else {
            panic!("no second part")
        };
        let mut all = [found(&first), found(&rest)].concat();
        all.sort();
        let mut expected = vec![one.clone(), two.clone()];
        expected.sort();
        assert_eq!((rest.is_complete, all), (true, expected));
        stops(&mut bob, &first);
        let owner = alice.user().to_owned();
        let by_owner = [(SearchElement::GroupUserIdOwner, owner.as_str()), (SearchElement::GroupId, "room")];
        assert_eq!(found(&search(&mut bob, &by_owner).unwrap()), std::slice::from_ref(&one));
        // Alice hides her address from bob, not from herself.
        let joined = [(SearchElement::GroupUserIdJoined, owner.as_str())];
        assert_eq!(search(&mut bob, &joined).unwrap().findings, 0);
        assert_eq!(found(&search(&mut alice, &joined).unwrap()), std::slice::from_ref(&one));
        let hide = GroupProperties { properties: vec![Property::new("Searchable", "F")], welcome_note: None };
        let change = SetGroupPropsRequest { group_id: one.clone(), properties: Some(hide), own_properties: None };
        assert_eq!(alice.ask(Primitive::SetGroupPropsRequest(Box::new(change))), 200);
        assert_eq!(search(&mut bob, &by_owner).unwrap().findings, 0);
        assert_eq!(found(&search(&mut alice, &by_owner).unwrap()), [one]);
        let mixed = [(SearchElement::GroupName, "chess"), (SearchElement::UserId, "alice")];
        assert_eq!(search(&mut bob, &mixed), Err(402));
        assert_eq!(search(&mut bob, &[(SearchElement::GroupName, "*")]), Err(537));
    }
}

#[test]
fn wv_vid_01_groups_and_screen_names_are_verified() {
    for (version, encoding) in WAYS {
        let (mut alice, mut bob) = (phone(version, encoding), phone(version, encoding));
        let (room, missing) = (room_of(&alice), room_of(&bob));
        assert_eq!(create(&mut alice, &room, "al", &PLAIN), 200);
        let verify = |groups: &[&GroupId], names: &[ScreenName]| {
            Primitive::VerifyIdRequest(Box::new(VerifyIdRequest {
                groups: groups.iter().map(|group| (*group).clone()).collect(),
                screen_names: names.to_vec(),
                ..VerifyIdRequest::default()
            }))
        };
        assert_eq!(bob.ask(verify(&[&room], &[named("al", &room)])), 200, "{version} {encoding:?}");
        assert_eq!(bob.ask(verify(&[&missing], &[])), 800);
        let answer = bob.request(verify(&[&room, &missing], &[named("xx", &room)])).unwrap();
        let details: Vec<_> = answer.result().unwrap().detailed.iter().map(|one| one.code.number()).collect();
        assert_eq!(code_of(&answer), Some(201));
        assert_eq!(details, [800, 531]);
    }
}

#[test]
fn wv_grp_17_who_wants_to_be_in_a_group_with_each_login_is_joined() {
    for (version, encoding) in WAYS {
        let (mut alice, mut bob) = (phone(version, encoding), phone(version, encoding));
        let group = room_of(&alice);
        assert_eq!(create(&mut alice, &group, "al", &PLAIN), 200);
        let user = bob.user().to_owned();
        let add = AddGroupMembersRequest { group_id: group.clone(), members: members(&[&user]) };
        assert_eq!(alice.ask(Primitive::AddGroupMembersRequest(add)), 200);
        let own = Some(vec![Property::new("AutoJoin", "T")]);
        let change = SetGroupPropsRequest { group_id: group.clone(), properties: None, own_properties: own };
        assert_eq!(bob.ask(Primitive::SetGroupPropsRequest(Box::new(change))), 200, "{version} {encoding:?}");
        let everything = || {
            Primitive::ServiceRequest(ServiceRequest { client_id: None, functions: None, all_functions_request: true })
        };
        let mut again = Phone::with_client(shared().csp(), &user, "again", version, encoding);
        again.log_in().unwrap();
        assert!(matches!(again.request(everything()), Ok(Primitive::ServiceResponse(_))));
        again.expect("GroupChangeNotice Joined", |told| match told {
            Primitive::GroupChangeNotice(notice) => {
                notice.joined.as_ref().is_some_and(|roster| names(roster).len() == 2).then_some(())
            }
            _ => None,
        });
        let sent = say(&mut alice, Group::Id(group.clone()), None, "welcome back");
        assert_eq!(code_of(&sent), Some(200));
        hear(&mut again, "welcome back");
        // Once per session: who leaves is not pulled back by the next agreement.
        assert_eq!(leave(&mut again, &group), 200);
        assert!(matches!(again.request(everything()), Ok(Primitive::ServiceResponse(_))));
        assert_eq!(leave(&mut again, &group), 808);
    }
}
