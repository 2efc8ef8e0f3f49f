//! What a person or a program can tell the phone to do.

use crate::peer::{bare_address, line::Words};
use wv_proto::{
    address::Address,
    presence_attribute::{Availability, PresenceAttribute, Qualified},
    primitive::{
        Primitive,
        contact_list::{CreateListRequest, DeleteListRequest, ListChange, ListManageRequest},
        identifier::{ContactListId, MessageId, UserId},
        message::{Content, MessageInfo, SendMessageRequest},
        party::{NickName, Property, Recipient, Sender, User},
        presence::{
            CancelAuthRequest, GetPresenceRequest, PresenceAuthUser, SubscribePresenceRequest,
            UnsubscribePresenceRequest, UpdatePresenceRequest,
        },
    },
};

/// One command.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Command {
    /// Log in, outside of any session.
    LogIn,
    /// Log in inside the session that was lost.
    Resume,
    /// Send a request and tell its answer.
    Request(Box<Primitive>),
    /// Poll at once.
    Poll,
    /// Whether messages wait for [`Command::Acknowledge`].
    ManualAcknowledgement(bool),
    /// Acknowledge this message, or all that wait.
    Acknowledge(Option<MessageId>),
    /// List the commands.
    Help,
    /// End the process.
    Quit,
}

/// What `help` prints.
pub(super) const HELP: &str = "\
login                               log in, negotiate, begin to poll
resume                              log in again inside the session that was lost
publish AVAILABLE|NOT_AVAILABLE|DISCREET [TEXT]
                                    own availability and status text
list-create NAME [ADDRESS…]         create a contact list
list-add NAME ADDRESS…              add contacts to a list
list-remove NAME ADDRESS…           take contacts off a list
list-show NAME                      read a list
list-delete NAME                    delete a list
lists                               read the names of the lists
watch ADDRESS…                      subscribe to presence
unwatch ADDRESS…                    end that
watch-list NAME                     subscribe to the presence of a whole list, later contacts included
unwatch-list NAME                   end that
get ADDRESS…                        fetch presence once
accept ADDRESS                      let somebody see own presence
refuse ADDRESS                      do not
cancel ADDRESS                      take that permission back
send ADDRESS TEXT                   send a message, and ask for a delivery report
manual-ack on|off                   whether messages wait for ack; off at the start
ack [MESSAGE]                       acknowledge a message, or all that wait
poll                                poll at once
logout                              end the session
quit                                end the process; so does the end of the input
";

impl Command {
    /// Reads a command of this user.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn parse(line: &str, own: &Address) -> Result<Self, String> {
        let mut words = Words::of(line);
        let request = |primitive| Ok(Self::Request(Box::new(primitive)));
        match words.next().unwrap_or_default() {
            "login" => Ok(Self::LogIn),
            "resume" => Ok(Self::Resume),
            "publish" => request(publish(&mut words)?),
            "list-create" => request(create_list(&mut words, own)?),
            "list-add" => {
                let list = list(words.need("the name of the list")?, own)?;
                let contacts = words.need_all("an address")?;
                request(manage(list, Some(ListChange::Add(contacts.iter().map(|text| contact(text)).collect()))))
            }
            "list-remove" => {
                let list = list(words.need("the name of the list")?, own)?;
                request(manage(list, Some(ListChange::Remove(users(&mut words)?))))
            }
            "list-show" => request(manage(list(words.need("the name of the list")?, own)?, None)),
            "list-delete" => {
                let contact_list = list(words.need("the name of the list")?, own)?;
                request(Primitive::DeleteListRequest(DeleteListRequest { contact_list }))
            }
            "lists" => request(Primitive::GetListRequest),
            "watch" | "unwatch" | "watch-list" | "unwatch-list" | "get" => request(presence(line, own)?),
            "accept" => request(decide(&mut words, true)?),
            "refuse" => request(decide(&mut words, false)?),
            "cancel" => {
                let user_id = user(words.need("an address")?);
                request(Primitive::CancelAuthRequest(CancelAuthRequest { user_id }))
            }
            "send" => request(message(&mut words, own)?),
            "manual-ack" => match words.next() {
                Some("on") => Ok(Self::ManualAcknowledgement(true)),
                Some("off") => Ok(Self::ManualAcknowledgement(false)),
                _ => Err("write manual-ack on or manual-ack off".to_owned()),
            },
            "ack" => Ok(Self::Acknowledge(words.next().map(MessageId::new))),
            "poll" => Ok(Self::Poll),
            "logout" => request(Primitive::LogoutRequest),
            "help" => Ok(Self::Help),
            "quit" => Ok(Self::Quit),
            word => Err(format!("no such command: {word}; help lists them")),
        }
    }
}

fn user(text: &str) -> UserId {
    UserId::new(format!("{}{}", Address::SCHEME, bare_address(text)))
}

fn users(words: &mut Words<'_>) -> Result<Vec<UserId>, String> {
    Ok(words.need_all("an address")?.iter().map(|text| user(text)).collect())
}

fn contact(text: &str) -> NickName {
    let bare = bare_address(text);
    let name = bare.split('@').next().filter(|name| !name.is_empty());
    NickName { name: name.map(Box::from), user_id: user(text) }
}

/// `friends` is a list of the user; a whole address is taken as it is.
fn list(name: &str, own: &Address) -> Result<ContactListId, String> {
    if name.contains('@') {
        return Ok(ContactListId::new(name));
    }
    let address = Address::from_parts(&own.user_decoded(), Some(name), own.domain());
    address.map(|address| ContactListId::new(address.as_str())).map_err(|error| format!("{name}: {error}"))
}

