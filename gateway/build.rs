//! Puts the scenarios of the repository into the program, so that `lab` needs no files.

use std::{env, error::Error, fmt::Write as _, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let manifest = env::var("CARGO_MANIFEST_DIR")?;
    let folder = Path::new(&manifest).join("../fixtures/scenario");
    println!("cargo:rerun-if-changed=build.rs");
    let mut names = Vec::new();
    for below in ["", "scene"] {
        let folder = folder.join(below);
        println!("cargo:rerun-if-changed={}", folder.display());
        for entry in fs::read_dir(&folder)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name.ends_with(".scn") {
                names.push(Path::new(below).join(name).display().to_string());
            }
        }
    }
    names.sort();
    let mut table = String::from("&[\n");
    for name in names {
        let path = folder.join(&name);
        writeln!(table, "({name:?}, include_str!({path:?})),")?;
    }
    table.push_str("]\n");
    fs::write(Path::new(&env::var("OUT_DIR")?).join("scenario.rs"), table)?;
    Ok(())
}
