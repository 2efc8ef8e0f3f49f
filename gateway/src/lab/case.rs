//! The cases of the interworking catalogue, whether a scenario shows them or not.

/// A case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its number, such as `IWF-SUB-INT-028`.
    pub id: &'static str,
    /// Whether every implementation has to pass it, or only one that has the feature.
    pub is_mandatory: bool,
    /// What it is about.
    pub feature: &'static str,
    /// Why this product does not serve it; optional cases only.
    pub not_supported: Option<&'static str>,
}

/// All cases, in the order of the catalogue.
pub fn cases() -> impl Iterator<Item = Case> {
    TABLE.lines().filter_map(|line| {
        let mut cells = line.split('\t');
        let (id, class, feature) = (cells.next()?, cells.next()?, cells.next()?);
        Some(Case { id, is_mandatory: class == "mandatory", feature, not_supported: cells.next() })
    })
}

const TABLE: &str = include_str!("../../../fixtures/catalogue.tsv");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_a_case() {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(cases().count(), lines);
        assert!(cases().all(|case| case.id.starts_with("IWF-") && !case.feature.is_empty()));
    }

    #[test]
    fn only_optional_cases_are_not_supported_and_each_says_why() {
        let declared: Vec<Case> = cases().filter(|case| case.not_supported.is_some()).collect();
        assert!(declared.iter().all(|case| !case.is_mandatory && case.not_supported.is_some_and(|why| why.len() > 20)));
        assert_eq!(declared.iter().map(|case| case.id).collect::<Vec<_>>(), ["IWF-PRS-INT-019"]);
    }
}
