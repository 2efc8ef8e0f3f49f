use super::*;
use proptest::prelude::*;

fn row(id: &str, status: WatcherStatus) -> WatcherRow {
    WatcherRow {
        id: id.to_owned(),
        uri: format!("sip:{id}@sip.example"),
        status,
        event: WatcherEvent::Subscribe,
        display_name: None,
        expiration_s: None,
        subscribed_s: None,
    }
}

fn document(version: u64, extent: Extent, watchers: Vec<WatcherRow>) -> WatcherInfo {
    let list = WatcherList { resource: "sip:a@x".to_owned(), package: "presence".to_owned(), watchers };
    WatcherInfo { version, extent, lists: vec![list] }
}

fn ids(table: &WatcherTable) -> Vec<&str> {
    table.rows().map(|row| row.id.as_str()).collect()
}

#[test]
fn rfc3858_5_a_document_like_the_example_is_read() {
    let text = br#"<?xml version="1.0"?>
        <watcherinfo xmlns="urn:ietf:params:xml:ns:watcherinfo" version="0" state="full">
          <watcher-list resource="sip:teacher@example.net" package="presence">
            <watcher status="active" id="8aj" duration-subscribed="509" event="approved"
              >sip:a@example.net</watcher>
            <watcher status="pending" id="hh8-ass7" display-name="Mr. Subscriber" expiration=" 40 "
              event="subscribe"> sip:b@example.org
            </watcher>
            <x:more xmlns:x="urn:x"><x:inside/></x:more>
          </watcher-list>
        </watcherinfo>"#;
    let read = WatcherInfo::parse(text).unwrap();
    assert_eq!((read.version, read.extent, read.lists.len()), (0, Extent::Full, 1));
    let [one, other] = &read.lists[0].watchers[..] else { panic!("two watchers") };
    assert_eq!((one.status, one.event, one.subscribed_s), (WatcherStatus::Active, WatcherEvent::Approved, Some(509)));
    assert_eq!((other.uri.as_str(), other.expiration_s), ("sip:b@example.org", Some(40)));
    assert_eq!(other.display_name.as_deref(), Some("Mr. Subscriber"));
}

#[test]
fn rfc3858_6_what_the_schema_requires_is_missed() {
    let root = |attributes: &str, inner: &str| {
        format!("<watcherinfo xmlns=\"urn:ietf:params:xml:ns:watcherinfo\" {attributes}>{inner}</watcherinfo>")
    };
    let list = |inner: &str| format!("<watcher-list resource=\"sip:a@x\" package=\"presence\">{inner}</watcher-list>");
    let whole = "version=\"3\" state=\"partial\"";
    assert!(WatcherInfo::parse(root(whole, "").as_bytes()).is_ok());
    for (attributes, inner) in [
        ("version=\"3\"", String::new()),
        ("state=\"full\"", String::new()),
        ("version=\"-1\" state=\"full\"", String::new()),
        ("version=\"1\" state=\"half\"", String::new()),
        (whole, "<watcher-list resource=\"sip:a@x\"/>".to_owned()),
        (whole, list("<watcher id=\"1\" status=\"active\">sip:b@x</watcher>")),
        (whole, list("<watcher id=\"1\" event=\"approved\">sip:b@x</watcher>")),
        (whole, list("<watcher status=\"active\" event=\"approved\">sip:b@x</watcher>")),
        (whole, list("<watcher id=\"1\" status=\"gone\" event=\"approved\">sip:b@x</watcher>")),
        (whole, list("<watcher id=\"1\" status=\"active\" event=\"asked\">sip:b@x</watcher>")),
    ] {
        assert!(WatcherInfo::parse(root(attributes, &inner).as_bytes()).is_err(), "{attributes} {inner}");
    }
    assert!(WatcherInfo::parse(b"<watcherinfo version=\"0\" state=\"full\"/>").is_err());
}

