//! Positions: WV writes degrees, minutes and seconds as text (`35 24 15.652W`), the neutral model counts.

use mapping::presence::GeoLocation;
use wv_proto::presence_attribute::GeoLocation as WvLocation;

/// A position, when latitude and longitude can be read; unreadable altitude and accuracy are dropped.
pub(super) fn from_wv(location: &WvLocation) -> Option<GeoLocation> {
    Some(GeoLocation {
        latitude_e7: parse_angle(location.latitude.as_deref()?, 90)?,
        longitude_e7: parse_angle(location.longitude.as_deref()?, 180)?,
        altitude_mm: location.altitude.as_deref().and_then(parse_metres),
        accuracy_mm: location.accuracy.as_deref().and_then(parse_metres).and_then(|mm| u64::try_from(mm).ok()),
    })
}

/// The texts of a position.
pub(super) fn to_wv(location: &GeoLocation) -> WvLocation {
    WvLocation {
        longitude: Some(write_angle(location.longitude_e7, 'E', 'W').into()),
        latitude: Some(write_angle(location.latitude_e7, 'N', 'S').into()),
        altitude: location.altitude_mm.map(|mm| write_metres(mm).into()),
        accuracy: location.accuracy_mm.and_then(|mm| i64::try_from(mm).ok()).map(|mm| write_metres(mm).into()),
    }
}

/// Thousandths of an arc second in one degree.
const MILLIS_PER_DEGREE: i64 = 3_600_000;

fn parse_angle(text: &str, degrees_max: i64) -> Option<i64> {
    let text = text.trim();
    let (number, sign) = match text.char_indices().last()? {
        (at, 'N' | 'n' | 'E' | 'e') => (text.get(..at)?, 1),
        (at, 'S' | 's' | 'W' | 'w') => (text.get(..at)?, -1),
        _ => (text, 1),
    };
    let (number, sign) = number.trim().strip_prefix('-').map_or((number.trim(), sign), |rest| (rest, -sign));
    let parts: Vec<&str> = number.split_whitespace().collect();
    let (degrees, minutes, seconds) = match parts.as_slice() {
        [degrees] => return decimal_degrees(degrees, degrees_max).map(|e7| sign * e7),
        [degrees, minutes] => (degrees.parse::<i64>().ok()?, minutes.parse::<i64>().ok()?, 0),
        [degrees, minutes, seconds] => {
            (degrees.parse::<i64>().ok()?, minutes.parse::<i64>().ok()?, parse_thousandths(seconds)?)
        }
        _ => return None,
    };
    if degrees > degrees_max || !(0..60).contains(&minutes) || !(0..60_000).contains(&seconds) || degrees < 0 {
        return None;
    }
    let millis = degrees.checked_mul(MILLIS_PER_DEGREE)?.checked_add(minutes * 60_000)?.checked_add(seconds)?;
    // One thousandth of an arc second is 10⁷ / 3 600 000 = 100 / 36 units; rounded to the nearest.
    Some(sign * ((millis * 100 + 18) / 36))
}

fn decimal_degrees(text: &str, degrees_max: i64) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole: i64 = whole.parse().ok()?;
    if !(0..=degrees_max).contains(&whole) || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let seven: String = fraction.chars().chain("0000000".chars()).take(7).collect();
    whole.checked_mul(10_000_000)?.checked_add(seven.parse().ok()?)
}

fn write_angle(e7: i64, positive: char, negative: char) -> String {
    let hemisphere = if e7 < 0 { negative } else { positive };
    let millis = (i128::from(e7.unsigned_abs()) * 36 + 50) / 100;
    let millis = i64::try_from(millis).unwrap_or(0);
    let (degrees, rest) = (millis / MILLIS_PER_DEGREE, millis % MILLIS_PER_DEGREE);
    let (minutes, seconds) = (rest / 60_000, rest % 60_000);
    format!("{degrees} {minutes} {}.{:03}{hemisphere}", seconds / 1000, seconds % 1000)
}

/// Metres with up to three decimals, as millimetres.
fn parse_metres(text: &str) -> Option<i64> {
    let text = text.trim();
    let (text, sign) = text.strip_prefix('-').map_or((text, 1), |rest| (rest, -1));
    parse_thousandths(text).map(|mm| sign * mm)
}

fn parse_thousandths(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let three: String = fraction.chars().chain("000".chars()).take(3).collect();
    let whole: u32 = whole.parse().ok()?;
    i64::from(whole).checked_mul(1000)?.checked_add(three.parse().ok()?)
}

fn write_metres(mm: i64) -> String {
    let sign = if mm < 0 { "-" } else { "" };
    let (metres, rest) = (mm.unsigned_abs() / 1000, mm.unsigned_abs() % 1000);
    if rest == 0 { format!("{sign}{metres}") } else { format!("{sign}{metres}.{rest:03}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sampled_form_reads_and_writes_to_itself() {
        let sampled = WvLocation {
            longitude: Some("35 24 15.652W".into()),
            latitude: Some("12 36 22.500N".into()),
            altitude: Some("120".into()),
            accuracy: Some("10.5".into()),
        };
        let neutral = from_wv(&sampled).unwrap();
        assert_eq!(neutral.longitude_e7, -354_043_478);
        assert_eq!(to_wv(&neutral).longitude, sampled.longitude);
        assert_eq!(to_wv(&neutral).latitude, sampled.latitude);
        assert_eq!((neutral.altitude_mm, neutral.accuracy_mm), (Some(120_000), Some(10_500)));
    }

    #[test]
    fn every_thousandth_of_a_second_survives() {
        for millis in [0, 1, 17, 35_999, 3_599_999, 3_600_000, 647_999_999] {
            let e7 = (millis * 100 + 18) / 36;
            let text = write_angle(e7, 'E', 'W');
            assert_eq!(parse_angle(&text, 180), Some(e7), "{text}");
        }
    }

    #[test]
    fn impossible_angles_are_refused() {
        for bad in ["", "91 0 0N", "10 60 0N", "10 0 60N", "ten N", "1 2 3 4N", "1e9"] {
            assert_eq!(parse_angle(bad, 90), None, "{bad}");
        }
        assert_eq!(parse_angle("12.5S", 90), Some(-125_000_000));
    }
}
