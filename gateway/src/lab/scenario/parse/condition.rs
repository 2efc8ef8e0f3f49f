//! The lines below an expectation.

use super::super::{
    pattern::{Comparison, Condition, Test},
    problem::Problem,
    source::{Indented, Words},
    template::{Aliases, Template},
};

/// Reads the block of an expectation.
pub(super) fn read(block: &[Indented], aliases: &Aliases) -> Result<Vec<Condition>, Problem> {
    block.iter().map(|line| read_one(line, aliases)).collect()
}

fn read_one(line: &Indented, aliases: &Aliases) -> Result<Condition, Problem> {
    let mut words = Words::new(&line.text, &line.place);
    let path = Template::parse(words.need("the path")?, aliases, &line.place)?;
    let operator = words.need("a test behind the path, such as =, ~, is absent")?;
    let template = |words: &mut Words<'_>| Template::parse(&words.rest_value()?, aliases, &line.place);
    let test = match operator {
        "=" => Test::Is(template(&mut words)?),
        "!=" => Test::IsNot(template(&mut words)?),
        "~" => Test::Like(template(&mut words)?),
        "!~" => Test::Unlike(template(&mut words)?),
        "<" => Test::Compare(Comparison::Less, number(&mut words)?),
        "<=" => Test::Compare(Comparison::LessOrEqual, number(&mut words)?),
        ">" => Test::Compare(Comparison::Greater, number(&mut words)?),
        ">=" => Test::Compare(Comparison::GreaterOrEqual, number(&mut words)?),
        "is" => match words.need("present or absent")? {
            "present" => Test::Present,
            "absent" => Test::Absent,
            word => return Err(Problem::unknown(&line.place, "test", word, &["present", "absent"])),
        },
        "are" => {
            let mut all = Vec::new();
            while words.peek().is_some() {
                all.push(Template::parse(&words.value("a value")?, aliases, &line.place)?);
            }
            Test::Are(all)
        }
        "count" => {
            let count = number(&mut words)?;
            Test::Count(usize::try_from(count).map_err(|_| Problem::at(&line.place, "nothing is there that often"))?)
        }
        "as" => {
            let word = words.need("a variable")?;
            let name = word.strip_prefix('$').filter(|name| !name.is_empty());
            Test::Capture(name.ok_or_else(|| Problem::at(&line.place, "a variable begins with $"))?.to_owned())
        }
        word => return Err(Problem::unknown(&line.place, "test", word, OPERATORS)),
    };
    words.finish()?;
    Ok(Condition { path, test })
}

fn number(words: &mut Words<'_>) -> Result<i64, Problem> {
    let word = words.need("a number")?;
    word.parse().map_err(|_| Problem::at(words.place(), format!("{word} is no number")))
}

const OPERATORS: &[&str] = &["=", "!=", "~", "!~", "<", "<=", ">", ">=", "is", "are", "count", "as"];
