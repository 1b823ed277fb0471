//! `[definitions]`: the automations and messages that come with the program, and a folder whose
//! files take their place.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use nexora_core::base::text::{did_you_mean, line_at};
use nexora_core::base::{Error, Kind, Result, file};
use nexora_core::model::address::Slug;
use nexora_core::model::automation::MessageTemplate;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// A folder with `automations/NAME.toml`, `messages/NAME.toml` and `files/NAME`, and with the same
    /// in `tenants/SLUG` for one tenant; empty for none.
    pub folder: PathBuf,
}

const AUTOMATIONS: &[(&str, &str)] = &[
    ("appointment-helper", include_str!("../../config/automations/appointment-helper.toml")),
    ("connection-alert", include_str!("../../config/automations/connection-alert.toml")),
    ("daily-digest", include_str!("../../config/automations/daily-digest.toml")),
    ("follow-up-sequence", include_str!("../../config/automations/follow-up-sequence.toml")),
    ("jobs-from-calendar", include_str!("../../config/automations/jobs-from-calendar.toml")),
    ("jobs-from-sheet", include_str!("../../config/automations/jobs-from-sheet.toml")),
    ("lead-capture", include_str!("../../config/automations/lead-capture.toml")),
    ("review-request", include_str!("../../config/automations/review-request.toml")),
];

/// The largest file that goes with a message.
const FILE_LIMIT_BYTES: u64 = 5_000_000;

/// The automation that is enabled for a tenant with its first connection.
pub const CONNECTION_ALERT: &str = "connection-alert";

const MESSAGES: &[(&str, &str)] = &[
    ("appointment-cancelled", include_str!("../../config/messages/appointment-cancelled.toml")),
    ("appointment-confirmed", include_str!("../../config/messages/appointment-confirmed.toml")),
    ("appointment-moved", include_str!("../../config/messages/appointment-moved.toml")),
    ("appointment-reminder", include_str!("../../config/messages/appointment-reminder.toml")),
    ("connection-alert", include_str!("../../config/messages/connection-alert.toml")),
    ("connection-alert-operator", include_str!("../../config/messages/connection-alert-operator.toml")),
    ("daily-digest", include_str!("../../config/messages/daily-digest.toml")),
    ("follow-up-1", include_str!("../../config/messages/follow-up-1.toml")),
    ("follow-up-2", include_str!("../../config/messages/follow-up-2.toml")),
    ("follow-up-3", include_str!("../../config/messages/follow-up-3.toml")),
    ("follow-up-4", include_str!("../../config/messages/follow-up-4.toml")),
    ("layout", include_str!("../../config/messages/layout.toml")),
    ("lead-acknowledgement", include_str!("../../config/messages/lead-acknowledgement.toml")),
    ("lead-alert", include_str!("../../config/messages/lead-alert.toml")),
    ("lead-reply-draft", include_str!("../../config/messages/lead-reply-draft.toml")),
    ("lead-untouched", include_str!("../../config/messages/lead-untouched.toml")),
    ("review-reminder", include_str!("../../config/messages/review-reminder.toml")),
    ("review-request", include_str!("../../config/messages/review-request.toml")),
];

/// Returns an automation that comes with the program.
pub fn built_in_automation(name: &str) -> Option<Text> {
    built_in("automations", name, AUTOMATIONS)
}

/// Returns a message that comes with the program.
pub fn built_in_message(name: &str) -> Option<Text> {
    built_in("messages", name, MESSAGES)
}

fn built_in(kind: &str, name: &str, all: &[(&str, &str)]) -> Option<Text> {
    let (_, text) = all.iter().find(|(known, _)| *known == name)?;
    Some(Text { file: format!("{kind}/{name}.toml"), text: (*text).to_owned() })
}

impl Settings {
    /// # Errors
    /// `Config` when the folder is named and not there.
    pub fn check(&self) -> Result<()> {
        if self.folder.as_os_str().is_empty() || self.folder.is_dir() {
            return Ok(());
        }
        Err(Error::config(format!("`definitions.folder` is not a folder: `{}`", self.folder.display())))
    }

