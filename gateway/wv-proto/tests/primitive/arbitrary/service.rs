//! Search, the provider, identifiers and profiles.

use super::Source;
use bytes::Bytes;
use wv_proto::primitive::Primitive;
use wv_proto::primitive::identifier::{ContactListId, GroupId, SearchId, UserId};
use wv_proto::primitive::map::{GetMapRequest, GetMapResponse, Map};
use wv_proto::primitive::party::User;
use wv_proto::primitive::profile::{
    GetPublicProfileRequest, GetPublicProfileResponse, PublicProfile, UpdatePublicProfileRequest,
};
use wv_proto::primitive::provider::{GetSpInfoRequest, GetSpInfoResponse, Logo, VerifyIdRequest};
use wv_proto::primitive::search::{
    SearchElement, SearchPair, SearchRequest, SearchResponse, SearchResult, StopSearchRequest,
};

impl Source<'_> {
    fn search_request(&mut self) -> SearchRequest {
        if self.flag() {
            let (search_id, index) = (self.id(SearchId::new), self.maybe(Self::number));
            return SearchRequest::Continue { search_id, index };
        }
        SearchRequest::Begin {
            pairs: self.filled_list(|source| SearchPair {
                element: source.word(SearchElement::ALL, SearchElement::Other),
                text: source.text(),
                pair_id: source.maybe_1_3(Self::number),
            }),
            criteria: self.maybe_1_3(Self::text),
            limit: self.maybe(Self::number),
        }
    }

    fn search_result(&mut self) -> SearchResult {
        if self.flag() {
            SearchResult::Users(self.list(|source| User {
                user_id: source.id(UserId::new),
                friendly_name: source.maybe_1_3(Self::text),
                client_id: None,
            }))
        } else {
            SearchResult::Groups(self.filled_list(|source| source.id(GroupId::new)))
        }
    }

    fn profile(&mut self) -> PublicProfile {
        PublicProfile { user_id: self.maybe(|source| source.id(UserId::new)), properties: self.list(Self::property) }
    }

    pub(super) fn service_primitive(&mut self, kind: u8) -> Primitive {
        match kind {
            0 => Primitive::GetSpInfoRequest(GetSpInfoRequest { client_id: self.maybe(Self::described_client) }),
            1 => Primitive::GetSpInfoResponse(Box::new(GetSpInfoResponse {
                client_id: self.maybe(Self::described_client),
                name: self.text(),
                logo: self.maybe(|source| Logo {
                    content_type: source.text(),
                    octets: Bytes::copy_from_slice(&[source.choice(), 0xff, source.choice()]),
                }),
                description: self.maybe(Self::text),
                url: self.maybe(Self::text),
            })),
            2 | 3 => Primitive::SearchRequest(Box::new(self.search_request())),
            4 => Primitive::SearchResponse(Box::new(SearchResponse {
                search_id: self.maybe(|source| source.id(SearchId::new)),
                findings: self.number(),
                is_complete: self.flag(),
                index: Some(self.number()),
                result: self.maybe(Self::search_result),
            })),
            5 => Primitive::StopSearchRequest(StopSearchRequest { search_id: self.id(SearchId::new) }),
            6 => Primitive::VerifyIdRequest(Box::new(VerifyIdRequest {
                users: self.list(|source| source.id(UserId::new)),
                contact_lists: self.list(|source| source.id(ContactListId::new)),
                groups: self.list(|source| source.id(GroupId::new)),
                screen_names: self.list(Self::screen_name),
                domains: self.list(Self::text),
            })),
            7 => Primitive::GetPublicProfileRequest(GetPublicProfileRequest {
                users: self.filled_list(|source| source.id(UserId::new)),
            }),
            8 => Primitive::GetPublicProfileResponse(Box::new(GetPublicProfileResponse {
                result: self.result(),
                profiles: self.list(Self::profile),
            })),
            9 => Primitive::GetMapRequest(Box::new(if self.flag() {
                GetMapRequest::User(self.id(UserId::new))
            } else {
                GetMapRequest::Place(self.attributes())
            })),
            10 => Primitive::GetMapResponse(Box::new(if self.flag() {
                GetMapResponse::Url(self.text())
            } else {
                let octets = Bytes::copy_from_slice(&[self.choice(), 0xff]);
                GetMapResponse::Map(Map { content_type: self.text(), octets })
            })),
            _ => Primitive::UpdatePublicProfileRequest(Box::new(UpdatePublicProfileRequest {
                clear: self.flag(),
                profile: self.maybe(Self::profile),
            })),
        }
    }
}
