//! A panic while one item is worked on becomes that item's error, so that its neighbours go on.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::base::{Error, Result};

/// Does the work; a panic in it is an error of kind `Internal` that says what the panic said.
///
/// What the work has changed half-way stays changed: use it where that is thrown away, or undone.
///
/// # Errors
/// Those of the work, and `Internal` when it panics.
pub fn fenced<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(defect(&*panic)))
}

/// Returns the error for a panic that was caught.
pub fn defect(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Error::internal(format!("a defect of this program: {}", text.unwrap_or("it gives no reason")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Kind;

    #[test]
    fn a_panic_is_an_error_that_says_what_it_said() {
        let number = 3;
        let error = fenced::<()>(|| panic!("no item {number}")).unwrap_err();
        assert_eq!(error.kind(), Kind::Internal);
        assert!(error.message().ends_with("no item 3"), "{error:?}");
        assert!(fenced::<()>(|| panic!("plain")).unwrap_err().message().ends_with("plain"));
        assert_eq!(fenced(|| Ok(number)).unwrap(), 3);
    }
}
