//! Files that a person named, read and written with errors that name the path.

use std::io;
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

/// Writes a whole file, and makes the folders above it that are missing.
///
/// # Errors
/// Of this kind, when the file or a folder cannot be written.
pub fn write(path: &Path, content: impl AsRef<[u8]>, kind: Kind) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder
        .map_or(Ok(()), std::fs::create_dir_all)
        .and_then(|()| std::fs::write(path, content))
        .map_err(|error| unwritable(path, kind, error))
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
