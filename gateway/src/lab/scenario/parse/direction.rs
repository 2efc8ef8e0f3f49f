//! One direction.

use super::super::{
    model::{AnswerDeed, Deed, Direction, Expectation, Part, PartKind, SendDeed},
    pattern::Pattern,
    problem::{Place, Problem},
    source::{Indented, Line, Words},
    stage::{FaultKind, FaultWay, LoginWay, Order, WvAnswer},
    template::{Aliases, Template},
};
use super::condition;
use std::time::Duration;

/// Reads a direction, the words of which begin here.
pub(super) fn read(line: &Line, mut words: Words<'_>, cast: &[Part], aliases: &Aliases) -> Result<Direction, Problem> {
    let first = words.need("a direction")?;
    match first {
        "let" => return set(line, words, aliases),
        "gateway" => {
            expect_no_block(line)?;
            let order = match words.rest() {
                "is killed" => Order::Kill,
                "drains" => Order::Drain,
                "starts again" => Order::Start,
                rest => {
                    let known = &["is killed", "drains", "starts again"];
                    return Err(Problem::unknown(&line.place, "thing that happens to the gateway", rest, known));
                }
            };
            return Ok(Direction::Operate(order));
        }
        "network" => {
            expect_no_block(line)?;
            return fault(words, cast, aliases);
        }
        _ => {}
    }
    if let Some(time) = duration(first).filter(|_| words.take("pass") || words.take("passes")) {
        expect_no_block(line)?;
        words.finish()?;
        return Ok(Direction::Pass(time));
    }
    let actor = find(first, cast, aliases).ok_or_else(|| {
        let known: Vec<&str> = cast.iter().map(|part| part.name.as_str()).chain(OTHERS).collect();
        Problem::unknown(&line.place, "actor", first, &known)
    })?;
    let scene = Scene { line, aliases, kind: cast.get(actor).map(|part| &part.kind) };
    if words.take("receives no") {
        return scene.absent(actor, words);
    }
    if words.take("receives") {
        return scene.expect(actor, words);
    }
    match scene.kind {
        Some(PartKind::WvClient(_)) => scene.wv_deed(words),
        _ => scene.sip_deed(words),
    }
    .map(|deed| Direction::Do(actor, deed))
}

/// What the parts of one direction need.
struct Scene<'a> {
    line: &'a Line,
    aliases: &'a Aliases,
    kind: Option<&'a PartKind>,
}

