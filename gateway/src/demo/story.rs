//! The story: what alice, a WV phone, and bob, a SIP user agent, do, and what each of them has to see of the other.

use super::{DemoError, DemoWishes, gateway::DemoGateway, stage::Stage};
use crate::peer::{Puppet, PuppetError};
use serde_json::Value;
use std::{path::Path, time::Duration};

/// Performs the whole story and returns how many steps it had.
pub(super) async fn tell(wishes: &DemoWishes, gateway: &DemoGateway, stage: &Stage) -> Result<usize, DemoError> {
    let program = std::env::current_exe()?;
    let mut play =
        Play { alice: phone(&program, wishes, gateway)?, bob: user_agent(&program, gateway)?, stage, steps: 0 };
    play.arrive().await?;
    play.watch_each_other().await?;
    play.change().await?;
    play.talk().await?;
    play.leave().await?;
    let steps = play.steps;
    let Play { alice, bob, .. } = play;
    alice.quit(PATIENCE).await?;
    bob.quit(PATIENCE).await?;
    Ok(steps)
}

fn phone(program: &Path, wishes: &DemoWishes, gateway: &DemoGateway) -> Result<Puppet, PuppetError> {
    let (version, encoding) = (wishes.version, wishes.encoding);
    let arguments = ["--url", &gateway.csp_url, "--user", ALICE, "--password", PASSWORD, "--csp", version];
    let more = ["--encoding", encoding];
    Ok(Puppet::wv(program, arguments.iter().chain(&more))?.named("alice"))
}

fn user_agent(program: &Path, gateway: &DemoGateway) -> Result<Puppet, PuppetError> {
    let server = gateway.sip_address.to_string();
    let arguments = ["--server", &server, "--user", BOB, "--password", PASSWORD, "--no-register"];
    Ok(Puppet::sip(program, arguments)?.named("bob"))
}

/// Both actors on the stage.
struct Play<'a> {
    alice: Puppet,
    bob: Puppet,
    stage: &'a Stage,
    steps: usize,
}

/// Who has to tell something.
#[derive(Clone, Copy)]
enum Actor {
    Alice,
    Bob,
}

