//! Holdings of files that change while they are searched: records are added to a log, and folded into new indexes.

use std::path::PathBuf;
use std::sync::{Arc, RwLock};

use crate::holdings::OpenError;
use crate::{Delta, DeltaError, Holdings};

/// Indexes and the log of added records beside them, as they are now.
#[derive(Debug)]
pub struct Live {
    paths: Vec<PathBuf>,
    added: Option<PathBuf>,
    current: RwLock<Current>,
}

#[derive(Debug, Clone)]
struct Current {
    holdings: Arc<Holdings>,
    delta: Option<Arc<Delta>>,
}

impl Live {
    /// Opens indexes ([`Holdings::open`]), and the log of added records if there is to be one: it is begun if it is not
    /// there.
    ///
    /// # Errors
    /// A file cannot be used.
    pub fn open(paths: Vec<PathBuf>, added: Option<PathBuf>) -> Result<Self, OpenError> {
        let current = RwLock::new(open(&paths, added.as_ref())?);
        Ok(Self { paths, added, current })
    }

    /// Holdings that do not change.
    #[must_use]
    pub fn fixed(holdings: Holdings) -> Self {
        let current = Current { holdings: Arc::new(holdings), delta: None };
        Self { paths: Vec::new(), added: None, current: RwLock::new(current) }
    }

    /// What there was when this was last brought up to date.
    ///
    /// # Errors
    /// Another thread failed while it brought this up to date.
    pub fn holdings(&self) -> Result<Arc<Holdings>, OpenError> {
        Ok(self.current()?.holdings)
    }

    /// Whether something was added, or folded in, since. It asks the system for the state of one file.
    ///
    /// # Errors
    /// The file cannot be looked at.
    pub fn is_stale(&self) -> Result<bool, OpenError> {
        let Some(delta) = self.current()?.delta else { return Ok(false) };
        delta.has_more().map_err(|source| self.failed(source))
    }

    /// Brings this up to date, so that searches find all that was acknowledged by now. After a few additions it takes
    /// milliseconds; after a million, seconds.
    ///
    /// # Errors
    /// A file cannot be used; what there was goes on.
    pub fn refresh(&self) -> Result<(), OpenError> {
        let Some(delta) = self.current()?.delta else { return Ok(()) };
        if delta.is_replaced().map_err(|source| self.failed(source))? {
            let current = open(&self.paths, self.added.as_ref())?;
            *self.current.write().map_err(|_| self.failed(DeltaError::Broken))? = current;
            return Ok(());
        }
        delta.follow().map_err(|source| self.failed(source))
    }

    fn current(&self) -> Result<Current, OpenError> {
        self.current.read().map(|current| current.clone()).map_err(|_| self.failed(DeltaError::Broken))
    }

    fn failed(&self, source: DeltaError) -> OpenError {
        OpenError::Added { path: self.added.clone().unwrap_or_default(), source }
    }
}

fn open(paths: &[PathBuf], added: Option<&PathBuf>) -> Result<Current, OpenError> {
    // The log first: what a build folds in between is found twice, not lost.
    let delta = added.map(|path| Delta::open(path).map_err(|source| OpenError::Added { path: path.clone(), source }));
    let delta = delta.transpose()?.map(Arc::new);
    let mut holdings = Holdings::open(paths)?;
    if let Some(delta) = &delta {
        holdings = holdings.with_delta(Arc::clone(delta));
    }
    Ok(Current { holdings: Arc::new(holdings), delta })
}
