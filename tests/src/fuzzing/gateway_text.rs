//! Names, hashes and addresses as operators and stores write them.

use gateway::{
    account::{AccountUser, credential::PasswordDigest},
    observe::TraceRecord,
    simple, wv,
};
use sip_proto::message::uri::Uri;

/// A text as each of them.
///
/// # Panics
/// When a promise of a reader is broken.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(user) = AccountUser::parse(&text) {
        assert_eq!(AccountUser::parse(&user.to_string()).expect("what was written reads"), user);
    }
    let _ = PasswordDigest::parse(&text);
    if let Ok(record) = serde_json::from_str::<TraceRecord>(&text) {
        let written = serde_json::to_string(&record).expect("what was read can be written");
        assert_eq!(serde_json::from_str::<TraceRecord>(&written).expect("what was written reads"), record);
    }
    // An address of one side, written on the other, names the same user there and when it comes back.
    if let Ok(address) = wv::translate::address::to_neutral(&text, "wv.example") {
        let written = wv::translate::address::from_neutral(&address);
        assert_eq!(
            wv::translate::address::to_neutral(&written, "wv.example").expect("what was written reads"),
            address
        );
        if let Ok(uri) = simple::translate::address::from_neutral(&address) {
            let back = simple::translate::address::to_neutral(&uri, "wv.example").expect("what was written reads");
            assert_eq!(back, address, "{uri}");
        }
    }
    if let Ok(uri) = Uri::parse(&text)
        && let Ok(address) = simple::translate::address::to_neutral(&uri, "wv.example")
        && let Ok(written) = simple::translate::address::from_neutral(&address)
    {
        let back = simple::translate::address::to_neutral(&written, "wv.example").expect("what was written reads");
        assert_eq!(back, address, "{uri} {written}");
    }
}
