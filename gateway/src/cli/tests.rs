use super::*;

fn parse(line: &str) -> CommandLine {
    CommandLine::try_parse_from(line.split_whitespace()).unwrap()
}

#[test]
fn the_command_line_is_consistent() {
    CommandLine::command().debug_assert();
}

#[test]
fn every_command_and_option_says_what_it_is_for() {
    fn look(command: &clap::Command, path: &str) {
        assert!(command.get_about().is_some(), "{path}");
        for argument in
            command.get_arguments().filter(|argument| !["help", "version"].contains(&argument.get_id().as_str()))
        {
            assert!(argument.get_help().is_some(), "{path} {}", argument.get_id());
        }
        for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
            look(inner, &format!("{path} {}", inner.get_name()));
        }
    }
    look(&CommandLine::command(), NAME);
}

#[test]
fn the_commands_of_the_contract_are_there() {
    for line in [
        "g run --config f --set a.b=c --json",
        "g demo --once --csp 1.3 --encoding xml",
        "g peer wv",
        "g peer sip --server tcp:127.0.0.1:5060",
        "g init access",
        "g init lab dir",
        "g check-config f --online",
        "g account add wv:a@d --password x --no-digest",
        "g account list --json",
        "g account list --config f --set a.b=c",
        "g account import f",
        "g show sessions",
        "g explain a b",
        "g trace --user u --read f --export svg",
        "g announce wv:a@d hello --option y=yes --option n=no --requires-answer --validity-s 60",
        "g lab list --select MSG --csp 1.2 --encoding xml --scenarios d --json",
        "g lab run --select A,B --target f --jobs 2 --patience 50 --result r --html h --junit j --statement s",
        "g lab report r before --html h",
        "g lab load --target f --sessions 64 --rate 300 --seconds 9 --poll-ms 100 --wait 5 --svg s",
        "g lab record --out o --read - --title t --config c",
        "g drain",
        "g reload",
        "g completions bash",
        "g man",
    ] {
        parse(line);
    }
    assert!(CommandLine::try_parse_from(["g", "run", "--set", "x"]).is_err());
}

#[test]
fn settings_reach_the_configuration() {
    let Command::Run { source } = parse("g run --set limits.linger_s=7 --set node.name=x").command else {
        panic!("not run")
    };
    let configuration = Configuration::read(&source.sources().unwrap()).unwrap();
    assert_eq!(configuration.node.name, "x");
    assert_eq!(configuration.limits.engine.linger.as_secs(), 7);
}

#[test]
fn completions_are_made_from_the_help() {
    let mut script = Vec::new();
    clap_complete::generate(clap_complete::Shell::Bash, &mut CommandLine::command(), NAME, &mut script);
    assert!(String::from_utf8(script).unwrap().contains("check-config"));
}
