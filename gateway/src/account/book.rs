//! All accounts in memory: looked up by lanes, changed by the administration.

use super::{AccountUser, Credential, CredentialError, Keeping, PersonDetails, SealKey, Secret, StoredAccount};
use crate::{
    config::section::ConfiguredAccount,
    store::{StoreClient, StoreError},
};
use mapping::{
    address::Address,
    route::{DomainTable, Route},
    side::Side,
};
use std::{
    collections::{BTreeSet, HashMap},
    path::PathBuf,
    sync::Arc,
};
use tokio::sync::watch;

/// Look-ups by neutral address. Cheap to clone, one for each lane; never blocks for longer than a change of the map takes.
#[derive(Clone, Debug)]
pub struct AccountBook(watch::Receiver<Entries>);

type Entries = HashMap<Address, Arc<Account>>;

/// An account, ready for use.
#[derive(Debug)]
pub struct Account {
    /// Who.
    pub user: AccountUser,
    /// The proof.
    pub credential: Credential,
    /// Where it comes from.
    pub origin: AccountOrigin,
    /// What is known of the person.
    pub person: PersonDetails,
}

impl Account {
    fn of_configuration(configured: &ConfiguredAccount) -> (Address, Arc<Self>) {
        let credential = Credential::Clear(configured.password.clone());
        let (user, origin) = (configured.user.clone(), AccountOrigin::Configuration);
        let account = Self { user, credential, origin, person: configured.person.clone() };
        (configured.user.address().clone(), Arc::new(account))
    }
}

/// Where an account comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountOrigin {
    /// `[[account]]`; changed there only.
    Configuration,
    /// The store.
    Store,
}

impl AccountBook {
    /// A book of the accounts of a configuration and no others, which never changes.
    #[must_use]
    pub fn of_configuration(configured: &[ConfiguredAccount]) -> Self {
        Self(watch::channel(configured.iter().map(Account::of_configuration).collect()).1)
    }

    /// A book of these users, all with the password `secret`.
    #[cfg(test)]
    pub(crate) fn for_test(users: &[&str]) -> Self {
        let account = |text: &&str| {
            let user = AccountUser::parse(text).unwrap();
            let credential = Credential::Clear(Secret::new("secret"));
            let (origin, person) = (AccountOrigin::Configuration, PersonDetails::default());
            (user.address().clone(), Arc::new(Account { user, credential, origin, person }))
        };
        Self(watch::channel(users.iter().map(account).collect()).1)
    }

    /// The account of a user; none if the user does not exist.
    #[must_use]
    pub fn find(&self, user: &Address) -> Option<Arc<Account>> {
        self.0.borrow().get(user).cloned()
    }

    /// Whether the user exists.
    #[must_use]
    pub fn has(&self, user: &Address) -> bool {
        self.0.borrow().contains_key(user)
    }

    /// All users that exist now.
    #[must_use]
    pub fn users(&self) -> BTreeSet<Address> {
        self.0.borrow().keys().cloned().collect()
    }

    /// Waits for the next change; false when there will be none. Cancel-safe.
    pub async fn changed(&mut self) -> bool {
        self.0.changed().await.is_ok()
    }
}

/// Changes accounts: in the store first, then in the book.
#[derive(Debug)]
pub struct AccountRegistry {
    entries: watch::Sender<Entries>,
    key: SealKey,
    store: StoreClient,
    domains: DomainTable,
}

/// Why an account was not changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The domain is not hosted here.
    #[error("the domain of {0} is not hosted here")]
    NotHosted(AccountUser),
    /// The scheme does not fit the domain.
    #[error("{0} has the scheme of the other side")]
    WrongSide(AccountUser),
    /// The account is in the configuration.
    #[error("{0} stands in the configuration and is changed there")]
    Configured(AccountUser),
    /// There is no such account.
    #[error("there is no account {0}")]
    Unknown(AccountUser),
    /// There is one already.
    #[error("there is an account {0} already")]
    Exists(AccountUser),
    /// A shadow that stands for nobody.
    #[error("{0} stands for no sip: user")]
    NoSipUser(AccountUser),
    /// A shadow that stands for somebody else than is said, or an account that is none.
    #[error("{0} does not stand for that user: remove it, and add it again")]
    StandsForAnother(AccountUser),
    /// A shadow whose password cannot be given to its server.
    #[error("the password of {0} is needed to log in, so it cannot be kept as a hash")]
    ShadowHashed(AccountUser),
    /// No password.
    #[error("the password of {0} is empty")]
    EmptyPassword(AccountUser),
    /// The proof cannot be made.
    #[error(transparent)]
    Credential(#[from] CredentialError),
    /// The store refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AccountError {
    /// The account that it is about, where it is about one.
    #[must_use]
    pub const fn user(&self) -> Option<&AccountUser> {
        match self {
            Self::NotHosted(user)
            | Self::WrongSide(user)
            | Self::Configured(user)
            | Self::Unknown(user)
            | Self::Exists(user)
            | Self::NoSipUser(user)
            | Self::StandsForAnother(user)
            | Self::ShadowHashed(user)
            | Self::EmptyPassword(user) => Some(user),
            Self::Credential(_) | Self::Store(_) => None,
        }
    }
}

