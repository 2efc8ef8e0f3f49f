//! Presence: PIDF with data model, RPID, CIPID, capabilities and location to the neutral document and back.
//!
//! Rows: `fixtures/mapping/presence.toml`.

mod read;
mod write;

pub use read::from_pidf;
pub use write::to_pidf;

use mapping::presence::{Availability, Mood};
use sip_proto::body::rpid::{ActivityName, MoodName};

/// What an activity says about being available (presence.md §3.4, steps 5 and 6).
const fn availability_of(activity: ActivityName) -> Option<Availability> {
    match activity {
        ActivityName::Sleeping
        | ActivityName::PermanentAbsence
        | ActivityName::Vacation
        | ActivityName::Holiday
        | ActivityName::Away
        | ActivityName::Travel
        | ActivityName::InTransit
        | ActivityName::Meal
        | ActivityName::Breakfast
        | ActivityName::Lunch
        | ActivityName::Dinner
        | ActivityName::Shopping
        | ActivityName::Worship
        | ActivityName::Performance
        | ActivityName::Spectator => Some(Availability::NotAvailable),
        ActivityName::Busy
        | ActivityName::Meeting
        | ActivityName::Appointment
        | ActivityName::Presentation
        | ActivityName::OnThePhone
        | ActivityName::Steering
        | ActivityName::Working
        | ActivityName::LookingForWork
        | ActivityName::Tv
        | ActivityName::Playing => Some(Availability::Discreet),
        ActivityName::Unknown => None,
    }
}

/// The moods that both sides name, which differ only in case.
const MOODS: &[(Mood, MoodName)] = &[
    (Mood::Angry, MoodName::Angry),
    (Mood::Anxious, MoodName::Anxious),
    (Mood::Ashamed, MoodName::Ashamed),
    (Mood::Bored, MoodName::Bored),
    (Mood::Excited, MoodName::Excited),
    (Mood::Happy, MoodName::Happy),
    (Mood::InLove, MoodName::InLove),
    (Mood::Invincible, MoodName::Invincible),
    (Mood::Jealous, MoodName::Jealous),
    (Mood::Sad, MoodName::Sad),
    (Mood::Sleepy, MoodName::Sleepy),
];

fn mood_from_name(name: MoodName) -> Mood {
    let both = MOODS.iter().find(|(_, rpid)| *rpid == name);
    both.map_or_else(|| Mood::Other(name.as_str().into()), |(mood, _)| mood.clone())
}

fn mood_to_name(mood: &Mood) -> Option<MoodName> {
    match mood {
        Mood::Other(name) => MoodName::parse(name),
        named => MOODS.iter().find(|(mood, _)| mood == named).map(|(_, rpid)| *rpid),
    }
}

#[cfg(test)]
mod tests;

/// In which of our elements those of WV vendors are carried through.
const VENDOR_WRAPPER: &str = "ext";
