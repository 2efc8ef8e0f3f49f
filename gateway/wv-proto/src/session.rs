//! Session machines: the two ends of a client-server session, without IO, clock or randomness.
//!
//! The server end is two machines. [`login::LoginMachine`] takes every Login-Request, [`server::ServerSession`] takes
//! everything else that names its session. Their owner
//!
//! * decodes a message and gives it to the machine, as [`login::LoginEvent::Request`] or [`server::Event::Post`];
//! * calls `poll` until it has nothing more, and does what it says;
//! * answers what it was asked ([`login::LoginCommand::FindCredentials`], [`server::Command::Execute`]) with another
//!   event, at once or later;
//! * calls `expire` when `deadline` has come.
//!
//! A message that names a session which is not open is answered by [`closed::refuse`] with the code of
//! [`closed::ClosedSessions`].

pub mod client;
pub mod closed;
pub mod digest;
pub mod keep_alive;
pub mod limit;
pub mod login;
mod message_size;
pub mod negotiation;
pub mod poll;
mod presence_size;
mod reception;
pub mod segment;
pub mod server;
pub mod standing;
pub mod time;
pub mod transaction;
