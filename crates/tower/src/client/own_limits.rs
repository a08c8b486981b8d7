//! Owns the limits of the client's own, whatever their types are. Never asks a server.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use http::request;
use tollgate::Clock;
use tollgate::gate::Limited;

use super::throttle_error::ThrottleError;
use crate::gate::chain::Chain;
use crate::gate::decide::Held;
use crate::gate::gate::Gate;
use crate::gate::shared::Shared;
use crate::gate::streams::Amounts;

/// The limits of a client: a [`Gate`], or an `Arc` of a bucket.
///
/// The trait is sealed.
pub trait OwnLimits: IntoOwn {}

impl<T: IntoOwn> OwnLimits for T {}

pub trait IntoOwn {
    fn into_own(self) -> Box<dyn Own>;
}

type Taken = Result<Box<dyn Held>, ThrottleError>;

pub trait Own: Send + Sync {
    /// Waits in turn at all limits.
    fn take(&self, request: &request::Parts, timeout: Duration) -> Pin<Box<dyn Future<Output = Taken> + Send>>;
}

impl<L: Chain> IntoOwn for Gate<L> {
    fn into_own(self) -> Box<dyn Own> {
        Box::new(self)
    }
}

impl<B> IntoOwn for B
where
    B: Limited<Amounts: Amounts, Clock: Clock + Send + Sync + 'static> + Clone + Send + Sync + 'static,
{
    fn into_own(self) -> Box<dyn Own> {
        Box::new(Gate::new().limit(Shared::new("client", self)))
    }
}

impl<L: Chain> Own for Gate<L> {
    fn take(&self, request: &request::Parts, timeout: Duration) -> Pin<Box<dyn Future<Output = Taken> + Send>> {
        let gate = match self.limits.of_request(request, false, &mut Vec::new()) {
            Ok(gate) => gate,
            Err(limit) => {
                let error = ThrottleError::Keyless { limit: limit.to_owned() };
                return Box::pin(std::future::ready(Err(error)));
            }
        };
        let wait = gate.take_timeout(timeout);
        Box::pin(async move {
            match wait.await {
                Ok(granted) => Ok(Box::new(granted) as Box<dyn Held>),
                Err(refused) if refused.is_never() => Err(ThrottleError::Never),
                Err(refused) => Err(ThrottleError::OwnLimit { wait: refused.wait() }),
            }
        })
    }
}
