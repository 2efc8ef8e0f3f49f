//! Block and grant lists.

use super::address;
use mapping::screening::{Entity, EntityChange, EntitySet, Screening, ScreeningChange};
use wv_proto::primitive::{
    block::{AccessList, BlockEntityRequest, Entities, EntityList, GetBlockedListResponse},
    identifier::GroupId,
    party::ScreenName,
};

/// The change that a BlockEntity-Request asks for; none when it names what is no address.
// WV-BLK-03
#[must_use]
pub fn from_request(request: &BlockEntityRequest, domain_default: &str) -> Option<ScreeningChange> {
    let mut change = ScreeningChange::default();
    if let Some(block) = &request.block {
        change.block = Some(from_list(block, domain_default)?);
    }
    if let Some(grant) = &request.grant {
        change.grant = Some(from_list(grant, domain_default)?);
    }
    Some(change)
}

fn from_list(list: &AccessList, domain_default: &str) -> Option<EntityChange> {
    let entities = |list: &EntityList| from_entities(list, domain_default);
    let mut change = EntityChange { in_use: list.in_use, ..EntityChange::default() };
    match &list.entities {
        Entities::Unnamed => {}
        Entities::Whole(whole) => change.whole = Some(entities(whole)?),
        Entities::Change { add, remove } => {
            change.add = add.as_ref().map_or_else(|| Some(Vec::new()), entities)?;
            change.remove = remove.as_ref().map_or_else(|| Some(Vec::new()), entities)?;
        }
    }
    Some(change)
}

fn from_entities(list: &EntityList, domain_default: &str) -> Option<Vec<Entity>> {
    let neutral = |text: &str| address::to_neutral(text, domain_default).ok();
    let users = list.users.iter().map(|user| neutral(user.as_str()).map(Entity::User));
    let groups = list.groups.iter().map(|group| neutral(group.as_str()).map(Entity::Group));
    let names = list.screen_names.iter().map(|name| {
        let group = neutral(name.group_id.as_str())?;
        Some(Entity::ScreenName { group, name: name.name.as_ref().into() })
    });
    let lists = list.contact_lists.iter().map(|list| neutral(list.as_str()).map(Entity::ContactList));
    let applications = list.applications.iter().map(|id| Some(Entity::Application(id.as_ref().into())));
    users.chain(groups).chain(names).chain(lists).chain(applications).collect()
}

/// The lists as GetBlockedList-Response shows them.
#[must_use]
pub fn to_response(screening: &Screening) -> GetBlockedListResponse {
    GetBlockedListResponse {
        block: Some(to_list(&screening.block, screening.is_blocking())),
        grant: Some(to_list(&screening.grant, screening.is_granting())),
    }
}

fn to_list(set: &EntitySet, in_use: bool) -> AccessList {
    let mut list = EntityList::default();
    for entity in &set.entities {
        match entity {
            Entity::User(user) => list.users.push(address::to_user_id(user)),
            Entity::Group(group) => list.groups.push(GroupId::new(address::from_neutral(group))),
            Entity::ScreenName { group, name } => list
                .screen_names
                .push(ScreenName { name: name.as_ref().into(), group_id: GroupId::new(address::from_neutral(group)) }),
            Entity::ContactList(named) => list.contact_lists.push(address::to_contact_list_id(named)),
            Entity::Application(id) => list.applications.push(id.as_ref().into()),
        }
    }
    AccessList { in_use: Some(in_use), entities: Entities::Whole(list) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wv_proto::primitive::identifier::UserId;

    #[test]
    fn lists_go_there_and_back() {
        let whole = EntityList {
            users: vec![UserId::new("wv:carol@wv.example")],
            groups: vec![GroupId::new("wv:alice/club@wv.example")],
            screen_names: vec![ScreenName { name: "Neo".into(), group_id: GroupId::new("wv:alice/club@wv.example") }],
            ..EntityList::default()
        };
        let block = Some(AccessList { in_use: Some(true), entities: Entities::Whole(whole.clone()) });
        let change = from_request(&BlockEntityRequest { block, grant: None }, "wv.example").unwrap();
        let mut screening = Screening::default();
        screening.change(change);
        let shown = to_response(&screening);
        assert_eq!(shown.block, Some(AccessList { in_use: Some(true), entities: Entities::Whole(whole) }));
        let empty = Entities::Whole(EntityList::default());
        assert_eq!(shown.grant, Some(AccessList { in_use: Some(false), entities: empty }));
    }

    #[test]
    fn what_is_no_address_is_not_blocked() {
        let add = Some(EntityList { users: vec![UserId::new("wv:@")], ..EntityList::default() });
        let block = Some(AccessList { in_use: None, entities: Entities::Change { add, remove: None } });
        assert_eq!(from_request(&BlockEntityRequest { block, grant: None }, "wv.example"), None);
    }
}
