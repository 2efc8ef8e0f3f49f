//! What the operator says to a user, on its way to the lane that owns the user.

use crate::{
    account::{AccountBook, AccountUser},
    admin::{AdminRefusal, AdminReply, AnnouncementWish},
    lane::LaneLink,
};
use mapping::{
    announcement::{Announcement, Choice},
    correlation::Correlation,
    engine::shard_of,
    event::{Event, EventKind},
};
use std::{sync::Arc, time::Duration};

/// Hands it over. It is kept until it is seen or answered, or until its time is over.
pub(super) async fn announce(
    links: &[LaneLink],
    book: &AccountBook,
    wish: AnnouncementWish,
) -> Result<AdminReply, AdminRefusal> {
    let user = AccountUser::parse(&wish.user).map_err(|error| AdminRefusal::Unknown(error.to_string()))?;
    let user = user.address().clone();
    if !book.has(&user) {
        return Err(AdminRefusal::Unknown(format!("{user} has no account")));
    }
    let octets = wish.options.iter().map(|choice| choice.text.len()).fold(wish.text.len(), usize::saturating_add);
    if octets > TEXT_OCTETS_MAX || wish.options.len() > CHOICES_MAX {
        return Err(AdminRefusal::Failed(format!(
            "at most {TEXT_OCTETS_MAX} octets of text and {CHOICES_MAX} choices can be told"
        )));
    }
    let word = getrandom::u64().map_err(|error| AdminRefusal::Failed(error.to_string()))?;
    let id = format!("{word:016x}");
    let shards = u32::try_from(links.len()).unwrap_or(1);
    let lane = usize::try_from(shard_of(&user, shards)).ok().and_then(|shard| links.get(shard));
    let Some(link) = lane else { return Err(AdminRefusal::Failed(format!("no lane owns {user}"))) };
    let validity = Duration::from_secs(wish.validity_s.map_or(VALIDITY_DEFAULT_S, u64::from));
    let options =
        wish.options.into_iter().map(|choice| Choice { id: Arc::from(choice.id), text: choice.text }).collect();
    let (text, requires_answer, named) = (wish.text, wish.requires_answer, id.clone());
    let told = link
        .ask(move |lane, now| {
            let expires = now.after(validity);
            let id = Arc::from(named);
            let announcement = Announcement { id, user, text, options, requires_answer, expires, answer: None };
            lane.feed(Event { correlation: Correlation::new(word), kind: EventKind::Announced(announcement) });
        })
        .await;
    match told {
        Some(()) => Ok(AdminReply::Done(format!("announcement {id} is on its way"))),
        None => Err(AdminRefusal::Failed("the lane of the user does not answer".to_owned())),
    }
}

/// Small enough for the parser of any client that knows system messages.
const TEXT_OCTETS_MAX: usize = 4096;

/// More cannot be shown on a small screen.
const CHOICES_MAX: usize = 10;

/// A day.
const VALIDITY_DEFAULT_S: u64 = 86_400;
