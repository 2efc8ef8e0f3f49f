//! Accounts that come and go while the lane turns.

use super::Lane;
use mapping::{address::Address, time::Timestamp};

impl Lane {
    /// Users exist from now on, in the engine and at its doors.
    pub fn accounts_added(&mut self, now: Timestamp, users: &[Address]) {
        users.iter().for_each(|user| self.engine.account_added(user.clone()));
        self.wv.borrow_mut().accounts_added(now, users, &self.engine);
    }

    /// Ends everything of users that are no more, in the engine and at its doors.
    pub fn accounts_removed(&mut self, now: Timestamp, users: &[Address]) {
        if users.is_empty() {
            return;
        }
        users.iter().for_each(|user| self.engine.account_removed(now, user));
        self.reconcile(now);
    }

    /// Ends everything of a user, in the engine and at its doors, whether or not it has an account.
    pub fn dismiss(&mut self, now: Timestamp, user: &Address) {
        self.wv.borrow_mut().dismiss(now, user);
        self.simple.borrow_mut().dismiss(now, user);
        self.engine.account_removed(now, user);
    }
}
