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
use nexora_core::model::language::Language;
use nexora_core::model::tenant::Tenant;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// A folder with `automations/NAME.toml`, `messages/NAME.toml` and `files/NAME`, and with the same
    /// in `tenants/SLUG` for one tenant; empty for none. `messages/de/NAME.toml` is for tenants of that language.
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

/// Messages by name.
type Pack = [(&'static str, &'static str)];

/// Messages that are the same in every language: the layout says what it says in the tenant's, and an operator reads English.
const COMMON: &Pack = &[
    ("connection-alert-operator", include_str!("../../config/messages/connection-alert-operator.toml")),
    ("layout", include_str!("../../config/messages/layout.toml")),
];

/// The messages of a language, from its folder. One that is missing there does not compile.
macro_rules! pack {
    ($folder:literal) => {
        pack!($folder:
            "appointment-cancelled",
            "appointment-confirmed",
            "appointment-moved",
            "appointment-reminder",
            "connection-alert",
            "daily-digest",
            "follow-up-1",
            "follow-up-2",
            "follow-up-3",
            "follow-up-4",
            "lead-acknowledgement",
            "lead-alert",
            "lead-reply-draft",
            "lead-untouched",
            "review-reminder",
            "review-request",
        )
    };
    ($folder:literal: $($name:literal,)*) => {
        &[$(($name, include_str!(concat!("../../config/messages/", $folder, "/", $name, ".toml")))),*]
    };
}

fn pack(language: Language) -> &'static Pack {
    match language {
        Language::English => pack!("en"),
        Language::German => pack!("de"),
        Language::Spanish => pack!("es"),
        Language::French => pack!("fr"),
    }
}

/// Returns an automation that comes with the program.
pub fn built_in_automation(name: &str) -> Option<Text> {
    AUTOMATIONS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(name, text)| Text { file: format!("automations/{name}.toml"), text: (*text).to_owned() })
}

/// Returns a message that comes with the program, in a language.
pub fn built_in_message(language: Language, name: &str) -> Option<Text> {
    let mut all = pack(language).iter().chain(COMMON);
    all.find(|(known, _)| *known == name)
        .map(|(name, text)| Text { file: format!("messages/{name}.toml"), text: (*text).to_owned() })
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
    ///
    /// # Errors
    /// `Internal` when what is stored of the tenant cannot be read.
    pub fn of(&self, tenant: &Tenant) -> Result<Shelf> {
        Ok(self.shelf(Some(&tenant.slug), tenant.language()?))
    }

    /// Returns what every tenant can use, with messages in English.
    pub fn common(&self) -> Shelf {
        self.shelf(None, Language::English)
    }

    fn shelf(&self, tenant: Option<&Slug>, language: Language) -> Shelf {
        if self.folder.as_os_str().is_empty() {
            return Shelf { folders: Vec::new(), language };
        }
        let own = tenant.map(|slug| self.folder.join("tenants").join(slug.as_str()));
        Shelf { folders: own.into_iter().chain([self.folder.clone()]).collect(), language }
    }
}

/// The definitions that one tenant can use.
#[derive(Clone, Debug)]
pub struct Shelf {
    /// Folders that are looked into, in order.
    folders: Vec<PathBuf>,
    /// The language of the messages.
    pub language: Language,
}

/// A text and the file that it is from.
#[derive(Clone, Debug)]
pub struct Text {
    pub file: String,
    pub text: String,
}

impl Shelf {
    /// Returns what a folder of one automation holds, and what comes with the program.
    pub fn of_folder(folder: PathBuf, language: Language) -> Shelf {
        Shelf { folders: vec![folder], language }
    }

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
        let own = self.read(&[format!("automations/{name}.toml")], name)?.map(|own| own.text);
        own.or_else(|| built_in_automation(name)).ok_or_else(|| {
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
        let found = self.own_message(name)?.map(|own| own.text);
        found
            .or_else(|| built_in_message(self.language, name))
            .map(|text| self.template(name, &text))
            .transpose()
    }

    /// Returns a message template that this language has and another would not: nothing where a file that is for all
    /// languages takes its place.
    ///
    /// # Errors
    /// As [`Shelf::message`].
    pub fn translated(&self, name: &str) -> Result<Option<MessageTemplate>> {
        let found = match self.own_message(name)? {
            Some(own) => Some(own.text).filter(|_| own.is_of_language),
            None => built_in_message(self.language, name),
        };
        found.map(|text| self.template(name, &text)).transpose()
    }

    fn own_message(&self, name: &str) -> Result<Option<Own>> {
        let language = self.language;
        self.read(&[format!("messages/{language}/{name}.toml"), format!("messages/{name}.toml")], name)
    }

    fn template(&self, name: &str, Text { file, text }: &Text) -> Result<MessageTemplate> {
        let mut template: MessageTemplate = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let line = line_at(text, at);
            Error::config(format!("message template `{name}` is wrong: {file}:{line}: {}", error.message()))
        })?;
        for attachment in &mut template.attachments {
            attachment.content = match (attachment.file.as_deref(), attachment.content.take()) {
                (None, _) => None,
                // As an export of a tenant writes it where two files have one name.
                (Some(_), Some(content)) => Some(content),
                (Some(file), None) => Some(self.file(file)?),
            };
        }
        Ok(template)
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

    /// Reads the first of these files that is there, in the tenant's folder and then in that for all.
    fn read(&self, files: &[String], name: &str) -> Result<Option<Own>> {
        if Path::new(name).components().count() != 1 || name.contains('.') {
            return Ok(None);
        }
        let places =
            self.folders.iter().flat_map(|folder| files.iter().enumerate().map(move |at| (folder, at)));
        let mut places = places.map(|(folder, (index, file))| (index, folder.join(file)));
        let Some((index, path)) = places.find(|(_, path)| path.exists()) else { return Ok(None) };
        let text = Text { file: path.display().to_string(), text: file::read_text(&path, Kind::Config)? };
        Ok(Some(Own { text, is_of_language: index + 1 < files.len() }))
    }
}

/// A file of the folder that is configured.
struct Own {
    text: Text,
    is_of_language: bool,
}
