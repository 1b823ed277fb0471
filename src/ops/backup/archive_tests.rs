use std::collections::BTreeMap;

use age::x25519::Identity;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::secret::Secret;

use super::*;
use crate::ops::backup::manifest::{Engine, FORMAT, Role, SealedFor};

fn manifest(sources: &[(&str, Role, &[u8])]) -> (Manifest, Vec<Source>) {
    let member = |(name, role, bytes): &(&str, Role, &[u8])| {
        let (size_bytes, sha256) = sum_bytes(bytes);
        Member { name: (*name).to_owned(), role: *role, path: None, size_bytes, sha256 }
    };
    let summary = Summary {
        format: FORMAT,
        id: "backup_1".to_owned(),
        created_at: Timestamp::from_millis(1_790_000_000_000),
        program: "1.0.0".to_owned(),
        schema: "20261120000000".to_owned(),
        database: Engine::Sqlite,
        host: "office".to_owned(),
        with_key: false,
        sealed_for: SealedFor::Identity,
    };
    let rows = BTreeMap::from([("leads".to_owned(), 7)]);
    let members = sources.iter().map(member).collect();
    let manifest = Manifest { summary, rows, config: "/etc/nexora/nexora.toml".into(), members };
    (manifest, sources.iter().map(|(_, _, bytes)| Source::Bytes(bytes.to_vec())).collect())
}

fn quiet(_: u64, _: u64) {}

/// Returns the members with their bytes.
fn contents(path: &Path, opener: &Opener) -> Result<Vec<(String, Vec<u8>)>> {
    let mut found = Vec::new();
    read(path, opener, &quiet, &mut |member, bytes| {
        let mut content = Vec::new();
        bytes.read_to_end(&mut content).map_err(|error| Error::internal("not read").source(error))?;
        found.push((member.name.clone(), content));
        Ok(())
    })?;
    Ok(found)
}

struct Bench {
    folder: tempfile::TempDir,
    identity: Identity,
    big: Vec<u8>,
}

impl Bench {
    fn new() -> Bench {
        let big =
            (0..300_000_u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        Bench { folder: tempfile::tempdir().unwrap(), identity: Identity::generate(), big }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("made/x.backup")
    }

    fn write(&self) -> (Manifest, Result<()>) {
        let (manifest, sources) = manifest(&[
            ("files/0001", Role::Config, b"text"),
            ("nexora.db", Role::Database, &self.big),
            ("e", Role::Named, b""),
        ]);
        let lock = Lock::Recipients(vec![self.identity.to_public()]);
        let written = write(&self.path(), &manifest, &sources, &lock, &quiet);
        (manifest, written)
    }

    fn opener(&self) -> Opener {
        Opener::Identities(vec![Identity::generate(), self.identity.clone()])
    }
}

#[test]
fn what_was_written_is_read_back_and_the_summary_without_a_key() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Bench::new();
    let (manifest, written) = bench.write();
    written.unwrap();
    let path = bench.path();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing else is left");
    assert_eq!(summary(&path).unwrap(), manifest.summary);
    assert_eq!(check_sum(&path, &quiet).unwrap(), manifest.summary);
    let found = contents(&path, &bench.opener()).unwrap();
    let expected = [("files/0001", b"text".to_vec()), ("nexora.db", bench.big.clone()), ("e", Vec::new())];
    assert_eq!(found, expected.map(|(name, bytes)| (name.to_owned(), bytes)));
    let refused = contents(&path, &Opener::Identities(vec![Identity::generate()])).unwrap_err();
    assert_eq!(refused.kind(), Kind::Denied, "{refused:?}");
    let refused =
        contents(&path, &Opener::Passphrase(Secret::new("a passphrase of some length"))).unwrap_err();
    assert_eq!(refused.kind(), Kind::Denied, "{refused:?}");
    assert_eq!(bench.write().1.unwrap_err().kind(), Kind::Conflict, "it is there already");
}

