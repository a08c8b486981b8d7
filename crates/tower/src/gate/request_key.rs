//! Owns how a request says whose it is. Never a bucket.

use http::request;

/// Says which client a request is of, as the key of its bucket.
///
/// Every function from the head of a request is one; [`ClientIp`](crate::ClientIp) is another. A
/// request without a key is answered as [`when_keyless`](crate::TollgateLayer::when_keyless) says.
///
/// Whoever can invent keys gets a new bucket with each, and may fill all room for keys. So check a
/// key before: as `None` for those that you do not know, or by a layer outside this one that
/// authenticates and leaves an extension. Else limit addresses, too: [`ClientIp`](crate::ClientIp).
///
/// ```
/// use tollgate_tower::RequestKey;
///
/// let by_token = |parts: &http::request::Parts| {
///     Some(parts.headers.get("x-api-key")?.to_str().ok()?.to_owned())
/// };
/// let (parts, ()) = http::Request::builder().header("x-api-key", "abc").body(())?.into_parts();
/// assert_eq!(by_token.key(&parts), Some("abc".to_owned()));
/// # Ok::<(), http::Error>(())
/// ```
pub trait RequestKey<K>: Send + Sync + 'static {
    /// Returns the key; `None` if the request has none.
    fn key(&self, request: &request::Parts) -> Option<K>;
}

impl<K, F: Fn(&request::Parts) -> Option<K> + Send + Sync + 'static> RequestKey<K> for F {
    fn key(&self, request: &request::Parts) -> Option<K> {
        self(request)
    }
}
