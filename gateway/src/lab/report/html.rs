//! The report for people: one page that needs nothing else.

use super::{Change, Comparison, HEAD, Harmless, class};
use crate::lab::result::{Judgement, LabResult, Performance};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::{collections::BTreeSet, fmt::Write as _};

/// Writes the page; with what it is compared to, if anything.
#[must_use]
pub fn write(result: &LabResult, compared: Option<&Comparison<'_>>) -> String {
    let mut out = String::from(HEAD);
    let name = Harmless(&result.system.name);
    // Writing to a text cannot fail, here and below.
    let _ = writeln!(out, "<title>{name}: {}</title></head><body>\n<h1>{name}</h1>", result.verdict());
    let _ = write!(
        out,
        "<p class=\"verdict {}\">{}</p>\n<p>{}. Began {}, took {} s. Tested by {}.",
        class(result.verdict()),
        result.verdict(),
        Harmless(&result.summary()),
        Harmless(&result.began),
        result.seconds,
        Harmless(&result.tester)
    );
    for (what, address) in [("CSP", &result.system.csp), ("SIP", &result.system.sip)] {
        if let Some(address) = address {
            let _ = write!(out, " {what} at {}.", Harmless(address));
        }
    }
    out.push_str("</p>\n");
    if let Some(comparison) = compared {
        changes(&mut out, comparison);
    }
    let shown = captures(result);
    failures(&mut out, result, &shown);
    out.push_str("<h2>Every performance</h2>\n<div class=\"wide\"><table><thead><tr><th>verdict</th><th>scenario</th>");
    out.push_str("<th>what it shows</th><th>cases</th><th>by</th><th>time</th></tr></thead><tbody>\n");
    for performance in &result.performances {
        row(&mut out, performance, &shown);
    }
    out.push_str("</tbody></table></div>\n</body></html>\n");
    out
}

/// The names of those whose captures the page holds: what went wrong first, as far as there is room.
fn captures(result: &LabResult) -> BTreeSet<&str> {
    let mut performances: Vec<&Performance> = result.performances.iter().collect();
    performances.sort_by_key(|one| std::cmp::Reverse(one.verdict));
    let mut room = CAPTURE_OCTETS_MAX;
    let mut shown = BTreeSet::new();
    for performance in performances {
        let Some(left) = performance.capture.as_ref().and_then(|capture| room.checked_sub(capture.len())) else {
            continue;
        };
        room = left;
        shown.insert(performance.name.as_str());
    }
    shown
}

/// A link to the capture, which is in the page, or where it is.
fn capture(performance: &Performance, shown: &BTreeSet<&str>) -> String {
    let name = performance.capture_name();
    match (&performance.capture, &performance.capture_file) {
        (Some(octets), _) if shown.contains(performance.name.as_str()) => format!(
            "<a download=\"{}\" href=\"data:application/octet-stream;base64,{}\">capture</a>",
            Harmless(&name),
            STANDARD.encode(octets)
        ),
        (_, Some(file)) => format!("capture in {}", Harmless(file)),
        (Some(_), None) => "capture left out: no room".to_owned(),
        (None, None) => String::new(),
    }
}

fn row(out: &mut String, performance: &Performance, shown: &BTreeSet<&str>) {
    let Performance { name, title, cases, clauses, verdict, reason, ladder, trouble, millis, .. } = performance;
    let ladder = match ladder.is_empty() {
        true => String::new(),
        false => {
            let lines = ladder.join("\n");
            format!("<details><summary>ladder</summary><pre>{}</pre></details>", Harmless(&lines))
        }
    };
    // What went wrong has it above.
    let link = if trouble.is_some() { String::new() } else { capture(performance, shown) };
    let _ = writeln!(
        out,
        "<tr><td class=\"verdict {}\">{verdict}</td><td>{}</td><td>{}{}{ladder}{link}</td><td>{}</td><td>{}</td>\
         <td>{}.{:03}</td></tr>",
        class(*verdict),
        // Names are long: they may break where their words do.
        Harmless(name).to_string().replace('_', "_<wbr>"),
        Harmless(title),
        reason.as_ref().map(|reason| format!(" <i>({})</i>", Harmless(reason))).unwrap_or_default(),
        Harmless(&cases.join(", ")),
        Harmless(&clauses.join("; ")),
        millis / 1000,
        millis % 1000
    );
}

