//! Threads, locks and the clock, as the system has them; or, where this source is built as `journal-schedules`, as a scheduler has
//! them that runs one thread at a time and chooses which.

#[cfg(not(feature = "schedules"))]
pub(crate) use std::{
    sync::{Condvar, Mutex, MutexGuard, RwLock},
    thread::{Builder, JoinHandle},
    time::Instant,
};

#[cfg(feature = "schedules")]
pub(crate) use self::scheduled::{Builder, Condvar, Instant, JoinHandle, Mutex, MutexGuard, RwLock};

#[cfg(feature = "schedules")]
mod scheduled {
    use std::cell::Cell;
    use std::ops::{Add, Deref, DerefMut};
    use std::sync::{LockResult, PoisonError};
    use std::time::Duration;

    use shuttle::sync;
    pub(crate) use shuttle::sync::RwLock;
    pub(crate) use shuttle::thread::{Builder, JoinHandle};

    /// From here on a wait has no end but a notification.
    const ENDLESS: Duration = Duration::from_secs(365 * 24 * 3600);

    thread_local! {
        /// All threads of a schedule are one of the system's.
        static CLOCK: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    }

    /// A time that passes only while somebody waits for it.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    pub(crate) struct Instant(Duration);

    impl Instant {
        pub(crate) fn now() -> Self {
            Self(CLOCK.get())
        }

        pub(crate) fn saturating_duration_since(&self, earlier: Self) -> Duration {
            self.0.saturating_sub(earlier.0)
        }
    }

    impl Add<Duration> for Instant {
        type Output = Self;

        fn add(self, duration: Duration) -> Self {
            Self(self.0.saturating_add(duration))
        }
    }

    /// A lock whose guard knows it, so that a bounded wait can let go of it and take it again. A panic ends the schedule, so
    /// nothing is ever poisoned.
    #[derive(Debug, Default)]
    pub(crate) struct Mutex<T>(sync::Mutex<T>);

    #[derive(Debug)]
    pub(crate) struct MutexGuard<'a, T> {
        guard: sync::MutexGuard<'a, T>,
        of: &'a Mutex<T>,
    }

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
            Ok(MutexGuard { guard: self.0.lock().unwrap_or_else(PoisonError::into_inner), of: self })
        }
    }

    impl<T> Deref for MutexGuard<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            &self.guard
        }
    }

    impl<T> DerefMut for MutexGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            &mut self.guard
        }
    }

    /// A condition whose bounded waits end in time: as far as others can tell, a wait may always be over.
    #[derive(Debug, Default)]
    pub(crate) struct Condvar(sync::Condvar);

    impl Condvar {
        pub(crate) fn new() -> Self {
            Self::default()
        }

        pub(crate) fn notify_all(&self) {
            self.0.notify_all();
        }

        pub(crate) fn wait<'a, T>(&self, MutexGuard { guard, of }: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
            Ok(MutexGuard { guard: self.0.wait(guard).unwrap_or_else(PoisonError::into_inner), of })
        }

        #[cfg(test)]
        pub(crate) fn wait_while<'a, T>(
            &self,
            mut guard: MutexGuard<'a, T>,
            mut condition: impl FnMut(&mut T) -> bool,
        ) -> LockResult<MutexGuard<'a, T>> {
            while condition(&mut guard) {
                guard = self.wait(guard)?;
            }
            Ok(guard)
        }

        /// One wait, which ends with a notification if it is endless, and otherwise after others had their turn.
        pub(crate) fn wait_timeout<'a, T>(
            &self,
            guard: MutexGuard<'a, T>,
            timeout: Duration,
        ) -> LockResult<(MutexGuard<'a, T>, bool)> {
            if timeout >= ENDLESS {
                return Ok((self.wait(guard).unwrap_or_else(PoisonError::into_inner), false));
            }
            let of = guard.of;
            drop(guard);
            shuttle::thread::yield_now();
            CLOCK.set(CLOCK.get().saturating_add(timeout));
            Ok((of.lock().unwrap_or_else(PoisonError::into_inner), true))
        }

        pub(crate) fn wait_timeout_while<'a, T>(
            &self,
            mut guard: MutexGuard<'a, T>,
            timeout: Duration,
            mut condition: impl FnMut(&mut T) -> bool,
        ) -> LockResult<(MutexGuard<'a, T>, bool)> {
            let mut over = false;
            while !over && condition(&mut guard) {
                (guard, over) = self.wait_timeout(guard, timeout).unwrap_or_else(PoisonError::into_inner);
            }
            Ok((guard, over))
        }
    }
}
