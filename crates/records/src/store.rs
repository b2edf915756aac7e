//! Full records: compressed blocks beside the index, read only for what is shown.

use std::cell::RefCell;

use zstd::zstd_safe::{DCtx, DDict};

use crate::format::BLOCK_RECORDS;

/// Reads blocks that were compressed with one dictionary.
pub(crate) struct Store {
    dictionary: DDict<'static>,
}

/// A block is smaller, compressed or not: as many records as fit one, each of the longest length.
const PLAIN_MAX: usize = BLOCK_RECORDS * (u16::MAX as usize + size_of::<u16>());

impl Store {
    pub(crate) fn new(dictionary: &[u8]) -> Self {
        Self { dictionary: DDict::create(dictionary) }
    }

    /// Reads the record at a place of a block of so many; none if the block is damaged, or `read` finds it so.
    pub(crate) fn read<T>(
        &self,
        block: &[u8],
        records: usize,
        place: usize,
        read: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Option<T> {
        thread_local! {
            static READER: RefCell<(DCtx<'static>, Vec<u8>)> = RefCell::new((DCtx::create(), Vec::new()));
        }
        let size = zstd::zstd_safe::get_frame_content_size(block).ok()??;
        let size = usize::try_from(size).ok().filter(|&size| size <= PLAIN_MAX)?;
        READER.with_borrow_mut(|(context, plain)| {
            plain.clear();
            plain.reserve(size);
            context.decompress_using_ddict(plain, block, &self.dictionary).ok()?;
            let (lengths, body) = plain.split_at_checked(records * size_of::<u16>())?;
            let (lengths, _) = lengths.as_chunks::<2>();
            let length = |bytes: &[u8; 2]| usize::from(u16::from_le_bytes(*bytes));
            let start = lengths.get(..place)?.iter().map(length).sum::<usize>();
            read(body.get(start..start + length(lengths.get(place)?))?)
        })
    }
}
