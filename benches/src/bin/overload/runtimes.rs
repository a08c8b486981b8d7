//! Owns the runtimes: four threads that poll, and a timer. It never counts anything.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use smol::channel::{Receiver, Sender};
use tollgate::wait::{Timer, TokioTimer};

/// Threads that poll.
const WORKERS: usize = 4;

/// Something that runs tasks.
pub(crate) trait Runtime: 'static {
    const NAME: &'static str;
    const TIMER: Self::Timer;

    type Timer: Timer<Sleep: Send> + Copy + Send + Sync + 'static;

    fn start() -> Self;

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static);

    /// Drops `task` when its time is over.
    fn timeout<F: Future + Send>(patience: Duration, task: F) -> impl Future<Output = Option<F::Output>> + Send
    where
        F::Output: Send;
}

pub(crate) struct Tokio(tokio::runtime::Runtime);

fn tokio_runtime(workers: usize) -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(workers).enable_time().build().expect("a runtime")
}

impl Runtime for Tokio {
    const NAME: &'static str = "tokio";
    const TIMER: TokioTimer = TokioTimer;

    type Timer = TokioTimer;

    fn start() -> Self {
        Self(tokio_runtime(WORKERS))
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(task);
    }

    async fn timeout<F: Future + Send>(patience: Duration, task: F) -> Option<F::Output>
    where
        F::Output: Send,
    {
        tokio::time::timeout(patience, task).await.ok()
    }
}

/// Smol's executor and timer.
///
/// Its threads are inside a tokio runtime, for those limiters that sleep on nothing else.
pub(crate) struct Smol {
    executor: Arc<smol::Executor<'static>>,
    /// The threads stop when it is dropped.
    _stop: Sender<()>,
    _tokio: tokio::runtime::Runtime,
}

/// Smol's timer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SmolTimer;

pub(crate) struct SmolSleep(smol::Timer);

impl Timer for SmolTimer {
    type Sleep = SmolSleep;

    fn sleep(&self, duration: Duration) -> SmolSleep {
        SmolSleep(smol::Timer::after(duration))
    }
}

impl Future for SmolSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(context).map(|_| ())
    }
}

impl Runtime for Smol {
    const NAME: &'static str = "smol";
    const TIMER: SmolTimer = SmolTimer;

    type Timer = SmolTimer;

    fn start() -> Self {
        let (executor, tokio) = (Arc::new(smol::Executor::new()), tokio_runtime(1));
        let (stop, stopped): (_, Receiver<()>) = smol::channel::bounded(1);
        for _ in 0..WORKERS {
            let (executor, stopped, tokio) = (executor.clone(), stopped.clone(), tokio.handle().clone());
            thread::spawn(move || {
                let _inside = tokio.enter();
                let _ = smol::block_on(executor.run(stopped.recv()));
            });
        }
        Self { executor, _stop: stop, _tokio: tokio }
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.executor.spawn(task).detach();
    }

    async fn timeout<F: Future + Send>(patience: Duration, task: F) -> Option<F::Output>
    where
        F::Output: Send,
    {
        smol::future::or(async { Some(task.await) }, async {
            smol::Timer::after(patience).await;
            None
        })
        .await
    }
}