impl Scene<'_> {
    fn template(&self, text: &str, place: &Place) -> Result<Template, Problem> {
        Template::parse(text, self.aliases, place)
    }

    /// `receives no NewMessage for 2s`.
    fn absent(&self, actor: usize, mut words: Words<'_>) -> Result<Direction, Problem> {
        let mut pattern = self.pattern(&mut words)?;
        let mut during = None;
        if words.take("for") {
            during = Some(time(&mut words)?);
        }
        words.finish()?;
        pattern.conditions = condition::read(&self.line.block, self.aliases)?;
        Ok(Direction::Absent { actor, pattern, during })
    }

    /// `receives next 200|202 to SUBSCRIBE in watch as x within 5s not before 2s`.
    fn expect(&self, actor: usize, mut words: Words<'_>) -> Result<Direction, Problem> {
        let is_next = words.take("next");
        let pattern = self.pattern(&mut words)?;
        let mut expectation = Expectation { actor, pattern, name: None, within: None, not_before: None, is_next };
        loop {
            if words.take("as") {
                expectation.name = Some(words.need("the name of the exchange")?.to_owned());
            } else if words.take("within") {
                expectation.within = Some(time(&mut words)?);
            } else if words.take("not before") {
                expectation.not_before = Some(time(&mut words)?);
            } else {
                break;
            }
        }
        words.finish()?;
        expectation.pattern.conditions = condition::read(&self.line.block, self.aliases)?;
        Ok(Direction::Expect(expectation))
    }

    fn pattern(&self, words: &mut Words<'_>) -> Result<Pattern, Problem> {
        let titles = words.need("the name of a message")?.split('|').map(str::to_owned).collect();
        let answers = if words.take("to") { Some(words.need("the request")?.to_owned()) } else { None };
        let inside = if words.take("in") { Some(words.need("the name of the exchange")?.to_owned()) } else { None };
        Ok(Pattern { titles, answers, inside, conditions: Vec::new() })
    }

    fn wv_deed(&self, mut words: Words<'_>) -> Result<Deed, Problem> {
        let place = &self.line.place;
        let verb = words.need("a verb")?;
        let block = &self.line.block;
        if !matches!(verb, "sends" | "posts") {
            expect_no_block(self.line)?;
        }
        let deed = match verb {
            "logs" if words.take("in") => {
                let way = if words.take("in clear") {
                    LoginWay::TwoWay
                } else if words.take("with a wrong password") {
                    LoginWay::Wrong
                } else {
                    LoginWay::FourWay
                };
                let resumes = words.take("again in its session");
                Deed::LogIn { name: name(&mut words)?, way, resumes }
            }
            "sends" => {
                let xml: Vec<&str> = block.iter().map(|line| line.text.as_str()).collect();
                if xml.is_empty() {
                    return Err(Problem::at(place, "the primitive is missing: write its XML indented below this line"));
                }
                let name = name(&mut words)?;
                if !words.rest().is_empty() {
                    return Err(Problem::at(place, "write: sends as NAME; the XML below says what"));
                }
                Deed::Request { name, xml: self.template(&xml.join("\n"), place)? }
            }
            "posts" => {
                let content_type = words.need("the content type")?.to_owned();
                let body = self.body(block)?.unwrap_or_default();
                Deed::Post { name: name(&mut words)?, content_type, body }
            }
            "answers" => {
                words.take("every");
                let primitive = words.need("the name of a request")?.to_owned();
                let answer = match words.next() {
                    Some("properly") => WvAnswer::Proper,
                    Some("later") => WvAnswer::Held,
                    Some("with") => WvAnswer::Code(code(&mut words)?),
                    _ => return Err(Problem::at(place, "write: answers every NAME properly, later, or with CODE")),
                };
                Deed::AnswerPrimitives { primitive, answer }
            }
            "acknowledges" => Deed::Acknowledge,
            "falls" if words.take("silent") => Deed::Silence(true),
            "speaks" if words.take("again") => Deed::Silence(false),
            verb => return Err(Problem::unknown(place, "verb of a WV client", verb, WV_VERBS)),
        };
        words.finish()?;
        Ok(deed)
    }

    fn sip_deed(&self, mut words: Words<'_>) -> Result<Deed, Problem> {
        let place = &self.line.place;
        let deed = match words.need("a verb")? {
            "sends" => self.send(&mut words)?,
            "answers" if words.take("every") => {
                let method = words.need("a method")?.to_owned();
                if words.take("by hand") {
                    Deed::AnswerRequests { method, answer: None }
                } else if words.take("never") {
                    Deed::AnswerRequests { method, answer: Some(AnswerDeed::default()) }
                } else {
                    let answer = self.answer(&mut words, Some(method.clone()), None)?;
                    Deed::AnswerRequests { method, answer: Some(answer) }
                }
            }
            "answers" => {
                let method = words.need("a method")?.to_owned();
                let inside = if words.take("in") { Some(words.need("an exchange")?.to_owned()) } else { None };
                Deed::Answer(self.answer(&mut words, Some(method), inside)?)
            }
            verb => {
                return Err(Problem::unknown(place, "verb of a SIP actor", verb, &["sends", "answers", "receives"]));
            }
        };
        words.finish()?;
        Ok(deed)
    }

    /// `sends SUBSCRIBE to $W1.sip as watch without credentials`, header fields and body below.
    fn send(&self, words: &mut Words<'_>) -> Result<Deed, Problem> {
        let mut deed = SendDeed { method: words.need("a method")?.to_owned(), ..SendDeed::default() };
        loop {
            if words.take("to") {
                let uri = words.need("a URI")?;
                deed.uri = Some(self.template(uri, &self.line.place)?);
            } else if words.take("in") {
                deed.inside = Some(words.need("the name of the exchange")?.to_owned());
            } else if words.take("as") {
                deed.name = Some(words.need("the name of the exchange")?.to_owned());
            } else if words.take("without credentials") {
                deed.refuses_challenges = true;
            } else {
                break;
            }
        }
        if deed.uri.is_none() && deed.inside.is_none() {
            return Err(Problem::at(&self.line.place, "where to? write: to URI, or: in EXCHANGE"));
        }
        deed.headers = self.headers(&self.line.block)?;
        deed.body = self.body(&self.line.block)?;
        Ok(Deed::Send(deed))
    }

    /// `with 200`, header fields and body below.
    fn answer(
        &self,
        words: &mut Words<'_>,
        method: Option<String>,
        inside: Option<String>,
    ) -> Result<AnswerDeed, Problem> {
        if !words.take("with") {
            return Err(Problem::at(&self.line.place, "write: with CODE"));
        }
        let status = if words.peek().is_some_and(|word| word.starts_with('$')) {
            self.template(words.need("the code")?, &self.line.place)?
        } else {
            self.template(&code(words)?.to_string(), &self.line.place)?
        };
        let (status, headers) = (Some(status), self.headers(&self.line.block)?);
        Ok(AnswerDeed { inside, method, status, headers, body: self.body(&self.line.block)? })
    }

    fn headers(&self, block: &[Indented]) -> Result<Vec<(String, Template)>, Problem> {
        let lines = block.iter().filter(|line| line.body().is_none());
        lines
            .map(|line| {
                let pair = line.text.split_once(':').map(|(name, value)| (name.trim(), value.trim()));
                let pair = pair.filter(|(name, _)| !name.is_empty() && !name.contains(char::is_whitespace));
                let (name, value) = pair.ok_or_else(|| {
                    Problem::at(&line.place, "write a header field (Name: value), or a line of the body behind |")
                })?;
                Ok((name.to_owned(), self.template(value, &line.place)?))
            })
            .collect()
    }

    fn body(&self, block: &[Indented]) -> Result<Option<Template>, Problem> {
        body(block, self.aliases)
    }
}

