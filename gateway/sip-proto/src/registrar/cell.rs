//! What a registration meets, as its state table names it.

use super::{Binding, Contacts, RegisterRequest, Registrar};
use crate::{event::state::Target, witness::met};

impl Registrar {
    /// Names the cell that a request is about to reach.
    pub(super) fn name_request(&self, request: &RegisterRequest<'_>) {
        if !cfg!(debug_assertions) {
            return;
        }
        let Target::Hosted(address) = request.target else { return self.name("none", "foreign address") };
        let bindings = self.bindings(address);
        let is_late = |binding: &Binding| !binding.may_change(request);
        let event = match request.contacts {
            Contacts::Star if request.expires_s != Some(0) => "*",
            Contacts::Star if bindings.iter().any(is_late) => "* late",
            Contacts::Star => "* expires=0",
            Contacts::List(contacts) => {
                let Some(contact) = contacts.first() else { return self.name(self.state(bindings, request), "query") };
                let known = bindings.iter().find(|binding| binding.is_of(contact));
                match self.lifetime(contact.expires_s().or(request.expires_s)) {
                    Err(_) => "expires=5",
                    Ok(0) => "expires=0",
                    Ok(_) if known.is_some_and(is_late) => "the same, late",
                    Ok(_) if known.is_some() => "the same contact",
                    Ok(_) => "another contact",
                }
            }
        };
        self.name(self.state(bindings, request), event);
    }

    /// Names the cell of something that happens to the bindings of an address by itself.
    pub(super) fn name_event(&self, bindings: &[Binding], event: &str) {
        if cfg!(debug_assertions) {
            let is_full = bindings.len() >= self.policy.contacts_max;
            let state = if bindings.is_empty() {
                "none"
            } else if is_full {
                "full"
            } else {
                "one"
            };
            self.name(state, event);
        }
    }

    fn state(&self, bindings: &[Binding], request: &RegisterRequest<'_>) -> &'static str {
        match bindings {
            [] => "none",
            all if all.len() >= self.policy.contacts_max => "full",
            all if all.iter().any(|binding| binding.call_id == *request.call_id) => "one",
            _ => "one of another client",
        }
    }

    #[expect(clippy::unused_self, reason = "reads as the other names do")]
    fn name(&self, state: &str, event: &str) {
        met("sip_registrar", format_args!("{state} + {event}"));
    }
}