    /// Returns what a tenant can use: its own files first, then those for all, then the built-in ones.
    pub fn of(&self, tenant: Option<&Slug>) -> Shelf {
        if self.folder.as_os_str().is_empty() {
            return Shelf { folders: Vec::new() };
        }
        let own = tenant.map(|slug| self.folder.join("tenants").join(slug.as_str()));
        Shelf { folders: own.into_iter().chain([self.folder.clone()]).collect() }
    }
}

/// The definitions that one tenant can use.
#[derive(Clone, Debug)]
pub struct Shelf {
    /// Folders that are looked into, in order.
    folders: Vec<PathBuf>,
}

/// A text and the file that it is from.
#[derive(Clone, Debug)]
pub struct Text {
    pub file: String,
    pub text: String,
}

impl Shelf {
    /// Returns the names of the automations that can be enabled.
    pub fn automation_names(&self) -> Vec<String> {
        let mut names: Vec<String> = AUTOMATIONS.iter().map(|(name, _)| (*name).to_owned()).collect();
        for folder in &self.folders {
            let files = std::fs::read_dir(folder.join("automations")).into_iter().flatten().flatten();
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

    /// Returns an automation's definition as text.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub fn automation(&self, name: &str) -> Result<Text> {
        self.text("automations", name, AUTOMATIONS)?.ok_or_else(|| {
            let hint = did_you_mean(name, self.automation_names().iter().map(String::as_str));
            Error::not_found(format!("no automation template `{name}`"))
                .hint(hint.unwrap_or_else(|| "run `nexora automation templates`".to_owned()))
        })
    }

    /// Returns a message template, or nothing when there is none of this name.
    ///
    /// # Errors
    /// `Config` when the file is not a message.
    pub fn message(&self, name: &str) -> Result<Option<MessageTemplate>> {
        let Some(Text { file, text }) = self.text("messages", name, MESSAGES)? else { return Ok(None) };
        let mut template: MessageTemplate = toml::from_str(&text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let line = line_at(&text, at);
            Error::config(format!("message template `{name}` is wrong: {file}:{line}: {}", error.message()))
        })?;
        for attachment in &mut template.attachments {
            attachment.content = attachment.file.as_deref().map(|file| self.file(file)).transpose()?;
        }
        Ok(Some(template))
    }

    /// Reads a file that goes with a message, as Base64.
    fn file(&self, name: &str) -> Result<String> {
        let is_plain_name = Path::new(name).components().count() == 1 && !name.starts_with('.');
        let places = self.folders.iter().map(|folder| folder.join("files").join(name));
        let path = places.filter(|_| is_plain_name).find(|path| path.exists()).ok_or_else(|| {
            Error::config(format!("there is no file `{name}` to attach"))
                .hint("put it into `files` in the folder that `definitions.folder` names")
        })?;
        let described = std::fs::metadata(&path);
        let size_bytes = described.map_err(|error| file::unreadable(&path, Kind::Config, error))?.len();
        if size_bytes > FILE_LIMIT_BYTES {
            return Err(Error::config(format!("`{}` is too large to attach", path.display()))
                .hint("5 MB is the limit: put a link into the message instead"));
        }
        file::read(&path, Kind::Config).map(|bytes| BASE64.encode(bytes))
    }

    fn text(&self, kind: &str, name: &str, all: &[(&str, &str)]) -> Result<Option<Text>> {
        let is_plain_name = Path::new(name).components().count() == 1 && !name.contains('.');
        let places = self.folders.iter().map(|folder| folder.join(kind).join(format!("{name}.toml")));
        if let Some(path) = places.filter(|_| is_plain_name).find(|path| path.exists()) {
            let text = file::read_text(&path, Kind::Config)?;
            return Ok(Some(Text { file: path.display().to_string(), text }));
        }
        Ok(built_in(kind, name, all))
    }
}
