//! Maps of places (1.3): the address of one, made from where somebody is.

use super::{Sessions, Shape};
use crate::wv::translate::{presence, service};
use mapping::{
    address::Address,
    event::Operation,
    outcome::Outcome,
    presence::{Attribute, GeoLocation, PresenceView},
    time::Timestamp,
};
use wv_proto::{
    primitive::{
        Primitive,
        access::Status,
        identifier::SessionId,
        map::{GetMapRequest, GetMapResponse},
    },
    session::transaction::Ticket,
    status::{StatusCode, StatusResult},
};

impl Sessions {
    // WV-MAP-01
    pub(super) fn find_map(&mut self, now: Timestamp, id: &SessionId, ticket: Ticket, request: &GetMapRequest) {
        match request {
            GetMapRequest::Place(place) => {
                let primitive = self.map_of(presence::place_named(place));
                self.settle_later(now, id, ticket, primitive);
            }
            GetMapRequest::User(user) => match self.neutral(user.as_str()) {
                Some(user) => {
                    let attributes = [Attribute::GeoLocation].into_iter().collect();
                    let operation = Operation::Fetch { targets: vec![user], attributes };
                    self.request(id, ticket, Shape::Map, operation, Vec::new());
                }
                None => self.refuse_outcome(now, id, ticket, Outcome::BadAddress),
            },
        }
    }

    /// The map of where the user is whose presence was looked at.
    pub(in crate::wv::session) fn map_of_view(&self, views: &[(Address, PresenceView)]) -> Primitive {
        self.map_of(views.first().and_then(|(_, view)| presence::place_shown(view)))
    }

    fn map_of(&self, place: Option<GeoLocation>) -> Primitive {
        match (place, &self.settings.provider.map_url) {
            (Some(place), Some(template)) => {
                let url = service::map_address(template, &place);
                Primitive::GetMapResponse(Box::new(GetMapResponse::Url(url.into())))
            }
            _ => Primitive::Status(Status::from(StatusResult::new(StatusCode::NOT_FOUND))),
        }
    }
}
