//! Who may do what, and how many tries a sign-in has.

pub mod authority;
pub mod lockout;
pub mod totp;