/// The lines behind `|`, joined.
fn body(block: &[Indented], aliases: &Aliases) -> Result<Option<Template>, Problem> {
    let lines: Vec<&str> = block.iter().filter_map(Indented::body).collect();
    let Some(place) = block.iter().find(|line| line.body().is_some()).map(|line| &line.place) else { return Ok(None) };
    Template::parse(&lines.join("\n"), aliases, place).map(Some)
}

/// `let $x = value`, or `let $x` with a body below.
fn set(line: &Line, mut words: Words<'_>, aliases: &Aliases) -> Result<Direction, Problem> {
    let word = words.need("a variable")?;
    let name = word.strip_prefix('$').filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Problem::at(&line.place, format!("{word}: a variable begins with $")))?.to_owned();
    if words.take("=") {
        expect_no_block(line)?;
        let value = words.rest_value()?;
        return Ok(Direction::Let(name, Template::parse(&value, aliases, &line.place)?));
    }
    words.finish()?;
    match body(&line.block, aliases)? {
        Some(value) if line.block.iter().all(|line| line.body().is_some()) => Ok(Direction::Let(name, value)),
        _ => Err(Problem::at(&line.place, "write: let $NAME = VALUE, or the lines of the value behind | below it")),
    }
}

/// `network loses 2 messages from S1`, `network delays 1 message to S1 by 500ms`, `network cuts W1`.
fn fault(mut words: Words<'_>, cast: &[Part], aliases: &Aliases) -> Result<Direction, Problem> {
    let place = words.place();
    let verb = words.need("what the network does")?;
    let find = |name: &str| find(name, cast, aliases).ok_or_else(|| Problem::at(place, format!("no actor is {name}")));
    if verb == "cuts" {
        let actor = find(words.need("an actor")?)?;
        words.finish()?;
        return Ok(Direction::Do(actor, Deed::Fault { way: FaultWay::From, kind: FaultKind::Cut, count: 1 }));
    }
    let word = words.need("how many messages")?;
    let count = word.parse().map_err(|_| Problem::at(place, format!("{word} is no number of messages")))?;
    if !words.take("messages") && !words.take("message") {
        return Err(Problem::at(place, "write: N messages from ACTOR, or to ACTOR"));
    }
    let way = match words.need("from or to")? {
        "from" => FaultWay::From,
        "to" => FaultWay::To,
        word => return Err(Problem::unknown(place, "way", word, &["from", "to"])),
    };
    let actor = find(words.need("an actor")?)?;
    let kind = match verb {
        "loses" => FaultKind::Lose,
        "duplicates" => FaultKind::Duplicate,
        "delays" if words.take("by") => {
            let delay = time(&mut words)?;
            FaultKind::Delay(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX))
        }
        "delays" => return Err(Problem::at(place, "by how much? write: by 500ms")),
        verb => return Err(Problem::unknown(place, "fault", verb, &["loses", "duplicates", "delays", "cuts"])),
    };
    words.finish()?;
    Ok(Direction::Do(actor, Deed::Fault { way, kind, count }))
}

fn find(name: &str, cast: &[Part], aliases: &Aliases) -> Option<usize> {
    let name = aliases.get(name).map_or(name, String::as_str);
    cast.iter().position(|part| part.name == name)
}

fn name(words: &mut Words<'_>) -> Result<Option<String>, Problem> {
    if words.take("as") { words.need("the name of the exchange").map(|name| Some(name.to_owned())) } else { Ok(None) }
}

fn code(words: &mut Words<'_>) -> Result<u16, Problem> {
    let word = words.need("the code")?;
    let number = word.parse().ok().filter(|number| (100..1000).contains(number));
    number.ok_or_else(|| Problem::at(words.place(), format!("{word} is no code")))
}

fn time(words: &mut Words<'_>) -> Result<Duration, Problem> {
    let word = words.need("a time such as 5s or 200ms")?;
    duration(word).ok_or_else(|| Problem::at(words.place(), format!("{word} is no time such as 5s, 200ms or 2min")))
}

/// `5s`, `200ms`, `2min`, up to a day.
fn duration(word: &str) -> Option<Duration> {
    let digits = word.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = word.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1000,
        "min" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.checked_mul(millis).filter(|millis| *millis <= 86_400_000).map(Duration::from_millis)
}

fn expect_no_block(line: &Line) -> Result<(), Problem> {
    match line.block.first() {
        Some(first) => Err(Problem::at(&first.place, "nothing can be indented below this direction")),
        None => Ok(()),
    }
}

const WV_VERBS: &[&str] = &["logs", "sends", "posts", "answers", "acknowledges", "falls", "speaks", "receives"];
const OTHERS: [&str; 7] = ["let", "gateway", "network", "play", "each", "given", "5s"];
