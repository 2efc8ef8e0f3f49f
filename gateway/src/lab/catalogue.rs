//! The scenarios: those in the program, or those of a folder.

use super::scenario::{
    model::{PartKind, Scenario, Stages, Variant},
    problem::Problem,
};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// All scenarios, in the order of their names.
#[derive(Clone, Debug)]
pub struct Catalogue(Vec<Entry>);

/// A scenario and what it is called.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The name of its file without the ending.
    pub name: String,
    /// The scenario.
    pub scenario: Scenario,
}

/// A scenario to be performed for one version and encoding.
#[derive(Clone, Debug)]
pub struct Run {
    /// The name of the scenario and the variant, in one word.
    pub name: String,
    /// The name of the scenario.
    pub of: String,
    /// The scenario.
    pub scenario: Scenario,
    /// The variant.
    pub variant: Variant,
}

/// Which runs are wanted; what is empty wants all.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Words: a name or the beginning of one, a case or the beginning of its number, an area, a clause or rule.
    pub words: Vec<String>,
    /// Versions of CSP.
    pub versions: Vec<String>,
    /// Encodings.
    pub encodings: Vec<String>,
}

/// Why there is no catalogue.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// The folder cannot be read.
    #[error("{}: {source}", path.display())]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Texts that are no scenarios.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<String>>().join("\n"))]
    Problems(Vec<Problem>),
    /// A word by which nothing is selected.
    #[error("--select {0}: no scenario, case, area, clause or rule is called so; `lab list` tells which there are")]
    NothingSelected(String),
}

impl Catalogue {
    /// The scenarios in the program.
    ///
    /// # Errors
    /// When one of them is none.
    pub fn embedded() -> Result<Self, CatalogueError> {
        let texts = EMBEDDED.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Self::of(&texts, Path::new("fixtures/scenario"))
    }

    /// The scenarios of a folder; their scenes lie in `scene/` below it, and where one is not there, in the program.
    ///
    /// # Errors
    /// When it cannot be read, or a text is no scenario: all problems of all files. Their places are told as seen from
    /// `root`.
    pub fn of_folder(folder: &Path, root: &Path) -> Result<Self, CatalogueError> {
        let mut texts: BTreeMap<String, String> = EMBEDDED
            .iter()
            .filter(|(name, _)| name.starts_with(SCENES))
            .map(|(n, t)| ((*n).into(), (*t).into()))
            .collect();
        let failed = |path: &Path, source| CatalogueError::Folder { path: path.to_owned(), source };
        for below in ["", SCENES] {
            let path = folder.join(below);
            let entries = match fs::read_dir(&path) {
                Ok(entries) => entries,
                Err(_) if !below.is_empty() => continue,
                Err(error) => return Err(failed(&path, error)),
            };
            for entry in entries {
                let name = entry.map_err(|error| failed(&path, error))?.file_name().to_string_lossy().into_owned();
                if name.ends_with(ENDING) {
                    let text =
                        fs::read_to_string(path.join(&name)).map_err(|error| failed(&path.join(&name), error))?;
                    texts.insert(format!("{below}{name}"), text);
                }
            }
        }
        Self::of(&texts, folder.strip_prefix(root).unwrap_or(folder))
    }

    fn of(texts: &BTreeMap<String, String>, folder: &Path) -> Result<Self, CatalogueError> {
        let scene = |name: &str| {
            let name = format!("{SCENES}{name}{ENDING}");
            texts.get(&name).map(|text| (folder.join(&name), text.clone()))
        };
        let (mut entries, mut problems) = (Vec::new(), Vec::new());
        for (name, text) in texts.iter().filter(|(name, _)| !name.starts_with(SCENES)) {
            match Scenario::parse(&folder.join(name), text, &scene) {
                Ok(scenario) => entries.push(Entry { name: name.trim_end_matches(ENDING).to_owned(), scenario }),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(Self(entries)) } else { Err(CatalogueError::Problems(problems)) }
    }

    /// All of them.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.0
    }

    /// The scenarios that a selection wants.
    ///
    /// # Errors
    /// When a word of it selects nothing.
    pub fn select(&self, selection: &Selection) -> Result<Vec<&Entry>, CatalogueError> {
        for word in &selection.words {
            if !self.0.iter().any(|entry| entry.is_called(word)) {
                return Err(CatalogueError::NothingSelected(word.clone()));
            }
        }
        let wanted = |entry: &&Entry| {
            let words = &selection.words;
            (words.is_empty() || words.iter().any(|word| entry.is_called(word)))
                && entry.variants(selection).next().is_some()
        };
        Ok(self.0.iter().filter(wanted).collect())
    }

