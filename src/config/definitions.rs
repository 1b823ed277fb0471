//! `[definitions]`: the automations and messages that come with the program, and a folder whose
//! files take their place.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use crate::base::{Error, Result};
use crate::model::automation::MessageTemplate;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// A folder with `automations/NAME.toml`, `messages/NAME.toml` and `files/NAME`; empty for none.
    pub folder: PathBuf,
}

const AUTOMATIONS: &[(&str, &str)] = &[
    (CONNECTION_ALERT, include_str!("../../config/automations/connection-alert.toml")),
    ("lead-capture", include_str!("../../config/automations/lead-capture.toml")),
];

/// The largest file that goes with a message.
const FILE_LIMIT_BYTES: u64 = 5_000_000;

/// The automation that is enabled for a tenant with its first connection.
pub const CONNECTION_ALERT: &str = "connection-alert";

const MESSAGES: &[(&str, &str)] = &[
    ("connection-alert", include_str!("../../config/messages/connection-alert.toml")),
    ("connection-alert-operator", include_str!("../../config/messages/connection-alert-operator.toml")),
    ("lead-acknowledgement", include_str!("../../config/messages/lead-acknowledgement.toml")),
    ("lead-alert", include_str!("../../config/messages/lead-alert.toml")),
];

impl Settings {
    /// # Errors
    /// `Config` when the folder is named and not there.
    pub fn check(&self) -> Result<()> {
        if self.folder.as_os_str().is_empty() || self.folder.is_dir() {
            return Ok(());
        }
        Err(Error::config(format!("`definitions.folder` is not a folder: `{}`", self.folder.display())))
    }

    /// Returns the names of the automations that can be enabled.
    pub fn automation_names(&self) -> Vec<String> {
        let mut names: Vec<String> = AUTOMATIONS.iter().map(|(name, _)| (*name).to_owned()).collect();
        if let Some(folder) = self.place("automations") {
            let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
            names.extend(files.filter_map(|file| {
                let path = file.path();
                let is_toml = path.extension().is_some_and(|extension| extension == "toml");
                path.file_stem().filter(|_| is_toml).map(|stem| stem.to_string_lossy().into_owned())
            }));
        }
        names.sort();
        names.dedup();
        names
    }

    /// Returns an automation's definition as text: the folder's, or else the built-in one.
    ///
    /// # Errors
    /// `NotFound` when there is neither.
    pub fn automation(&self, name: &str) -> Result<String> {
        self.text("automations", name, AUTOMATIONS)?.ok_or_else(|| {
            Error::not_found(format!("no automation template `{name}`"))
                .hint("run `nexora automation templates`")
        })
    }

    /// Returns a message template: the folder's, or else the built-in one.
    ///
    /// # Errors
    /// `NotFound` when there is neither; `Config` when the file is not a message.
    pub fn message(&self, name: &str) -> Result<MessageTemplate> {
        let text = self
            .text("messages", name, MESSAGES)?
            .ok_or_else(|| Error::not_found(format!("no message template `{name}`")))?;
        let mut template: MessageTemplate = toml::from_str(&text)
            .map_err(|error| Error::config(format!("message template `{name}` is wrong")).source(error))?;
        for attachment in &mut template.attachments {
            attachment.content = attachment.file.as_deref().map(|file| self.file(file)).transpose()?;
        }
        Ok(template)
    }

    /// Reads a file that goes with a message, as Base64.
    fn file(&self, name: &str) -> Result<String> {
        let is_plain_name = Path::new(name).components().count() == 1 && !name.starts_with('.');
        let folder = self.place("files").filter(|_| is_plain_name);
        let path = folder.map(|folder| folder.join(name)).ok_or_else(|| {
            Error::config(format!("there is no file `{name}` to attach"))
                .hint("put it into `files` in the folder that `definitions.folder` names")
        })?;
        let unreadable = || Error::config(format!("cannot read `{}`", path.display()));
        let size_bytes = std::fs::metadata(&path).map_err(|error| unreadable().source(error))?.len();
        if size_bytes > FILE_LIMIT_BYTES {
            return Err(Error::config(format!("`{}` is too large to attach", path.display()))
                .hint("5 MB is the limit: put a link into the message instead"));
        }
        std::fs::read(&path).map(|bytes| BASE64.encode(bytes)).map_err(|error| unreadable().source(error))
    }

    fn place(&self, kind: &str) -> Option<PathBuf> {
        (!self.folder.as_os_str().is_empty()).then(|| self.folder.join(kind))
    }

    fn text(&self, kind: &str, name: &str, built_in: &[(&str, &str)]) -> Result<Option<String>> {
        let is_plain_name = Path::new(name).components().count() == 1 && !name.contains('.');
        if let Some(folder) = self.place(kind).filter(|_| is_plain_name) {
            let path = folder.join(format!("{name}.toml"));
            if path.exists() {
                return std::fs::read_to_string(&path).map(Some).map_err(|error| {
                    Error::config(format!("cannot read `{}`", path.display())).source(error)
                });
            }
        }
        Ok(built_in.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned()))
    }
}
