//! IWF-SES: two sessions under one ClientID.

use crate::both;
use acceptance::{
    catalogue::{How, case},
    phone::Phone,
    product::shared,
};
use wv_proto::{
    primitive::Primitive,
    version::{Encoding, Version},
};

#[test]
fn iwf_ses_int_009_a_login_of_the_same_client_replaces_its_session() {
    case("IWF-SES-INT-009", How::Sockets, || {
        let (pair, mut phone, _) = both();
        let again = Phone::logged_in(shared().csp(), &pair.wv, Version::V1_2, Encoding::Wbxml);
        assert_ne!(again.session_id(), phone.session_id());
        let told = format!("{:?}", phone.request(Primitive::GetListRequest));
        assert!(told.contains("601") || told.starts_with("Err"), "the old session is over: {told}");
    });
}
