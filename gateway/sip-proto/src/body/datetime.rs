//! Date and time in documents: RFC 3339.

use crate::time::Timestamp;

// RFC 3339 §5.6
/// Reads a date and time. Fractions finer than a millisecond are cut; a time without offset is taken as UTC, as deployed
/// clients mean it. `None` for anything else and for times before 1970.
#[must_use]
pub fn parse(text: &str) -> Option<Timestamp> {
    let mut cursor = Cursor(text.trim_ascii().as_bytes());
    let (year, month, day) = (cursor.digits(4)?, cursor.field(b'-')?, cursor.field(b'-')?);
    if !matches!(cursor.next()?, b'T' | b't' | b' ') {
        return None;
    }
    let (hour, minute, second) = (cursor.digits(2)?, cursor.field(b':')?, cursor.field(b':')?);
    let millisecond = cursor.fraction()?;
    let offset = cursor.offset()?;
    if !cursor.0.is_empty() || !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) {
        return None;
    }
    // 60 is a leap second, which the scale does not have.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let time = hour.checked_mul(3600)?.checked_add(minute.checked_mul(60)?)?.checked_add(second.min(59))?;
    let seconds = days_from_civil(year, month, day)?.checked_mul(86_400)?.checked_add(time)?.checked_sub(offset)?;
    let millis = seconds.checked_mul(1000)?.checked_add(millisecond)?;
    u64::try_from(millis).ok().map(Timestamp::from_millis)
}

/// Writes a point in time in UTC, with milliseconds only where there are some. Times after the year 9999, which the
/// format cannot say, are written as its last second.
#[must_use]
pub fn write(time: Timestamp) -> String {
    let millis = time.as_millis().min(LAST_MILLIS);
    let (seconds, fraction) = (millis / 1000, millis % 1000);
    let (days, time) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil_from_days(days);
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    let fraction = if fraction == 0 { String::new() } else { format!(".{fraction:03}") };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

/// 9999-12-31T23:59:59.999Z.
const LAST_MILLIS: u64 = 253_402_300_799_999;

struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn digits(&mut self, count: usize) -> Option<i64> {
        let mut number: i64 = 0;
        for _ in 0..count {
            let digit = self.next().filter(u8::is_ascii_digit)?;
            number = number.checked_mul(10)?.checked_add(i64::from(digit.wrapping_sub(b'0')))?;
        }
        Some(number)
    }

    fn field(&mut self, separator: u8) -> Option<i64> {
        if self.next()? == separator { self.digits(2) } else { None }
    }

    fn fraction(&mut self) -> Option<i64> {
        if self.0.first() != Some(&b'.') {
            return Some(0);
        }
        self.next()?;
        let (mut millis, mut weight): (i64, i64) = (0, 100);
        let mut count: usize = 0;
        while self.0.first().is_some_and(u8::is_ascii_digit) {
            millis = millis.checked_add(self.digits(1)?.checked_mul(weight)?)?;
            weight /= 10;
            count = count.saturating_add(1);
        }
        (count > 0).then_some(millis)
    }

    /// Seconds east of UTC.
    fn offset(&mut self) -> Option<i64> {
        let sign = match self.next() {
            None | Some(b'Z' | b'z') => return Some(0),
            Some(b'+') => 1,
            Some(b'-') => -1,
            Some(_) => return None,
        };
        let (hours, minutes) = (self.digits(2)?, self.field(b':')?);
        if hours > 23 || minutes > 59 {
            return None;
        }
        hours.checked_mul(60)?.checked_add(minutes)?.checked_mul(60)?.checked_mul(sign)
    }
}

const fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a date in the Gregorian calendar; years are counted from March so that the leap day ends one.
fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    let year = if month <= 2 { year.checked_sub(1)? } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = month.checked_add(9)?.rem_euclid(12);
    let day_of_year =
        month_from_march.checked_mul(153)?.checked_add(2)?.div_euclid(5).checked_add(day)?.checked_sub(1)?;
    let leap_days = year_of_era.div_euclid(4).checked_sub(year_of_era.div_euclid(100))?;
    let day_of_era = year_of_era.checked_mul(365)?.checked_add(leap_days)?.checked_add(day_of_year)?;
    era.checked_mul(146_097)?.checked_add(day_of_era)?.checked_sub(719_468)
}

/// The inverse of [`days_from_civil`]; the argument is below 2932897, so nothing overflows.
#[allow(clippy::arithmetic_side_effects, reason = "bounded by LAST_MILLIS")]
const fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_moments_are_read() {
        let cases = [
            ("1970-01-01T00:00:00Z", 0),
            ("2025-03-01T12:00:00Z", 1_740_830_400_000),
            ("2025-03-01T14:00:00.25+02:00", 1_740_830_400_250),
            ("2025-03-01t11:30:00.1239-00:30", 1_740_830_400_123),
            ("2024-02-29 23:59:60", 1_709_251_199_000),
            (" 2000-12-31T23:59:59.999z ", 978_307_199_999),
        ];
        for (text, millis) in cases {
            assert_eq!(parse(text), Some(Timestamp::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "now",
            "2025-02-29T00:00:00Z",
            "2025-13-01T00:00:00Z",
            "2025-00-01T00:00:00Z",
            "2025-01-01T24:00:00Z",
            "2025-01-01T00:00:00.Z",
            "2025-01-01T00:00:00Zx",
            "2025-01-01T00:00:00+1:00",
            "1969-12-31T23:59:59Z",
            "25-01-01T00:00:00Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_end_of_the_scale_is_written() {
        assert_eq!(write(Timestamp::from_millis(u64::MAX)), "9999-12-31T23:59:59.999Z");
        assert_eq!(write(Timestamp::EPOCH), "1970-01-01T00:00:00Z");
    }

    proptest! {
        #[test]
        fn every_millisecond_comes_back(millis in 0..=LAST_MILLIS) {
            let time = Timestamp::from_millis(millis);
            prop_assert_eq!(parse(&write(time)), Some(time));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,40}", dated in "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.+Zz-]{0,30}") {
            let _ = (parse(&text), parse(&dated));
        }
    }
}
