//! A folder into text: everything that is wrong with it is found at once, with file and line.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::ops::tenant::text::document::{Document, Fields, said};
use crate::ops::tenant::text::write::{HEAD, LOGO, names_in};
use crate::ops::tenant::text::{
    AutomationText, ConnectionText, FORMAT, FormText, Item, Place, Placed, SourceText, TenantText, Text,
    UserText,
};
use nexora_core::base::text::did_you_mean;
use nexora_core::base::{Error, Kind, Result, file};
use nexora_core::model::address::{EmailAddress, Slug};
use nexora_core::model::automation::{AutomationState, MessageTemplate, MessageTemplates};
use nexora_core::model::connection::{ConnectionState, Purpose};
use nexora_core::model::consent::Channel;
use nexora_core::model::source::SourceState;
use nexora_core::model::user::{Role, UserState};
use nexora_engine::automation::source_text::Fault;

/// The files of a folder that are not an automation's.
const FILES: [&str; 5] = [HEAD, "connections.toml", "form.toml", "sources.toml", "users.toml"];

/// Reads a folder; returns with it what is wrong in it.
///
/// # Errors
/// `NotFound` when there is no such folder; `Conflict` when it was written by a later version; `Usage` when it cannot be read.
pub fn read(folder: &Path) -> Result<(Text, Vec<Fault>)> {
    if !folder.is_dir() {
        return Err(Error::not_found(format!("there is no folder `{}`", folder.display()))
            .hint("`nexora tenant export SLUG DIR` writes one"));
    }
    if !folder.join(HEAD).is_file() {
        return Err(Error::not_found(format!("`{}` holds no tenant: it has no `{HEAD}`", folder.display()))
            .hint("`nexora tenant export SLUG DIR` writes one"));
    }
    let mut reader = Reader { folder, faults: Vec::new() };
    let text = reader.all()?;
    Ok((text, reader.faults))
}