fn publish(words: &mut Words<'_>) -> Result<Primitive, String> {
    let availability = Availability::parse(words.need("the availability")?);
    if let Availability::Other(word) = &availability {
        return Err(format!("{word} is none of AVAILABLE, NOT_AVAILABLE, DISCREET"));
    }
    let text = words.rest().map(|text| PresenceAttribute::StatusText(Qualified::valid(text.into())));
    let availability = PresenceAttribute::UserAvailability(Qualified::valid(availability));
    let attributes = std::iter::once(availability).chain(text).collect();
    Ok(Primitive::UpdatePresenceRequest(UpdatePresenceRequest { attributes }))
}

fn create_list(words: &mut Words<'_>, own: &Address) -> Result<Primitive, String> {
    let name = words.need("the name of the list")?;
    let contact_list = list(name, own)?;
    let contacts = words.need_all("").unwrap_or_default().iter().map(|text| contact(text)).collect();
    let properties = vec![Property::new(Property::DISPLAY_NAME, name)];
    Ok(Primitive::CreateListRequest(CreateListRequest { contact_list, contacts, properties }))
}

fn manage(contact_list: ContactListId, change: Option<ListChange>) -> Primitive {
    let receive_list = Some(true);
    Primitive::ListManageRequest(ListManageRequest { contact_list, change, receive_list, authorize_and_grant: None })
}

fn presence(line: &str, own: &Address) -> Result<Primitive, String> {
    let mut words = Words::of(line);
    let verb = words.next().unwrap_or_default();
    let (mut targets, mut contact_lists) = (Vec::new(), Vec::new());
    if verb.ends_with("-list") {
        contact_lists.push(list(words.need("the name of the list")?, own)?);
    } else {
        targets = users(&mut words)?.into_iter().map(User::from).collect();
    }
    Ok(match verb {
        "watch" | "watch-list" => {
            let auto_subscribe = Some(!contact_lists.is_empty());
            let request = SubscribePresenceRequest { users: targets, contact_lists, attributes: None, auto_subscribe };
            Primitive::SubscribePresenceRequest(request)
        }
        "get" => Primitive::GetPresenceRequest(GetPresenceRequest { users: targets, contact_lists, attributes: None }),
        _ => Primitive::UnsubscribePresenceRequest(UnsubscribePresenceRequest { users: targets, contact_lists }),
    })
}

fn decide(words: &mut Words<'_>, acceptance: bool) -> Result<Primitive, String> {
    let user_id = user(words.need("an address")?);
    Ok(Primitive::PresenceAuthUser(PresenceAuthUser { user_id, acceptance, attributes: None }))
}

fn message(words: &mut Words<'_>, own: &Address) -> Result<Primitive, String> {
    let recipient = user(words.need("an address")?);
    let text = words.rest().ok_or("the text is missing")?;
    let message = MessageInfo {
        // Some servers never answer a message without ContentType.
        content_type: Some(MessageInfo::CONTENT_TYPE_DEFAULT.into()),
        content_size: u32::try_from(text.len()).ok(),
        recipient: Recipient::of_user(recipient),
        sender: Some(Sender::User(UserId::new(own.as_str()).into())),
        ..MessageInfo::default()
    };
    let request = SendMessageRequest { delivery_report: true, message, content: Some(Content::from_text(text)) };
    Ok(Primitive::SendMessageRequest(Box::new(request)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, String> {
        Command::parse(line, &Address::parse("wv:alice@wv.example", "").unwrap())
    }

    fn request(line: &str) -> Primitive {
        match parse(line) {
            Ok(Command::Request(primitive)) => *primitive,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn addresses_are_taken_with_any_scheme_or_none() {
        for line in ["watch bob@sip.example", "watch sip:bob@sip.example", "watch wv:bob@sip.example"] {
            let Primitive::SubscribePresenceRequest(request) = request(line) else { panic!("{line}") };
            assert_eq!(request.users[0].user_id.as_str(), "wv:bob@sip.example");
        }
    }

    #[test]
    fn a_list_belongs_to_the_user() {
        let Primitive::CreateListRequest(request) = request("list-create friends bob@sip.example") else { panic!() };
        assert_eq!(request.contact_list.as_str(), "wv:alice/friends@wv.example");
        assert_eq!(request.contacts[0].name.as_deref(), Some("bob"));
    }

    #[test]
    fn a_message_keeps_its_blanks_and_asks_for_a_report() {
        let Primitive::SendMessageRequest(request) = request("send bob@sip.example hello  bob") else { panic!() };
        assert!(request.delivery_report);
        assert_eq!(request.content.unwrap().to_text(), Some("hello  bob"));
    }

    #[test]
    fn wrong_commands_say_what_is_wrong() {
        for (line, expected) in [
            ("dance", "no such command: dance; help lists them"),
            ("publish BUSY", "BUSY is none of AVAILABLE, NOT_AVAILABLE, DISCREET"),
            ("send bob@x", "the text is missing"),
            ("watch", "an address is missing"),
            ("manual-ack", "write manual-ack on or manual-ack off"),
        ] {
            assert_eq!(parse(line), Err(expected.to_owned()));
        }
    }

    #[test]
    fn help_names_every_command() {
        for line in HELP.lines().filter(|line| !line.starts_with(' ')) {
            let word = line.split_whitespace().next().unwrap();
            let known = parse(word).err().is_none_or(|error| !error.starts_with("no such command"));
            assert!(known, "{word}");
        }
    }
}
