//! System messages (1.3): what the operator asks a user, and what the user answers.

use crate::codec::sink::Sink;
use crate::codec::tree::Element;
use crate::primitive::envelope::MalformedReason;
use crate::primitive::field::Part;
use crate::schema::element;

/// SystemMessage-Request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SystemMessageRequest {
    /// SystemMessage, at least one.
    pub messages: Vec<SystemMessage>,
}

/// SystemMessage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemMessage {
    /// SystemMessageID.
    pub id: Box<str>,
    /// RequiresResponse.
    pub requires_response: bool,
    /// SystemMessageText.
    pub text: Box<str>,
    /// AnswerOptions: what the user may choose from.
    pub options: Vec<AnswerOption>,
    /// VerificationMechanism: how the user shows that it is one.
    pub verification: Option<Verification>,
}

/// AnswerOption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerOption {
    /// AnswerOptionID.
    pub id: Box<str>,
    /// AnswerOptionText.
    pub text: Box<str>,
}

/// VerificationMechanism.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verification {
    /// InText: what to do stands in the text.
    InText(Box<str>),
    /// URL: what to do is found there.
    Url(Box<str>),
}

/// SystemMessage-User.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SystemMessageUser {
    /// SystemMessageResponse, at least one.
    pub responses: Vec<SystemMessageResponse>,
}

/// SystemMessageResponse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemMessageResponse {
    /// SystemMessageID.
    pub id: Box<str>,
    /// ChosenOptionID.
    pub option: Option<Box<str>>,
    /// VerificationKey.
    pub key: Option<Box<str>>,
}

impl Part for SystemMessageRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        let list = element.child(element::SYSTEM_MESSAGE_LIST);
        let list = list.ok_or(MalformedReason::Missing(element::SYSTEM_MESSAGE_LIST))?;
        Ok(Self { messages: list.parts_of(element::SYSTEM_MESSAGE)? })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::SYSTEM_MESSAGE_REQUEST);
        sink.open(element::SYSTEM_MESSAGE_LIST);
        for message in &self.messages {
            message.write(sink);
        }
        sink.close();
        sink.close();
    }
}

impl Part for SystemMessage {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        let options = element.child(element::ANSWER_OPTIONS);
        let verification = element.child(element::VERIFICATION_MECHANISM).and_then(|mechanism| {
            let in_text = mechanism.present_text_of(element::IN_TEXT).map(Verification::InText);
            in_text.or_else(|| mechanism.text_of(element::URL).map(Verification::Url))
        });
        Ok(Self {
            id: element.needed_text_of(element::SYSTEM_MESSAGE_ID)?,
            requires_response: element.flag_of(element::REQUIRES_RESPONSE)?.unwrap_or(false),
            text: element.present_text_of(element::SYSTEM_MESSAGE_TEXT).unwrap_or_default(),
            options: options.map(|list| list.parts_of(element::ANSWER_OPTION)).transpose()?.unwrap_or_default(),
            verification,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::SYSTEM_MESSAGE);
        sink.leaf_text(element::SYSTEM_MESSAGE_ID, &self.id);
        sink.leaf_boolean(element::REQUIRES_RESPONSE, self.requires_response);
        sink.leaf_text(element::SYSTEM_MESSAGE_TEXT, &self.text);
        if !self.options.is_empty() {
            sink.open(element::ANSWER_OPTIONS);
            for option in &self.options {
                option.write(sink);
            }
            sink.close();
        }
        if let Some(verification) = &self.verification {
            sink.open(element::VERIFICATION_MECHANISM);
            match verification {
                Verification::InText(text) => sink.leaf_text(element::IN_TEXT, text),
                Verification::Url(url) => sink.leaf_text(element::URL, url),
            }
            sink.close();
        }
        sink.close();
    }
}

impl Part for AnswerOption {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            id: element.needed_text_of(element::ANSWER_OPTION_ID)?,
            text: element.present_text_of(element::ANSWER_OPTION_TEXT).unwrap_or_default(),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::ANSWER_OPTION);
        sink.leaf_text(element::ANSWER_OPTION_ID, &self.id);
        sink.leaf_text(element::ANSWER_OPTION_TEXT, &self.text);
        sink.close();
    }
}

impl Part for SystemMessageUser {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        let responses = SystemMessageResponse::read_list(element)?;
        let responses = responses.ok_or(MalformedReason::Missing(element::SYSTEM_MESSAGE_RESPONSE_LIST))?;
        Ok(Self { responses })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::SYSTEM_MESSAGE_USER);
        // The list must be there, even where it came without a response.
        SystemMessageResponse::write_list(&self.responses, sink);
        sink.close();
    }
}

impl SystemMessageResponse {
    /// Reads the list of them inside an element, where there is one.
    pub(crate) fn read_list(element: Element<'_, '_>) -> Result<Option<Vec<Self>>, MalformedReason> {
        let list = element.child(element::SYSTEM_MESSAGE_RESPONSE_LIST);
        list.map(|list| list.parts_of(element::SYSTEM_MESSAGE_RESPONSE)).transpose()
    }

    /// Writes the list.
    pub(crate) fn write_list(responses: &[Self], sink: &mut dyn Sink) {
        sink.open(element::SYSTEM_MESSAGE_RESPONSE_LIST);
        responses.iter().for_each(|response| response.write(sink));
        sink.close();
    }
}

impl Part for SystemMessageResponse {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            id: element.needed_text_of(element::SYSTEM_MESSAGE_ID)?,
            option: element.text_of(element::CHOSEN_OPTION_ID),
            key: element.text_of(element::VERIFICATION_KEY),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::SYSTEM_MESSAGE_RESPONSE);
        sink.leaf_text(element::SYSTEM_MESSAGE_ID, &self.id);
        sink.maybe_text(element::CHOSEN_OPTION_ID, self.option.as_deref());
        sink.maybe_text(element::VERIFICATION_KEY, self.key.as_deref());
        sink.close();
    }
}
