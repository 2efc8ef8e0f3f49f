//! Date.

use crate::error::ValueError;
use std::fmt;

/// A moment in seconds since 1970-01-01 00:00:00 UTC, written as RFC 1123 has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Date(u64);

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

impl Date {
    /// The last second of the year 9999, the last that the form can say.
    const SECONDS_MAX: u64 = 253_402_300_799;

    /// A date from seconds since 1970; later than the year 9999 is the end of it.
    #[must_use]
    pub fn from_unix_s(seconds: u64) -> Self {
        Self(seconds.min(Self::SECONDS_MAX))
    }

    /// Seconds since 1970.
    #[must_use]
    pub fn to_unix_s(self) -> u64 {
        self.0
    }

    /// Reads `Sat, 13 Nov 2010 23:29:00 GMT`. The day of the week is not compared with the date.
    ///
    /// # Errors
    /// [`ValueError::Date`] for any other form or zone.
    // RFC 3261 §20.17
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        Self::read(text.trim()).ok_or(ValueError::Date)
    }

    fn read(text: &str) -> Option<Self> {
        let (day_name, rest) = text.split_once(',')?;
        let mut words = rest.split_ascii_whitespace();
        let (day, month, year, time, zone) =
            (words.next()?, words.next()?, words.next()?, words.next()?, words.next()?);
        if words.next().is_some() || !DAYS.iter().any(|known| known.eq_ignore_ascii_case(day_name)) || zone != "GMT" {
            return None;
        }
        let month = MONTHS.iter().position(|known| known.eq_ignore_ascii_case(month))?;
        let month = u64::try_from(month).ok()?.checked_add(1)?;
        let number = |text: &str, digits: usize| {
            let fits = text.len() == digits && text.bytes().all(|octet| octet.is_ascii_digit());
            if fits { text.parse::<u64>().ok() } else { None }
        };
        let (day, year) = (number(day, day.len().clamp(1, 2))?, number(year, 4)?);
        let mut parts = time.split(':');
        let (hour, minute, second) = (number(parts.next()?, 2)?, number(parts.next()?, 2)?, number(parts.next()?, 2)?);
        let days = days_from_civil(year, month, day)?;
        if parts.next().is_some() || hour > 23 || minute > 59 || second > 60 || Civil::from_days(days).day != day {
            return None;
        }
        let within = hour.checked_mul(3600)?.checked_add(minute.checked_mul(60)?)?.checked_add(second)?;
        Some(Self(days.checked_mul(86_400)?.checked_add(within)?))
    }
}

/// A day of the calendar.
struct Civil {
    year: u64,
    month: u64,
    day: u64,
}

/// Days since 1970-01-01 of a day of the proleptic Gregorian calendar, counted in years that begin in March.
fn days_from_civil(year: u64, month: u64, day: u64) -> Option<u64> {
    if year < 1970 || !(1..=31).contains(&day) {
        return None;
    }
    let year = if month <= 2 { year.checked_sub(1)? } else { year };
    let from_march = month.checked_add(9)?.checked_rem(12)?;
    let before_month = from_march.checked_mul(153)?.checked_add(2)?.checked_div(5)?;
    let leap = (year / 4).checked_sub(year / 100)?.checked_add(year / 400)?;
    let days = year.checked_mul(365)?.checked_add(leap)?.checked_add(before_month)?.checked_add(day)?;
    days.checked_sub(719_469)
}

impl Civil {
    fn from_days(days: u64) -> Self {
        let shifted = days.saturating_add(719_468);
        let era = shifted / 146_097;
        let in_era = shifted % 146_097;
        let leaps = (in_era / 1460).saturating_add(in_era / 146_096);
        let year_in_era = in_era.saturating_sub(leaps).saturating_add(in_era / 36_524) / 365;
        let before_year =
            year_in_era.saturating_mul(365).saturating_add(year_in_era / 4).saturating_sub(year_in_era / 100);
        let in_year = in_era.saturating_sub(before_year);
        let from_march = in_year.saturating_mul(5).saturating_add(2) / 153;
        let before_month = from_march.saturating_mul(153).saturating_add(2) / 5;
        let month = if from_march < 10 { from_march.saturating_add(3) } else { from_march.saturating_sub(9) };
        let year = era.saturating_mul(400).saturating_add(year_in_era);
        Self {
            year: if month <= 2 { year.saturating_add(1) } else { year },
            month,
            day: in_year.saturating_sub(before_month).saturating_add(1),
        }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, second) = (self.0 / 86_400, self.0 % 86_400);
        let civil = Civil::from_days(days);
        let name = |list: &[&'static str], index: u64| {
            usize::try_from(index).ok().and_then(|index| list.get(index).copied()).unwrap_or_default()
        };
        let (day_name, month) = (name(&DAYS, days % 7), name(&MONTHS, civil.month.saturating_sub(1)));
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{day_name}, {:02} {month} {:04} {hour:02}:{minute:02}:{second:02} GMT", civil.day, civil.year)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn example_of_the_rfc_is_read_and_written() {
        let text = "Sat, 13 Nov 2010 23:29:00 GMT";
        let date = Date::parse(text).unwrap();
        assert_eq!(date.to_unix_s(), 1_289_690_940);
        assert_eq!(date.to_string(), text);
        assert_eq!(Date::from_unix_s(0).to_string(), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(Date::parse("Tue, 29 Feb 2000 00:00:00 GMT").unwrap().to_unix_s(), 951_782_400);
    }

    #[test]
    fn other_zones_and_impossible_days_are_refused() {
        for text in [
            "Fri, 01 Jan 2010 16:00:00 EST",
            "Fri, 31 Feb 2010 16:00:00 GMT",
            "Fri, 01 Jan 2010 24:00:00 GMT",
            "01 Jan 2010 16:00:00 GMT",
            "Fri, 01 Jan 10 16:00:00 GMT",
            "Fri, 01 Jan 1960 16:00:00 GMT",
            "",
        ] {
            assert_eq!(Date::parse(text), Err(ValueError::Date), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_second_survives(seconds in 0..=Date::SECONDS_MAX) {
            let date = Date::from_unix_s(seconds);
            proptest::prop_assert_eq!(Date::parse(&date.to_string()), Ok(date));
        }
    }
}
