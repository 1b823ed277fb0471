//! What seals a backup and what opens it, in the format of age (age-encryption.org/v1), so that its own programs do too.

use std::io::{Read, Write};
use std::path::Path;

use age::secrecy::SecretString;
use age::stream::{StreamReader, StreamWriter};
use age::{DecryptError, Decryptor, Encryptor, scrypt, x25519};

use super::manifest::SealedFor;
use crate::config::backup::Settings;
use nexora_core::base::secret::Secret;
use nexora_core::base::{Error, Kind, Result, file};

/// What a new backup is sealed with.
pub enum Lock {
    Passphrase(Secret),
    Recipients(Vec<x25519::Recipient>),
}

/// What opens a backup.
pub enum Opener {
    Passphrase(Secret),
    Identities(Vec<x25519::Identity>),
}

/// The shortest passphrase that seals a backup: it lies where others may try for as long as they like.
const PASSPHRASE_LENGTH: usize = 12;

/// The work that a passphrase may ask for when a backup is opened, as a power of two: 2^22 takes about a minute.
const WORK_LIMIT: u8 = 22;

impl Lock {
    /// Takes a passphrase that a person gave.
    ///
    /// # Errors
    /// `Usage` when it is too short.
    pub fn of_passphrase(passphrase: Secret) -> Result<Lock> {
        if passphrase.expose().chars().count() < PASSPHRASE_LENGTH {
            let what = format!("the passphrase is shorter than {PASSPHRASE_LENGTH} characters");
            return Err(Error::usage(what).hint("make one with: head -c 24 /dev/urandom | base64"));
        }
        Ok(Lock::Passphrase(passphrase))
    }

    /// Reads public keys of age.
    ///
    /// # Errors
    /// `Usage` when one is none, or there is none at all.
    pub fn of_recipients<'a>(texts: impl Iterator<Item = &'a str>) -> Result<Lock> {
        let read = |text: &str| {
            text.parse::<x25519::Recipient>().map_err(|error| {
                Error::usage(format!("`{text}` is no public key of age"))
                    .source(error.to_owned())
                    .hint("it begins with `age1`; `age-keygen -y KEY-FILE` prints it")
            })
        };
        let keys = texts.map(read).collect::<Result<Vec<_>>>()?;
        match keys.is_empty() {
            true => Err(Error::usage("nothing says who can open the backup").hint(
                "give `--recipient` or `--passphrase-file`, or set one in `[backup]` of the configuration",
            )),
            false => Ok(Lock::Recipients(keys)),
        }
    }

    /// Returns what the configuration says.
    ///
    /// # Errors
    /// `Config` when the passphrase cannot be read, and those of the other two.
    pub fn of_settings(settings: &Settings) -> Result<Lock> {
        match settings.passphrase_file.as_os_str().is_empty() {
            true => Lock::of_recipients(settings.recipients()),
            false => Lock::of_passphrase(read_passphrase(&settings.passphrase_file)?),
        }
    }

    pub fn sealed_for(&self) -> SealedFor {
        match self {
            Lock::Passphrase(_) => SealedFor::Passphrase,
            Lock::Recipients(_) => SealedFor::Identity,
        }
    }

    /// Seals what is written to `target`; the end has to be written by `finish`.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    pub(in crate::ops) fn seal<W: Write>(&self, target: W) -> Result<StreamWriter<W>> {
        let encryptor = match self {
            Lock::Passphrase(passphrase) => Encryptor::with_user_passphrase(hidden(passphrase)),
            Lock::Recipients(keys) => {
                let keys = keys.iter().map(|key| key as &dyn age::Recipient);
                Encryptor::with_recipients(keys)
                    .map_err(|error| Error::internal("the backup cannot be sealed").source(error))?
            }
        };
        encryptor
            .wrap_output(target)
            .map_err(|error| Error::unavailable("the backup cannot be written").source(error))
    }
}

impl Opener {
    /// Reads secret keys of age, as `age-keygen` writes them.
    ///
    /// # Errors
    /// `Usage` when the file cannot be read or holds none.
    pub fn of_identity_file(path: &Path) -> Result<Opener> {
        let text = file::read_text(path, Kind::Usage)?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let keys: Vec<x25519::Identity> = lines.filter_map(|line| line.parse().ok()).collect();
        match keys.is_empty() {
            true => Err(Error::usage(format!("`{}` holds no secret key of age", path.display()))
                .hint("a line of it begins with `AGE-SECRET-KEY-1`; `age-keygen` makes such a file")),
            false => Ok(Opener::Identities(keys)),
        }
    }

    /// Opens what was sealed.
    ///
    /// # Errors
    /// `Denied` when this does not open it; `Conflict` when it is damaged.
    pub(in crate::ops) fn open<R: Read>(&self, sealed: R) -> Result<StreamReader<R>> {
        let decryptor = Decryptor::new(sealed).map_err(refused)?;
        let opened = match self {
            Opener::Passphrase(passphrase) => {
                let mut identity = scrypt::Identity::new(hidden(passphrase));
                identity.set_max_work_factor(WORK_LIMIT);
                decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity))
            }
            Opener::Identities(keys) => decryptor.decrypt(keys.iter().map(|key| key as &dyn age::Identity)),
        };
        opened.map_err(refused)
    }
}

fn hidden(passphrase: &Secret) -> SecretString {
    SecretString::from(passphrase.expose().to_owned())
}

/// Reads a passphrase from the first line of a file that its owner alone may read.
///
/// # Errors
/// `Config` when it cannot be read, or others may read it.
pub fn read_passphrase(path: &Path) -> Result<Secret> {
    let text = file::read_text(path, Kind::Config)
        .map_err(|error| error.hint("`backup.passphrase_file` must name a file with the passphrase"))?;
    if file::is_open_to_others(path) {
        let what = format!("others than its owner may read the passphrase `{}`", path.display());
        return Err(Error::config(what).hint(format!("run `chmod 600 {}`", path.display())));
    }
    Ok(Secret::new(text.lines().next().unwrap_or_default()))
}

fn refused(error: DecryptError) -> Error {
    match error {
        DecryptError::Io(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => {
            Error::unavailable("the backup cannot be read").source(error)
        }
        DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed | DecryptError::NoMatchingKeys => {
            Error::denied("the passphrase or secret key does not open the backup").hint(
                "`nexora backup list` says which of the two it needs; it must be the one it was made with",
            )
        }
        other => Error::conflict("the backup is damaged").source(other).hint(super::TAKE_ANOTHER),
    }
}
