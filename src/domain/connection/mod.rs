//! What connections are watched for, may cost, and how they fail.

pub mod credential;
pub mod credential_failure;
pub mod quota_check;
pub mod watch;
