//! `[secrets]`: where the master key is.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use nexora_core::base::secret::MasterKey;
use nexora_core::base::{Error, Kind, Result, file};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The file with the master key, as `nexora init` wrote it; readable by its owner only.
    pub key_file: PathBuf,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { key_file: PathBuf::from("/etc/nexora/master.key") }
    }
}

impl Settings {
    /// # Errors
    /// `Config` when the path is empty.
    pub fn check(&self) -> Result<()> {
        if self.key_file.as_os_str().is_empty() {
            return Err(Error::config("`secrets.key_file` is empty"));
        }
        Ok(())
    }

    /// Reads the key.
    ///
    /// # Errors
    /// `Config` when the file cannot be read, may be read or written by others than its owner, or holds no key.
    pub fn master_key(&self) -> Result<MasterKey> {
        let text = file::read_text(&self.key_file, Kind::Config).map_err(|error| {
            error.hint("`secrets.key_file` must name the master key, which `nexora init` wrote")
        })?;
        refuse_open_file(&self.key_file)?;
        MasterKey::parse(&text).map_err(|error| {
            Error::config(format!("`{}` is not a master key", self.key_file.display()))
                .source(error)
                .hint("restore it from your backup")
        })
    }
}

fn refuse_open_file(path: &Path) -> Result<()> {
    if file::is_open_to_others(path) {
        return Err(Error::config(format!(
            "others than its owner may read or write the master key `{}`",
            path.display()
        ))
        .hint(format!("run `chmod 600 {}`; its owner is the user that runs nexora", path.display())));
    }
    Ok(())
}
