//! By which name an operator is known who runs a command.

use rustix::process::{geteuid, getuid};

/// Where the kernel keeps by which user the session was begun, whatever `sudo` or `su` made of it since.
const LOGIN_UID: &str = "/proc/self/loginuid";

/// Nobody has signed in: a service, or a container.
const NO_LOGIN: u32 = u32::MAX;

/// Returns the name of the user who is at work. Whoever is not root is who the system says, whatever the environment
/// says; root is by `sudo` or `su` who signed in, where that is known.
pub fn name() -> String {
    let user = getuid().as_raw();
    if user != 0 && geteuid().as_raw() != 0 {
        return named(user).or_else(from_environment).unwrap_or_else(|| format!("uid {user}"));
    }
    let began = std::fs::read_to_string(LOGIN_UID).ok().and_then(|text| text.trim().parse().ok());
    let began = began.filter(|uid| *uid != NO_LOGIN && *uid != 0).and_then(named);
    began.or_else(from_environment).or_else(|| named(user)).unwrap_or_else(|| "unknown".to_owned())
}

fn from_environment() -> Option<String> {
    let of = |name: &&str| std::env::var(name).ok().filter(|name| !name.is_empty());
    ["SUDO_USER", "LOGNAME", "USER"].iter().find_map(of)
}

/// Looks a user up among those of this machine.
fn named(uid: u32) -> Option<String> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    users.lines().find_map(|line| of_line(line, uid))
}

/// Reads a line of `passwd(5)`: name, password, user, and more.
fn of_line(line: &str, uid: u32) -> Option<String> {
    let mut fields = line.split(':');
    let (name, _, user) = (fields.next()?, fields.next()?, fields.next()?);
    (user.parse() == Ok(uid) && !name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_known_by_number() {
        assert_eq!(of_line("jo:x:1000:1000:Jo:/home/jo:/bin/sh", 1000), Some("jo".to_owned()));
        for line in ["jo:x:1000:1000::/:/bin/sh", "", "jo", ":x:1001:0::/:", "jo:x:x:0::/:"] {
            assert_eq!(of_line(line, 1001), None, "{line}");
        }
    }
}
