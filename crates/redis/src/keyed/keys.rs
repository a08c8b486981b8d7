//! Owns the keys that are in use in this process, and how they come and go. Never takes a token.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use dashmap::{DashMap, Entry};
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use crate::fleet::away::Away;
use crate::fleet::driver;
use crate::fleet::local::Local;
use crate::fleet::watch::{FleetObserver, Watch};
use crate::lease::holder::Holder;
use crate::lease::settings::Settings;
use crate::master::master::Master;

/// The keys in use, each with what this process has of it.
pub(crate) struct Keys<const N: usize> {
    pub(super) name: Arc<str>,
    pub(super) master: Master<N>,
    pub(super) settings: Settings,
    pub(super) away: Away,
    pub(super) most: usize,
    pub(super) observer: Option<Arc<dyn FleetObserver>>,
    pub(super) runtime: Handle,
    pub(super) drivers: TaskTracker,
    pub(super) in_use: DashMap<Box<str>, Arc<Local<N>>>,
    pub(super) is_closing: AtomicBool,
}

impl<const N: usize> Keys<N> {
    /// What this process has of a key, if it is in use.
    pub(super) fn find(&self, key: &str) -> Option<Arc<Local<N>>> {
        self.in_use.get(key).map(|local| Arc::clone(&local))
    }

    /// What this process has of a key, from now on; `None` if there is no room for it.
    pub(super) fn find_or_add(self: &Arc<Self>, key: &str) -> Option<Arc<Local<N>>> {
        if let Some(local) = self.find(key) {
            return Some(local);
        }
        // Others may add at the same time: the bound is exceeded by no more than these.
        if self.in_use.len() >= self.most {
            return None;
        }
        let master = self.master.of_key(key);
        let added = match self.in_use.entry(key.into()) {
            Entry::Occupied(found) => return Some(Arc::clone(found.get())),
            Entry::Vacant(place) => {
                let holder = Holder::new(master.terms(), self.settings, Local::<N>::now());
                let local = Arc::new(Local::new(holder, self.away).ok()?);
                place.insert(Arc::clone(&local));
                local
            }
        };
        let (keys, owned, local) = (Arc::clone(self), Box::<str>::from(key), Arc::clone(&added));
        let (watch, _) = Watch::new(Arc::clone(&self.name), self.observer.clone());
        let drive = async move {
            // The map has one, the driver two: nobody else uses it.
            let ends = || keys.in_use.remove_if(&*owned, |_, local| Arc::strong_count(local) <= 3).is_some();
            driver::drive(Arc::clone(&local), master, watch, keys.settings.term, ends).await;
            // It may have closed. Another may be in use by now.
            keys.in_use.remove_if(&*owned, |_, other| Arc::ptr_eq(other, &local));
        };
        self.drivers.spawn_on(drive, &self.runtime);
        if self.is_closing() {
            added.close();
        }
        Some(added)
    }

    pub(super) fn is_closing(&self) -> bool {
        // ORDERING: Relaxed. The map's locks order it: who closes sets it first and then closes
        // every key; who adds a key looks at it after the key is in the map.
        self.is_closing.load(Relaxed)
    }

    /// Refuses all, and has all given back.
    pub(super) fn close(&self) {
        // ORDERING: Relaxed, as in `is_closing`.
        self.is_closing.store(true, Relaxed);
        self.in_use.iter().for_each(|local| local.close());
        self.drivers.close();
    }

    /// How long a call waits that finds no room: a key leaves after about so long.
    pub(super) fn room_in(&self) -> Duration {
        self.settings.term
    }
}

impl<const N: usize> fmt::Debug for Keys<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, most, .. } = self;
        f.debug_struct("Keys").field("name", name).field("most", most).field("in_use", &self.in_use.len()).finish()
    }
}
