//! Where a device is (RFC 4119, RFC 5491, RFC 5139), in integers so that documents can be compared.

use super::namespace::{CIVIC, CIVIC_OLD, GEOPRIV, GML, SHAPES};
use super::vocabulary::vocabulary;
use super::xml::{XmlElement, XmlError, XmlFragment, XmlReader, XmlWriter};
use std::collections::BTreeMap;

// RFC 5139 §3.1
vocabulary! {
    /// A part of a civic address.
    CivicPart {
        Country = "country", A1 = "A1", A2 = "A2", A3 = "A3", A4 = "A4", A5 = "A5", A6 = "A6", Prm = "PRM",
        Prd = "PRD", Rd = "RD", Sts = "STS", Pod = "POD", Pom = "POM", RdSec = "RDSEC", RdBr = "RDBR",
        RdSubBr = "RDSUBBR", Hno = "HNO", Hns = "HNS", Lmk = "LMK", Loc = "LOC", Flr = "FLR", Nam = "NAM",
        Pc = "PC", Bld = "BLD", Unit = "UNIT", Room = "ROOM", Seat = "SEAT", Plc = "PLC", Pcn = "PCN",
        PoBox = "POBOX", AddCode = "ADDCODE",
    }
}

/// A civic address.
pub type CivicAddress = BTreeMap<CivicPart, String>;

/// `gp:geopriv`: a location object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LocationObject {
    /// Where, as a point with or without uncertainty.
    pub position: Option<Position>,
    /// Where, in words.
    pub civic: Option<CivicAddress>,
    /// The rules that go with it (RFC 4119 §2.2.2), carried on as they came.
    pub usage_rules: Vec<XmlFragment>,
    /// `gp:method`: how it was found.
    pub method: Option<String>,
}

/// `gml:Point` without radius, `gs:Circle` with one, `gs:Sphere` with radius and altitude.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// Degrees north times 10⁷.
    pub latitude_e7: i64,
    /// Degrees east times 10⁷.
    pub longitude_e7: i64,
    /// Millimetres above the ellipsoid.
    pub altitude_mm: Option<i64>,
    /// Radius of uncertainty in millimetres.
    pub radius_mm: Option<u64>,
}

impl LocationObject {
    /// Whether it says nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.position.is_none() && self.civic.is_none()
    }

    /// What is understood of the element; nothing when that is neither a position nor an address.
    pub(super) fn read(reader: &mut XmlReader<'_>) -> Result<Option<Self>, XmlError> {
        let mut object = Self::default();
        while let Some(element) = reader.next_child()? {
            match (element.namespace(), element.name()) {
                (GEOPRIV, "location-info") => object.read_locations(reader)?,
                (GEOPRIV, "usage-rules") => {
                    while let Some(rule) = reader.next_child()? {
                        object.usage_rules.push(reader.fragment(&rule)?);
                    }
                }
                (GEOPRIV, "method") => object.method = Some(reader.text()?.trim().to_owned()),
                _ => reader.skip()?,
            }
        }
        Ok((!object.is_empty()).then_some(object))
    }

    fn read_locations(&mut self, reader: &mut XmlReader<'_>) -> Result<(), XmlError> {
        while let Some(element) = reader.next_child()? {
            match (element.namespace(), element.name()) {
                (CIVIC | CIVIC_OLD, "civicAddress") => {
                    let civic = read_civic(reader, &element)?;
                    self.civic = self.civic.take().or(civic);
                }
                (GML | SHAPES, _) => {
                    let position = read_shape(reader)?;
                    self.position = self.position.or(position);
                }
                _ => reader.skip()?,
            }
        }
        Ok(())
    }

    pub(super) fn write(&self, writer: &mut XmlWriter) {
        writer.open("gp:geopriv");
        writer.open("gp:location-info");
        if let Some(position) = &self.position {
            position.write(writer);
        }
        if let Some(civic) = &self.civic {
            writer.open("ca:civicAddress");
            for (part, text) in civic {
                writer.open_prefixed("ca", part.as_str());
                writer.text(text);
                writer.close();
            }
            writer.close();
        }
        writer.close();
        // RFC 4119 §2.2.2: mandatory, may be empty.
        writer.open("gp:usage-rules");
        for rule in &self.usage_rules {
            writer.fragment(rule);
        }
        writer.close();
        writer.leaf_if("gp:method", self.method.as_deref());
        writer.close();
    }
}

