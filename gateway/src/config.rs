//! The configuration: read in layers (file, environment, command line), checked as a whole, typed from then on.

mod judge;
mod layer;
pub mod option;
mod place;
pub mod problem;
mod read;
pub mod section;
mod shape;
pub mod value;

pub use problem::{Place, Problem, ProblemKind};
pub use section::Configuration;

use layer::Override;
use std::{ffi::OsString, fmt, io, path::Path};

/// Where a configuration is read from.
#[derive(Clone)]
pub struct Sources {
    name: String,
    text: String,
    environment: Vec<(String, Override)>,
    flags: Vec<Override>,
}

/// Everything that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

/// The configuration that is used when none is given.
pub const EMBEDDED_DEFAULT: &str = include_str!("config/default.toml");

impl Sources {
    /// The embedded default.
    #[must_use]
    pub fn embedded() -> Self {
        Self::from_text("embedded default", EMBEDDED_DEFAULT)
    }

    /// A text; `name` is how problems call it.
    #[must_use]
    pub fn from_text(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), text: text.to_owned(), environment: Vec::new(), flags: Vec::new() }
    }

    /// A file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn from_file(path: &Path) -> io::Result<Self> {
        Ok(Self::from_text(&path.display().to_string(), &std::fs::read_to_string(path)?))
    }

    /// Lays the variables `WVSG__SECTION__KEY` over it.
    #[must_use]
    pub fn with_environment(mut self, variables: impl Iterator<Item = (OsString, OsString)>) -> Self {
        let prefix = format!("{}__", layer::ENVIRONMENT_PREFIX);
        for (name, value) in variables {
            let name = name.to_string_lossy().into_owned();
            if let Some(path) = name.strip_prefix(&prefix) {
                let path = path.to_lowercase().replace("__", ".");
                let text = value.to_string_lossy().into_owned();
                self.environment.push((name, Override { path, text }));
            }
        }
        self.environment.sort_by(|left, right| left.0.cmp(&right.0));
        self
    }

    /// Lays one option over everything else.
    #[must_use]
    pub fn with_flag(mut self, path: &str, text: &str) -> Self {
        self.flags.push(Override { path: path.to_owned(), text: text.to_owned() });
        self
    }
}

/// The text holds secrets; only its name is shown.
impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Configuration {
    /// Reads and checks everything.
    ///
    /// # Errors
    /// All problems, in the order of the file.
    pub fn read(sources: &Sources) -> Result<Self, Problems> {
        let mut shape = shape::Shape::of_file(&sources.name, &sources.text);
        let mut environment = Vec::new();
        for (variable, entry) in &sources.environment {
            let place = Place::Environment(variable.clone());
            if shape.lay_over(place, entry) {
                environment.push(entry.clone());
            }
        }
        let mut flags = Vec::new();
        for entry in &sources.flags {
            if shape.lay_over(Place::Flag(entry.path.clone()), entry) {
                flags.push(entry.clone());
            }
        }
        if !shape.is_toml {
            return Err(Problems(shape.problems));
        }
        let values = match layer::Values::merge(&sources.text, &environment, &flags) {
            Ok(values) => values,
            Err(error) => {
                let place = Place::File { name: sources.name.clone(), line: 1, column: 1 };
                shape.problems.push(Problem::new(place, "", ProblemKind::Syntax(error.to_string())));
                return Err(Problems(shape.problems));
            }
        };
        let start = Place::File { name: sources.name.clone(), line: 1, column: 1 };
        let report = judge::Report::new(shape.problems, shape.places, start);
        read::configuration(&values, report).map_err(Problems)
    }
}

impl Problems {
    /// The problems, in the order of the file.
    #[must_use]
    pub fn as_slice(&self) -> &[Problem] {
        &self.0
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.0 {
            writeln!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

#[cfg(test)]
mod tests;