/// An account to be added.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Who.
    pub user: AccountUser,
    /// The password.
    pub password: Secret,
    /// How it is kept.
    pub keeping: Keeping,
    /// What is known of the person; none leaves what was known.
    pub person: Option<PersonDetails>,
}

impl AccountRegistry {
    /// The accounts of the store, and over them those of the configuration, which are not written to the store.
    ///
    /// # Errors
    /// When a kept proof cannot be opened.
    pub fn open(
        stored: &[StoredAccount],
        configured: &[ConfiguredAccount],
        key: SealKey,
        store: StoreClient,
        domains: DomainTable,
    ) -> Result<Self, AccountError> {
        let mut entries = Entries::new();
        for account in stored {
            let credential = key.unseal(account)?;
            let (user, person) = (account.user.clone(), account.person.clone());
            let entry = Account { user, credential, origin: AccountOrigin::Store, person };
            entries.insert(account.user.address().clone(), Arc::new(entry));
        }
        entries.extend(configured.iter().map(Account::of_configuration));
        Ok(Self { entries: watch::Sender::new(entries), key, store, domains })
    }

    /// The book that shows every change at once.
    #[must_use]
    pub fn book(&self) -> AccountBook {
        AccountBook(self.entries.subscribe())
    }

    /// Adds accounts, all that can be; returns why the others were refused.
    ///
    /// # Errors
    /// When the store kept none.
    pub async fn add(&self, accounts: Vec<NewAccount>) -> Result<Vec<AccountError>, AccountError> {
        let mut refused = Vec::new();
        let mut accepted: HashMap<Address, NewAccount> = HashMap::new();
        for account in accounts {
            let fault = self.check(&account).err().or_else(|| {
                let address = account.user.address();
                let exists = accepted.contains_key(address) || self.entries.borrow().contains_key(address);
                exists.then(|| AccountError::Exists(account.user.clone()))
            });
            match fault {
                Some(fault) => refused.push(fault),
                None => {
                    accepted.insert(account.user.address().clone(), account);
                }
            }
        }
        self.keep(accepted.into_values().collect()).await?;
        Ok(refused)
    }

    /// Changes the password of an account of the store.
    ///
    /// # Errors
    /// See [`AccountError`].
    pub async fn change_password(&self, account: NewAccount) -> Result<(), AccountError> {
        self.check(&account)?;
        self.stored(&account.user)?;
        self.keep(vec![account]).await
    }

    /// Writes down what is known of the person behind an account.
    ///
    /// # Errors
    /// See [`AccountError`]; of an account of the configuration nothing else can be said than stands there.
    pub async fn describe(&self, user: &AccountUser, person: PersonDetails) -> Result<(), AccountError> {
        let known = self.entries.borrow().get(user.address()).cloned();
        let known = known.filter(|known| known.user == *user).ok_or_else(|| AccountError::Unknown(user.clone()))?;
        if person.shadow_of.is_some() && person.shadow_of != known.person.shadow_of {
            return Err(AccountError::StandsForAnother(user.clone()));
        }
        // For whom it stands is said where it is added.
        let person = PersonDetails { shadow_of: known.person.shadow_of.clone(), ..person };
        if known.person == person {
            return Ok(());
        }
        if known.origin == AccountOrigin::Configuration {
            return Err(AccountError::Configured(user.clone()));
        }
        let (user, credential, origin) = (known.user.clone(), known.credential.clone(), known.origin);
        self.store.put_accounts(vec![self.key.seal_again(&user, &credential, person.clone())?]).await?;
        let address = user.address().clone();
        self.entries.send_modify(|entries| {
            entries.insert(address, Arc::new(Account { user, credential, origin, person }));
        });
        Ok(())
    }

