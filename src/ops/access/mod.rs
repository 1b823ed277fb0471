//! Users, their sign-in and sessions, and keys of programs.

pub mod key;
pub mod known;
pub mod own_password;
pub mod password;
pub mod password_link;
pub mod session;
pub mod sign_in;
pub mod totp;
pub mod user;
