//! The report for build servers: JUnit XML.

use super::Harmless;
use crate::lab::result::{Judgement, LabResult, Performance};
use std::{collections::BTreeMap, fmt::Write as _};

/// Writes the document: a suite for each area.
#[must_use]
pub fn write(result: &LabResult) -> String {
    let mut areas: BTreeMap<&str, Vec<&Performance>> = BTreeMap::new();
    for performance in &result.performances {
        areas.entry(&performance.area).or_default().push(performance);
    }
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let name = Harmless(&result.system.name);
    // Writing to a text cannot fail, here and below.
    let _ = writeln!(out, "<testsuites name=\"{name}\" time=\"{}\">", result.seconds);
    for (area, performances) in areas {
        let count = |verdict| performances.iter().filter(|one| one.verdict == verdict).count();
        let _ = writeln!(
            out,
            "<testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" timestamp=\"{}\">",
            Harmless(area),
            performances.len(),
            count(Judgement::Fail),
            count(Judgement::Inconclusive),
            count(Judgement::NotApplicable),
            Harmless(&result.began)
        );
        for performance in performances {
            case(&mut out, performance);
        }
        out.push_str("</testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn case(out: &mut String, performance: &Performance) {
    let Performance { name, scenario, verdict, reason, trouble, millis, .. } = performance;
    let (classname, name) = (Harmless(scenario), Harmless(name));
    let (seconds, rest) = (millis / 1000, millis % 1000);
    let _ = write!(out, "<testcase classname=\"{classname}\" name=\"{name}\" time=\"{seconds}.{rest:03}\"");
    let awaited = trouble.as_ref().map(|trouble| trouble.awaited.as_str()).unwrap_or_default();
    let all = trouble.as_ref().map(ToString::to_string).unwrap_or_default();
    let _ = match verdict {
        Judgement::Pass => writeln!(out, "/>"),
        Judgement::Fail => {
            let (awaited, all) = (Harmless(awaited), Harmless(&all));
            writeln!(out, "><failure message=\"{awaited}\">{all}</failure></testcase>")
        }
        Judgement::Inconclusive => {
            let (awaited, all) = (Harmless(awaited), Harmless(&all));
            writeln!(out, "><error type=\"inconclusive\" message=\"{awaited}\">{all}</error></testcase>")
        }
        Judgement::NotApplicable => {
            let reason = Harmless(reason.as_deref().unwrap_or_default());
            writeln!(out, "><skipped message=\"not applicable: {reason}\"/></testcase>")
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::result::sample::{performance, result};
    use sip_proto::body::xml::{XmlLimits, XmlReader};

    #[test]
    fn every_verdict_has_its_element_and_the_document_is_well_formed() {
        let all = Judgement::ALL.map(|verdict| performance("a", "IWF-MSG-INT-001", verdict));
        let document = write(&result(all.to_vec()));
        let head = "<testsuite name=\"MSG\" tests=\"4\" failures=\"1\" errors=\"1\" skipped=\"1\"";
        assert!(document.contains(head), "{document}");
        let limits = XmlLimits::DEFAULT;
        let mut reader = XmlReader::new(document.as_bytes(), &limits).unwrap();
        assert_eq!(reader.root().unwrap().name(), "testsuites");
        let mut text = "".into();
        let suite = reader.next_child_or_text(&mut text).unwrap().unwrap();
        assert_eq!(suite.name(), "testsuite");
        let mut cases = 0;
        while let Some(case) = reader.next_child_or_text(&mut text).unwrap() {
            assert_eq!(case.name(), "testcase");
            while reader.next_child_or_text(&mut text).unwrap().is_some() {
                while reader.next_child_or_text(&mut text).unwrap().is_some() {}
            }
            cases += 1;
        }
        assert_eq!(cases, 4);
    }
}
