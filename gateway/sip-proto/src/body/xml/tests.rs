//! What the strict layer refuses and keeps.

use super::*;
use proptest::prelude::*;

fn walk(document: &[u8]) -> Result<String, XmlError> {
    let limits = XmlLimits::DEFAULT;
    let mut reader = XmlReader::new(document, &limits)?;
    let root = reader.root()?;
    let text = root.namespace().to_owned() + "|" + root.name() + "|" + &reader.text()?;
    reader.finish()?;
    Ok(text)
}

#[test]
fn well_formed_documents_are_read_by_namespace_and_local_name() {
    assert_eq!(
        walk(b"<?xml version='1.0'?><!-- c --><a:b xmlns:a='u'>x &amp; &#65;<![CDATA[<y>]]></a:b> ").unwrap(),
        "u|b|x & A<y>"
    );
    assert_eq!(walk("\u{FEFF}<b/>".as_bytes()).unwrap(), "|b|");
    assert_eq!(walk(b"<b xmlns='u'>1<c>2</c>3\r\n</b>").unwrap(), "u|b|13\n");
}

#[test]
fn every_refusal_has_its_reason() {
    let cases: &[(&[u8], XmlError)] = &[
        (b"", XmlError::NoRoot),
        (b"<!DOCTYPE a><a/>", XmlError::DocumentType),
        (b"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", XmlError::DocumentType),
        (b"<a>&x;</a>", XmlError::UnknownEntity),
        (b"<a b='&x;'/>", XmlError::UnknownEntity),
        (b"<a>&#0;</a>", XmlError::ForbiddenCharacter),
        (b"<a>&#xFFFE;</a>", XmlError::ForbiddenCharacter),
        (b"<a b='&#1;'/>", XmlError::ForbiddenCharacter),
        (b"<a>\x01</a>", XmlError::ForbiddenCharacter),
        (b"<a>\xff</a>", XmlError::NotUtf8),
        (b"<?xml version='1.0' encoding='iso-8859-1'?><a/>", XmlError::NotUtf8),
        (b"<?xml version='1.1'?><a/>", XmlError::NotWellFormed),
        (b"<?xml encoding='utf-8'?><a/>", XmlError::NotWellFormed),
        (b"<?xml version='1.0' standalone='no' encoding='utf-8'?><a/>", XmlError::NotWellFormed),
        (b"<?xml version='1.0' encod/ng='utf-8'?><a/>", XmlError::NotWellFormed),
        (b"<?xml ?><a/>", XmlError::NotWellFormed),
        (b"<a/><b/>", XmlError::OutsideRoot),
        (b"<a/>x", XmlError::OutsideRoot),
        (b"x<a/>", XmlError::OutsideRoot),
        (b"<p:a/>", XmlError::UndeclaredPrefix),
        (b"<a p:b=''/>", XmlError::UndeclaredPrefix),
        (b"<a xmlns:p=''/>", XmlError::UndeclaredPrefix),
        (b"<a xmlns='u\tv'/>", XmlError::UndeclaredPrefix),
        (b"<a xmlns='&#117;'/>", XmlError::UndeclaredPrefix),
        (b"<a xmlns:xmlns='u'/>", XmlError::UndeclaredPrefix),
        (b"<a>x]]>y</a>", XmlError::NotWellFormed),
        (b"<a></b>", XmlError::NotWellFormed),
        (b"<a>", XmlError::NotWellFormed),
        (b"<a b=c/>", XmlError::NotWellFormed),
        (b"<a b='1'c='2'/>", XmlError::NotWellFormed),
        (b"<a b/>", XmlError::NotWellFormed),
        (b"<a b='<'/>", XmlError::NotWellFormed),
        (b"<a b='1' b='2'/>", XmlError::DuplicateAttribute),
        (b"<a xmlns='1' xmlns='2'/>", XmlError::DuplicateAttribute),
        (b"<a xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'/>", XmlError::DuplicateAttribute),
        (b"<1a/>", XmlError::MalformedName),
        (b"<a><?xml version='1.0'?></a>", XmlError::NotWellFormed),
        (b"<a><!-- -- --></a>", XmlError::NotWellFormed),
        (b" <?xml version='1.0'?><a/>", XmlError::NotWellFormed),
    ];
    for (document, reason) in cases {
        let shown = String::from_utf8_lossy(document);
        assert_eq!(walk(document), Err(*reason), "{shown}");
    }
}

#[test]
fn every_limit_holds() {
    let limits =
        XmlLimits { document_bytes_max: 60, depth_max: 3, elements_max: 4, attributes_max: 2, text_bytes_max: 8 };
    let read = |document: &str| {
        let mut reader = XmlReader::new(document.as_bytes(), &limits)?;
        reader.root()?;
        reader.skip()
    };
    assert_eq!(read("<a><b><c/></b></a>"), Ok(()));
    assert_eq!(read("<a><b><c><d/></c></b></a>"), Err(XmlError::DepthExceeded));
    assert_eq!(read("<a><b/><b/><b/><b/></a>"), Err(XmlError::TooManyElements));
    assert_eq!(read("<a b='' c='' d=''/>"), Err(XmlError::TooManyAttributes));
    assert_eq!(read("<a>123456789</a>"), Err(XmlError::TextTooLong));
    assert_eq!(read("<a>1234<![CDATA[56789]]></a>"), Err(XmlError::TextTooLong));
    assert_eq!(read("<a b='123456789'/>"), Err(XmlError::TextTooLong));
    assert_eq!(read(&format!("<a>{}</a>", " ".repeat(60))), Err(XmlError::DocumentTooLarge));
}