#[test]
fn rfc3858_4_partial_documents_add_change_and_end_rows() {
    let mut table = WatcherTable::default();
    let first = document(7, Extent::Full, vec![row("b", WatcherStatus::Pending), row("c", WatcherStatus::Active)]);
    assert_eq!(table.take(&first, "presence"), Taken::Next);
    let changes = vec![row("b", WatcherStatus::Terminated), row("d", WatcherStatus::Waiting)];
    assert_eq!(table.take(&document(8, Extent::Partial, changes), "presence"), Taken::Next);
    assert_eq!(ids(&table), ["c", "d"]);
    let all = document(9, Extent::Full, vec![row("e", WatcherStatus::Active)]);
    assert_eq!(table.take(&all, "presence"), Taken::Next);
    assert_eq!(ids(&table), ["e"]);
}

#[test]
fn rfc3858_4_a_gap_asks_for_everything_and_the_old_is_left_aside() {
    let mut table = WatcherTable::default();
    table.take(&document(0, Extent::Full, vec![]), "presence");
    let later = document(3, Extent::Partial, vec![row("b", WatcherStatus::Active)]);
    assert_eq!(table.take(&later, "presence"), Taken::Gap);
    assert_eq!(ids(&table), ["b"]);
    let old = document(2, Extent::Full, vec![]);
    assert_eq!(table.take(&old, "presence"), Taken::Old);
    assert_eq!(table.take(&later, "presence"), Taken::Old);
    assert_eq!(ids(&table), ["b"]);
    assert_eq!(table.take(&document(9, Extent::Full, vec![]), "presence"), Taken::Next);
    assert_eq!(ids(&table), [""; 0]);
}

#[test]
fn rfc3857_4_7_watchers_of_another_package_are_not_counted() {
    let mut table = WatcherTable::default();
    table.take(&document(0, Extent::Full, vec![row("b", WatcherStatus::Active)]), "conference");
    assert_eq!(ids(&table), [""; 0]);
}

fn any_row() -> impl Strategy<Value = WatcherRow> {
    let optional = || prop::option::of(any::<u64>());
    let name = prop::option::of("[ -~äß]{0,12}");
    ("[a-z0-9-]{1,12}", "[!-~]{1,20}", 0..4_usize, 0..8_usize, name, optional(), optional()).prop_map(
        |(id, uri, status, event, display_name, expiration_s, subscribed_s)| WatcherRow {
            id,
            uri,
            status: WatcherStatus::ALL[status],
            event: WatcherEvent::ALL[event],
            display_name,
            expiration_s,
            subscribed_s,
        },
    )
}

fn any_document() -> impl Strategy<Value = WatcherInfo> {
    let list = ("sip:[a-z&<]{1,8}@x", "presence|conference", prop::collection::vec(any_row(), 0..6))
        .prop_map(|(resource, package, watchers)| WatcherList { resource, package, watchers });
    (any::<u64>(), any::<bool>(), prop::collection::vec(list, 0..3)).prop_map(|(version, full, lists)| WatcherInfo {
        version,
        extent: if full { Extent::Full } else { Extent::Partial },
        lists,
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(document in any_document()) {
        let written = document.write().unwrap();
        prop_assert_eq!(WatcherInfo::parse(written.as_bytes()).unwrap(), document);
    }

    #[test]
    fn anything_is_read_or_refused(text in "\\PC{0,200}") {
        let _ = WatcherInfo::parse(text.as_bytes());
    }

    #[test]
    fn rfc3858_4_changes_lead_where_everything_at_once_leads(
        changes in prop::collection::vec((0..6_u8, 0..4_usize), 0..20),
    ) {
        let mut told = WatcherTable::default();
        told.take(&document(0, Extent::Full, vec![]), "presence");
        let mut truth = BTreeMap::new();
        for (version, (who, status)) in (1..).zip(&changes) {
            let changed = row(&who.to_string(), WatcherStatus::ALL[*status]);
            prop_assert_eq!(told.take(&document(version, Extent::Partial, vec![changed.clone()]), "presence"), Taken::Next);
            truth.insert(*who, changed);
        }
        truth.retain(|_, row| row.status != WatcherStatus::Terminated);
        let mut at_once = WatcherTable::default();
        at_once.take(&document(changes.len() as u64, Extent::Full, truth.into_values().collect()), "presence");
        prop_assert_eq!(told, at_once);
    }
}
