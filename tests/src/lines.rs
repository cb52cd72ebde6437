//! A log in memory, whose lines are JSON.

use std::io::{Result, Write};
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// What was written to a log so far. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    /// Takes the lines that were written since the last call.
    pub fn take(&self) -> Vec<Value> {
        let text = std::mem::take(&mut *self.0.lock().unwrap());
        let text = String::from_utf8(text).unwrap();
        let lines = text.lines().map(serde_json::from_str);
        lines.collect::<std::result::Result<_, _>>().unwrap()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}
