//! Points in time as CSP writes them: ISO 8601 text, or 48 bits in WBXML (WV-ENC-07).
#![allow(
    clippy::arithmetic_side_effects,
    reason = "calendar arithmetic on fields of at most twelve bits, and on days of a 64-bit count of seconds"
)]

use core::fmt;

use crate::error::ValueError;

/// A date with a time of day, in UTC or in an unknown local time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DateTime {
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
    zone: Zone,
}

/// What is known about the zone. Other zones are turned into UTC when they are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Zone {
    /// UTC.
    Utc,
    /// Not said.
    Local,
}

impl DateTime {
    /// The moment that lies this many seconds after 1970-01-01T00:00:00Z; `None` outside the years 0 to 4095.
    #[must_use]
    pub fn from_unix_seconds(seconds: i64) -> Option<Self> {
        let days = seconds.div_euclid(SECONDS_PER_DAY);
        let time = seconds.rem_euclid(SECONDS_PER_DAY);
        let (year, month, day) = civil_from_days(days)?;
        Some(Self {
            year: u16::try_from(year).ok().filter(|year| *year <= YEAR_MAX)?,
            month: u8::try_from(month).ok()?,
            day: u8::try_from(day).ok()?,
            hour: u8::try_from(time.div_euclid(3600)).ok()?,
            minute: u8::try_from(time.rem_euclid(3600).div_euclid(60)).ok()?,
            second: u8::try_from(time.rem_euclid(60)).ok()?,
            zone: Zone::Utc,
        })
    }

    /// Reads `YYYYMMDDThhmm[ss][Z]` and `YYYY-MM-DDThh:mm[:ss][Z|±hh:mm]`, with blanks around it.
    ///
    /// # Errors
    /// When it is neither, or no such day or time exists.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        let mut rest = Digits(text.trim().as_bytes());
        let year = rest.number(4)?;
        let is_extended = rest.skip(b'-');
        let month = rest.number(2)?;
        if is_extended && !rest.skip(b'-') {
            return Err(ValueError::NotADateTime);
        }
        let day = rest.number(2)?;
        if !rest.skip(b'T') && !rest.skip(b't') && !rest.skip(b' ') {
            return Err(ValueError::NotADateTime);
        }
        let hour = rest.number(2)?;
        rest.skip(b':');
        let minute = rest.number(2)?;
        // The 1.1 example messages carry times without seconds.
        let has_seconds = rest.skip(b':') || rest.0.first().is_some_and(u8::is_ascii_digit);
        let second = if has_seconds { rest.number(2)? } else { 0 };
        if rest.skip(b'.') {
            rest.skip_digits();
        }
        let zone = rest.zone()?;
        Self::from_fields([year, month, day, hour, minute, second], zone)
    }

    /// Reads the 48 bits of WBXML.
    ///
    /// # Errors
    /// When they are not six octets, or no such day or time exists.
    pub fn from_octets(octets: &[u8]) -> Result<Self, ValueError> {
        let &[first, second, third, fourth, fifth, zone] = octets else { return Err(ValueError::NotADateTime) };
        let bits =
            [first, second, third, fourth, fifth].iter().fold(0u64, |bits, octet| (bits << 8) | u64::from(*octet));
        let field = |shift: u32, width: u32| u32::try_from((bits >> shift) & ((1 << width) - 1)).unwrap_or_default();
        let fields = [field(26, 12), field(22, 4), field(17, 5), field(12, 5), field(6, 6), field(0, 6)];
        Self::from_fields(fields, ZoneOffset::from_octet(zone))
    }

    /// The 48 bits of WBXML; `None` when the zone is not known, which they cannot say.
    #[must_use]
    pub fn to_octets(self) -> Option<[u8; 6]> {
        if self.zone == Zone::Local {
            return None;
        }
        let fields = [
            (u64::from(self.year), 26),
            (u64::from(self.month), 22),
            (u64::from(self.day), 17),
            (u64::from(self.hour), 12),
            (u64::from(self.minute), 6),
            (u64::from(self.second), 0),
        ];
        let bits = fields.iter().fold(u64::from(b'Z'), |bits, (value, shift)| bits | (value << (shift + 8)));
        let [_, _, octets @ ..] = bits.to_be_bytes();
        Some(octets)
    }

    /// Seconds since 1970-01-01T00:00:00Z, taking an unknown zone for UTC.
    #[must_use]
    pub fn to_unix_seconds(self) -> i64 {
        let days = days_from_civil(i64::from(self.year), i64::from(self.month), i64::from(self.day));
        let time = [(self.hour, 3600), (self.minute, 60), (self.second, 1)];
        // The year is at most 4095, so nothing comes near the ends of the type.
        time.iter().fold(days.saturating_mul(SECONDS_PER_DAY), |sum, (count, unit)| {
            sum.saturating_add(i64::from(*count).saturating_mul(*unit))
        })
    }

    /// What is known about the zone.
    #[must_use]
    pub const fn zone(self) -> Zone {
        self.zone
    }

    /// The extended form `YYYY-MM-DDThh:mm:ss[Z]`, which SSP writes.
    #[must_use]
    pub fn to_extended_text(self) -> String {
        let Self { year, month, day, hour, minute, second, zone } = self;
        let zone = if zone == Zone::Utc { "Z" } else { "" };
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{zone}")
    }

    fn from_fields(fields: [u32; 6], zone: ZoneOffset) -> Result<Self, ValueError> {
        let [year, month, day, hour, minute, second] = fields;
        // A leap second is written as 60.
        if hour > 23 || minute > 59 || second > 60 || day == 0 || day > days_of_month(year, month) {
            return Err(ValueError::NotADateTime);
        }
        let narrow = |value: u32| u8::try_from(value).map_err(|_| ValueError::NotADateTime);
        let local = Self {
            year: u16::try_from(year).ok().filter(|year| *year <= YEAR_MAX).ok_or(ValueError::NotADateTime)?,
            month: narrow(month)?,
            day: narrow(day)?,
            hour: narrow(hour)?,
            minute: narrow(minute)?,
            second: narrow(second)?,
            zone: Zone::Local,
        };
        match zone {
            ZoneOffset::Unknown => Ok(local),
            ZoneOffset::Minutes(0) => Ok(Self { zone: Zone::Utc, ..local }),
            ZoneOffset::Minutes(minutes) => {
                Self::from_unix_seconds(local.to_unix_seconds().saturating_sub(i64::from(minutes).saturating_mul(60)))
                    .ok_or(ValueError::NotADateTime)
            }
        }
    }
}

