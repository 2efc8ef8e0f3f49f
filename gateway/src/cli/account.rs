//! `account`: through the running process when one holds the data folder, else offline under its lock.

mod property;

use super::{
    CliError, block_on,
    output::{Output, verdict},
};
use crate::{
    account::{AccountRegistry, AccountUser, Keeping, NewAccount, PersonDetails, SealKey, Secret},
    admin::{
        AdminClient,
        client::escape,
        exchange::{self, AccountToAdd, AccountsToAdd, Added},
    },
    config::{Configuration, section::StoreKind},
    store::{DataFolder, OpenStore, Snapshot, StoreError},
};
use clap::Subcommand;
use hyper::Method;
use serde_json::{Value, json};
use std::{
    fs,
    io::{self, BufRead},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// What to do with accounts.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Add a user.
    Add {
        /// The user: wv:USER@DOMAIN in a domain by access, sip:USER@DOMAIN in a domain by registrar.
        user: String,
        /// The password; without it, the first line of standard input (which process lists do not show).
        #[arg(long)]
        password: Option<Secret>,
        /// Keep a hash only: digest login does not work, the password has to be sent in clear.
        #[arg(long)]
        no_digest: bool,
    },
    /// List all users, those of the configuration too.
    List,
    /// Remove a user.
    Remove {
        /// The user.
        user: String,
    },
    /// End the sessions of a user in the running gateway; each client hears 601 with its next message.
    Logout {
        /// The user.
        user: String,
    },
    /// Change a password.
    Passwd {
        /// The user.
        user: String,
        /// The new password; without it, the first line of standard input.
        #[arg(long)]
        password: Option<Secret>,
        /// Keep a hash only.
        #[arg(long)]
        no_digest: bool,
    },
    /// Add users from a file with lines of USER,PASSWORD or USER,PASSWORD,no-digest; or, from a file whose name ends
    /// with .jsonl, what belongs to users: one JSON object per line, as `account export` writes it.
    Import {
        /// The file. A first line that begins with "user," names the columns: user, password, digest, first_name,
        /// last_name, email, msisdn, shadow_of. Lines that begin with # are skipped.
        file: PathBuf,
    },
    /// Write what belongs to users (contact lists, authorisations, block lists, groups) as lines of JSON that `account import` takes.
    Export {
        /// Only what belongs to this user.
        #[arg(long)]
        user: Option<String>,
        /// The file; standard output without it.
        file: Option<PathBuf>,
    },
    /// End everything that belongs to a user, and its sessions, in the running gateway; the account stays.
    Purge {
        /// The user.
        user: String,
    },
}

pub(super) fn run(action: Action, configuration: &Configuration, output: Output) -> Result<ExitCode, CliError> {
    if let Action::Logout { user } = &action {
        return super::live::order(&format!("/api/v1/accounts/{}/logout", escape(user)), configuration, output);
    }
    let door = Door::open(configuration)?;
    let result = act(&door, configuration, action, output);
    door.close();
    result
}

fn act(door: &Door, configuration: &Configuration, action: Action, output: Output) -> Result<ExitCode, CliError> {
    match action {
        Action::Add { user, password, no_digest } => {
            let account =
                AccountToAdd { user, password: password_or_line(password)?, digest: !no_digest, person: None };
            let added = door.add(vec![account])?;
            let refused = added.refused.into_iter().map(|fault| Refusal { line: None, text: fault.reason });
            Ok(report(&refused.collect::<Vec<_>>(), added.added, output))
        }
        Action::List => {
            let accounts = door.list()?;
            let rows = accounts.get("accounts").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            let lines: Vec<String> = rows.iter().map(line_of_account).collect();
            output.print(&lines.join("\n"), &accounts);
            Ok(ExitCode::SUCCESS)
        }
        Action::Remove { user } => {
            door.remove(&user)?;
            output.print(&format!("removed {user}"), &json!({ "removed": user }));
            Ok(ExitCode::SUCCESS)
        }
        Action::Passwd { user, password, no_digest } => {
            door.change_password(&user, &password_or_line(password)?, !no_digest)?;
            output.print(&format!("changed {user}"), &json!({ "changed": user }));
            Ok(ExitCode::SUCCESS)
        }
        Action::Import { file } if file.extension().is_some_and(|ending| ending == "jsonl") => {
            property::import(door, configuration, &file, output)
        }
        Action::Import { file } => import(door, &file, output),
        Action::Export { user, file } => {
            property::export(door, configuration, user.as_deref(), file.as_deref(), output)
        }
        Action::Purge { user } => property::purge(door, &user, output),
        // It needs the running process, and has been asked of it.
        Action::Logout { .. } => Ok(ExitCode::SUCCESS),
    }
}

