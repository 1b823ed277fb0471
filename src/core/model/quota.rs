//! What Google allows in a minute, to a project and to each of its users.

/// The two limits that every call is counted against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerMinute {
    pub project: u32,
    /// For one mailbox, whichever connection it is used through.
    pub user: u32,
}

/// The limits of each of Google's services that are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GoogleQuota {
    /// In quota units, of which each method takes its own number.
    pub gmail: PerMinute,
    /// In calls, as are those below.
    pub calendar: PerMinute,
    pub sheets_reads: PerMinute,
    pub sheets_writes: PerMinute,
    pub drive: PerMinute,
}
