//! The head of a scenario: what it shows, for whom, and who plays.

use super::super::{
    model::{Part, PartKind, Scenario, Stages, Variant},
    problem::{Place, Problem},
    source::{Line, Words},
    stage::{GatewayWish, SipTransport},
};
use std::path::Path;

/// Reads the head; what is left are the directions.
pub(super) fn read<'l>(file: &Path, lines: &'l [Line]) -> Result<(Scenario, &'l [Line]), Problem> {
    let mut scenario = Scenario {
        title: String::new(),
        cases: Vec::new(),
        clauses: Vec::new(),
        variants: Vec::new(),
        stages: Stages::All,
        gateway: GatewayWish::Shared,
        cast: Vec::new(),
        steps: Vec::new(),
    };
    let mut rest = lines;
    while let Some((line, after)) = rest.split_first() {
        if !read_line(&mut scenario, line)? {
            break;
        }
        rest = after;
    }
    let place = rest.first().or(lines.last()).map_or(Place { file: file.into(), line: 1 }, |line| line.place.clone());
    if scenario.title.is_empty() {
        return Err(Problem::at(&place, "a scenario begins with: scenario ONE SENTENCE"));
    }
    if scenario.cast.is_empty() {
        return Err(Problem::at(&place, "nobody plays; write for instance: W1 is a wv client"));
    }
    if scenario.variants.is_empty() {
        scenario.variants.push(Variant { csp: "1.2".to_owned(), encoding: "wbxml".to_owned() });
    }
    Ok((scenario, rest))
}

/// Whether the line belongs to the head.
fn read_line(scenario: &mut Scenario, line: &Line) -> Result<bool, Problem> {
    let mut words = Words::new(&line.text, &line.place);
    match words.next().unwrap_or_default() {
        "scenario" => scenario.title = words.rest_value()?,
        "case" => {
            while let Some(word) = words.next() {
                scenario.cases.push(case_id(&line.place, word)?);
            }
        }
        "clause" | "source" => scenario.clauses.push(words.rest_value()?),
        "for" => scenario.variants.extend(variants(words)?),
        "only" => {
            scenario.stages = match words.need("simulation or sockets")? {
                "simulation" => Stages::Simulation,
                "sockets" => Stages::Sockets,
                word => return Err(Problem::unknown(&line.place, "stage", word, &["simulation", "sockets"])),
            };
            words.finish()?;
        }
        "gateway" if words.rest() == "of its own" => {
            let settings = line.block.iter().map(|line| {
                let pair = line.text.strip_prefix("set ").and_then(|pair| pair.split_once('='));
                let pair = pair.map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()));
                pair.ok_or_else(|| Problem::at(&line.place, "write: set KEY = VALUE"))
            });
            scenario.gateway = GatewayWish::Own(settings.collect::<Result<_, _>>()?);
        }
        name if words.take("is a") || words.take("is an") || words.take("is another") => {
            let part = part(&scenario.cast, name, &mut words)?;
            words.finish()?;
            scenario.cast.push(part);
        }
        _ => return Ok(false),
    }
    if !line.block.is_empty() && !line.text.starts_with("gateway") {
        return Err(Problem::at(&line.place, "nothing can be indented below this line"));
    }
    Ok(true)
}

fn case_id(place: &Place, word: &str) -> Result<String, Problem> {
    let word = word.trim_end_matches(',');
    let parts: Vec<&str> = word.split('-').collect();
    let is_number = |text: &str| text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    match parts.as_slice() {
        ["IWF", _, "INT" | "CON", number] if is_number(number) => Ok(word.to_owned()),
        _ => Err(Problem::at(place, format!("{word} is no case of the catalogue, such as IWF-SUB-INT-028"))),
    }
}

