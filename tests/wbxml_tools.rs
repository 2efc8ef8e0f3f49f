//! What our encoder writes is decoded to the same tree by programs that are not ours: libwbxml and Wireshark.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

use acceptance::{
    folder::Folder,
    message_file::{self, MessageFile, NOT_WELL_FORMED, from_hex},
    pcap, tool,
};
use std::{fs, process::Command};
use wv_proto::{
    codec::{
        WriterOptions, decode, encode, is_xml_text,
        tree::{Element, Tree},
    },
    limit::Limits,
    version::{Encoding, Version},
};

/// A message, as its own tree and as our encoder writes it.
struct Written {
    name: String,
    version: Version,
    tree: Tree<'static>,
    octets: Vec<u8>,
}

/// Every well-formed message that there is, written by us. A document element other than WV-CSP-Message is no message.
fn written() -> Vec<Written> {
    let foreign = ["wv", "wv-server"].into_iter().filter_map(message_file::foreign).flatten();
    message_file::fixtures()
        .into_iter()
        .chain(foreign)
        .filter(|message| !NOT_WELL_FORMED.contains(&message.name.as_str()))
        .filter_map(write)
        .collect()
}

fn write(message: MessageFile) -> Option<Written> {
    let decoded =
        decode(&message.octets, None, &Limits::default()).unwrap_or_else(|error| panic!("{}: {error}", message.name));
    let (version, tree) = (decoded.version, decoded.tree.into_owned());
    if tree.root().local_name() != "WV-CSP-Message" || tree.root().children().next().is_none() {
        return None;
    }
    let octets = encode(&tree, version, Encoding::Wbxml, WriterOptions::default()).unwrap();
    Some(Written { name: message.name, version, tree, octets })
}

/// Whether an element or one inside it holds octets that XML cannot carry.
fn holds_octets(element: Element<'_, '_>) -> bool {
    element.octets().is_some_and(|octets| !is_xml_text(octets)) || element.children().any(holds_octets)
}

/// Whether the XML that another program made of the octets is the tree.
fn compare(program: &str, message: &Written, xml: &str) -> Result<(), String> {
    let Written { name, tree, .. } = message;
    match decode(xml.as_bytes(), None, &Limits::default()) {
        Ok(decoded) if decoded.tree == *tree && decoded.version == message.version => Ok(()),
        Ok(decoded) => Err(format!("{name}: {program} reads\n{:?}\nbut it is\n{:?}", decoded.tree.root(), tree.root())),
        Err(error) => Err(format!("{name}: what {program} reads: {error}:\n{xml}")),
    }
}

fn assert_none(program: &str, count: usize, faults: &[String]) {
    println!("{program}: {} of {count} messages agree", count - faults.len());
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn libwbxml_decodes_what_we_write() {
    let Some(wbxml2xml) = tool::find("wbxml2xml") else { return };
    let folder = Folder::new("libwbxml");
    let mut faults = Vec::new();
    let mut count = 0;
    // libwbxml copies octets into its XML as they are, which then is none.
    for message in written().into_iter().filter(|message| !holds_octets(message.tree.root())) {
        let language = match message.version {
            Version::V1_1 => "CSP11",
            Version::V1_2 => "CSP12",
            // libwbxml has no tables of 1.3.
            Version::V1_3 => continue,
        };
        let (input, output) = (folder.file("message.wbxml"), folder.file("message.xml"));
        fs::write(&input, &message.octets).unwrap();
        let _ = fs::remove_file(&output);
        let run = Command::new(&wbxml2xml)
            .args(["-m", "0", "-k", "-l", language, "-o"])
            .arg(&output)
            .arg(&input)
            .output()
            .unwrap();
        count += 1;
        match fs::read_to_string(&output) {
            Ok(xml) if run.status.success() => faults.extend(compare("libwbxml", &message, &xml).err()),
            _ => faults.push(format!("{}: libwbxml: {}", message.name, String::from_utf8_lossy(&run.stderr))),
        }
    }
    assert_none("libwbxml", count, &faults);
}

#[test]
fn wireshark_decodes_what_we_write() {
    let Some(tshark) = tool::find("tshark") else { return };
    let folder = Folder::new("wireshark");
    let messages = written();
    let capture = folder.file("messages.pcap");
    let bodies: Vec<Vec<u8>> = messages.iter().map(|message| message.octets.clone()).collect();
    pcap::write_posts(&capture, "application/vnd.wv.csp.wbxml", &bodies).unwrap();
    let run = Command::new(tshark)
        .env("HOME", folder.path())
        .args(["-n", "-d", "tcp.port==80,http", "-T", "pdml", "-r"])
        .arg(&capture)
        .output()
        .unwrap();
    let pdml = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "tshark: {}", String::from_utf8_lossy(&run.stderr));
    let packets: Vec<&str> = pdml.split("<packet>").skip(1).collect();
    assert_eq!(packets.len(), messages.len(), "every message is a packet");
    let mut faults = Vec::new();
    for (message, packet) in messages.iter().zip(packets) {
        let xml = xml_of_packet(packet);
        faults.extend(xml.and_then(|xml| compare("tshark", message, &xml)).err());
    }
    assert_none("tshark", messages.len(), &faults);
}

