//! A fresh machine: configuration, master key, database and the first operator, in one folder.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::app::{App, key_check};
use crate::config::Config;
use crate::ops::access::user::{self, Grant};
use nexora_core::base::clock::Clock;
use nexora_core::base::secret::MasterKey;
use nexora_core::base::{Error, Kind, Result, file};
use nexora_core::model::address::EmailAddress;
use nexora_core::model::audit::Actor;
use nexora_store::Db;

/// What was made, and what was there already.
#[derive(Clone, Debug, Serialize)]
pub struct Initialised {
    pub config: PathBuf,
    pub key_file: PathBuf,
    pub database: String,
    pub operator: EmailAddress,
    /// The files that were there before and were left as they are.
    pub kept: Vec<PathBuf>,
}

const ONLY_OWNER: u32 = 0o600;
const FILE: u32 = 0o600;

/// Makes what is missing: the configuration, and beside it all else; running it again changes nothing.
///
/// # Errors
/// `Config` when a file cannot be written; otherwise those of the database.
pub async fn run(
    config_path: &Path,
    database: Option<&str>,
    operator: EmailAddress,
    actor: &Actor,
) -> Result<Initialised> {
    let (Some(name), Some(dir)) = (config_path.file_name(), config_path.parent()) else {
        return Err(Error::config(format!("`{}` names no file", config_path.display())));
    };
    let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    file::make_folders(dir).map_err(|error| {
        Error::config(format!("cannot make folder `{}`", dir.display()))
            .source(error)
            .hint("run it as root, or name another folder with `--dir` or `--config`")
    })?;
    let dir = dir.canonicalize().map_err(|error| Error::config("the folder cannot be used").source(error))?;
    let (config_path, key_file) = (dir.join(name), dir.join("master.key"));
    let definitions = dir.join("definitions");
    file::make_folders(&definitions).map_err(|error| {
        Error::config(format!("cannot make folder `{}`", definitions.display())).source(error)
    })?;
    let mut kept = Vec::new();
    let url = database.map_or_else(|| format!("sqlite:{}", dir.join("nexora.db").display()), str::to_owned);
    if !write_new(&key_file, MasterKey::generate()?.to_hex().expose(), ONLY_OWNER)? {
        kept.push(key_file.clone());
    }
    if !write_new(&config_path, &config_text(&url, &key_file, &definitions), FILE)? {
        kept.push(config_path.clone());
    }
    let config = Config::load(&config_path, std::env::vars())?;
    Db::create(&config.database.url.parse()?).await?;
    let shown = config.database.shown_url();
    let app = App::open(config, Clock::System).await?;
    key_check::keep(&app.db, &app.key).await?;
    match user::create(&app, actor, operator.clone(), None, Grant::Operator).await {
        Ok(_) => {}
        Err(error) if error.kind() == Kind::Conflict => {}
        Err(error) => return Err(error),
    }
    Ok(Initialised { config: config_path, key_file, database: shown, operator, kept })
}

/// Writes a file that is not there yet; one that is there is left alone.
pub(in crate::ops) fn write_new(path: &Path, text: &str, mode: u32) -> Result<bool> {
    let opened = std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let failed = |error| file::unwritable(path, Kind::Config, error);
    match opened {
        Ok(mut file) => {
            writeln!(file, "{}", text.trim_end()).and_then(|()| file.sync_all()).map_err(failed)?;
            Ok(true)
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

/// The documented configuration with this machine's paths in it.
fn config_text(url: &str, key_file: &Path, definitions: &Path) -> String {
    const TEMPLATE: &str = include_str!("../../config/nexora.toml");
    const DEFINITIONS: &str = "\n[definitions]\n";
    let set = |name: &str, value: &str| format!("{name} = {}", toml::Value::String(value.to_owned()));
    let (before, section) = TEMPLATE.split_once(DEFINITIONS).unwrap_or((TEMPLATE, ""));
    let section = section.replacen("folder = \"\"", &set("folder", &definitions.to_string_lossy()), 1);
    format!("{before}{DEFINITIONS}{section}")
        .replace("url = \"sqlite:/var/lib/nexora/nexora.db\"", &set("url", url))
        .replace("key_file = \"/etc/nexora/master.key\"", &set("key_file", &key_file.to_string_lossy()))
}
