//! The daemon's process as a bench starts and watches it, and what it needs: a key file, and a tenant.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nexora::ops::tenant::NewTenant;
use nexora_core::base::secret::MasterKey;
use nexora_core::model::address::{Country, Zone};

/// Starts the daemon with a configuration file and writes its log to `log`.
pub fn serve(file: &Path, log: Stdio) -> Child {
    let mut nexora = Command::new(env!("CARGO_BIN_EXE_nexora"));
    nexora.arg("--config").arg(file).arg("serve").stdout(Stdio::null()).stderr(log).spawn().unwrap()
}

/// Returns a tenant that is to be made.
pub fn tenant(slug: &str) -> NewTenant {
    NewTenant {
        slug: slug.parse().unwrap(),
        name: "Acme Plumbing".to_owned(),
        zone: Zone::parse("America/Chicago").unwrap(),
        owner_email: "owner@acme.example.com".parse().unwrap(),
        phone: None,
        country: Some(Country::parse("US").unwrap()),
    }
}

/// Returns the CPU time that a process has taken so far (proc(5); a tick is 10 ms).
pub fn cpu(process: &Child) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap();
    let (_, rest) = stat.rsplit_once(')').unwrap();
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = [11, 12].iter().map(|place| fields.get(*place).unwrap().parse::<u64>().unwrap());
    Duration::from_millis(10 * ticks.sum::<u64>())
}

/// Returns the memory that a process has resident.
pub fn resident_mb(process: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1_024
}

/// Writes a new master key into a folder, readable by its owner alone.
pub fn write_key(folder: &Path) -> PathBuf {
    let file = folder.join("master.key");
    std::fs::write(&file, MasterKey::generate().unwrap().to_hex().expose()).unwrap();
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    file
}
