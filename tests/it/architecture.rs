//! Modules import downwards only, and the documents name what is there.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What each module may use, besides itself (docs/ARCHITECTURE.md holds the same table).
fn allowed() -> BTreeMap<&'static str, Vec<&'static str>> {
    let low = ["base", "model"];
    let app = ["base", "model", "store", "connector", "config"];
    let pipeline = [&["app", "engine"], &app[..]].concat();
    let ops = [&["app", "engine", "pipeline"], &app[..]].concat();
    BTreeMap::from([
        ("base", vec![]),
        ("model", vec!["base"]),
        ("engine", low.to_vec()),
        ("store", low.to_vec()),
        ("connector", low.to_vec()),
        ("config", low.to_vec()),
        ("app", app.to_vec()),
        ("pipeline", pipeline.clone()),
        ("ops", ops.clone()),
        ("daemon", [&["http", "pipeline", "sandbox"], &pipeline[..]].concat()),
        ("http", [&["ops", "pipeline"], &ops[..]].concat()),
        ("sandbox", vec!["base"]),
        ("cli", [&["daemon", "http", "sandbox", "ops"], &ops[..]].concat()),
    ])
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

#[test]
fn modules_import_downwards_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let allowed = allowed();
    let mut wrong = Vec::new();
    for path in sources(&root) {
        let relative = path.strip_prefix(&root).unwrap();
        let first = relative.components().next().unwrap().as_os_str().to_string_lossy();
        let module = first.trim_end_matches(".rs").to_owned();
        let Some(may) = allowed.get(module.as_str()) else { continue };
        let text = fs::read_to_string(&path).unwrap();
        let product = text.split("#[cfg(test)]").next().unwrap();
        for (line, content) in product.lines().enumerate() {
            for used in content.split("crate::").skip(1) {
                let name: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if allowed.contains_key(name.as_str()) && name != module && !may.contains(&name.as_str()) {
                    wrong.push(format!("{}:{} uses `{name}`", relative.display(), line + 1));
                }
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
