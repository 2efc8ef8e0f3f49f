use super::super::client::{AnswerInput, answer, choose};
use super::*;
use crate::message::{HeaderName, Method};
use bytes::Bytes;

const NOW: Timestamp = Timestamp::from_secs(1_000);

fn server() -> DigestServer {
    DigestServer::with_limits("sip.example", [9; 32], Duration::from_secs(60), 8)
}

fn request() -> Request {
    let mut request = Request::new(Method::Message, Uri::parse("sip:rita@sip.example").unwrap())
        .with(Header::new(HeaderName::To, "<sip:rita@sip.example>"));
    request.set_body(Bytes::from_static(b"hello"));
    request
}

fn secret() -> Secret {
    Secret::Password("secret".into())
}

/// The request again, with the answer to challenge `place` of the response.
fn answered(response: &Response, place: usize, secret: &Secret, nonce_count: u32) -> Request {
    let challenges = response.headers().challenges(&HeaderName::WwwAuthenticate).unwrap();
    let challenge = choose(&challenges[place..=place]).remove(0);
    let request = request();
    let input = AnswerInput {
        method: request.method(),
        uri: &request.uri().to_string(),
        user: "walt",
        secret,
        cnonce: "c1",
        nonce_count,
        body: request.body(),
    };
    let value = answer(&challenge, &input).unwrap();
    request.with(Header::new(HeaderName::Authorization, value))
}

fn challenged(server: &mut DigestServer, now: Timestamp) -> Response {
    server.challenge(now, &request(), Challenger::Server, Staleness::No, &Tag::parse("t").unwrap())
}

fn verdict(server: &mut DigestServer, now: Timestamp, request: &Request, secret: &Secret) -> Verdict {
    let credentials = server.read(request, Challenger::Server).unwrap();
    assert_eq!(credentials.user(), "walt");
    server.verify(now, request, &credentials, secret)
}

#[test]
fn the_stronger_algorithm_is_offered_first_and_both_are_accepted() {
    let mut server = server();
    let response = challenged(&mut server, NOW);
    assert_eq!(response.status().to_number(), 401);
    let offered = response.headers().challenges(&HeaderName::WwwAuthenticate).unwrap();
    let names: Vec<_> = offered.iter().map(|value| value.param("algorithm").unwrap().into_owned()).collect();
    assert_eq!(names, ["SHA-256", "MD5"]);
    for place in [0, 1] {
        let again = answered(&response, place, &secret(), 1);
        assert_eq!(verdict(&mut server, NOW, &again, &secret()), Verdict::Accepted);
    }
}

#[test]
fn a_stored_hash_serves_instead_of_the_password() {
    let mut server = server();
    let response = challenged(&mut server, NOW);
    let hashed = Secret::from_password(Algorithm::Md5, "walt", "sip.example", "secret");
    assert_eq!(verdict(&mut server, NOW, &answered(&response, 1, &secret(), 1), &hashed), Verdict::Accepted);
    assert_eq!(verdict(&mut server, NOW, &answered(&response, 0, &secret(), 1), &hashed), Verdict::Denied);
}

#[test]
fn a_wrong_secret_is_denied_and_uses_up_no_count() {
    let mut server = server();
    let response = challenged(&mut server, NOW);
    let wrong = answered(&response, 0, &Secret::Password("guess".into()), 1);
    assert_eq!(verdict(&mut server, NOW, &wrong, &secret()), Verdict::Denied);
    assert_eq!(verdict(&mut server, NOW, &answered(&response, 0, &secret(), 1), &secret()), Verdict::Accepted);
}

#[test]
fn a_replay_and_an_old_nonce_are_stale() {
    let mut server = server();
    let response = challenged(&mut server, NOW);
    let again = answered(&response, 0, &secret(), 1);
    assert_eq!(verdict(&mut server, NOW, &again, &secret()), Verdict::Accepted);
    assert_eq!(verdict(&mut server, NOW, &again, &secret()), Verdict::Stale);
    assert_eq!(verdict(&mut server, NOW, &answered(&response, 0, &secret(), 2), &secret()), Verdict::Accepted);
    let late = NOW.after(Duration::from_secs(60));
    assert_eq!(verdict(&mut server, late, &answered(&response, 0, &secret(), 3), &secret()), Verdict::Stale);
    let stale = server.challenges(late, Challenger::Proxy, Staleness::Yes);
    assert_eq!(stale[0].name(), &HeaderName::ProxyAuthenticate);
    assert!(stale[0].text().unwrap().contains("stale=true"));
}

#[test]
fn a_changed_body_or_method_is_seen() {
    let mut server = server();
    let challenge = Authentication::from_text(
        &server.challenges(NOW, Challenger::Server, Staleness::No)[0]
            .text()
            .unwrap()
            .replace("auth,auth-int", "auth-int")
            .into(),
    )
    .unwrap();
    let mut response = Response::new(crate::message::StatusCode::UNAUTHORIZED);
    response.push(Header::new(HeaderName::WwwAuthenticate, challenge));
    let good = answered(&response, 0, &secret(), 1);
    let mut changed = good.clone();
    changed.set_body(Bytes::from_static(b"other"));
    assert_eq!(verdict(&mut server, NOW, &changed, &secret()), Verdict::Denied);
    assert_eq!(verdict(&mut server, NOW, &good, &secret()), Verdict::Accepted);
}

#[test]
fn other_schemes_and_realms_are_no_credentials_and_broken_ones_are_told() {
    let server = server();
    let read = |value: &str| {
        let request = request().with(Header::new(HeaderName::Authorization, value));
        server.read(&request, Challenger::Server)
    };
    let good = "username=\"walt\", nonce=\"n\", uri=\"sip:rita@sip.example\", response=\"r\", qop=auth, cnonce=\"c\"";
    assert_eq!(read("NoOneKnowsThisScheme opaque-data=here"), Err(AuthenticationError::Missing));
    assert_eq!(read("Digest realm=\"other\", nc=00000001"), Err(AuthenticationError::Missing));
    assert_eq!(
        read(&format!("Digest realm=\"sip.example\", algorithm=MD5-sess, nc=00000001, {good}")),
        Err(AuthenticationError::Missing)
    );
    assert!(read(&format!("Digest realm=\"sip.example\", nc=0000000a, {good}")).is_ok());
    for bad in ["nc=1", "nc=00000000", "nc=+0000001", "nc=0000000g"] {
        assert_eq!(
            read(&format!("Digest realm=\"sip.example\", {bad}, {good}")),
            Err(AuthenticationError::Malformed),
            "{bad}"
        );
    }
    let other = good.replace("sip:rita@", "sip:mallory@");
    assert_eq!(
        read(&format!("Digest realm=\"sip.example\", nc=00000001, {other}")),
        Err(AuthenticationError::OtherUri)
    );
    assert_eq!(read("Digest realm=\"sip.example"), Err(AuthenticationError::Malformed));
}
