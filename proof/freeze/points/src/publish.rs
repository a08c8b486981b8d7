//! Owns the publish-once cell: `OnceBox` with a point before each of its steps. It never publishes
//! twice.

use once_cell::race::OnceBox;

use crate::watch::{Point, point};

/// A cell that is empty until one thread's value is published in it, for good.
#[derive(Debug)]
pub struct PublishOnce<T>(OnceBox<T>);

impl<T> PublishOnce<T> {
    #[expect(clippy::new_without_default, reason = "the twin of a cell that has none")]
    pub const fn new() -> Self {
        Self(OnceBox::new())
    }

    pub fn get(&self) -> Option<&T> {
        point(Point::Look);
        self.0.get()
    }

    /// Publishes a value, unless another thread did; returns the published one.
    ///
    /// The value of a thread that lost the race is dropped.
    pub fn get_or_publish(&self, make: impl FnOnce() -> T) -> &T {
        point(Point::Look);
        if let Some(value) = self.0.get() {
            return value;
        }
        point(Point::Allocate);
        let value = Box::new(make());
        point(Point::Publish);
        let _ = self.0.set(value);
        self.0.get().expect("set just now, by this thread or by one that was faster")
    }
}