struct Reader<'a> {
    folder: &'a Path,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    fn all(&mut self) -> Result<Text> {
        let tenant = self.tenant()?;
        self.refuse_unknown_files()?;
        let text = Text {
            tenant,
            connections: self.list("connections.toml", "connection", connection)?,
            form: self.form()?,
            sources: self.list("sources.toml", "source", source)?,
            automations: self.automations()?,
            users: self.list("users.toml", "user", user)?,
        };
        self.refuse_two_of_a_purpose(&text.connections);
        Ok(text)
    }

    fn fault(&mut self, file: &str, line: usize, text: String) {
        self.faults.push(Fault { file: file.to_owned(), line, text });
    }

    /// Reads a file of the folder; nothing where it is not there.
    fn text(&mut self, name: &str) -> Result<Option<String>> {
        let path = self.folder.join(name);
        match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(file::unreadable(&path, Kind::Usage, error)),
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Ok(Some(text)),
                Err(_) => {
                    self.fault(name, 1, "it is no text in UTF-8".to_owned());
                    Ok(None)
                }
            },
        }
    }

    fn refuse_unknown_files(&mut self) -> Result<()> {
        for name in names_in(self.folder)? {
            let is_toml = Path::new(&name).extension().is_some_and(|extension| extension == "toml");
            if is_toml && !FILES.contains(&name.as_str()) {
                let hint =
                    did_you_mean(&name, FILES).unwrap_or_else(|| format!("known are {}", FILES.join(", ")));
                self.fault(&name, 1, format!("unknown file; {hint}"));
            }
        }
        Ok(())
    }

    fn tenant(&mut self) -> Result<Placed<TenantText>> {
        let Some(text) = self.text(HEAD)? else { return Ok(Placed::default()) };
        refuse_newer(&text)?;
        let document = &mut Document { file: HEAD, text: &text, faults: &mut self.faults };
        let Some(mut fields) = document.table() else { return Ok(Placed::default()) };
        let format = fields.number(document, "format");
        if format != Some(FORMAT) {
            document.fault(1, format!("`format` is missing or unknown: this program reads format {FORMAT}"));
        }
        fields.text(document, "nexora");
        let value = TenantText {
            slug: fields.word::<Slug>(document, "slug"),
            state: fields.word(document, "state"),
            status_panels: fields.texts(document, "status_panels"),
            api_keys: fields.texts(document, "api_keys").unwrap_or_default(),
            settings: fields.map(document, "settings"),
        };
        Ok(Placed { value, place: fields.end(document) })
    }

    fn list<T: Item>(
        &mut self,
        file: &str,
        name: &'static str,
        read: impl Fn(&mut Fields<'_>, &mut Document<'_>) -> Option<T>,
    ) -> Result<Vec<Placed<T>>> {
        let Some(text) = self.text(file)? else { return Ok(Vec::new()) };
        let document = &mut Document { file, text: &text, faults: &mut self.faults };
        let Some(mut fields) = document.table() else { return Ok(Vec::new()) };
        let mut all: Vec<Placed<T>> = Vec::new();
        for mut item in fields.tables(document, name) {
            let line = item.line();
            let value = read(&mut item, document);
            let place = item.end(document);
            let Some(value) = value else { continue };
            if all.iter().any(|other| other.value.name() == value.name()) {
                document.fault(line, format!("{name} `{}` is there twice", value.name()));
                continue;
            }
            all.push(Placed { value, place });
        }
        fields.end(document);
        Ok(all)
    }

    fn refuse_two_of_a_purpose(&mut self, connections: &[Placed<ConnectionText>]) {
        for purpose in Purpose::ALL {
            let mut chosen = connections.iter().filter(|of| of.value.purposes.contains(purpose));
            if let (Some(one), Some(other)) = (chosen.next(), chosen.next()) {
                let text =
                    format!("`{}` is for {purpose}, and `{}` is, too", other.value.name, one.value.name);
                let Place { file, .. } = &other.place;
                self.fault(&file.clone(), other.place.line_of(Some("for")), text);
            }
        }
    }

    fn form(&mut self) -> Result<Placed<FormText>> {
        const FILE: &str = "form.toml";
        let Some(text) = self.text(FILE)? else { return Ok(Placed::default()) };
        let logo = match std::fs::read(self.folder.join(LOGO)) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(file::unreadable(&self.folder.join(LOGO), Kind::Usage, error)),
        };
        let document = &mut Document { file: FILE, text: &text, faults: &mut self.faults };
        let Some(mut fields) = document.table() else { return Ok(Placed::default()) };
        let line = fields.line();
        let logo = match (fields.text(document, "logo").as_deref(), logo) {
            (None, _) => None,
            (Some(""), _) => Some(None),
            (Some(LOGO), Some(bytes)) => Some(Some(bytes)),
            (Some(name), _) => {
                document.fault(line, format!("`logo`: there is no picture `{name}`; it is called `{LOGO}`"));
                None
            }
        };
        let mut wordings = BTreeMap::new();
        for (channel, wording) in fields.map(document, "wordings") {
            match Channel::parse(&channel) {
                Ok(channel) => {
                    wordings.insert(channel, wording);
                }
                Err(error) => document.fault(line, said("wordings", &error)),
            }
        }
        let value = FormText {
            fields: fields.texts(document, "fields"),
            logo,
            turnstile_site_key: fields.text(document, "turnstile_site_key"),
            settings: fields.map(document, "settings"),
            wordings,
        };
        Ok(Placed { value, place: fields.end(document) })
    }

    fn automations(&mut self) -> Result<Vec<Placed<AutomationText>>> {
        let mut all = Vec::new();
        for name in names_in(&self.folder.join("automations"))? {
            all.extend(self.automation(&name)?);
        }
        Ok(all)
    }

    fn automation(&mut self, name: &str) -> Result<Option<Placed<AutomationText>>> {
        let of = format!("automations/{name}");
        if let Err(error) = Slug::parse(name) {
            self.fault(&of, 1, said("name", &error));
            return Ok(None);
        }
        let definition = format!("{of}/{name}.toml");
        let Some(text) = self.text(&definition)? else {
            self.fault(&definition, 1, "the definition is missing".to_owned());
            return Ok(None);
        };
        let messages = self.messages(&of)?;
        let mut value = AutomationText {
            name: name.to_owned(),
            state: AutomationState::Enabled,
            language: None,
            settings: BTreeMap::new(),
            definition: text,
            messages,
        };
        let file = format!("{of}/settings.toml");
        let mut place = Place { file: file.clone(), line: 1, lines: BTreeMap::new() };
        if let Some(text) = self.text(&file)? {
            let document = &mut Document { file: &file, text: &text, faults: &mut self.faults };
            if let Some(mut fields) = document.table() {
                value.state = fields.word(document, "state").unwrap_or(value.state);
                value.language = fields.word(document, "language");
                value.settings = fields.map(document, "settings");
                place = fields.end(document);
            }
        }
        Ok(Some(Placed { value, place }))
    }

    fn messages(&mut self, of: &str) -> Result<MessageTemplates> {
        let mut messages = MessageTemplates::new();
        for file in names_in(&self.folder.join(of).join("messages"))? {
            let place = format!("{of}/messages/{file}");
            let Some(name) = file.strip_suffix(".toml") else { continue };
            let Some(text) = self.text(&place)? else { continue };
            match toml::from_str::<MessageTemplate>(&text) {
                Ok(mut message) => {
                    self.attach(of, &place, &mut message);
                    messages.insert(name.to_owned(), message);
                }
                Err(error) => {
                    let at = error.span().map_or(0, |span| span.start);
                    self.fault(
                        &place,
                        nexora_core::base::text::line_at(&text, at),
                        error.message().to_owned(),
                    );
                }
            }
        }
        Ok(messages)
    }

    /// Takes in the files that go with a message.
    fn attach(&mut self, of: &str, place: &str, message: &mut MessageTemplate) {
        for attachment in &mut message.attachments {
            let (Some(name), None) = (&attachment.file, &attachment.content) else { continue };
            let is_plain = Path::new(name).components().count() == 1 && !name.starts_with('.');
            let path = self.folder.join(of).join("files").join(name);
            match std::fs::read(&path) {
                Ok(bytes) if is_plain => attachment.content = Some(BASE64.encode(bytes)),
                Ok(_) | Err(_) => {
                    self.faults.push(Fault {
                        file: place.to_owned(),
                        line: 1,
                        text: format!("there is no file `{of}/files/{name}` to attach"),
                    });
                }
            }
        }
    }
}

