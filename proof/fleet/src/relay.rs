//! Owns a port on loopback that hands on to a server, and can be pointed at another one. It stands
//! for the name or the address that moves with a master. Never reads what it hands on.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::Outcome;

/// A port that hands on to a server, until this is dropped.
#[derive(Debug)]
pub struct Relay {
    port: u16,
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    target: AtomicU16,
    is_closed: AtomicBool,
    /// Answers that are yet to be swallowed.
    swallow: AtomicUsize,
    swallowed: AtomicUsize,
    /// Both ends of each connection.
    streams: Mutex<Vec<TcpStream>>,
}

impl Relay {
    /// Opens a port that hands on to a port of loopback.
    ///
    /// # Errors
    ///
    /// That no port is free.
    pub fn to(target: u16) -> Outcome<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        // ORDERING: Relaxed, here and below. Each flag says all there is to know.
        let inner = Arc::new(Inner { target: AtomicU16::new(target), ..Inner::default() });
        let accepting = Arc::clone(&inner);
        thread::spawn(move || {
            for client in listener.incoming() {
                if accepting.is_closed.load(Relaxed) {
                    return;
                }
                // A target that refuses is a client that is cut off.
                _ = client.map_err(Into::into).and_then(|client| accepting.join(client));
            }
        });
        Ok(Self { port, inner })
    }

    /// Returns the port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Points it at another server, and cuts all connections.
    pub fn point_at(&self, target: u16) {
        self.inner.target.store(target, Relaxed);
        self.cut();
    }

    /// Cuts all connections.
    pub fn cut(&self) {
        for stream in self.inner.streams.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Cuts the next so many connections half-way: the server has got a request, and its answer
    /// goes nowhere.
    pub fn swallow(&self, answers: usize) {
        self.inner.swallow.store(answers, Relaxed);
    }

    /// Returns how many answers were swallowed.
    pub fn swallowed(&self) -> usize {
        self.inner.swallowed.load(Relaxed)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.inner.is_closed.store(true, Relaxed);
        // Wakes the thread that accepts.
        _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        self.cut();
    }
}

impl Inner {
    /// Connects a client with the server that is the target now.
    fn join(self: &Arc<Self>, client: TcpStream) -> Outcome<()> {
        let server = TcpStream::connect((Ipv4Addr::LOCALHOST, self.target.load(Relaxed)))?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.extend([client.try_clone()?, server.try_clone()?]);
        drop(streams);
        for (from, to, answers) in [(client.try_clone()?, server.try_clone()?, false), (server, client, true)] {
            let relay = Arc::clone(self);
            thread::spawn(move || relay.hand_on(from, to, answers));
        }
        Ok(())
    }

    fn hand_on(&self, mut from: TcpStream, mut to: TcpStream, answers: bool) {
        let mut buffer = vec![0; 65536];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let take_one = |left: usize| left.checked_sub(1);
            if answers && self.swallow.fetch_update(Relaxed, Relaxed, take_one).is_ok() {
                self.swallowed.fetch_add(1, Relaxed);
                break;
            }
            if to.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
        _ = from.shutdown(Shutdown::Both);
        _ = to.shutdown(Shutdown::Both);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers each byte by a byte of its own.
    fn server(own: u8) -> Outcome<u16> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                thread::spawn(move || {
                    let (mut client, mut byte) = (client, [0]);
                    while client.read_exact(&mut byte).and_then(|()| client.write_all(&[own])).is_ok() {}
                });
            }
        });
        Ok(port)
    }

    fn ask(stream: &mut TcpStream) -> Option<u8> {
        let mut byte = [7];
        stream.write_all(&byte).and_then(|()| stream.read_exact(&mut byte)).ok().map(|()| byte[0])
    }

    #[test]
    fn it_hands_on_is_pointed_elsewhere_and_swallows_answers() -> Outcome<()> {
        let (one, two) = (server(1)?, server(2)?);
        let relay = Relay::to(one)?;
        let connect = || TcpStream::connect((Ipv4Addr::LOCALHOST, relay.port()));
        let mut old = connect()?;
        assert_eq!(ask(&mut old), Some(1));
        relay.point_at(two);
        assert_eq!(ask(&mut old), None);
        let mut new = connect()?;
        assert_eq!(ask(&mut new), Some(2));
        relay.swallow(1);
        assert_eq!((ask(&mut new), relay.swallowed()), (None, 1));
        assert_eq!(ask(&mut connect()?), Some(2));
        Ok(())
    }
}