    /// Puts these in the place of the accounts of the configuration.
    pub fn replace_configured(&self, configured: &[ConfiguredAccount]) {
        self.entries.send_modify(|entries| {
            entries.retain(|_, entry| entry.origin != AccountOrigin::Configuration);
            for account in configured {
                let (address, entry) = Account::of_configuration(account);
                entries.insert(address, entry);
            }
        });
    }

    /// Removes an account of the store.
    ///
    /// # Errors
    /// See [`AccountError`].
    pub async fn remove(&self, user: &AccountUser) -> Result<(), AccountError> {
        self.stored(user)?;
        self.store.remove_account(user.clone()).await?;
        self.entries.send_modify(|entries| {
            entries.remove(user.address());
        });
        Ok(())
    }

    /// All accounts, in order.
    #[must_use]
    pub fn list(&self) -> Vec<Arc<Account>> {
        let mut accounts: Vec<Arc<Account>> = self.entries.borrow().values().cloned().collect();
        accounts.sort_by(|left, right| left.user.cmp(&right.user));
        accounts
    }

    /// Replaces the whole store by a copy, and shows the accounts that are in it. Lanes have to start again after that.
    ///
    /// # Errors
    /// When nothing was replaced.
    pub async fn replace_store(&self, copy: PathBuf) -> Result<(), AccountError> {
        let stored = self.store.replace_by(copy).await?;
        let mut opened = Entries::new();
        for account in &stored {
            let credential = self.key.unseal(account)?;
            let (user, person) = (account.user.clone(), account.person.clone());
            let entry = Account { user, credential, origin: AccountOrigin::Store, person };
            opened.insert(account.user.address().clone(), Arc::new(entry));
        }
        self.entries.send_modify(|entries| {
            entries.retain(|_, account| account.origin == AccountOrigin::Configuration);
            for (address, account) in opened {
                entries.entry(address).or_insert(account);
            }
        });
        Ok(())
    }

    async fn keep(&self, accounts: Vec<NewAccount>) -> Result<(), AccountError> {
        let mut rows = Vec::with_capacity(accounts.len());
        for NewAccount { user, password, keeping, person } in &accounts {
            let known = || self.entries.borrow().get(user.address()).map(|known| known.person.clone());
            let person = person.clone().or_else(known).unwrap_or_default();
            rows.push(StoredAccount { person, ..self.key.seal(user, password, *keeping)? });
        }
        let mut entries = Vec::with_capacity(rows.len());
        for row in &rows {
            let credential = self.key.unseal(row)?;
            let (user, person) = (row.user.clone(), row.person.clone());
            entries.push(Account { user, credential, origin: AccountOrigin::Store, person });
        }
        self.store.put_accounts(rows).await?;
        self.entries.send_modify(|map| {
            map.extend(entries.into_iter().map(|entry| (entry.user.address().clone(), Arc::new(entry))));
        });
        Ok(())
    }

    fn check(&self, account: &NewAccount) -> Result<(), AccountError> {
        let user = &account.user;
        let shadow_of = account.person.as_ref().and_then(|person| person.shadow_of.as_deref());
        let known = || self.entries.borrow().get(user.address()).is_some_and(|known| known.person.shadow_of.is_some());
        match self.domains.find(user.address()) {
            Some(row) if row.route == Route::Hosted => {
                if row.side != user.side() {
                    return Err(AccountError::WrongSide(user.clone()));
                }
            }
            // The account of a SIP user at a foreign WV server.
            Some(row) if row.side == Side::Wv && user.side() == Side::Wv && (shadow_of.is_some() || known()) => {
                let stands_for = shadow_of.map(AccountUser::parse);
                if stands_for.is_some_and(|user| user.map_or(true, |user| user.side() != Side::Simple)) {
                    return Err(AccountError::NoSipUser(user.clone()));
                }
                if account.keeping != Keeping::ForDigest {
                    return Err(AccountError::ShadowHashed(user.clone()));
                }
            }
            _ => return Err(AccountError::NotHosted(user.clone())),
        }
        if account.password.reveal().is_empty() {
            return Err(AccountError::EmptyPassword(user.clone()));
        }
        Ok(())
    }