impl Position {
    // RFC 5491 §5.2
    fn write(&self, writer: &mut XmlWriter) {
        let name = match (self.radius_mm, self.altitude_mm) {
            (None, _) => "gml:Point",
            (Some(_), None) => "gs:Circle",
            (Some(_), Some(_)) => "gs:Sphere",
        };
        writer.open(name);
        writer.attribute("srsName", if self.altitude_mm.is_some() { CRS_3D } else { CRS_2D });
        let mut position = write_fixed(self.latitude_e7, 7);
        position.push(' ');
        position.push_str(&write_fixed(self.longitude_e7, 7));
        if let Some(altitude) = self.altitude_mm {
            position.push(' ');
            position.push_str(&write_fixed(altitude, 3));
        }
        writer.leaf("gml:pos", &position);
        if let Some(radius) = self.radius_mm {
            writer.open("gs:radius");
            writer.attribute("uom", METRE);
            writer.text(&write_fixed(i64::try_from(radius).unwrap_or(i64::MAX), 3));
            writer.close();
        }
        writer.close();
    }

    /// From `latitude longitude [altitude]`.
    fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split_ascii_whitespace();
        let latitude_e7 = parse_fixed(numbers.next()?, 7).filter(|n| n.unsigned_abs() <= 90 * DEGREE)?;
        let longitude_e7 = parse_fixed(numbers.next()?, 7).filter(|n| n.unsigned_abs() <= 180 * DEGREE)?;
        let altitude_mm = match numbers.next() {
            None => None,
            Some(number) => Some(parse_fixed(number, 3)?),
        };
        numbers.next().is_none().then_some(Self { latitude_e7, longitude_e7, altitude_mm, radius_mm: None })
    }
}

/// Geographic coordinates without and with altitude.
const CRS_2D: &str = "urn:ogc:def:crs:EPSG::4326";
const CRS_3D: &str = "urn:ogc:def:crs:EPSG::4979";
const METRE: &str = "urn:ogc:def:uom:EPSG::9001";
const DEGREE: u64 = 10_000_000;
/// More corners than this do not make a polygon clearer.
const CORNERS_MAX: usize = 64;

/// Reads a point, circle, sphere, or the middle of a polygon, whatever the nesting of GML around the positions is.
fn read_shape(reader: &mut XmlReader<'_>) -> Result<Option<Position>, XmlError> {
    let mut corners: Vec<Position> = Vec::new();
    let mut radius = None;
    let mut depth: usize = 1;
    while depth > 0 {
        let Some(element) = reader.next_child()? else {
            depth = depth.saturating_sub(1);
            continue;
        };
        match element.name() {
            "pos" | "coordinates" if corners.len() < CORNERS_MAX => {
                corners.extend(Position::parse(&reader.text()?.replace(',', " ")));
            }
            "posList" => corners.extend(parse_corners(&reader.text()?)),
            "radius" => {
                // A radius in a unit we do not know would put the device somewhere else.
                let is_metre = element.attribute("uom").is_none_or(|uom| uom == METRE || uom == "#m");
                let metres = reader.text()?;
                radius = parse_fixed(metres.trim(), 3).and_then(|mm| u64::try_from(mm).ok()).filter(|_| is_metre);
            }
            _ => depth = depth.saturating_add(1),
        }
    }
    Ok(middle(&corners).map(|position| Position { radius_mm: radius, ..position }))
}

fn parse_corners(text: &str) -> Vec<Position> {
    let numbers: Vec<&str> = text.split_ascii_whitespace().take(CORNERS_MAX.saturating_mul(2)).collect();
    numbers.chunks_exact(2).filter_map(|pair| Position::parse(&pair.join(" "))).collect()
}

