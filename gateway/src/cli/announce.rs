//! What the operator says to a user.

use super::{CliError, live, output::Output};
use crate::{
    admin::{AnnouncementWish, ChoiceWish},
    config::Configuration,
};
use clap::Args;
use hyper::Method;
use std::process::ExitCode;

/// What to say, and to whom.
#[derive(Clone, Debug, Args)]
pub(super) struct AnnounceArguments {
    /// To whom, such as wv:alice@wv.example.
    user: String,
    /// What.
    text: String,
    /// What the user may choose from; can be given several times.
    #[arg(long, value_name = "ID=TEXT", value_parser = parse_choice)]
    option: Vec<ChoiceWish>,
    /// The user has to answer.
    #[arg(long)]
    requires_answer: bool,
    /// For how many seconds it is worth telling.
    #[arg(long, value_name = "SECONDS", default_value_t = 86_400)]
    validity_s: u32,
}

pub(super) fn run(
    arguments: &AnnounceArguments,
    configuration: &Configuration,
    output: Output,
) -> Result<ExitCode, CliError> {
    let wish = AnnouncementWish {
        user: arguments.user.clone(),
        text: arguments.text.clone(),
        options: arguments.option.clone(),
        requires_answer: arguments.requires_answer,
        validity_s: Some(arguments.validity_s),
    };
    let body = serde_json::to_value(wish)?;
    live::ask(Method::POST, "/api/v1/announcements", Some(&body), configuration, output)
}

fn parse_choice(text: &str) -> Result<ChoiceWish, &'static str> {
    let (id, text) = text.split_once('=').ok_or("write ID=TEXT, such as y=Yes")?;
    Ok(ChoiceWish { id: id.trim().to_owned(), text: text.to_owned() })
}