/// Adds what the file says, in portions, and tells every line that was refused.
fn import(door: &Door, file: &Path, output: Output) -> Result<ExitCode, CliError> {
    let text = fs::read_to_string(file).map_err(|source| CliError::File { path: file.to_owned(), source })?;
    let (mut refused, mut rows) = (Vec::new(), Vec::new());
    let mut columns = Columns::default();
    for (index, line) in text.lines().enumerate() {
        let number = index.saturating_add(1);
        if number == 1 && line.trim().to_ascii_lowercase().starts_with("user,") {
            columns = Columns::parse(line).map_err(CliError::Input)?;
            continue;
        }
        match columns.read(line) {
            Line::Skipped => {}
            Line::Account(account) => rows.push((number, account)),
            Line::Wrong(reason) => refused.push(Refusal { line: Some(number), text: reason.to_owned() }),
        }
    }
    let (total, mut done, mut count) = (rows.len(), 0_usize, 0_usize);
    for portion in rows.chunks(PORTION) {
        let added = door.add(portion.iter().map(|(_, account)| account.clone()).collect())?;
        count = count.saturating_add(added.added);
        for fault in added.refused {
            let named = |(_, account): &&(usize, AccountToAdd)| canonical(&account.user) == fault.user;
            let line = portion.iter().rev().find(named).map(|(number, _)| *number);
            refused.push(Refusal { line, text: fault.reason });
        }
        done = done.saturating_add(portion.len());
        output.progress_bar(done, total);
    }
    refused.sort_by_key(|refusal| refusal.line);
    Ok(report(&refused, count, output))
}

fn report(refused: &[Refusal], count: usize, output: Output) -> ExitCode {
    let mut lines: Vec<String> = refused
        .iter()
        .map(|refusal| match refusal.line {
            Some(line) => format!("line {line}: {}", refusal.text),
            None => format!("refused: {}", refusal.text),
        })
        .collect();
    lines.push(format!("{count} added, {} refused", refused.len()));
    let list: Vec<Value> =
        refused.iter().map(|refusal| json!({ "line": refusal.line, "reason": refusal.text })).collect();
    output.print(&lines.join("\n"), &json!({ "added": count, "refused": list }));
    verdict(refused.is_empty())
}

/// Why an account was not added.
#[derive(Debug)]
struct Refusal {
    line: Option<usize>,
    text: String,
}

/// The way to the accounts.
enum Door {
    Running(AdminClient),
    Offline { registry: AccountRegistry, store: OpenStore, snapshot: Snapshot },
}

impl Door {
    fn open(configuration: &Configuration) -> Result<Self, CliError> {
        let path = &configuration.node.data_dir;
        let folder = match DataFolder::open(path) {
            Ok(folder) => folder,
            Err(StoreError::InUse { .. }) => return Ok(Self::Running(AdminClient::open(path)?)),
            Err(error) => return Err(error.into()),
        };
        if configuration.store == StoreKind::Memory {
            return Err(CliError::Input(
                "store.kind is \"memory\" and no gateway is running: there is nothing to change",
            ));
        }
        let opening = OpenStore::open_offline(folder)?;
        let key = SealKey::open(path)?;
        let (client, domains) = (opening.store.client(), configuration.domain_table());
        let registry = AccountRegistry::open(&opening.accounts, &configuration.accounts, key, client, domains)?;
        Ok(Self::Offline { registry, store: opening.store, snapshot: opening.snapshot })
    }

    fn close(self) {
        if let Self::Offline { store, .. } = self {
            store.close();
        }
    }

    fn add(&self, accounts: Vec<AccountToAdd>) -> Result<Added, CliError> {
        block_on(async {
            Ok(match self {
                Self::Running(client) => {
                    let body = serde_json::to_value(AccountsToAdd { accounts })?;
                    serde_json::from_value(client.call(Method::POST, "/api/v1/accounts", Some(&body)).await?)?
                }
                Self::Offline { registry, .. } => exchange::add(registry, &accounts).await?,
            })
        })
    }

    fn list(&self) -> Result<Value, CliError> {
        match self {
            Self::Running(client) => block_on(async { Ok(client.call(Method::GET, "/api/v1/accounts", None).await?) }),
            Self::Offline { registry, .. } => Ok(exchange::accounts_json(registry)),
        }
    }

    fn remove(&self, user: &str) -> Result<(), CliError> {
        let user = parse_user(user)?;
        block_on(async {
            match self {
                Self::Running(client) => {
                    let path = format!("/api/v1/accounts/{}", escape(&user.to_string()));
                    client.call(Method::DELETE, &path, None).await?;
                }
                Self::Offline { registry, .. } => registry.remove(&user).await?,
            }
            Ok(())
        })
    }

