//! Accounts as they travel between the command line and the process, and what is done with them: the same, whether the
//! API or an offline command does it.

use crate::account::provision::Provision;
use crate::account::{
    AccountError, AccountOrigin, AccountRegistry, AccountUser, Keeping, NewAccount, PersonDetails, Secret,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Accounts to add, as they come over the API.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountsToAdd {
    pub(crate) accounts: Vec<AccountToAdd>,
}

/// One of them.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountToAdd {
    pub(crate) user: String,
    pub(crate) password: String,
    #[serde(default = "digest_by_default")]
    pub(crate) digest: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) person: Option<PersonDetails>,
}

impl std::fmt::Debug for AccountToAdd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccountToAdd").field("user", &self.user).finish_non_exhaustive()
    }
}

/// What became of accounts to add.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Added {
    pub(crate) added: usize,
    pub(crate) refused: Vec<Refused>,
}

/// An account that was not added.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Refused {
    pub(crate) user: String,
    pub(crate) reason: String,
}

/// A new password, as it comes over the API.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPassword {
    pub(super) password: String,
    #[serde(default = "digest_by_default")]
    pub(super) digest: bool,
}

/// What is to belong to users, as it comes over the API.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PropertiesToImport {
    pub(crate) properties: Vec<Provision>,
}

/// Which copy is to replace the store, as it comes over the API.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoreToRestore {
    pub(super) folder: PathBuf,
}

const fn digest_by_default() -> bool {
    true
}

impl AccountToAdd {
    pub(crate) fn to_new(&self) -> Result<NewAccount, String> {
        let user = AccountUser::parse(&self.user).map_err(|error| format!("{}: {error}", self.user))?;
        let (password, keeping) = (Secret::new(&self.password), keeping(self.digest));
        Ok(NewAccount { user, password, keeping, person: self.person.clone() })
    }
}

pub(super) const fn keeping(digest: bool) -> Keeping {
    if digest { Keeping::ForDigest } else { Keeping::HashOnly }
}

/// Adds accounts, all that can be, and tells how many and which not.
pub(crate) async fn add(registry: &AccountRegistry, wanted: &[AccountToAdd]) -> Result<Added, AccountError> {
    let mut refused = Vec::new();
    let mut accounts = Vec::new();
    for account in wanted {
        match account.to_new() {
            Ok(account) => accounts.push(account),
            Err(reason) => refused.push(Refused { user: account.user.clone(), reason }),
        }
    }
    let count = accounts.len();
    let faults = registry.add(accounts).await?;
    let added = count.saturating_sub(faults.len());
    refused.extend(faults.iter().map(|fault| Refused {
        user: fault.user().map(ToString::to_string).unwrap_or_default(),
        reason: fault.to_string(),
    }));
    Ok(Added { added, refused })
}

/// All accounts, without what proves them.
pub(crate) fn accounts_json(registry: &AccountRegistry) -> Value {
    let rows: Vec<Value> = registry
        .list()
        .iter()
        .map(|account| {
            let origin = match account.origin {
                AccountOrigin::Configuration => "configuration",
                AccountOrigin::Store => "store",
            };
            let digest = account.credential.clear().is_some();
            let mut row = json!({ "user": account.user.to_string(), "origin": origin, "digest": digest });
            if let (false, Some(fields)) = (account.person.is_empty(), row.as_object_mut()) {
                fields.insert("person".to_owned(), json!(account.person));
            }
            row
        })
        .collect();
    json!({ "accounts": rows })
}