impl fmt::Display for DateTime {
    /// The basic form `YYYYMMDDThhmmss[Z]`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day, hour, minute, second, zone } = self;
        let zone = if *zone == Zone::Utc { "Z" } else { "" };
        write!(formatter, "{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}{zone}")
    }
}

#[derive(Clone, Copy)]
enum ZoneOffset {
    /// East of Greenwich.
    Minutes(i32),
    Unknown,
}

impl ZoneOffset {
    /// The military letters, without J. Nul comes from the letter of early WBXML documents and stands for UTC.
    fn from_octet(octet: u8) -> Self {
        let letter = i32::from(octet.to_ascii_uppercase());
        let hours = match octet.to_ascii_uppercase() {
            0 | b'Z' => 0,
            b'A'..=b'I' => letter - i32::from(b'A') + 1,
            b'K'..=b'M' => letter - i32::from(b'A'),
            b'N'..=b'Y' => i32::from(b'M') - letter,
            _ => return Self::Unknown,
        };
        Self::Minutes(hours * 60)
    }
}

struct Digits<'a>(&'a [u8]);

impl Digits<'_> {
    fn number(&mut self, count: usize) -> Result<u32, ValueError> {
        let (digits, rest) = self.0.split_at_checked(count).ok_or(ValueError::NotADateTime)?;
        self.0 = rest;
        digits.iter().try_fold(0u32, |number, digit| {
            let digit = char::from(*digit).to_digit(10).ok_or(ValueError::NotADateTime)?;
            number.checked_mul(10).and_then(|number| number.checked_add(digit)).ok_or(ValueError::NotADateTime)
        })
    }

    fn skip(&mut self, octet: u8) -> bool {
        match self.0 {
            [first, rest @ ..] if *first == octet => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    fn skip_digits(&mut self) {
        while let [digit, rest @ ..] = self.0 {
            if !digit.is_ascii_digit() {
                break;
            }
            self.0 = rest;
        }
    }

    fn zone(&mut self) -> Result<ZoneOffset, ValueError> {
        let (sign, rest) = match self.0 {
            [] => return Ok(ZoneOffset::Unknown),
            [letter] => return Ok(ZoneOffset::from_octet(*letter)),
            [b'+', rest @ ..] => (1, rest),
            [b'-', rest @ ..] => (-1, rest),
            _ => return Err(ValueError::NotADateTime),
        };
        self.0 = rest;
        let hours = self.number(2)?;
        self.skip(b':');
        let minutes = if self.0.is_empty() { 0 } else { self.number(2)? };
        if !self.0.is_empty() || hours > 14 || minutes > 59 {
            return Err(ValueError::NotADateTime);
        }
        let offset = i32::try_from(hours * 60 + minutes).map_err(|_| ValueError::NotADateTime)?;
        Ok(ZoneOffset::Minutes(sign * offset))
    }
}

const SECONDS_PER_DAY: i64 = 86_400;
/// The year has twelve bits.
const YEAR_MAX: u16 = 4095;

const fn days_of_month(year: u32, month: u32) -> u32 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 0,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar, counting years from March.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The inverse; `None` for days that are too far away to have a year.
fn civil_from_days(days: i64) -> Option<(i64, i64, i64)> {
    let days = days.checked_add(719_468)?;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era.checked_mul(400)?.checked_add(year_of_era)?;
    Some((if month <= 2 { year + 1 } else { year }, month, day))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EXAMPLE: [u8; 6] = [0x1F, 0x5D, 0xB2, 0x5E, 0x34, 0x5A];

    #[test]
    fn the_example_of_the_layout_reads_and_writes() {
        let moment = DateTime::from_octets(&EXAMPLE).unwrap();
        assert_eq!(moment.to_string(), "20070625T055652Z");
        assert_eq!(moment.to_octets(), Some(EXAMPLE));
        assert_eq!(DateTime::parse("20070625T055652Z").unwrap(), moment);
        assert_eq!(moment.to_unix_seconds(), 1_182_751_012);
    }

    #[test]
    fn every_text_form_that_is_seen_is_read() {
        let rows = [
            ("20070625T0556Z", "20070625T055600Z"),
            ("20070625T055652", "20070625T055652"),
            ("\n2007-06-25T05:56:52Z\n", "20070625T055652Z"),
            ("2007-06-25T07:56:52+02:00", "20070625T055652Z"),
            ("2007-12-31T23:30:00-01:00", "20080101T003000Z"),
            ("2007-06-25T05:56:52.250Z", "20070625T055652Z"),
            ("20080229T000000Z", "20080229T000000Z"),
        ];
        for (text, expected) in rows {
            assert_eq!(DateTime::parse(text).unwrap().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn days_and_times_that_do_not_exist_are_refused() {
        for text in ["", "20070229T000000Z", "20071301T000000Z", "20070100T000000Z", "20070101T240000Z", "2007", "now"]
        {
            assert_eq!(DateTime::parse(text), Err(ValueError::NotADateTime), "{text}");
        }
        assert_eq!(DateTime::from_octets(&[0; 5]), Err(ValueError::NotADateTime));
        assert_eq!(DateTime::from_octets(&[0; 6]), Err(ValueError::NotADateTime));
    }

    // WV-ENC-07
    #[test]
    fn zone_letters_are_turned_into_utc() {
        let with_zone = |zone: u8| {
            let [first, second, third, fourth, fifth, _] = EXAMPLE;
            DateTime::from_octets(&[first, second, third, fourth, fifth, zone]).unwrap().to_string()
        };
        assert_eq!(with_zone(0), "20070625T055652Z");
        assert_eq!(with_zone(b'B'), "20070625T035652Z");
        assert_eq!(with_zone(b'K'), "20070624T195652Z");
        assert_eq!(with_zone(b'Y'), "20070625T175652Z");
        assert_eq!(with_zone(b'J'), "20070625T055652");
        assert_eq!(with_zone(0xFF), "20070625T055652");
    }

    proptest! {
        #[test]
        fn all_forms_agree(seconds in -62_167_219_200i64..67_000_000_000) {
            let moment = DateTime::from_unix_seconds(seconds).unwrap();
            prop_assert_eq!(moment.to_unix_seconds(), seconds);
            prop_assert_eq!(DateTime::parse(&moment.to_string()), Ok(moment));
            prop_assert_eq!(DateTime::parse(&moment.to_extended_text()), Ok(moment));
            prop_assert_eq!(DateTime::from_octets(&moment.to_octets().unwrap()), Ok(moment));
        }

        #[test]
        fn anything_is_read_without_panic(text in "\\PC{0,30}", octets in proptest::collection::vec(any::<u8>(), 0..8)) {
            let _ = DateTime::parse(&text);
            let _ = DateTime::from_octets(&octets);
        }
    }
}
