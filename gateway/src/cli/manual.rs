//! The manual page: the help of every command, and every option of the configuration.

use super::CommandLine;
use crate::config::option::{Fallback, OPTIONS};
use clap::CommandFactory;
use std::io::{self, Write};

/// Writes the page in the form that `man` reads.
pub(super) fn write(out: &mut impl Write) -> io::Result<()> {
    let mut command = CommandLine::command();
    command.build();
    clap_mangen::Man::new(command.clone()).render(out)?;
    writeln!(out, ".SH COMMANDS")?;
    for inner in command.get_subcommands_mut().filter(|inner| inner.get_name() != "help") {
        write_command(out, inner, "")?;
    }
    writeln!(out, ".SH CONFIGURATION")?;
    for option in OPTIONS {
        let default = match option.default {
            Fallback::Text(text) => format!("Default: \"{text}\"."),
            Fallback::Texts(texts) => format!("Default: [{}].", texts.join(", ")),
            Fallback::Integer(number) => format!("Default: {number}."),
            Fallback::Flag(flag) => format!("Default: {flag}."),
            Fallback::None(meaning) => format!("Without it: {meaning}."),
            Fallback::Required => "Has to be written.".to_owned(),
        };
        writeln!(out, ".TP\n\\fB{}\\fR", escape(option.path))?;
        writeln!(out, "{}", escape(&format!("{} {default}", option.about)))?;
    }
    Ok(())
}

fn write_command(out: &mut impl Write, command: &mut clap::Command, before: &str) -> io::Result<()> {
    let path = format!("{before}{}", command.get_name());
    writeln!(out, ".SS {}\n.nf", escape(&path))?;
    for line in command.render_long_help().to_string().lines() {
        writeln!(out, "{}", escape(line))?;
    }
    writeln!(out, ".fi")?;
    for inner in command.get_subcommands_mut().filter(|inner| inner.get_name() != "help") {
        write_command(out, inner, &format!("{path} "))?;
    }
    Ok(())
}

/// A line that says to the formatter what it says to the reader.
fn escape(line: &str) -> String {
    let line = line.replace('\\', "\\e").replace('-', "\\-");
    if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_command_and_every_option() {
        let mut page = Vec::new();
        write(&mut page).unwrap();
        let page = String::from_utf8(page).unwrap();
        for expected in [".SS account import", ".SS check\\-config", "\\fBlimits.coalesce_ms\\fR", "Default: 250."] {
            assert!(page.contains(expected), "{expected}");
        }
    }

    #[test]
    fn a_line_cannot_command_the_formatter() {
        assert_eq!(escape(".x \\y"), "\\&.x \\ey");
    }
}