fn middle(corners: &[Position]) -> Option<Position> {
    let (first, others) = corners.split_first()?;
    if others.is_empty() {
        return Some(*first);
    }
    // A ring repeats its first corner at its end.
    let ring = if others.last() == Some(first) { others } else { corners };
    let count = i64::try_from(ring.len()).ok()?;
    let latitude = ring.iter().try_fold(0_i64, |sum, corner| sum.checked_add(corner.latitude_e7))?;
    let longitude = ring.iter().try_fold(0_i64, |sum, corner| sum.checked_add(corner.longitude_e7))?;
    Some(Position {
        latitude_e7: latitude.checked_div(count)?,
        longitude_e7: longitude.checked_div(count)?,
        altitude_mm: None,
        radius_mm: None,
    })
}

/// Nothing for an address without a part that we know.
fn read_civic(reader: &mut XmlReader<'_>, address: &XmlElement<'_>) -> Result<Option<CivicAddress>, XmlError> {
    let mut civic = CivicAddress::new();
    while let Some(element) = reader.next_child()? {
        let Some(part) = CivicPart::parse(element.name()) else {
            reader.skip()?;
            continue;
        };
        // RFC 4119 had the street in A6, RFC 5139 has it in RD.
        let part = if address.namespace() == CIVIC_OLD && part == CivicPart::A6 { CivicPart::Rd } else { part };
        let text = reader.text()?.trim().to_owned();
        if !text.is_empty() {
            civic.entry(part).or_insert(text);
        }
    }
    Ok((!civic.is_empty()).then_some(civic))
}

/// Reads a decimal number as an integer of its `digits`th decimal place, rounding half away from zero.
fn parse_fixed(text: &str, digits: usize) -> Option<i64> {
    let (is_negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let is_digits = |text: &str| text.bytes().all(|octet| octet.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let mut number: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut places = fraction.bytes();
    for _ in 0..digits {
        let digit = places.next().map_or(0, |octet| i64::from(octet.wrapping_sub(b'0')));
        number = number.checked_mul(10)?.checked_add(digit)?;
    }
    if places.next().is_some_and(|octet| octet >= b'5') {
        number = number.checked_add(1)?;
    }
    if is_negative { number.checked_neg() } else { Some(number) }
}

/// Writes an integer of the `digits`th decimal place as a decimal number without needless zeros.
fn write_fixed(number: i64, digits: usize) -> String {
    let all = format!("{:0>width$}", number.unsigned_abs(), width = digits.saturating_add(1));
    let (whole, fraction) = all.split_at_checked(all.len().saturating_sub(digits)).unwrap_or((&all, ""));
    let fraction = fraction.trim_end_matches('0');
    let sign = if number < 0 { "-" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    [sign, whole, point, fraction].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decimal_numbers_are_read_and_rounded() {
        let cases = [
            ("60.170833", 7, Some(601_708_330)),
            ("-0.00000005", 7, Some(-1)),
            ("+24.9375", 3, Some(24_938)),
            (".5", 1, Some(5)),
            ("50", 3, Some(50_000)),
            ("", 3, None),
            (".", 3, None),
            ("1e3", 3, None),
            ("99999999999999999999", 3, None),
            ("-", 3, None),
        ];
        for (text, digits, expected) in cases {
            assert_eq!(parse_fixed(text, digits), expected, "{text}");
        }
    }

    #[test]
    fn positions_outside_the_globe_are_refused() {
        assert!(Position::parse("90 180").is_some());
        assert!(Position::parse("90.1 0").is_none());
        assert!(Position::parse("0 -180.1").is_none());
        assert!(Position::parse("0").is_none());
        assert!(Position::parse("0 0 0 0").is_none());
    }

    #[test]
    fn the_middle_of_a_ring_counts_its_first_corner_once() {
        let corners = parse_corners("0 0 0 2 2 2 2 0 0 0");
        let middle = middle(&corners).unwrap();
        assert_eq!((middle.latitude_e7, middle.longitude_e7), (10_000_000, 10_000_000));
    }

    proptest! {
        #[test]
        fn fixed_numbers_come_back(number in -i64::MAX..=i64::MAX, digits in 0_usize..8) {
            prop_assert_eq!(parse_fixed(&write_fixed(number, digits), digits), Some(number));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[-+.0-9e ]{0,40}") {
            let _ = (parse_fixed(&text, 7), Position::parse(&text), parse_corners(&text));
        }
    }
}
