//! Owns which requests may be sent again: those of which a copy can be made. Never sends one.

/// Copies a request's body before it is sent, if it may be sent again. The trait is sealed.
///
/// | type | which bodies |
/// |---|---|
/// | `()` | none: no request is sent again |
/// | [`Copies`] | all, by `Clone` |
/// | [`CopiesBy`] | those of which a function makes a copy |
pub trait CopyBody<B>: sealed::Sealed + Clone + Send + Sync + 'static {
    /// Returns a copy, or `None` if the request is to be sent once.
    fn copy(&self, body: &B) -> Option<B>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for () {}
    impl Sealed for super::Copies {}
    impl<F> Sealed for super::CopiesBy<F> {}
}

impl<B> CopyBody<B> for () {
    fn copy(&self, _: &B) -> Option<B> {
        None
    }
}

/// Sends requests again whose bodies are `Clone`: see
/// [`ThrottleLayer::retries`](crate::ThrottleLayer::retries).
#[derive(Clone, Copy, Debug)]
pub struct Copies;

impl<B: Clone> CopyBody<B> for Copies {
    fn copy(&self, body: &B) -> Option<B> {
        Some(body.clone())
    }
}

/// Sends requests again whose bodies a function copies: see
/// [`ThrottleLayer::retries_by`](crate::ThrottleLayer::retries_by).
#[derive(Clone, Copy, Debug)]
pub struct CopiesBy<F>(pub(crate) F);

impl<B, F: Fn(&B) -> Option<B> + Clone + Send + Sync + 'static> CopyBody<B> for CopiesBy<F> {
    fn copy(&self, body: &B) -> Option<B> {
        (self.0)(body)
    }
}