#[test]
fn a_fragment_carries_the_declarations_it_needs() {
    let document = b"<r xmlns='d' xmlns:p='u' xmlns:q='v' xmlns:z='w'>t<p:a q:k='1'><b>x</b><c xmlns='e'/>\
        <q:i xmlns:q='own' q:j=''/></p:a><n/></r>";
    let limits = XmlLimits::DEFAULT;
    let mut reader = XmlReader::new(document, &limits).unwrap();
    reader.root().unwrap();
    let element = reader.next_child().unwrap().unwrap();
    let fragment = reader.fragment(&element).unwrap();
    assert_eq!(reader.next_child().unwrap().unwrap().name(), "n");
    assert_eq!((fragment.namespace(), fragment.name()), ("u", "a"));
    assert_eq!(
        fragment.xml(),
        "<p:a xmlns:p=\"u\" xmlns:q=\"v\" xmlns=\"d\" q:k='1'><b>x</b><c xmlns='e'/><q:i xmlns:q='own' q:j=''/></p:a>"
    );
    assert_eq!(XmlFragment::parse(fragment.xml(), &limits).unwrap(), fragment);
}

#[test]
fn a_fragment_with_what_it_borrows_has_no_more_attributes_than_are_read() {
    let limits = XmlLimits { attributes_max: 2, ..XmlLimits::DEFAULT };
    let fragment = |document: &'static str| {
        let mut reader = XmlReader::new(document.as_bytes(), &limits).unwrap();
        reader.root().unwrap();
        let element = reader.next_child().unwrap().unwrap();
        reader.fragment(&element)
    };
    let kept = fragment("<r xmlns='d'><a k='1'/></r>").unwrap();
    assert_eq!(XmlFragment::parse(kept.xml(), &limits).unwrap(), kept);
    assert_eq!(fragment("<r xmlns='d'><a k='1' l='2'/></r>"), Err(XmlError::TooManyAttributes));
}

#[test]
fn a_fragment_without_namespace_stays_without_one() {
    let limits = XmlLimits::DEFAULT;
    let fragment = XmlFragment::parse("<a><b/></a>", &limits).unwrap();
    assert_eq!(fragment.xml(), "<a xmlns=\"\"><b/></a>");
    assert_eq!(XmlFragment::parse(fragment.xml(), &limits).unwrap(), fragment);
}

const BINDINGS: &[XmlBinding] = &[
    XmlBinding { prefix: "", namespace: "urn:d" },
    XmlBinding { prefix: "p", namespace: "urn:p" },
    XmlBinding { prefix: "q", namespace: "urn:q" },
];

#[test]
fn the_writer_declares_what_is_used_and_escapes() {
    let mut writer = XmlWriter::new(BINDINGS);
    writer.open("r");
    writer.attribute("a", "<\"&\n");
    writer.leaf("p:b", "1 < 2 & ]]>\r");
    writer.open("c");
    writer.close();
    writer.close();
    assert_eq!(
        writer.finish().unwrap(),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<r xmlns=\"urn:d\" xmlns:p=\"urn:p\" a=\"&lt;&quot;&amp;&#10;\">\
         <p:b>1 &lt; 2 &amp; ]]&gt;&#13;</p:b><c/></r>\n"
    );
}

#[test]
fn the_writer_refuses_what_xml_cannot_carry() {
    for bad in ["\0", "\u{1F}", "\u{FFFE}"] {
        let mut writer = XmlWriter::new(BINDINGS);
        writer.open("r");
        writer.text(bad);
        writer.close();
        assert_eq!(writer.finish(), Err(XmlError::ForbiddenCharacter));
    }
    assert_eq!(XmlName::parse("a b"), Err(XmlError::MalformedName));
    assert_eq!(XmlName::parse("a:b"), Err(XmlError::MalformedName));
}

proptest! {
    #[test]
    fn text_and_attributes_come_back_as_written(text in "[\\t\\n\\r -\u{D7FF}\u{10000}-\u{10FFFF}]{0,40}") {
        let mut writer = XmlWriter::new(BINDINGS);
        writer.open("r");
        writer.attribute("a", &text);
        writer.text(&text);
        writer.close();
        let document = writer.finish().unwrap();
        let limits = XmlLimits::DEFAULT;
        let mut reader = XmlReader::new(document.as_bytes(), &limits).unwrap();
        let root = reader.root().unwrap();
        prop_assert_eq!(root.attribute("a"), Some(text.as_str()));
        prop_assert_eq!(reader.text().unwrap(), text);
        reader.finish().unwrap();
    }

    #[test]
    fn no_soup_makes_the_reader_panic(soup in "[<>/a-c:='\" &;#x!\\[\\]?-]{0,80}") {
        let _ = walk(soup.as_bytes());
        let _ = XmlFragment::parse(&soup, &XmlLimits::DEFAULT);
    }

    #[test]
    fn fragments_are_stable(soup in "(<a( xmlns(:p)?='[uv]')?( p:x='1')?>|</a>|<p:b/>|<c xmlns:p='w'/>|t){1,8}") {
        let document = format!("<r xmlns:p='o'>{soup}</r>");
        let limits = XmlLimits::DEFAULT;
        if let Ok(fragment) = XmlFragment::parse(&document, &limits) {
            prop_assert_eq!(&XmlFragment::parse(fragment.xml(), &limits).unwrap(), &fragment);
        }
    }
}