    /// What is to be performed of a selection, for each of its versions and encodings.
    ///
    /// # Errors
    /// When a word of it selects nothing.
    pub fn runs(&self, selection: &Selection) -> Result<Vec<Run>, CatalogueError> {
        let entries = self.select(selection)?;
        Ok(entries.into_iter().flat_map(|entry| entry.runs(selection)).collect())
    }
}

impl Selection {
    fn has(&self, variant: &Variant) -> bool {
        (self.versions.is_empty() || self.versions.contains(&variant.csp))
            && (self.encodings.is_empty() || self.encodings.contains(&variant.encoding))
    }
}

impl Entry {
    /// What it belongs to: the area of its first case, or the first word of its name.
    #[must_use]
    pub fn area(&self) -> String {
        let of_case = self.scenario.cases.first().and_then(|case| case.split('-').nth(1));
        of_case.or_else(|| self.name.split('_').next()).unwrap_or_default().to_uppercase()
    }

    /// Whether it makes sense over sockets.
    #[must_use]
    pub fn is_for_sockets(&self) -> bool {
        self.scenario.stages != Stages::Simulation
    }

    fn is_called(&self, word: &str) -> bool {
        let word = word.to_lowercase();
        let begins = |text: &str| text.to_lowercase().starts_with(&word);
        let Scenario { cases, clauses, .. } = &self.scenario;
        begins(&self.name)
            || self.area().to_lowercase() == word
            || cases.iter().any(|case| begins(case))
            || clauses
                .iter()
                .any(|clause| begins(clause) || clause.to_lowercase().split([' ', ',']).any(|rule| rule == word))
    }

    /// Whether anybody in it speaks CSP: else versions and encodings mean nothing to it.
    #[must_use]
    pub fn speaks_csp(&self) -> bool {
        self.scenario.cast.iter().any(|part| matches!(part.kind, PartKind::WvClient(_)))
    }

    fn variants(&self, selection: &Selection) -> impl Iterator<Item = &Variant> {
        let is_deaf = !self.speaks_csp();
        self.scenario.variants.iter().filter(move |variant| is_deaf || selection.has(variant))
    }

    fn runs(&self, selection: &Selection) -> impl Iterator<Item = Run> {
        self.variants(selection).map(|variant| Run {
            name: match self.speaks_csp() {
                true => format!("{}_csp_{}_{}", self.name, variant.csp.replace('.', "_"), variant.encoding),
                false => self.name.clone(),
            },
            of: self.name.clone(),
            scenario: self.scenario.clone(),
            variant: variant.clone(),
        })
    }
}

const SCENES: &str = "scene/";
const ENDING: &str = ".scn";

/// Names and texts, scenes too.
const EMBEDDED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/scenario.rs"));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::case::cases;

    fn names(words: &[&str]) -> Vec<String> {
        let selection = Selection { words: words.iter().map(ToString::to_string).collect(), ..Selection::default() };
        let catalogue = Catalogue::embedded().unwrap();
        catalogue.select(&selection).unwrap().iter().map(|entry| entry.name.clone()).collect()
    }

    #[test]
    fn scenarios_are_found_by_case_area_name_and_clause() {
        assert_eq!(names(&["IWF-MSG-INT-001"]), ["iwf_msg_int_001_short_text"]);
        assert_eq!(names(&["iwf_msg_int_001"]), ["iwf_msg_int_001_short_text"]);
        assert!(names(&["msg"]).len() > 10 && names(&["RFC 3428"]).contains(&"iwf_msg_int_001_short_text".to_owned()));
        let nothing = Selection { words: vec!["nothing".to_owned()], ..Selection::default() };
        assert!(matches!(
            Catalogue::embedded().unwrap().select(&nothing),
            Err(CatalogueError::NothingSelected(word)) if word == "nothing"
        ));
    }

    #[test]
    fn versions_and_encodings_choose_runs() {
        let selection = Selection {
            words: vec!["IWF-MSG-INT-001".to_owned()],
            versions: vec!["1.3".to_owned()],
            encodings: vec!["xml".to_owned()],
        };
        let runs = Catalogue::embedded().unwrap().runs(&selection).unwrap();
        let names: Vec<&str> = runs.iter().map(|run| run.name.as_str()).collect();
        assert_eq!(names, ["iwf_msg_int_001_short_text_csp_1_3_xml"]);
    }

    #[test]
    fn every_case_that_a_scenario_shows_is_one_of_the_catalogue() {
        let catalogue = Catalogue::embedded().unwrap();
        for case in catalogue.entries().iter().flat_map(|entry| &entry.scenario.cases) {
            assert!(cases().any(|known| known.id == case), "{case}");
        }
    }
}
