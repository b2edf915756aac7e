//! The durable side: a segmented, hash-chained log that is synced before anything is acknowledged.
