//! A machine with a configuration, on which the program is run as an operator runs it.

use assert_cmd::Command;
use nexora_store::Url;
use serde_json::Value;

use crate::harness::Nexora;

pub struct Machine(tempfile::TempDir);

impl Machine {
    /// A fresh machine after `nexora init`.
    pub fn initialised() -> Machine {
        let machine = Machine(tempfile::tempdir().unwrap());
        Command::cargo_bin("nexora")
            .unwrap()
            .args(["init", "--no-input", "--operator", "op@example.com", "--dir"])
            .arg(machine.folder())
            .assert()
            .success();
        machine
    }

    /// A machine whose configuration opens the database of an application.
    pub fn of(nexora: &Nexora) -> Machine {
        let machine = Machine(tempfile::tempdir().unwrap());
        std::fs::create_dir(machine.folder()).unwrap();
        let key = machine.folder().join("master.key");
        std::fs::write(&key, nexora.app.key.to_hex().expose()).unwrap();
        std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let url = match &nexora.database.url {
            Url::Sqlite(path) | Url::Scratch(path) => format!("sqlite:{}", path.display()),
            Url::Postgres(url) => url.clone(),
        };
        let text = format!("[database]\nurl = \"{url}\"\n[secrets]\nkey_file = \"{}\"\n", key.display());
        std::fs::write(machine.config(), text).unwrap();
        machine
    }

    /// The folder of the configuration.
    pub fn folder(&self) -> std::path::PathBuf {
        self.0.path().join("etc")
    }

    pub fn config(&self) -> std::path::PathBuf {
        self.folder().join("nexora.toml")
    }

    /// Runs a command; returns its exit status, standard output and standard error.
    pub fn run(&self, arguments: &[impl AsRef<std::ffi::OsStr>]) -> (i32, String, String) {
        let mut command = Command::cargo_bin("nexora").unwrap();
        command.arg("--config").arg(self.config()).args(arguments);
        command.env_remove("SUDO_USER").env("LOGNAME", "tester");
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        let (status, out, error) = self.run(&[arguments, &["--output", "json"]].concat());
        assert_eq!(status, 0, "{error}");
        serde_json::from_str(&out).unwrap()
    }
}
