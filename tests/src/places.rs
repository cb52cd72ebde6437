//! Places for tests that need much of the machine: more of them would only measure each other.

use std::sync::{Condvar, Mutex, PoisonError};

/// A number of places, for a `static`.
#[derive(Debug)]
pub struct Places {
    free: Mutex<usize>,
    given_back: Condvar,
}

/// A place, given back when dropped.
#[derive(Debug)]
pub struct Place(&'static Places);

impl Places {
    /// This number of places.
    pub const fn new(places: usize) -> Self {
        Places {
            free: Mutex::new(places),
            given_back: Condvar::new(),
        }
    }

    /// Waits for a place and takes it.
    pub fn take(&'static self) -> Place {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let free = self.given_back.wait_while(free, |free| *free == 0);
        *free.unwrap_or_else(PoisonError::into_inner) -= 1;
        Place(self)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Place(places) = self;
        *places.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        places.given_back.notify_one();
    }
}
