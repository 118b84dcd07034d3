//! What a number of events holds.

/// Events, and the bytes of them.
#[derive(Copy, Clone, Debug, Default)]
pub(super) struct Load {
    events: usize,
    bytes: usize,
}

impl Load {
    pub(super) fn add(&mut self, size_bytes: usize) {
        self.events += 1;
        self.bytes += size_bytes;
    }

    pub(super) fn remove(&mut self, size_bytes: usize) {
        self.events -= 1;
        self.bytes -= size_bytes;
    }

    /// Whether it is less than half of a window.
    pub(super) fn is_below_half(self, window_events: usize, window_bytes: usize) -> bool {
        self.events < window_events / 2 && self.bytes < window_bytes / 2
    }
}
