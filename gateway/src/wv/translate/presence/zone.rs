//! Time zones and languages.

use mapping::presence::Text;

/// Minutes east of UTC from `+02`, `+hh:mm` or `+hhmm`.
pub(super) fn parse(zone: &str) -> Option<i16> {
    let zone = zone.trim();
    if zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let (sign, digits) = match zone.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => (1, zone),
    };
    let digits: String = digits.chars().filter(|c| *c != ':').collect();
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = match digits.len() {
        1 | 2 => (digits.as_str(), "0"),
        3 | 4 => digits.split_at_checked(digits.len().checked_sub(2)?)?,
        _ => return None,
    };
    let (hours, minutes): (i16, i16) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours <= 14 && minutes < 60).then(|| sign * (hours * 60 + minutes))
}

/// `+hh` where the offset is whole hours, else `+hh:mm`.
pub(super) fn write(minutes: i16) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    let (hours, rest) = (minutes.unsigned_abs() / 60, minutes.unsigned_abs() % 60);
    if rest == 0 { format!("{sign}{hours:02}") } else { format!("{sign}{hours:02}:{rest:02}") }
}

/// ISO 639-2 codes (terminological and bibliographic) and the BCP 47 tags of the same languages.
const LANGUAGES: &[(&str, &str)] = &[
    ("ara", "ar"),
    ("bul", "bg"),
    ("cat", "ca"),
    ("ces", "cs"),
    ("cze", "cs"),
    ("chi", "zh"),
    ("zho", "zh"),
    ("dan", "da"),
    ("deu", "de"),
    ("ger", "de"),
    ("dut", "nl"),
    ("nld", "nl"),
    ("ell", "el"),
    ("gre", "el"),
    ("eng", "en"),
    ("est", "et"),
    ("eus", "eu"),
    ("baq", "eu"),
    ("fin", "fi"),
    ("fra", "fr"),
    ("fre", "fr"),
    ("glg", "gl"),
    ("heb", "he"),
    ("hin", "hi"),
    ("hrv", "hr"),
    ("hun", "hu"),
    ("ind", "id"),
    ("isl", "is"),
    ("ice", "is"),
    ("ita", "it"),
    ("jpn", "ja"),
    ("kor", "ko"),
    ("lav", "lv"),
    ("lit", "lt"),
    ("msa", "ms"),
    ("may", "ms"),
    ("nor", "no"),
    ("pol", "pl"),
    ("por", "pt"),
    ("ron", "ro"),
    ("rum", "ro"),
    ("rus", "ru"),
    ("slk", "sk"),
    ("slo", "sk"),
    ("slv", "sl"),
    ("spa", "es"),
    ("srp", "sr"),
    ("swe", "sv"),
    ("tha", "th"),
    ("tur", "tr"),
    ("ukr", "uk"),
    ("vie", "vi"),
];

/// The BCP 47 tag for an ISO 639-2 code; other texts pass.
pub(super) fn language_from_wv(code: &str) -> Text {
    let found = LANGUAGES.iter().find(|(long, _)| long.eq_ignore_ascii_case(code.trim()));
    found.map_or_else(|| code.trim().into(), |(_, short)| (*short).into())
}

/// The ISO 639-2 code for a BCP 47 tag, by its first subtag; other texts pass.
pub(super) fn language_to_wv(tag: &str) -> Box<str> {
    let primary = tag.split(['-', '_']).next().unwrap_or(tag);
    let found =
        LANGUAGES.iter().find(|(long, short)| short.eq_ignore_ascii_case(primary) && !BIBLIOGRAPHIC.contains(long));
    found.map_or_else(|| tag.into(), |(long, _)| (*long).into())
}

/// The codes of the table that are the second name of a language.
const BIBLIOGRAPHIC: &[&str] = &["cze", "chi", "ger", "dut", "gre", "baq", "fre", "ice", "may", "rum", "slo"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_read_in_every_form_and_write_in_the_shortest() {
        for (text, minutes) in [("+02", 120), ("-05", -300), ("+05:30", 330), ("+0530", 330), ("Z", 0), ("2", 120)] {
            assert_eq!(parse(text), Some(minutes), "{text}");
        }
        for bad in ["", "east", "+25", "+02:75", "+", "99999"] {
            assert!(parse(bad).is_none(), "{bad}");
        }
        assert_eq!((write(120), write(-330), write(0)), ("+02".into(), "-05:30".into(), "+00".into()));
    }

    #[test]
    fn languages_go_both_ways() {
        for (long, short) in LANGUAGES {
            assert_eq!(language_from_wv(long).as_ref(), *short);
            let back = language_to_wv(short);
            assert_eq!(language_from_wv(&back).as_ref(), *short, "{short} -> {back}");
            assert!(!BIBLIOGRAPHIC.contains(&back.as_ref()));
        }
        assert_eq!(language_to_wv("en-GB").as_ref(), "eng");
        assert_eq!(language_from_wv("tlh").as_ref(), "tlh");
    }
}
