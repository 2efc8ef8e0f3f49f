//! What keeps the gateway running: the unit of systemd, the image and the compose file in `deploy`, as far as they can be
//! judged without what runs them.

use acceptance::{folder::Folder, product::program, repository, tool};
use gateway::config::{Configuration, Sources};
use std::{fs, path::Path, process::Command, time::Duration};

const BINARY: &str = "/usr/bin/wv-simple-gateway";

fn read(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap()
}

/// Whether the product's own command line takes these arguments; nothing is done.
fn is_taken<'a>(arguments: impl IntoIterator<Item = &'a str>) -> bool {
    Command::new(program()).args(arguments).arg("--help").output().unwrap().status.success()
}

/// How long the process may take to end, as the example has it.
fn drain() -> Duration {
    let sources = Sources::from_text("gateway.toml", &read("deploy/sidecar/gateway.toml"));
    Configuration::read(&sources).unwrap().limits.drain
}

/// The values of a key of the unit.
fn unit(text: &str, key: &str) -> Vec<String> {
    let of_line = |line: &str| line.strip_prefix(key)?.strip_prefix('=').map(str::to_owned);
    text.lines().filter_map(of_line).collect()
}

#[test]
fn the_unit_says_what_the_product_takes() {
    let text = read("deploy/systemd/wv-simple-gateway.service");
    for key in ["ExecStartPre", "ExecStart", "ExecReload"] {
        let [line] = unit(&text, key).try_into().unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words[0], BINARY);
        assert!(is_taken(words[1..].iter().copied()), "{line}");
        // What is no option of it is noticed.
        assert!(!is_taken([words[1], "--no-such-option"]), "{line}");
    }
    let [patience] = unit(&text, "TimeoutStopSec").try_into().unwrap();
    assert!(Duration::from_secs(patience.parse().unwrap()) > drain());
    let [folder] = unit(&text, "StateDirectory").try_into().unwrap();
    assert_eq!(unit(&text, "WorkingDirectory"), [format!("%S/{folder}")]);
}

#[test]
fn systemd_finds_nothing_wrong_with_the_unit() {
    let Some(analyze) = tool::find("systemd-analyze") else { return };
    let folder = Folder::new("unit");
    // It looks whether the program is there.
    let text = read("deploy/systemd/wv-simple-gateway.service").replace(BINARY, program().to_str().unwrap());
    let verify = |name: &str, text: &str| {
        let file = folder.file(name);
        fs::write(&file, text).unwrap();
        let output = Command::new(&analyze).arg("verify").arg(&file).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (is_right, told) = verify("wv-simple-gateway.service", &text);
    // Other units of the machine are none of ours.
    let is_ours = |line: &&str| line.contains("wv-simple-gateway");
    assert!(is_right && !told.lines().any(|line| is_ours(&line)), "{told}");
    let (_, told) = verify("wv-simple-gateway-wrong.service", &text.replace("UMask=", "UMaks="));
    assert!(told.contains("UMaks"), "{told}");
}

/// The instructions of a Containerfile.
fn instructions(text: &str) -> Vec<(&str, &str)> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_once(' ').unwrap()).collect()
}

/// The words of the JSON form.
fn words(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap()
}

/// The plain YAML of a compose file: each value with the names above it; an item of a list by its place.
fn entries(text: &str) -> Vec<(String, String)> {
    let mut path: Vec<(usize, String)> = Vec::new();
    let mut found = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.trim().starts_with('#')) {
        assert!(!line.contains('\t'), "YAML has no tabs: {line}");
        let depth = line.len() - line.trim_start().len();
        path.retain(|(known, _)| *known < depth);
        let above = path.iter().map(|(_, name)| format!("{name}.")).collect::<String>();
        match (line.trim().strip_prefix("- "), line.trim().split_once(':')) {
            (Some(item), _) => found.push((format!("{above}{}", found.len()), item.to_owned())),
            (None, Some((name, value))) if value.trim().is_empty() => path.push((depth, name.to_owned())),
            (None, Some((name, value))) => found.push((format!("{above}{name}"), value.trim().to_owned())),
            (None, None) => panic!("neither a key nor an item: {line}"),
        }
    }
    found
}

#[test]
fn the_image_holds_what_it_starts_and_the_compose_file_gives_it_what_it_reads() {
    let image = read("deploy/sidecar/Containerfile");
    let image = instructions(&image);
    let of = |name: &str| image.iter().filter(|(known, _)| *known == name).map(|(_, rest)| *rest).collect::<Vec<_>>();
    let toolchain = read("rust-toolchain.toml");
    let from = of("FROM");
    let version = from[0].split_once("rust:").and_then(|(_, rest)| rest.split_once('-')).unwrap().0;
    assert!(toolchain.contains(&format!("channel = \"{version}.")), "{} and {toolchain}", from[0]);
    // What goes in is there; what comes out of the build is what is started.
    let (built, sources): (Vec<&str>, Vec<&str>) = of("COPY").into_iter().partition(|rest| rest.starts_with("--from="));
    for rest in sources {
        let names: Vec<&str> = rest.split_whitespace().collect();
        let names = &names[..names.len() - 1];
        assert!(!names.is_empty() && names.iter().all(|name| repository().join(name).exists()), "{rest}");
    }
    assert!(built.len() == 1 && built[0].ends_with(&format!("/release/wv-simple-gateway {BINARY}")), "{built:?}");
    let (entry, arguments) = (words(of("ENTRYPOINT")[0]), words(of("CMD")[0]));
    assert_eq!(entry, [BINARY]);
    assert!(is_taken(arguments.iter().map(String::as_str)), "{arguments:?}");
    let [read_inside] =
        <[&String; 1]>::try_from(arguments.iter().filter(|word| word.ends_with(".toml")).collect::<Vec<_>>()).unwrap();
    let work = of("WORKDIR")[1];

    let compose = read("deploy/sidecar/compose.yaml");
    let compose = entries(&compose);
    let value = |name: &str| {
        let found = compose.iter().find(|(known, _)| known == &format!("services.gateway.{name}"));
        found.unwrap_or_else(|| panic!("no {name}: {compose:?}")).1.as_str()
    };
    let folder = Path::new("deploy/sidecar");
    let context = fs::canonicalize(repository().join(folder).join(value("build.context"))).unwrap();
    assert_eq!(context, fs::canonicalize(repository()).unwrap());
    assert!(context.join(value("build.dockerfile")).is_file());
    assert_eq!((value("network_mode"), value("restart")), ("host", "on-failure"));
    let patience = value("stop_grace_period").strip_suffix('s').unwrap().parse().unwrap();
    assert!(Duration::from_secs(patience) > drain());
    let mounts: Vec<&str> = compose
        .iter()
        .filter(|(name, _)| name.starts_with("services.gateway.volumes."))
        .map(|(_, mount)| mount.as_str())
        .collect();
    assert!(mounts.contains(&format!("./gateway.toml:{read_inside}:ro").as_str()), "{mounts:?}");
    assert!(mounts.contains(&format!("data:{work}").as_str()), "{mounts:?}");
    assert!(compose.contains(&("volumes.data".to_owned(), "{}".to_owned())), "{compose:?}");
    // The configuration that is given to it, as it stands.
    let file = repository().join(folder).join("gateway.toml");
    assert!(Command::new(program()).arg("check-config").arg(file).output().unwrap().status.success());
}