    fn stored(&self, user: &AccountUser) -> Result<(), AccountError> {
        match self.entries.borrow().get(user.address()) {
            Some(entry) if entry.user != *user => Err(AccountError::Unknown(user.clone())),
            Some(entry) if entry.origin == AccountOrigin::Configuration => Err(AccountError::Configured(user.clone())),
            Some(_) => Ok(()),
            None => Err(AccountError::Unknown(user.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::{Configuration, Sources},
        store::{DataFolder, OpenStore, Opening, TemporaryFolder},
    };

    fn user(text: &str) -> AccountUser {
        AccountUser::parse(text).unwrap()
    }

    fn new(text: &str, password: &str, keeping: Keeping) -> NewAccount {
        NewAccount { user: user(text), password: Secret::new(password), keeping, person: None }
    }

    fn registry(folder: &TemporaryFolder) -> (AccountRegistry, OpenStore) {
        let configuration = Configuration::read(&Sources::embedded()).unwrap();
        let Opening { store, accounts, .. } =
            OpenStore::open_offline(DataFolder::open(folder.path()).unwrap()).unwrap();
        let key = SealKey::open(folder.path()).unwrap();
        let domains = configuration.domain_table();
        let registry = AccountRegistry::open(&accounts, &configuration.accounts, key, store.client(), domains);
        (registry.unwrap(), store)
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn accounts_of_the_store_survive_and_show_at_once() {
        let folder = TemporaryFolder::create().unwrap();
        let (registry, store) = registry(&folder);
        let book = registry.book();
        let eve = Address::parse("eve@wv.example").unwrap();
        assert!(!book.has(&eve));
        let added =
            vec![new("wv:eve@wv.example", "x", Keeping::ForDigest), new("sip:h@sip.example", "y", Keeping::HashOnly)];
        assert!(run(registry.add(added)).unwrap().is_empty());
        assert!(book.find(&eve).unwrap().credential.verify("x"));
        store.close();
        let (registry, store) = self::registry(&folder);
        let book = registry.book();
        assert_eq!(book.find(&eve).unwrap().credential.clear(), Some(&Secret::new("x")));
        assert!(book.find(&Address::parse("h@sip.example").unwrap()).unwrap().credential.verify("y"));
        let person = PersonDetails { first_name: Some("Eve".to_owned()), ..PersonDetails::default() };
        let known = NewAccount { person: Some(person.clone()), ..new("wv:eve@wv.example", "z", Keeping::ForDigest) };
        run(registry.change_password(known)).unwrap();
        assert!(book.find(&eve).unwrap().credential.verify("z"));
        run(registry.change_password(new("wv:eve@wv.example", "y", Keeping::ForDigest))).unwrap();
        store.close();
        let (registry, store) = self::registry(&folder);
        let book = registry.book();
        assert_eq!(book.find(&eve).unwrap().person, person, "a new password says nothing of the person");
        run(registry.remove(&user("wv:eve@wv.example"))).unwrap();
        assert!(!book.has(&eve));
        store.close();
        assert_eq!(self::registry(&folder).0.list().len(), 5);
    }

    #[test]
    fn accounts_that_cannot_be_are_refused_one_by_one() {
        let folder = TemporaryFolder::create().unwrap();
        let (registry, _store) = registry(&folder);
        let refused = run(registry.add(vec![
            new("wv:alice@wv.example", "x", Keeping::ForDigest),
            new("sip:eve@wv.example", "x", Keeping::ForDigest),
            new("wv:eve@elsewhere.example", "x", Keeping::ForDigest),
            new("wv:eve@wv.example", "", Keeping::ForDigest),
            new("wv:mallory@wv.example", "x", Keeping::ForDigest),
            new("wv:mallory@wv.example", "y", Keeping::ForDigest),
        ]))
        .unwrap();
        assert!(matches!(
            refused.as_slice(),
            [
                AccountError::Exists(_),
                AccountError::WrongSide(_),
                AccountError::NotHosted(_),
                AccountError::EmptyPassword(_),
                AccountError::Exists(_)
            ]
        ));
        assert!(registry.book().has(&Address::parse("mallory@wv.example").unwrap()));
        let configured = run(registry.remove(&user("wv:alice@wv.example")));
        assert!(matches!(configured, Err(AccountError::Configured(_))));
        assert!(matches!(run(registry.remove(&user("wv:x@wv.example"))), Err(AccountError::Unknown(_))));
    }
}