/// `W1 is a wv client [csp 1.3 xml]`, `W1b is another wv client of W1`, `S1 is a sip agent [over tcp]`.
fn part(cast: &[Part], name: &str, words: &mut Words<'_>) -> Result<Part, Problem> {
    let place = words.place();
    let is_name = name.starts_with(|c: char| c.is_ascii_uppercase()) && name.bytes().all(|b| b.is_ascii_alphanumeric());
    if !is_name {
        let reason = format!("{name}: the name of an actor is made of letters and digits and begins with a capital");
        return Err(Problem::at(place, reason));
    }
    if cast.iter().any(|part| part.name == name) {
        return Err(Problem::at(place, format!("there is an actor {name} already")));
    }
    if cast.len() >= CAST_MAX {
        return Err(Problem::at(place, format!("more than {CAST_MAX} actors")));
    }
    let kind = format!("{} {}", words.need("what it is")?, words.need("what it is")?);
    let kind = match kind.as_str() {
        "wv client" if words.take("csp") => PartKind::WvClient(Some(variant(words)?)),
        "wv client" => PartKind::WvClient(None),
        "sip agent" => PartKind::SipAgent(SipTransport::Udp),
        "simple server" => PartKind::SimpleServer(SipTransport::Udp),
        other => return Err(Problem::unknown(place, "actor", other, &["wv client", "sip agent", "simple server"])),
    };
    let kind = match kind {
        PartKind::SipAgent(_) if words.take("over tcp") => PartKind::SipAgent(SipTransport::Tcp),
        PartKind::SimpleServer(_) if words.take("over tcp") => PartKind::SimpleServer(SipTransport::Tcp),
        kind => kind,
    };
    let mut shares_user_of = None;
    if words.take("of") {
        let other = words.need("the name of the actor whose user it shares")?;
        let index = cast.iter().position(|part| part.name == other);
        shares_user_of = Some(index.ok_or_else(|| Problem::at(place, format!("there is no actor {other} yet")))?);
    }
    Ok(Part { name: name.to_owned(), kind, shares_user_of })
}

fn variant(words: &mut Words<'_>) -> Result<Variant, Problem> {
    let csp = version(words.place(), words.need("the version")?)?;
    let encoding = words.need("the encoding")?.trim_end_matches(',');
    if !ENCODINGS.contains(&encoding) {
        return Err(Problem::unknown(words.place(), "encoding", encoding, ENCODINGS));
    }
    Ok(Variant { csp, encoding: encoding.to_owned() })
}

/// `csp 1.1..1.3 x xml, wbxml` or `csp 1.1 xml, csp 1.2 wbxml`.
fn variants(mut words: Words<'_>) -> Result<Vec<Variant>, Problem> {
    if let Some((versions, encodings)) = words.rest().split_once(" x ") {
        let place = words.place();
        let versions = versions.strip_prefix("csp ").unwrap_or(versions);
        let versions = range(place, versions)?;
        let encodings: Vec<&str> = encodings.split(',').map(str::trim).collect();
        if let Some(odd) = encodings.iter().find(|encoding| !ENCODINGS.contains(encoding)) {
            return Err(Problem::unknown(place, "encoding", odd, ENCODINGS));
        }
        let each = |csp: &String| encodings.iter().map(|encoding| pair(csp, encoding)).collect::<Vec<_>>();
        return Ok(versions.iter().flat_map(each).collect());
    }
    let mut found = Vec::new();
    while words.take("csp") {
        found.push(variant(&mut words)?);
    }
    words.finish()?;
    if found.is_empty() {
        let reason = "write for instance: for csp 1.1..1.3 x xml, wbxml, or: for csp 1.1 xml, csp 1.2 wbxml";
        return Err(Problem::at(words.place(), reason));
    }
    Ok(found)
}

fn pair(csp: &str, encoding: &str) -> Variant {
    Variant { csp: csp.to_owned(), encoding: encoding.to_owned() }
}

/// `1.1..1.3`, `1.2` or `1.1, 1.3`.
fn range(place: &Place, text: &str) -> Result<Vec<String>, Problem> {
    if let Some((first, last)) = text.split_once("..") {
        let (first, last) = (version(place, first)?, version(place, last)?);
        let between = VERSIONS.iter().filter(|version| **version >= first.as_str() && **version <= last.as_str());
        return Ok(between.map(|version| (*version).to_owned()).collect());
    }
    text.split(',').map(|one| version(place, one.trim())).collect()
}

fn version(place: &Place, word: &str) -> Result<String, Problem> {
    let word = word.trim_matches(',');
    if VERSIONS.contains(&word) {
        return Ok(word.to_owned());
    }
    Err(Problem::unknown(place, "version of CSP", word, VERSIONS))
}

/// `in csp 1.1..1.2:` in front of a direction.
pub(super) fn version_guard(words: &mut Words<'_>) -> Result<Option<Vec<String>>, Problem> {
    if !words.take("in csp") {
        return Ok(None);
    }
    let mut text = String::new();
    loop {
        let word = words.need("a colon behind the versions")?;
        text.push_str(word.trim_end_matches(':'));
        if word.ends_with(':') {
            return range(words.place(), &text).map(Some);
        }
    }
}

const VERSIONS: &[&str] = &["1.1", "1.2", "1.3"];
const ENCODINGS: &[&str] = &["xml", "wbxml"];
const CAST_MAX: usize = 16;
