//! What is said to people with values in it, without its words: each language has them.

use std::time::Duration;

/// What is wrong with what somebody filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    NoName,
    Empty,
    NotAnEmail,
    NotAPhone,
    /// Neither a telephone number nor an address was left.
    Unreachable,
    /// The same where the form asks for no telephone number.
    NoEmail,
    /// By the most characters that are taken.
    TooLong(usize),
    /// Photos are lost when a form is shown again.
    PhotosLost,
    /// By the most megabytes.
    PhotoTooLarge(u64),
    /// By the most photos.
    TooManyPhotos(u32),
    PhotoFormat,
    PhotoUnreadable,
    PhotoTooManyPixels,
    PhotoTooMuchWork,
    PhotoNotKept,
    PhotosUnreadable,
    PhotosTooMany,
    PhotosMustWait,
}

/// What a page says that shows nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageNotice {
    TooLarge,
    TooSlow,
    /// Others are sending photos.
    PhotosMustWait,
    /// Too many requests; by the seconds to wait.
    TooMany(u64),
    /// We cannot do it just now.
    Busy,
    /// Something of ours is broken.
    Broken,
    /// A link of one of our messages is not whole, or leads nowhere any more.
    IncompleteLink,
    /// The mails of this business have ended.
    Unsubscribed(String),
}

/// Something that is in disorder, as the owner of a business is told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    Suspended,
    Rehearsing,
    /// An account refuses us.
    Refused(String),
    /// An account was paused.
    Paused(String),
    /// The permission for an account ends soon.
    EndsSoon(String),
    Unread {
        place: Place,
        account: String,
        length: Duration,
    },
    LeadsToReview(i64),
    /// Leads that will not be asked for again.
    LeadsNotFetched(i64),
    LeadsNotFetchedYet(i64),
    GivenUp(i64),
    InDoubt(i64),
    NotThroughYet(i64),
    RunsFailed(i64),
    Late(Duration),
    /// The sign-in of an address is locked.
    Locked(String),
    HeldAsSpam(usize),
    /// A mail to the business itself came back, from an address that may not be known.
    AlertCameBack(Option<String>),
    /// The program itself does not work, or not all of it.
    Stopped,
    NothingConnected,
    NothingAutomated,
    /// An automation was paused.
    AutomationPaused(String),
    /// What calls itself a source of leads is refused.
    SourceRefused(String),
    /// Nothing came in for so long, where so many are usual.
    Silence {
        length: Duration,
        usual: i64,
    },
    /// Nothing says what became of so many things.
    Unaccounted(i64),
}

impl Trouble {
    /// Tells whether it is somebody's decision, or the daily work of the business, and no fault of anything.
    pub fn is_daily(&self) -> bool {
        match self {
            Trouble::Suspended
            | Trouble::Rehearsing
            | Trouble::Paused(_)
            | Trouble::LeadsToReview(_)
            | Trouble::LeadsNotFetchedYet(_)
            | Trouble::NotThroughYet(_)
            | Trouble::Locked(_)
            | Trouble::HeldAsSpam(_)
            | Trouble::NothingConnected
            | Trouble::NothingAutomated
            | Trouble::AutomationPaused(_) => true,
            Trouble::Refused(_)
            | Trouble::EndsSoon(_)
            | Trouble::Unread { .. }
            | Trouble::LeadsNotFetched(_)
            | Trouble::GivenUp(_)
            | Trouble::InDoubt(_)
            | Trouble::RunsFailed(_)
            | Trouble::Late(_)
            | Trouble::AlertCameBack(_)
            | Trouble::Stopped
            | Trouble::SourceRefused(_)
            | Trouble::Silence { .. }
            | Trouble::Unaccounted(_) => false,
        }
    }

    /// Returns what makes it the same trouble when it is seen again, however long it has lasted by then and however many
    /// suffer from it.
    pub fn key(&self) -> String {
        let of = |kind: &str, subject: &str| format!("{kind} {subject}");
        match self {
            Trouble::Suspended => "suspended".to_owned(),
            Trouble::Rehearsing => "rehearsing".to_owned(),
            Trouble::Refused(account) => of("refused", account),
            Trouble::Paused(account) => of("paused", account),
            Trouble::EndsSoon(account) => of("ends-soon", account),
            Trouble::Unread { place, account, .. } => {
                of(&format!("unread {place:?}").to_lowercase(), account)
            }
            Trouble::LeadsToReview(_) => "leads-to-review".to_owned(),
            Trouble::LeadsNotFetched(_) => "leads-not-fetched".to_owned(),
            Trouble::LeadsNotFetchedYet(_) => "leads-not-fetched-yet".to_owned(),
            Trouble::GivenUp(_) => "given-up".to_owned(),
            Trouble::InDoubt(_) => "in-doubt".to_owned(),
            Trouble::NotThroughYet(_) => "not-through-yet".to_owned(),
            Trouble::RunsFailed(_) => "runs-failed".to_owned(),
            Trouble::Late(_) => "late".to_owned(),
            Trouble::Locked(address) => of("locked", address),
            Trouble::HeldAsSpam(_) => "held-as-spam".to_owned(),
            Trouble::AlertCameBack(address) => of("alert-came-back", address.as_deref().unwrap_or_default()),
            Trouble::Stopped => "machine".to_owned(),
            Trouble::NothingConnected => "nothing-connected".to_owned(),
            Trouble::NothingAutomated => "nothing-automated".to_owned(),
            Trouble::AutomationPaused(name) => of("automation-paused", name),
            Trouble::SourceRefused(name) => of("source-refused", name),
            Trouble::Silence { .. } => "silence".to_owned(),
            Trouble::Unaccounted(_) => "unaccounted".to_owned(),
        }
    }
}

/// What of an account is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Mailbox,
    Calendar,
    Sheet,
}