#[test]
fn a_passphrase_opens_what_it_sealed_and_a_short_one_seals_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.backup");
    let (manifest, sources) = manifest(&[("a", Role::Config, b"text")]);
    let passphrase = || Secret::new("correct horse battery");
    let lock = Lock::of_passphrase(passphrase()).unwrap();
    write(&path, &manifest, &sources, &lock, &quiet).unwrap();
    assert_eq!(contents(&path, &Opener::Passphrase(passphrase())).unwrap().len(), 1);
    let refused = contents(&path, &Opener::Passphrase(Secret::new("another passphrase"))).unwrap_err();
    assert_eq!(refused.kind(), Kind::Denied, "{refused:?}");
    assert!(Lock::of_passphrase(Secret::new("short")).is_err());
    assert!(Lock::of_recipients(["age1nonsense"].into_iter()).is_err());
    assert!(Lock::of_recipients(std::iter::empty()).is_err());
}

#[test]
fn a_byte_that_changed_and_an_end_that_is_missing_are_found_wherever_they_are() {
    let bench = Bench::new();
    bench.write().1.unwrap();
    let path = bench.path();
    let whole = std::fs::read(&path).unwrap();
    // From the second header on: the first names what the file is, and is told as such.
    for at in [1_600, 2_200, 3_000, whole.len() / 2, whole.len() - 3_000] {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        std::fs::write(&path, &changed).unwrap();
        let error = contents(&path, &bench.opener()).map(|_| ()).unwrap_err();
        assert!(matches!(error.kind(), Kind::Conflict | Kind::Denied), "{at}: {error:?}");
        assert_eq!(check_sum(&path, &quiet).unwrap_err().kind(), Kind::Conflict, "{at}");
    }
    for length in [0, 100, 1_000, 1_500, 5_000, whole.len() / 2, whole.len() - 5_000] {
        std::fs::write(&path, &whole[..length]).unwrap();
        let error = contents(&path, &bench.opener()).map(|_| ()).unwrap_err();
        assert!(matches!(error.kind(), Kind::Conflict | Kind::Denied), "{length}: {error:?}");
        assert_eq!(check_sum(&path, &quiet).unwrap_err().kind(), Kind::Conflict, "{length}");
    }
    std::fs::write(&path, "no backup at all").unwrap();
    assert_eq!(summary(&path).unwrap_err().kind(), Kind::Conflict);
    assert_eq!(summary(Path::new("/nonexistent/x")).unwrap_err().kind(), Kind::NotFound);
}

#[test]
fn a_summary_that_was_exchanged_is_found() {
    let bench = Bench::new();
    bench.write().1.unwrap();
    let path = bench.path();
    let text = std::fs::read(&path).unwrap();
    let at = text.windows(6).position(|bytes| bytes == b"office").unwrap();
    let mut changed = text.clone();
    changed[at] = b'O';
    std::fs::write(&path, &changed).unwrap();
    let error = contents(&path, &bench.opener()).map(|_| ()).unwrap_err();
    assert!(error.report().contains("what it says in the open"), "{error:?}");
}

#[test]
fn a_newer_format_is_refused_with_what_helps() {
    let summary = Summary { format: FORMAT + 1, program: "9.0.0".to_owned(), ..manifest(&[]).0.summary };
    let error = summary.check_format().unwrap_err();
    assert!(error.hint_text().unwrap().contains("9.0.0"), "{error:?}");
}

#[test]
fn a_member_that_changed_since_it_was_summed_up_ends_it_and_leaves_nothing() {
    let bench = Bench::new();
    let (mut manifest, sources) = manifest(&[("a", Role::Config, b"text")]);
    manifest.members[0].sha256 = "0".repeat(64);
    let lock = Lock::Recipients(vec![bench.identity.to_public()]);
    let error = write(&bench.path(), &manifest, &sources, &lock, &quiet).unwrap_err();
    assert!(error.report().contains("changed while it was copied"), "{error:?}");
    assert_eq!(std::fs::read_dir(bench.path().parent().unwrap()).unwrap().count(), 0);
}
