//! The conformance statement: what of the catalogue was run, for which versions, with which verdict, and what was not.

use super::{HEAD, Harmless, class};
use crate::lab::{
    case::{Case, cases},
    result::{Judgement, LabResult, Performance},
};
use std::{collections::BTreeSet, fmt::Write as _};

/// Writes the page. It claims nothing beyond the performances of the result.
#[must_use]
pub fn write(result: &LabResult) -> String {
    let verdicts = result.cases();
    let shown = |case: &Case| verdicts.get(case.id).copied().filter(|verdict| *verdict != Judgement::NotApplicable);
    let mandatory: Vec<Case> = cases().filter(|case| case.is_mandatory).collect();
    let passed = mandatory.iter().filter(|case| shown(case) == Some(Judgement::Pass)).count();
    let mut out = String::from(HEAD);
    let name = Harmless(&result.system.name);
    // Writing to a text cannot fail, here and below.
    let _ = writeln!(out, "<title>Conformance statement: {name}</title></head><body>\n<h1>Conformance statement</h1>");
    let _ = writeln!(
        out,
        "<table><tbody><tr><th>Product</th><td>{name}</td></tr><tr><th>Date</th><td>{}</td></tr>\
         <tr><th>Tested by</th><td>{}</td></tr><tr><th>Versions and encodings</th><td>{}</td></tr>\
         <tr><th>Performances</th><td>{}</td></tr>\
         <tr><th>Mandatory cases passed</th><td>{passed} of {}</td></tr>{}</tbody></table>",
        Harmless(&result.began),
        Harmless(&result.tester),
        Harmless(&variants(result)),
        result.summary(),
        mandatory.len(),
        if result.selection.is_empty() {
            String::new()
        } else {
            format!("<tr><th>Only</th><td>{}</td></tr>", Harmless(&result.selection.join(", ")))
        }
    );
    out.push_str("<h2>Cases of the catalogue that were run</h2>\n");
    table(&mut out, result, cases().filter(|case| shown(case).is_some()));
    out.push_str("<h2>Cases that were not run</h2>\n<p>Nothing is stated about these.</p>\n");
    // Of another system this product declares nothing.
    let is_own = result.system.name == result.tester;
    let is_declared = |case: &Case| is_own && case.not_supported.is_some();
    table(&mut out, result, cases().filter(|case| shown(case).is_none() && !is_declared(case)));
    if is_own {
        declared(&mut out);
    }
    beyond(&mut out, result);
    out.push_str("</body></html>\n");
    out
}

fn table(out: &mut String, result: &LabResult, shown: impl Iterator<Item = Case>) {
    out.push_str("<div class=\"wide\"><table><thead><tr><th>case</th><th>about</th><th>class</th><th>verdict</th>");
    out.push_str("<th>for</th></tr></thead><tbody>\n");
    for case in shown {
        let of = result.performances.iter().filter(|one| one.cases.iter().any(|id| id == case.id));
        let done: Vec<String> = of
            .clone()
            .filter(|one| one.verdict != Judgement::NotApplicable)
            .map(Performance::variant)
            .collect::<BTreeSet<String>>()
            .into_iter()
            .collect();
        let verdict = of.clone().map(|one| one.verdict).max();
        let (word, style) = verdict.map_or(("not run".to_owned(), "not-applicable".to_owned()), |verdict| {
            (verdict.to_string(), class(verdict))
        });
        let why = of.filter_map(|one| one.reason.as_deref()).next().filter(|_| done.is_empty()).unwrap_or_default();
        let _ = writeln!(
            out,
            "<tr><td class=\"id\">{}</td><td>{}</td><td>{}</td><td class=\"verdict {style}\">{word}</td><td>{}{}</td></tr>",
            Harmless(case.id),
            Harmless(case.feature),
            if case.is_mandatory { "mandatory" } else { "optional" },
            Harmless(&done.join(", ")),
            Harmless(why)
        );
    }
    out.push_str("</tbody></table></div>\n");
}

/// What this product says of itself, whatever was run.
fn declared(out: &mut String) {
    out.push_str(
        "<h2>Optional cases that wv-simple-gateway does not support</h2>\n<div class=\"wide\"><table><thead><tr>",
    );
    out.push_str("<th>case</th><th>about</th><th>why</th></tr></thead><tbody>\n");
    for (case, why) in cases().filter_map(|case| Some((case, case.not_supported?))) {
        let (id, about) = (Harmless(case.id), Harmless(case.feature));
        let _ = writeln!(out, "<tr><td>{id}</td><td>{about}</td><td>{}</td></tr>", Harmless(why));
    }
    out.push_str("</tbody></table></div>\n");
}

/// What was run and shows no case of the catalogue.
fn beyond(out: &mut String, result: &LabResult) {
    out.push_str("<h2>Scenarios beyond the catalogue</h2>\n<div class=\"wide\"><table><thead><tr><th>scenario</th>");
    out.push_str("<th>what it shows</th><th>by</th><th>for</th><th>verdict</th></tr></thead><tbody>\n");
    for one in result.performances.iter().filter(|one| one.cases.is_empty()) {
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td class=\"verdict {}\">{}</td></tr>",
            Harmless(&one.scenario),
            Harmless(&one.title),
            Harmless(&one.clauses.join("; ")),
            Harmless(&one.variant()),
            class(one.verdict),
            one.verdict
        );
    }
    out.push_str("</tbody></table></div>\n");
}

/// The versions and encodings for which anything was performed.
fn variants(result: &LabResult) -> String {
    let performed = result.performances.iter().filter(|one| one.verdict != Judgement::NotApplicable);
    let variants: BTreeSet<String> = performed.map(Performance::variant).collect();
    variants.into_iter().collect::<Vec<String>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::result::sample::{performance, result};

    #[test]
    fn a_statement_claims_what_was_run_and_no_more() {
        let page = write(&result(vec![
            performance("a", "IWF-MSG-INT-001", Judgement::Pass),
            performance("b", "IWF-MSG-INT-002", Judgement::NotApplicable),
        ]));
        let (run, not_run) = page.split_once("Cases that were not run").unwrap();
        assert!(run.contains("IWF-MSG-INT-001") && !run.contains("IWF-MSG-INT-002"), "{page}");
        assert!(not_run.contains("IWF-MSG-INT-002") && not_run.contains("needs &lt;a&gt;"), "{page}");
        assert!(not_run.contains("IWF-SES-INT-001") && not_run.contains("not run"));
        assert!(not_run.contains("IWF-PRS-INT-019") && !page.contains("does not support"), "of another system: {page}");
        assert!(page.contains("Mandatory cases passed</th><td>1 of ") && page.contains("2026-01-02"));
    }

    #[test]
    fn what_this_product_does_not_support_is_declared_with_its_reason() {
        let mut own = result(vec![performance("a", "IWF-MSG-INT-001", Judgement::Pass)]);
        own.system.name.clone_from(&own.tester);
        let page = write(&own);
        let (not_run, declared) = page.split_once("does not support").unwrap();
        assert!(declared.contains("IWF-PRS-INT-019") && !declared.contains("IWF-SES-INT-001"), "{page}");
        assert!(!not_run.contains("IWF-PRS-INT-019"), "{page}");
    }
}