    fn change_password(&self, user: &str, password: &str, digest: bool) -> Result<(), CliError> {
        let user = parse_user(user)?;
        block_on(async {
            match self {
                Self::Running(client) => {
                    let path = format!("/api/v1/accounts/{}/password", escape(&user.to_string()));
                    let body = json!({ "password": password, "digest": digest });
                    client.call(Method::PUT, &path, Some(&body)).await?;
                }
                Self::Offline { registry, .. } => {
                    let keeping = if digest { Keeping::ForDigest } else { Keeping::HashOnly };
                    let account = NewAccount { user, password: Secret::new(password), keeping, person: None };
                    registry.change_password(account).await?;
                }
            }
            Ok(())
        })
    }
}

enum Line {
    Skipped,
    Account(AccountToAdd),
    Wrong(&'static str),
}

/// What the fields of a line mean.
struct Columns(Vec<Column>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    User,
    Password,
    Digest,
    FirstName,
    LastName,
    Email,
    Msisdn,
    ShadowOf,
}

impl Default for Columns {
    fn default() -> Self {
        Self(vec![Column::User, Column::Password, Column::Digest])
    }
}

impl Columns {
    /// Reads the names in the first line.
    fn parse(line: &str) -> Result<Self, &'static str> {
        let names = split_fields(line).ok_or("the first line: a quotation mark is not closed")?;
        let column = |name: &String| match name.trim().to_ascii_lowercase().as_str() {
            "user" => Some(Column::User),
            "password" => Some(Column::Password),
            "digest" => Some(Column::Digest),
            "first_name" => Some(Column::FirstName),
            "last_name" => Some(Column::LastName),
            "email" => Some(Column::Email),
            "msisdn" => Some(Column::Msisdn),
            "shadow_of" => Some(Column::ShadowOf),
            _ => None,
        };
        let unknown = "the first line names columns out of user, password, digest, first_name, last_name, email, msisdn, shadow_of";
        let mut columns = names.iter().map(column).collect::<Option<Vec<_>>>().ok_or(unknown)?;
        // Lines may end with no-digest without a name for it.
        if columns == [Column::User, Column::Password] {
            columns.push(Column::Digest);
        }
        Ok(Self(columns))
    }

    fn read(&self, line: &str) -> Line {
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            return Line::Skipped;
        }
        let Some(fields) = split_fields(line) else { return Line::Wrong("a quotation mark is not closed") };
        if fields.len() > self.0.len() {
            return Line::Wrong(
                "a line is USER,PASSWORD or USER,PASSWORD,no-digest, or has the columns of the first line",
            );
        }
        let (mut user, mut password, mut digest) = (None, None, true);
        let mut person = PersonDetails::default();
        for (column, field) in self.0.iter().zip(fields) {
            let text = || Some(field.trim().to_owned()).filter(|text| !text.is_empty());
            match column {
                Column::User => user = text(),
                Column::Password => password = Some(field),
                Column::Digest => match field.trim() {
                    "" | "digest" => {}
                    "no-digest" => digest = false,
                    _ => return Line::Wrong("the third field is digest, no-digest or empty"),
                },
                Column::FirstName => person.first_name = text(),
                Column::LastName => person.last_name = text(),
                Column::Email => person.email = text(),
                Column::Msisdn => person.msisdn = text(),
                Column::ShadowOf => person.shadow_of = text(),
            }
        }
        let person = Some(person).filter(|person| !person.is_empty());
        match (user, password) {
            (Some(user), Some(password)) => Line::Account(AccountToAdd { user, password, digest, person }),
            _ => {
                Line::Wrong("a line is USER,PASSWORD or USER,PASSWORD,no-digest, or has the columns of the first line")
            }
        }
    }
}

/// Fields between commas; a field in quotation marks may hold commas, and quotation marks written twice.
fn split_fields(line: &str) -> Option<Vec<String>> {
    let mut fields = Vec::new();
    let mut field = String::new();
    let mut characters = line.chars().peekable();
    let mut is_quoted = false;
    while let Some(c) = characters.next() {
        match c {
            '"' if is_quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' if is_quoted || field.is_empty() => is_quoted = !is_quoted,
            ',' if !is_quoted => fields.push(std::mem::take(&mut field)),
            c => field.push(c),
        }
    }
    fields.push(field);
    (!is_quoted).then_some(fields)
}

fn line_of_account(account: &Value) -> String {
    let text = |key: &str| account.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let digest = account.get("digest").and_then(Value::as_bool).unwrap_or_default();
    format!("{}  {}  {}", text("user"), text("origin"), if digest { "digest" } else { "no-digest" })
}

fn canonical(user: &str) -> String {
    AccountUser::parse(user).map_or_else(|_| user.to_owned(), |user| user.to_string())
}

