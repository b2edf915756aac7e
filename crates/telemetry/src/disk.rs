//! The room on a disk, looked up whenever somebody scrapes.

use std::path::{Path, PathBuf};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Gauge, Opts};

/// Name and help of the room that is left.
pub(crate) const DISK_FREE: (&str, &str) =
    ("orinet_disk_free_bytes", "Room left for the switch on the disk that holds its data.");
/// Name and help of the size.
pub(crate) const DISK_SIZE: (&str, &str) = ("orinet_disk_size_bytes", "Size of that disk.");

#[derive(Debug)]
pub(crate) struct Disk {
    directory: PathBuf,
    free: Gauge,
    size: Gauge,
}

impl Disk {
    pub(crate) fn new(directory: &Path) -> Self {
        let gauge = |(name, help): (&str, &str)| {
            #[expect(clippy::expect_used, reason = "both names are constants, and a test makes them")]
            Gauge::with_opts(Opts::new(name, help)).expect("metric names are valid")
        };
        Self { directory: directory.to_owned(), free: gauge(DISK_FREE), size: gauge(DISK_SIZE) }
    }
}

impl Collector for Disk {
    fn desc(&self) -> Vec<&Desc> {
        [&self.free, &self.size].into_iter().flat_map(Collector::desc).collect()
    }

    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float; a disk's size to 15 digits will do")]
    fn collect(&self) -> Vec<MetricFamily> {
        // A disk that cannot be asked has nothing to say; the alert on an absent metric sees it.
        let Ok(room) = rustix::fs::statvfs(&self.directory) else { return Vec::new() };
        self.free.set(room.f_bavail as f64 * room.f_frsize as f64);
        self.size.set(room.f_blocks as f64 * room.f_frsize as f64);
        [&self.free, &self.size].into_iter().flat_map(Collector::collect).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_has_room_within_its_size_and_one_that_is_not_there_says_nothing() {
        let disk = Disk::new(Path::new("/"));
        assert_eq!(disk.collect().len(), 2);
        assert!(disk.free.get() >= 0.0 && disk.size.get() > disk.free.get());
        assert!(Disk::new(Path::new("/no such directory")).collect().is_empty());
    }
}