impl Play<'_> {
    async fn arrive(&mut self) -> Result<(), DemoError> {
        self.act("alice logs in with a digest", Actor::Alice, "login", "logged_in", |_| true).await?;
        self.act("bob registers with a digest", Actor::Bob, "register", "registered", |_| true).await?;
        self.act("bob publishes his presence", Actor::Bob, "publish open at my desk", "published", |_| true).await?;
        let published = answer("UpdatePresence-Request");
        self.act("alice publishes hers", Actor::Alice, "publish AVAILABLE in the garden", "answer", published).await
    }

    async fn watch_each_other(&mut self) -> Result<(), DemoError> {
        let created = answer("CreateList-Request");
        self.act("alice makes a list with bob", Actor::Alice, "list-create friends bob@sip.example", "answer", created)
            .await?;
        let watched = answer("SubscribePresence-Request");
        self.act("alice watches her list", Actor::Alice, "watch-list friends", "answer", watched).await?;
        let pending = |told: &Value| is_of(told, "alice") && told["state"] == "pending";
        let watch = "watch alice@wv.example";
        self.act("bob watches alice and has to wait", Actor::Bob, watch, "presence", pending).await?;
        let asked = |told: &Value| told["watcher"] == "bob@sip.example";
        self.see("alice is asked", Actor::Alice, "authorization_asked", asked).await?;
        let accepted = answer("PresenceAuth-User");
        self.act("alice accepts", Actor::Alice, "accept bob@sip.example", "answer", accepted).await?;
        let seen = |told: &Value| {
            is_of(told, "alice") && told["state"] == "active" && told["basic"] == "open" && says(told, "in the garden")
        };
        self.see("bob sees alice and her words", Actor::Bob, "presence", seen).await?;
        // A SIP user cannot be asked: watching her is his consent.
        let seen = |told: &Value| is_of(told, "bob") && told["online"] == true && told["text"] == "at my desk";
        self.see("alice sees bob and his words", Actor::Alice, "presence", seen).await
    }

    async fn change(&mut self) -> Result<(), DemoError> {
        let published = answer("UpdatePresence-Request");
        let command = "publish DISCREET reading";
        self.act("alice does not want to be disturbed", Actor::Alice, command, "answer", published).await?;
        let seen = |told: &Value| is_of(told, "alice") && told["state"] == "active" && says(told, "reading");
        self.see("bob sees that", Actor::Bob, "presence", seen).await?;
        let command = "publish away at lunch";
        self.act("bob goes away", Actor::Bob, command, "published", |_| true).await?;
        let seen = |told: &Value| is_of(told, "bob") && told["text"] == "at lunch";
        self.see("alice sees that", Actor::Alice, "presence", seen).await
    }

    async fn talk(&mut self) -> Result<(), DemoError> {
        let sent = answer("SendMessage-Request");
        let command = "send bob@sip.example hello bob";
        let accepted = self.do_step("alice writes to bob", Actor::Alice, Some(command), "answer", sent).await?;
        let message = accepted["message_id"].clone();
        let arrived = |told: &Value| told["from"] == "alice@wv.example" && told["text"] == "hello bob";
        self.see("the message arrives", Actor::Bob, "message", arrived).await?;
        let reported = move |told: &Value| told["message_id"] == message && told["code"] == 200;
        self.see("alice has her delivery report", Actor::Alice, "report", reported).await?;
        // Bob's answer comes when the phone has the message, or when the gateway keeps it: both before it is looked for.
        let command = "send alice@wv.example hello alice";
        let sent = |told: &Value| told["to"] == "MESSAGE" && (told["code"] == 200 || told["code"] == 202);
        self.act("bob writes to alice", Actor::Bob, command, "answer", sent).await?;
        let arrived = |told: &Value| told["from"] == "bob@sip.example" && told["text"] == "hello alice";
        self.see("the message arrives", Actor::Alice, "message", arrived).await
    }

    async fn leave(&mut self) -> Result<(), DemoError> {
        let left = |told: &Value| told["code"] == 200;
        self.act("alice logs out", Actor::Alice, "logout", "disconnected", left).await?;
        let closed = |told: &Value| is_of(told, "alice") && told["state"] == "active" && told["basic"] == "closed";
        self.see("bob sees that she is gone", Actor::Bob, "presence", closed).await
    }

    /// One actor does something and tells what came of it.
    async fn act(
        &mut self,
        title: &'static str,
        who: Actor,
        command: &str,
        event: &str,
        condition: impl Fn(&Value) -> bool,
    ) -> Result<(), DemoError> {
        self.do_step(title, who, Some(command), event, condition).await.map(drop)
    }

    /// One actor tells what the other did.
    async fn see(
        &mut self,
        title: &'static str,
        who: Actor,
        event: &str,
        condition: impl Fn(&Value) -> bool,
    ) -> Result<(), DemoError> {
        self.do_step(title, who, None, event, condition).await.map(drop)
    }

    async fn do_step(
        &mut self,
        title: &'static str,
        who: Actor,
        command: Option<&str>,
        event: &str,
        condition: impl Fn(&Value) -> bool,
    ) -> Result<Value, DemoError> {
        self.steps = self.steps.saturating_add(1);
        let number = self.steps;
        let puppet = match who {
            Actor::Alice => &mut self.alice,
            Actor::Bob => &mut self.bob,
        };
        let told = match command {
            Some(command) => puppet.ask(command, event, condition, PATIENCE).await,
            None => puppet.expect(event, condition, PATIENCE).await,
        };
        let told = told.map_err(|source| DemoError::Step { number, title, source })?;
        self.stage.step(number, title, &told).await?;
        Ok(told)
    }
}

/// The answer 200 to a request of that name.
fn answer(to: &'static str) -> impl Fn(&Value) -> bool {
    move |told| told["to"] == to && told["code"] == 200
}

fn is_of(told: &Value, user: &str) -> bool {
    told["of"].as_str().and_then(|of| of.split('@').next()) == Some(user)
}

fn says(told: &Value, words: &str) -> bool {
    told["note"] == words
}

const ALICE: &str = "wv:alice@wv.example";
const BOB: &str = "sip:bob@sip.example";
const PASSWORD: &str = "secret";

/// How long a step may take: notifications may be held back for some seconds so that changes can be merged.
const PATIENCE: Duration = Duration::from_secs(20);