fn parse_user(text: &str) -> Result<AccountUser, CliError> {
    AccountUser::parse(text).map_err(|_| CliError::Input("a user is written wv:USER@DOMAIN or sip:USER@DOMAIN"))
}

fn password_or_line(password: Option<Secret>) -> Result<String, CliError> {
    if let Some(password) = password {
        return Ok(password.reveal().to_owned());
    }
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// Accounts that go to the store in one transaction.
const PORTION: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Sources, store::TemporaryFolder};

    fn configuration(folder: &TemporaryFolder) -> Configuration {
        let dir = folder.path().to_str().unwrap();
        Configuration::read(&Sources::embedded().with_flag("node.data_dir", dir)).unwrap()
    }

    #[test]
    fn lines_of_an_import_are_read_or_refused() {
        let columns = Columns::default();
        assert!(matches!(columns.read("# x"), Line::Skipped));
        let Line::Account(account) = columns.read(r#"wv:a@d,"x,""y""",no-digest"#) else { panic!("refused") };
        assert_eq!((account.user.as_str(), account.password.as_str(), account.digest), ("wv:a@d", "x,\"y\"", false));
        for wrong in ["wv:a@d", "wv:a@d,x,maybe", "wv:a@d,\"x", "wv:a@d,x,digest,more"] {
            assert!(matches!(columns.read(wrong), Line::Wrong(_)), "{wrong}");
        }
    }

    #[test]
    fn the_first_line_may_name_more_columns() {
        let columns = Columns::parse("User,Password,First_Name,msisdn").unwrap();
        let Line::Account(account) = columns.read("wv:a@d,x,Anna,+49151") else { panic!("refused") };
        let person = account.person.unwrap();
        assert_eq!((person.first_name.as_deref(), person.msisdn.as_deref()), (Some("Anna"), Some("+49151")));
        let Line::Account(account) = columns.read("wv:a@d,x") else { panic!("refused") };
        assert_eq!((account.person, account.digest), (None, true));
        assert!(Columns::parse("user,password,colour").is_err());
        let columns = Columns::parse("user,password").unwrap();
        let Line::Account(account) = columns.read("wv:a@d,x,no-digest") else { panic!("refused") };
        assert!(!account.digest);
    }

    #[test]
    fn a_refused_line_is_found_by_its_number() {
        let folder = TemporaryFolder::create().unwrap();
        let door = Door::open(&configuration(&folder)).unwrap();
        let account =
            |user: &str| AccountToAdd { user: user.to_owned(), password: "x".to_owned(), digest: true, person: None };
        let added = door.add(vec![account("WV:Alice@wv.example"), account("nobody")]).unwrap();
        let users: Vec<&str> = added.refused.iter().map(|refused| refused.user.as_str()).collect();
        assert_eq!((added.added, users), (0, vec!["nobody", "wv:alice@wv.example"]));
        door.close();
    }

    #[test]
    fn an_import_keeps_what_is_right_and_says_no_for_the_rest() {
        let folder = TemporaryFolder::create().unwrap();
        let configuration = configuration(&folder);
        let file = folder.path().join("users.csv");
        fs::write(&file, "user,password\nwv:eve@wv.example,x\nwv:eve@nowhere,x\nsip:h@sip.example,y,no-digest\n")
            .unwrap();
        let output = Output::new(true);
        let code = run(Action::Import { file }, &configuration, output).unwrap();
        assert_eq!(code, ExitCode::FAILURE);
        let Door::Offline { registry, store, .. } = Door::open(&configuration).unwrap() else { panic!("running") };
        let users: Vec<String> = registry.list().iter().map(|account| account.user.to_string()).collect();
        assert_eq!(users.len(), 6);
        assert!(users.contains(&"wv:eve@wv.example".to_owned()) && users.contains(&"sip:h@sip.example".to_owned()));
        store.close();
    }

    #[test]
    fn accounts_change_offline_and_not_under_a_running_process() {
        let folder = TemporaryFolder::create().unwrap();
        let configuration = configuration(&folder);
        let output = Output::new(true);
        let user = "wv:eve@wv.example".to_owned();
        let add = Action::Add { user: user.clone(), password: Some(Secret::new("x")), no_digest: false };
        assert_eq!(run(add, &configuration, output).unwrap(), ExitCode::SUCCESS);
        let lock = DataFolder::open(folder.path()).unwrap();
        let refused = run(Action::Remove { user: user.clone() }, &configuration, output);
        assert!(matches!(refused, Err(CliError::Client(_))));
        drop(lock);
        let passwd = Action::Passwd { user: user.clone(), password: Some(Secret::new("y")), no_digest: true };
        assert_eq!(run(passwd, &configuration, output).unwrap(), ExitCode::SUCCESS);
        assert_eq!(run(Action::Remove { user }, &configuration, output).unwrap(), ExitCode::SUCCESS);
    }
}
