//! Owns the body of a response, and counts it as it is sent. Never changes it.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::settling::Settling;
use crate::observe::observer::Observer;

pin_project! {
    /// The body of a response through a [`Tollgate`](crate::Tollgate): the inner service's, or that
    /// of a refusal.
    ///
    /// It is a [`Body`] where the inner service's is one whose data can be made of [`Bytes`], as
    /// those of axum, tonic and hyper are.
    ///
    /// Where a layer [settles](crate::Settle::ResponseBody) by it, it counts the data that is sent,
    /// and gives back what was not sent when it ends or is dropped.
    pub struct TollgateBody<B, O: Observer = ()> {
        #[pin]
        kind: Kind<B>,
        settling: Option<Settling<O>>,
    }
}

pin_project! {
    #[project = KindProjected]
    enum Kind<B> {
        Inner { #[pin] body: B },
        Refusal { data: Option<Bytes> },
    }
}

impl<B, O: Observer> TollgateBody<B, O> {
    pub(crate) const fn inner(body: B, settling: Option<Settling<O>>) -> Self {
        Self { kind: Kind::Inner { body }, settling }
    }

    pub(crate) fn refusal(data: Bytes) -> Self {
        let data = Some(data).filter(|data| !data.is_empty());
        Self { kind: Kind::Refusal { data }, settling: None }
    }
}

impl<B, O: Observer> Body for TollgateBody<B, O>
where
    B: Body<Data: From<Bytes>>,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let (frame, is_over) = match this.kind.project() {
            KindProjected::Inner { mut body } => {
                let frame = ready!(body.as_mut().poll_frame(context));
                (frame, body.is_end_stream())
            }
            KindProjected::Refusal { data } => (data.take().map(|data| Ok(Frame::data(data.into()))), true),
        };
        if let (Some(Ok(frame)), Some(settling)) = (&frame, this.settling.as_mut()) {
            if let Some(data) = frame.data_ref() {
                settling.count(data.remaining() as u64);
            }
        }
        // What was not sent comes back now, and not only when this is dropped. Who knows that the
        // body is at its end does not poll it again.
        if is_over || !matches!(frame, Some(Ok(_))) {
            *this.settling = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Inner { body } => body.is_end_stream(),
            Kind::Refusal { data } => data.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Inner { body } => body.size_hint(),
            Kind::Refusal { data } => SizeHint::with_exact(data.as_ref().map_or(0, Bytes::len) as u64),
        }
    }
}

impl<B, O: Observer> fmt::Debug for TollgateBody<B, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_refusal = matches!(self.kind, Kind::Refusal { .. });
        f.debug_struct("TollgateBody").field("is_refusal", &is_refusal).finish_non_exhaustive()
    }
}

/// Of a refusal without content.
impl<B, O: Observer> Default for TollgateBody<B, O> {
    fn default() -> Self {
        Self::refusal(Bytes::new())
    }
}
