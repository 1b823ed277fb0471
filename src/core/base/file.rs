//! Files that a person named, read and written with errors that name the path.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use crate::base::{Error, Kind, Result};

/// Reads a whole file.
///
/// # Errors
/// Of this kind, when the file cannot be read.
pub fn read(path: &Path, kind: Kind) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| unreadable(path, kind, error))
}

/// Reads a whole file of UTF-8 text.
///
/// # Errors
/// Of this kind, when the file cannot be read or is not text.
pub fn read_text(path: &Path, kind: Kind) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| unreadable(path, kind, error))
}

/// Writes a whole file, and makes the folders above it that are missing. What is made is for its owner alone,
/// whatever the umask: it may be about people.
///
/// # Errors
/// Of this kind, when the file or a folder cannot be written.
pub fn write(path: &Path, content: impl AsRef<[u8]>, kind: Kind) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder
        .map_or(Ok(()), make_folders)
        .and_then(|()| OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path))
        .and_then(|mut file| file.write_all(content.as_ref()))
        .map_err(|error| unwritable(path, kind, error))
}

/// What others than the owner may do with a file.
const OTHERS: u32 = 0o077;

/// Makes a folder, and those above it that are missing, for their owner alone.
///
/// # Errors
/// When a folder cannot be made.
pub fn make_folders(path: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Tells whether others than its owner may do anything with a file that is there.
pub fn is_open_to_others(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & OTHERS != 0)
}

/// Takes from others than its owner what they may do with a file, where there is one and it is ours.
pub fn keep_private(path: &Path) {
    let Ok(found) = std::fs::metadata(path) else { return };
    let mode = found.permissions().mode();
    if found.is_file() && mode & OTHERS != 0 {
        // One of another owner stays as that one has it.
        let _ = std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode & 0o700));
    }
}

/// Says that a file cannot be read.
pub fn unreadable(path: &Path, kind: Kind, error: io::Error) -> Error {
    Error::new(kind, format!("cannot read `{}`", path.display())).source(error)
}

/// Says that a file cannot be written.
pub fn unwritable(path: &Path, kind: Kind, error: io::Error) -> Error {
    Error::new(kind, format!("cannot write `{}`", path.display())).source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_with_its_folders_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/c.txt");
        write(&path, "text", Kind::Usage).unwrap();
        assert_eq!(read_text(&path, Kind::Usage).unwrap(), "text");
        assert_eq!(read(&path, Kind::Usage).unwrap(), b"text");
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o664)).unwrap();
        keep_private(&path);
        assert_eq!(mode(&path), 0o600);
        keep_private(Path::new("/nonexistent/x"));
    }

    #[test]
    fn a_failure_names_the_path_and_has_the_kind_that_was_asked_for() {
        let path = Path::new("/nonexistent/x");
        let error = read_text(path, Kind::Config).unwrap_err();
        assert_eq!((error.kind(), error.message()), (Kind::Config, "cannot read `/nonexistent/x`"));
        let error = write(Path::new("/proc/nonexistent/x"), "", Kind::Usage).unwrap_err();
        assert_eq!((error.kind(), error.message()), (Kind::Usage, "cannot write `/proc/nonexistent/x`"));
    }
}
