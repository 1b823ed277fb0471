//! Modules import downwards only, and the documents name what is there.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What each module may use of its own crate and of the other members, besides itself and `nexora_core`. What a
/// member may use is said by its Cargo.toml (docs/ARCHITECTURE.md holds both as one table).
fn allowed() -> BTreeMap<&'static str, Vec<&'static str>> {
    let app = ["config", "nexora_connector", "nexora_google", "nexora_store"];
    let domain = [&["app", "nexora_engine"], &app[..]].concat();
    let pipeline = [&["domain"], &domain[..]].concat();
    let ops = [&["pipeline"], &pipeline[..]].concat();
    BTreeMap::from([
        ("base", vec![]),
        ("model", vec!["base"]),
        ("config", vec![]),
        ("app", app.to_vec()),
        ("domain", domain),
        ("pipeline", pipeline.clone()),
        ("ops", ops.clone()),
        ("daemon", [&["http", "pipeline", "nexora_sandbox"], &pipeline[..]].concat()),
        ("http", [&["ops"], &ops[..]].concat()),
        ("cli", [&["daemon", "http", "ops", "nexora_sandbox"], &ops[..]].concat()),
    ])
}

/// Returns the modules and members that a line of `module` names, itself and `nexora_core` left out.
fn used<'a>(module: &'a str, line: &'a str) -> impl Iterator<Item = &'a str> {
    let name = |text: &'a str| {
        text.split_once(|c: char| !c.is_alphanumeric() && c != '_').map_or(text, |(name, _)| name)
    };
    let modules = line.split("crate::").skip(1).map(name);
    let members = line.match_indices("nexora_").map(move |(at, _)| name(&line[at..]));
    modules.chain(members).filter(move |used| *used != module && *used != "nexora_core")
}

pub fn sources(folder: &Path) -> Vec<PathBuf> {
    sources_with(folder, "rs")
}

/// Returns the files below a folder whose names end so.
pub fn sources_with(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources_with(&path, ending));
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
    found
}

#[test]
fn modules_import_downwards_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let allowed = allowed();
    let is_member = |name: &str| root.join(name).join("Cargo.toml").exists();
    let known =
        |name: &str| allowed.contains_key(name) || name.strip_prefix("nexora_").is_some_and(is_member);
    let mut wrong = Vec::new();
    for path in sources(&root) {
        let relative = path.strip_prefix(&root).unwrap();
        let in_member = relative.strip_prefix("core").unwrap_or(relative);
        let first = in_member.components().next().unwrap().as_os_str().to_string_lossy();
        let module = first.trim_end_matches(".rs");
        let Some(may) = allowed.get(module) else { continue };
        let text = fs::read_to_string(&path).unwrap();
        let product = text.split("#[cfg(test)]").next().unwrap();
        for (line, content) in product.lines().enumerate() {
            for name in used(module, content).filter(|name| known(name) && !may.contains(name)) {
                wrong.push(format!("{}:{} uses `{name}`", relative.display(), line + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_source_file_is_too_long() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let long: Vec<String> = sources(&root)
        .into_iter()
        .filter(|path| fs::read_to_string(path).unwrap().lines().count() > 500)
        .map(|path| path.display().to_string())
        .collect();
    assert!(long.is_empty(), "over 500 lines: {}", long.join(", "));
}

#[test]
fn every_path_that_the_documents_name_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for document in [
        "README.md",
        "docs/ARCHITECTURE.md",
        "docs/ACCESS.md",
        "docs/PRIVACY.md",
        "docs/ADDING.md",
        "docs/AUTOMATIONS.md",
        "docs/CLI.md",
        "docs/GOOGLE.md",
        "docs/PERFORMANCE.md",
        "docs/INTAKE.md",
        "docs/SOURCES.md",
        "docs/STATUS.md",
    ] {
        let text = fs::read_to_string(root.join(document)).unwrap();
        for quoted in text.split('`').skip(1).step_by(2) {
            let ours =
                ["src/", "config/", "migrations/", "systemd/", "docs/", "scripts/", "tests/", "benches/"];
            if ours.iter().any(|start| quoted.starts_with(start)) && !quoted.contains(['*', '{', ' ']) {
                assert!(root.join(quoted).exists(), "{document} names `{quoted}`, which is not there");
            }
        }
    }
}
