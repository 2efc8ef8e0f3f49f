//! The report for people: one page that needs nothing else.

use super::{Change, Comparison, HEAD, Harmless, class};
use crate::lab::result::{Judgement, LabResult, Performance};
use std::fmt::Write as _;

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
    failures(&mut out, result);
    out.push_str("<h2>Every performance</h2>\n<div class=\"wide\"><table><thead><tr><th>verdict</th><th>scenario</th>");
    out.push_str("<th>what it shows</th><th>cases</th><th>by</th><th>time</th></tr></thead><tbody>\n");
    for performance in &result.performances {
        row(&mut out, performance);
    }
    out.push_str("</tbody></table></div>\n</body></html>\n");
    out
}

fn row(out: &mut String, performance: &Performance) {
    let Performance { name, title, cases, clauses, verdict, reason, millis, .. } = performance;
    let _ = writeln!(
        out,
        "<tr><td class=\"verdict {}\">{verdict}</td><td>{}</td><td>{}{}</td><td>{}</td><td>{}</td><td>{}.{:03}</td></tr>",
        class(*verdict),
        Harmless(name),
        Harmless(title),
        reason.as_ref().map(|reason| format!(" <i>({})</i>", Harmless(reason))).unwrap_or_default(),
        Harmless(&cases.join(", ")),
        Harmless(&clauses.join("; ")),
        millis / 1000,
        millis % 1000
    );
}

/// What went wrong, with its ladder.
fn failures(out: &mut String, result: &LabResult) {
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
}