/// What went wrong, with its ladder and capture.
fn failures(out: &mut String, result: &LabResult, shown: &BTreeSet<&str>) {
    let failed = |one: &&Performance| matches!(one.verdict, Judgement::Fail | Judgement::Inconclusive);
    for performance in result.performances.iter().filter(failed) {
        let Performance { name, title, clauses, verdict, trouble, .. } = performance;
        let _ = writeln!(
            out,
            "<details open><summary><span class=\"verdict {}\">{verdict}</span> {}</summary>\n<p>{} ({})</p>",
            class(*verdict),
            Harmless(name),
            Harmless(title),
            Harmless(&clauses.join("; "))
        );
        if let Some(trouble) = trouble {
            let _ = writeln!(out, "<pre>{}</pre>", Harmless(&trouble.to_string()));
        }
        out.push_str(&capture(performance, shown));
        out.push_str("</details>\n");
    }
}

fn changes(out: &mut String, comparison: &Comparison<'_>) {
    let _ = writeln!(
        out,
        "<h2>Compared with {} of {}</h2>\n<div class=\"wide\"><table><thead><tr><th>change</th><th>performance</th>\
         <th>before</th><th>now</th></tr></thead><tbody>",
        Harmless(&comparison.before.system.name),
        Harmless(&comparison.before.began)
    );
    let word = |verdict: Option<Judgement>| verdict.map(|one| one.to_string()).unwrap_or_default();
    for (name, change) in &comparison.changes {
        let Change { before, now } = *change;
        let (name, before, now) = (Harmless(name), word(before), word(now));
        let _ = writeln!(out, "<tr><td>{}</td><td>{name}</td><td>{before}</td><td>{now}</td></tr>", change.word());
    }
    out.push_str("</tbody></table></div>\n");
}

/// Octets of captures in one page; browsers open larger ones slowly.
const CAPTURE_OCTETS_MAX: usize = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::result::sample::{performance, result};

    #[test]
    fn a_page_shows_every_verdict_and_no_foreign_markup() {
        let all = Judgement::ALL.map(|verdict| performance(&class(verdict), "IWF-MSG-INT-001", verdict));
        let page = write(&result(all.to_vec()), None);
        assert!(page.contains("<title>a &lt;system&gt;: fail</title>"), "{page}");
        assert!(!page.contains("<script") && page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{page}");
        assert!(page.contains("1 pass, 1 fail, 1 inconclusive, 1 not applicable"));
        assert!(page.contains("(needs &lt;a&gt;)") && page.contains("1.250") && page.contains("at x.scn:3"));
        assert_eq!(page.matches("<details").count(), 2);
        assert!(!page.contains("http://") && !page.contains("https://"), "nothing from elsewhere");
    }
    #[test]
    fn captures_are_in_the_page_as_far_as_there_is_room_and_what_went_wrong_comes_first() {
        let mut passed = performance("<a>", "IWF-MSG-INT-001", Judgement::Pass);
        passed.ladder = vec!["|-- <b> ->|".to_owned()];
        passed.capture = Some(b"passed".to_vec());
        let mut failed = performance("b", "IWF-MSG-INT-001", Judgement::Fail);
        failed.capture = Some(b"failed".to_vec());
        let page = write(&result(vec![passed.clone(), failed.clone()]), None);
        assert!(page.contains("<a download=\"_a_.pcapng\" href=\"data:application/octet-stream;base64,cGFzc2Vk\">"));
        assert!(page.contains("<summary>ladder</summary><pre>|-- &lt;b&gt; -&gt;|</pre>"), "{page}");
        assert_eq!(page.matches("base64,").count(), 2);
        failed.capture = Some(vec![0; CAPTURE_OCTETS_MAX]);
        passed.capture_file = Some("caps/_a_.pcapng".to_owned());
        let page = write(&result(vec![passed.clone(), failed]), None);
        assert_eq!(page.matches("base64,").count(), 1);
        assert!(page.contains("capture in caps/_a_.pcapng"), "{}", page.len());
    }
}
