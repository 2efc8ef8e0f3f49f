//! Reading a scenario. The language is described in the README, section "Add a scenario".

mod condition;
mod direction;
mod heading;

use super::{
    model::{Direction, Part, Scenario, Step},
    problem::{Place, Problem},
    source::{self, Line, Words},
    template::{Aliases, Template},
};
use std::path::{Path, PathBuf};

/// Where the scenes are that scenarios play: a name gives the file and its text.
pub type Scenes<'a> = &'a dyn Fn(&str) -> Option<(PathBuf, String)>;

impl Scenario {
    /// Reads a scenario.
    ///
    /// # Errors
    /// The first problem, with file and line.
    pub fn parse(file: &Path, text: &str, scenes: Scenes<'_>) -> Result<Self, Problem> {
        let lines = source::read(file, text)?;
        let (mut scenario, rest) = heading::read(file, &lines)?;
        let mut reader = Reader { cast: &scenario.cast, scenes, steps: Vec::new() };
        reader.read_all(rest, &Context::default())?;
        let steps = reader.steps;
        if steps.is_empty() {
            let line = lines.len().max(1);
            let place = lines.last().map_or(Place { file: file.into(), line }, |line| line.place.clone());
            return Err(Problem::at(&place, "nothing happens in this scenario"));
        }
        scenario.steps = steps;
        Ok(scenario)
    }
}

/// Reads directions one after another.
struct Reader<'a> {
    cast: &'a [Part],
    scenes: Scenes<'a>,
    steps: Vec<Step>,
}

/// What holds for the directions that are read.
#[derive(Clone, Debug, Default)]
struct Context {
    /// Parameters of the scene.
    aliases: Aliases,
    /// Whether all of them are preconditions.
    is_given: bool,
    /// The versions for which they hold.
    versions: Option<Vec<String>>,
    /// How deep scenes are in scenes.
    depth: usize,
}

impl Reader<'_> {
    fn read_all(&mut self, lines: &[Line], context: &Context) -> Result<(), Problem> {
        let mut rest = lines;
        while let Some((line, after)) = rest.split_first() {
            let mut words = Words::new(&line.text, &line.place);
            if words.take("each") {
                let (inner, after) = loop_body(line, after)?;
                self.repeat(line, words, inner, context)?;
                rest = after;
                continue;
            }
            if line.text == "done" {
                return Err(Problem::at(&line.place, "done ends a loop that begins with each, and there is none"));
            }
            self.read_line(line, context)?;
            rest = after;
        }
        Ok(())
    }

    fn read_line(&mut self, line: &Line, context: &Context) -> Result<(), Problem> {
        let mut context = context.clone();
        let mut words = Words::new(&line.text, &line.place);
        loop {
            if words.take("given") {
                context.is_given = true;
            } else if let Some(versions) = heading::version_guard(&mut words)? {
                context.versions = Some(versions);
            } else {
                break;
            }
        }
        if words.take("play") {
            return self.play(line, words, &context);
        }
        let direction = direction::read(line, words, self.cast, &context.aliases)?;
        self.push(line, direction, &context)
    }

    fn push(&mut self, line: &Line, direction: Direction, context: &Context) -> Result<(), Problem> {
        if self.steps.len() >= STEPS_MAX {
            return Err(Problem::at(&line.place, format!("more than {STEPS_MAX} steps")));
        }
        self.steps.push(Step {
            place: line.place.clone(),
            text: line.text.clone(),
            is_given: context.is_given,
            versions: context.versions.clone(),
            direction,
        });
        Ok(())
    }

    /// `play watched S1 W1`: the directions of a scene, with other names.
    fn play(&mut self, line: &Line, mut words: Words<'_>, context: &Context) -> Result<(), Problem> {
        let name = words.need("the name of the scene")?;
        let Some((file, text)) = (self.scenes)(name) else {
            return Err(Problem::at(&line.place, format!("there is no scene {name} (scene/{name}.scn)")));
        };
        if context.depth >= DEPTH_MAX {
            return Err(Problem::at(&line.place, "scenes are played inside each other too deeply"));
        }
        let lines = source::read(&file, &text)?;
        let Some((head, rest)) = lines.split_first().filter(|(head, _)| head.text.starts_with("scene ")) else {
            let place = Place { file: file.as_path().into(), line: 1 };
            return Err(Problem::at(&place, "a scene begins with: scene NAME PARAMETER…"));
        };
        let parameters: Vec<&str> = head.text.split_whitespace().skip(2).collect();
        let mut inner = Context { depth: context.depth.saturating_add(1), ..context.clone() };
        inner.aliases.clear();
        for parameter in &parameters {
            let argument = words.need(&format!("the argument {parameter} of {name}"))?;
            let argument = context.aliases.get(argument).map_or(argument, String::as_str);
            inner.aliases.insert((*parameter).to_owned(), argument.to_owned());
        }
        words.finish()?;
        self.read_all(rest, &inner)
    }

    /// `each $a $b` with rows of values below, and the directions up to `done`.
    fn repeat(&mut self, line: &Line, mut words: Words<'_>, inner: &[Line], context: &Context) -> Result<(), Problem> {
        let mut names = Vec::new();
        while let Some(word) = words.next() {
            let name = word.strip_prefix('$').filter(|name| !name.is_empty());
            names.push(name.ok_or_else(|| Problem::at(&line.place, format!("{word}: a variable begins with $")))?);
        }
        if names.is_empty() || line.block.is_empty() {
            let reason = "write: each $VARIABLE…, and rows of values indented below it";
            return Err(Problem::at(&line.place, reason));
        }
        for row in &line.block {
            let mut values = Words::new(&row.text, &row.place);
            for name in &names {
                let value = values.value(&format!("the value of ${name}"))?;
                let value = Template::parse(&value, &context.aliases, &row.place)?;
                let row_line = Line { place: row.place.clone(), text: row.text.clone(), block: Vec::new() };
                self.push(&row_line, Direction::Let((*name).to_owned(), value), context)?;
            }
            values.finish()?;
            self.read_all(inner, context)?;
        }
        Ok(())
    }
}

/// The lines up to the `done` of a loop, and those behind it.
fn loop_body<'l>(line: &Line, after: &'l [Line]) -> Result<(&'l [Line], &'l [Line]), Problem> {
    let mut depth: usize = 0;
    for (index, inner) in after.iter().enumerate() {
        if inner.text.starts_with("each ") {
            depth = depth.saturating_add(1);
        } else if inner.text == "done" {
            if depth == 0 {
                let (body, rest) = after.split_at(index);
                return Ok((body, rest.get(1..).unwrap_or_default()));
            }
            depth = depth.saturating_sub(1);
        }
    }
    Err(Problem::at(&line.place, "the loop has no done"))
}

/// Steps of one scenario, loops and scenes written out.
const STEPS_MAX: usize = 5000;
/// Scenes inside scenes.
const DEPTH_MAX: usize = 8;

#[cfg(test)]
mod tests;