/// Refuses a folder of a later version before anything else in it is read.
fn refuse_newer(text: &str) -> Result<()> {
    let table: Option<toml::Table> = text.parse().ok();
    let of = |name: &str| table.as_ref().and_then(|table| table.get(name));
    match of("format").and_then(toml::Value::as_integer) {
        Some(format) if format > FORMAT => {
            let by = of("nexora").and_then(toml::Value::as_str).unwrap_or("a later version");
            Err(Error::conflict(format!(
                "the folder has format {format}, written by nexora {by}: this program reads format {FORMAT}"
            ))
            .hint(format!("install nexora {by}, or export the tenant anew with this version")))
        }
        Some(_) | None => Ok(()),
    }
}

fn connection(fields: &mut Fields<'_>, document: &mut Document<'_>) -> Option<ConnectionText> {
    let (name, kind) = (fields.needed(document, "name"), fields.needed(document, "kind"));
    let state = fields.word(document, "state").unwrap_or(ConnectionState::Active);
    let line = fields.line();
    if state == ConnectionState::Failing {
        document.fault(line, "`state`: a connection is `active` or `paused`");
    }
    let mut purposes = Vec::new();
    for word in fields.texts(document, "for").unwrap_or_default() {
        match Purpose::parse(&word) {
            Ok(purpose) => purposes.push(purpose),
            Err(error) => document.fault(line, said("for", &error)),
        }
    }
    purposes.sort();
    purposes.dedup();
    let settings = fields.json(document, "settings");
    Some(ConnectionText { name: name?, kind: kind?, state, purposes, settings })
}

fn source(fields: &mut Fields<'_>, document: &mut Document<'_>) -> Option<SourceText> {
    let (name, kind) = (fields.needed(document, "name"), fields.needed(document, "kind"));
    let state = fields.word(document, "state").unwrap_or(SourceState::Enabled);
    let settings = fields.json(document, "settings");
    Some(SourceText { name: name?, kind: kind?, state, settings })
}

fn user(fields: &mut Fields<'_>, document: &mut Document<'_>) -> Option<UserText> {
    let email = match fields.text(document, "email") {
        Some(text) => match text.parse::<EmailAddress>() {
            Ok(email) => Some(email),
            Err(error) => {
                document.fault(fields.line(), said("email", &error));
                None
            }
        },
        None => {
            document.fault(fields.line(), "missing `email`");
            None
        }
    };
    let name = fields.text(document, "name").unwrap_or_default();
    let role = fields.word::<Role>(document, "role");
    if role.is_none() {
        document.fault(fields.line(), "missing `role`");
    }
    let state = fields.word(document, "state").unwrap_or(UserState::Active);
    Some(UserText { email: email?.to_string(), name, role: role?, state })
}
