//! Passwords: hashed and checked with argon2id, off the threads that serve requests, and never more
//! than a few at a time, so that a flood of sign-ins cannot eat the machine.

use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

use crate::app::fair_queue::{FairQueue, Length};
use crate::ops::access::known::Browser;
use argon2::password_hash::{PasswordHasher as _, phc};
use argon2::{Argon2, PasswordVerifier as _};
use nexora_core::base::secret::Secret;
use nexora_core::base::{Error, Result};

/// The shortest password that is taken (NIST SP 800-63B asks for at least 8; length is what counts).
pub const LENGTH: usize = 12;

/// Each takes a core for some hundredths of a second, and 19 MiB.
const PARALLEL: usize = 2;
/// How long a sign-in waits for its turn before the client is told to try again.
const PATIENCE: Duration = Duration::from_secs(10);

/// Those that wait, by whether their browser has signed in before and by client: a flood from some clients delays
/// another by no more than one try of each.
type Turns = FairQueue<Browser, String>;

static TURNS: LazyLock<Arc<Turns>> = LazyLock::new(|| Arc::new(FairQueue::new(PARALLEL, PATIENCE)));

/// The turns of browsers that have signed in before: no flood from others delays them.
static KNOWN_TURNS: LazyLock<Arc<Turns>> = LazyLock::new(|| Arc::new(FairQueue::new(1, PATIENCE)));

/// Hashes a new password.
///
/// # Errors
/// `Usage` when it is too short.
pub async fn hash(password: &Secret) -> Result<String> {
    let length = password.expose().chars().count();
    if length < LENGTH {
        return Err(Error::usage(format!("the password has {length} characters"))
            .hint(format!("use at least {LENGTH}; a sentence is good")));
    }
    let password = password.clone();
    in_turn(&TURNS, (Browser::Strange, "a new password"), move || hash_now(&password)).await?
}

/// Tells whether `password` is the one that `hash` was made from. Without a hash the answer is no, after
/// the same work. A browser that has signed in before does not wait with those that have not.
///
/// # Errors
/// `Unavailable` when too many others wait.
pub async fn is_right(
    password: &Secret,
    hash: Option<&str>,
    (browser, client): (Browser, &str),
) -> Result<bool> {
    let (password, hash) = (password.clone(), hash.map(str::to_owned));
    let turns = match browser {
        Browser::Known => &KNOWN_TURNS,
        Browser::Strange => &TURNS,
    };
    in_turn(turns, (browser, client), move || {
        let right = matches(&password, hash.as_deref().unwrap_or_else(|| nobodys()));
        right && hash.is_some()
    })
    .await
}

/// Does `work` when its turn comes. Once begun it goes on even when the client has gone, and so it
/// holds its turn by itself.
async fn in_turn<T: Send + 'static>(
    turns: &Arc<Turns>,
    (browser, client): (Browser, &str),
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    let busy = || Error::unavailable("too many people are signing in at once");
    let turn = turns.turn(&browser, &client.to_owned(), Length::Short).await.ok_or_else(busy)?;
    let done = tokio::task::spawn_blocking(move || {
        let done = work();
        drop(turn);
        done
    });
    done.await.map_err(|error| Error::internal("hashing ended early").source(error))
}

fn hash_now(password: &Secret) -> Result<String> {
    let hash = Argon2::default().hash_password(password.expose().as_bytes());
    hash.map(|hash| hash.to_string())
        .map_err(|error| Error::internal("the password cannot be hashed").source(error.to_string()))
}

fn matches(password: &Secret, hash: &str) -> bool {
    phc::PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(password.expose().as_bytes(), &hash).is_ok())
}

/// The hash against which the passwords of addresses are checked that belong to no user.
fn nobodys() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| hash_now(&Secret::new("nobody's password")).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_nobody_waits_for_holds_its_turn_to_the_end() {
        let turns = Arc::new(Turns::new(1, PATIENCE));
        let me = (Browser::Strange, "me");
        let (finish, finished) = std::sync::mpsc::channel::<()>();
        let (begin, begun) = tokio::sync::oneshot::channel();
        let work = in_turn(&turns, me, move || {
            let _ = begin.send(());
            let _ = finished.recv();
        });
        tokio::select! {
            _ = work => panic!("it was not told to finish"),
            begun = begun => begun.unwrap(),
        }
        let mut next = Box::pin(in_turn(&turns, me, || ()));
        let early = tokio::time::timeout(Duration::from_millis(20), &mut next).await;
        assert!(early.is_err(), "whoever asked has gone, the work has not");
        finish.send(()).unwrap();
        assert!(next.await.is_ok(), "the turn comes free with the work");
    }

    #[tokio::test]
    async fn a_password_is_right_for_its_own_hash_only() {
        let password = Secret::new("correct horse battery");
        let made = hash(&password).await.unwrap();
        assert!(made.starts_with("$argon2id$"));
        let is_right =
            async |typed: &Secret, hash| is_right(typed, hash, (Browser::Strange, "me")).await.unwrap();
        assert!(is_right(&password, Some(&made)).await);
        assert!(!is_right(&Secret::new("incorrect horse"), Some(&made)).await);
        assert!(!is_right(&Secret::new("nobody's password"), None).await);
    }

    #[tokio::test]
    async fn a_browser_that_has_signed_in_before_waits_for_no_stranger() {
        let password = Secret::new("correct horse battery");
        let made = hash(&password).await.unwrap();
        let flood: Vec<_> = (0..200)
            .map(|_| {
                let (password, made) = (password.clone(), made.clone());
                let stranger = (Browser::Strange, "a stranger");
                tokio::spawn(async move { is_right(&password, Some(&made), stranger).await })
            })
            .collect();
        tokio::task::yield_now().await;
        assert!(is_right(&password, Some(&made), (Browser::Known, "me")).await.unwrap());
        // Another client's first try waits for one of theirs, and not for all.
        assert!(is_right(&password, Some(&made), (Browser::Strange, "me")).await.unwrap());
        assert!(flood.iter().any(|stranger| !stranger.is_finished()), "it did not wait for them all");
        flood.iter().for_each(tokio::task::JoinHandle::abort);
        assert_eq!(hash(&Secret::new("short")).await.unwrap_err().kind().exit_code(), 2);
    }
}
