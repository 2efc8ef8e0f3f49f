//! Where servers are: names in DNS, several servers of one domain, several neighbours of one route. The name server is a
//! program of the system's packages; the servers that it names are user agents of ours.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

mod dns;
mod trunk;

use acceptance::{
    agent::Agent,
    name_server::{NameServer, Records},
    phone::Phone,
    product::{Gateway, Setup},
    wait,
};
use sip_proto::message::{Method, request::Request};
use wv_proto::version::{Encoding, Version};

/// A gateway with WV users, in front of domains that are elsewhere.
fn gateway(domains: &str, names: Option<&NameServer>, settings: &[&str]) -> Gateway {
    let own = "[[domain]]\nname = \"wv.example\"\nside = \"wv\"\nroute = \"access\"\n\n\
               [[account]]\nuser = \"wv:alice@wv.example\"\npassword = \"secret\"\n\n";
    let mut setup = Setup::configured(&format!("{own}{domains}"));
    for setting in settings.iter().map(|setting| (*setting).to_owned()).chain(names.map(NameServer::setting)) {
        setup = setup.with(&setting);
    }
    setup.start()
}

fn phone(gateway: &Gateway) -> Phone {
    Phone::logged_in(gateway.csp(), "wv:alice@wv.example", Version::V1_2, Encoding::Wbxml)
}

/// A server of a foreign domain.
fn server() -> Agent {
    // It sends nothing by itself.
    Agent::new("127.0.0.1:9".parse().unwrap(), "server@far.example")
}

/// Sends a text to a user of the foreign domain; the code of the answer.
fn send(phone: &mut Phone, text: &str) -> u16 {
    phone.send(&["wv:bob@far.example"], text, false).unwrap().result.code.number()
}

/// What has to differ between two transactions of one request, and what has to stay.
fn identity(request: &Request) -> (String, String, String) {
    let headers = request.headers();
    let branch = headers.via_top().unwrap().branch().unwrap().to_string();
    (headers.call_id().unwrap().to_string(), headers.cseq().unwrap().sequence.to_number().to_string(), branch)
}

fn messages(server: &mut Agent) -> Vec<Request> {
    server.take_requests(&Method::Message)
}

const FAR_BY_DNS: &str = "[[domain]]\nname = \"far.example\"\nside = \"simple\"\nroute = \"dns\"\n";

/// A host with the address of this machine.
fn records() -> Records {
    Records::default().host("host.far.example", "127.0.0.1")
}