/// The document that the fields of a dissected packet describe.
fn xml_of_packet(packet: &str) -> Result<String, String> {
    let fields = packet.lines().filter(|line| line.trim_start().starts_with("<field name=\"wbxml."));
    let mut xml = String::new();
    let mut element = "";
    let mut attributes = Attributes::default();
    let mut is_in_attributes = false;
    let mut end = "";
    for line in fields {
        let field = Field::parse(line).ok_or_else(|| format!("a field that cannot be read: {line}"))?;
        match field.name {
            "literal" if is_in_attributes => attributes.start(&format!("{}='", field.show)),
            "known_tag" | "literal" | "literal_a" | "literal_c" | "literal_ac" => {
                element = field.show;
                end = if field.has_content() { ">" } else { "/>" };
                is_in_attributes = field.has_attributes();
                attributes = Attributes::default();
                xml.push_str(&format!("<{element}"));
                xml.push_str(if is_in_attributes { "" } else { end });
            }
            "known_attrstart" => attributes.start(&field.show.replace("&#x27;", "'").replace("xmlns ", "xmlns='")),
            "end_attribute_list" | "end_known_tag.uint" | "end_literal_tag" if is_in_attributes => {
                xml.push_str(&format!("{}'{end}", attributes.0));
                is_in_attributes = false;
            }
            "end_known_tag" | "end_literal_tag" => xml.push_str(&format!("</{}>", field.show)),
            "str_i" | "str_t" | "ext_t" | "entity" | "opaque_data" => {
                let part = if is_in_attributes { &mut attributes.0 } else { &mut xml };
                part.push_str(&field.text(element));
            }
            _ => {}
        }
    }
    Ok(xml)
}

/// The attributes of an element, without the last quote.
#[derive(Default)]
struct Attributes(String);

impl Attributes {
    /// Begins an attribute; more of its value may follow.
    fn start(&mut self, text: &str) {
        // What Wireshark shows may have the closing quote of a value that goes on in the next field.
        let text = if text.matches('\'').count() == 2 { text.trim_end_matches('\'') } else { text };
        let end = if self.0.is_empty() { "" } else { "'" };
        self.0.push_str(&format!("{end} {text}"));
    }
}

/// A field of the packet as PDML writes it: still escaped as in XML, which is how it is needed.
struct Field<'a> {
    name: &'a str,
    showname: &'a str,
    show: &'a str,
    value: &'a str,
}

impl<'a> Field<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let part = |name: &str| {
            let (_, rest) = line.split_once(&format!(" {name}=\""))?;
            rest.split('"').next()
        };
        let name = part("name")?.strip_prefix("wbxml.")?;
        Some(Self { name, showname: part("showname")?, show: part("show")?, value: part("value").unwrap_or_default() })
    }

    fn has_attributes(&self) -> bool {
        self.token() & 0x80 != 0
    }

    fn has_content(&self) -> bool {
        self.token() & 0x40 != 0
    }

    fn token(&self) -> u8 {
        from_hex(self.value.as_bytes()).and_then(|octets| octets.first().copied()).unwrap_or_default()
    }

    fn rendering(&self) -> &'a str {
        self.showname.rsplit('|').next().unwrap_or_default().trim()
    }

    fn text(&self, element: &str) -> String {
        match self.name {
            "ext_t" => self.show.trim_start_matches("Common Value: ").replace("&#x27;", ""),
            "opaque_data" => {
                if let Some(number) = self.rendering().strip_prefix("WV-CSP Integer: ") {
                    read_signed(number)
                } else if let Some(moment) = self.rendering().strip_prefix("WV-CSP DateTime: ") {
                    moment.to_owned()
                } else {
                    self.opaque_octets(INTEGERS_UNKNOWN_TO_WIRESHARK.contains(&element))
                }
            }
            // What is shown has its line ends escaped; the octets are those of the message.
            "str_i" => {
                let octets = from_hex(self.value.as_bytes()).unwrap_or_default();
                let text = octets.get(1..octets.len().saturating_sub(1)).unwrap_or_default();
                escape(&String::from_utf8_lossy(text))
            }
            _ => self.show.to_owned(),
        }
    }

    /// Octets that Wireshark has no reading for: as a number, or as BASE64.
    fn opaque_octets(&self, is_integer: bool) -> String {
        let octets = from_hex(self.value.as_bytes()).unwrap_or_default();
        let length = 1 + octets.iter().skip(1).take_while(|octet| **octet >= 0x80).count() + 1;
        let octets = octets.get(length..).unwrap_or_default();
        if is_integer {
            return octets.iter().fold(0_u32, |number, octet| number << 8 | u32::from(*octet)).to_string();
        }
        to_base64(octets)
    }
}

/// Wireshark shows large integers as negative numbers.
fn read_signed(number: &str) -> String {
    number.parse::<i32>().map_or_else(|_| number.to_owned(), |number| number.cast_unsigned().to_string())
}

/// Elements whose octets Wireshark 4.0 shows as they are, although they are integers.
const INTEGERS_UNKNOWN_TO_WIRESHARK: &[&str] = &["AcceptedCharset", "SearchFindings"];

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\'', "&apos;").replace('\r', "&#13;")
}

fn to_base64(octets: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in octets.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, octet| bits << 8 | u32::from(*octet)) << (8 * (3 - chunk.len()));
        for digit in 0..4 {
            let index = usize::try_from(bits >> (18 - 6 * digit) & 0x3F).unwrap();
            text.push(if digit <= chunk.len() { char::from(DIGITS[index]) } else { '=' });
        }
    }
    text
}
