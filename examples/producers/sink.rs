//! Owns both ends of the wire: the connections, and our own counting sink. It never touches a
//! bucket.
//!
//! The wire carries records, each ended by a newline. Our own sink notes each arrival by its own
//! clock. Any other listener will do, but then the report does not know what arrived.

use std::io::{self, BufWriter, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::arguments::{BadValue, Peer};
use crate::audit::Event;

/// The longest time that a sink may take to accept a connection or to read.
const PATIENCE: Duration = Duration::from_secs(5);

/// A producer's connection, buffered until it is flushed.
pub(crate) struct Wire(BufWriter<TcpStream>);

impl Wire {
    fn new(stream: TcpStream) -> Self {
        Self(BufWriter::new(stream))
    }

    pub(crate) fn send(&mut self, record: &[u8]) -> io::Result<()> {
        self.0.write_all(record).map_err(|error| self.give_up(error))
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(|error| self.give_up(error))
    }

    /// Flushes the buffer and closes the connection.
    pub(crate) fn close(mut self) -> io::Result<()> {
        self.flush()?;
        self.0.get_ref().shutdown(Shutdown::Write)
    }

    /// Ends the connection after an error, and puts a timeout into words.
    ///
    /// The drop then does not try to send again.
    fn give_up(&self, error: io::Error) -> io::Error {
        // The connection may be gone already.
        let _ = self.0.get_ref().shutdown(Shutdown::Both);
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                io::Error::new(error.kind(), format!("the sink read nothing for {PATIENCE:?}"))
            }
            _ => error,
        }
    }
}

/// The connections, one for each producer.
pub(crate) struct Connections(Vec<Wire>);

impl Connections {
    /// Connects to a listener elsewhere.
    pub(crate) fn to(peer: &Peer, count: usize) -> Result<Self, BadValue> {
        let connect = |number: usize| {
            connect(&peer.addresses).map_err(|error| {
                let rule = format!("connection {} of {count} failed (one for each producer): {error}", number + 1);
                BadValue { option: "--to", value: peer.name.clone(), rule }
            })
        };
        (0..count).map(connect).map(|stream| stream.map(Wire::new)).collect::<Result<_, _>>().map(Self)
    }
}

impl IntoIterator for Connections {
    type Item = Wire;
    type IntoIter = std::vec::IntoIter<Wire>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// Connects to the first of these addresses that answers.
fn connect(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        match TcpStream::connect_timeout(address, PATIENCE) {
            Ok(stream) => {
                // A producer flushes when it has nothing more to send. The data should then leave
                // immediately.
                stream.set_nodelay(true)?;
                stream.set_write_timeout(Some(PATIENCE))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// A sink on loopback, with a thread for each connection.
///
/// It ends when all producers have closed their connections.
pub(crate) struct Sink(Vec<JoinHandle<io::Result<Vec<Event>>>>);

impl Sink {
    /// Opens a sink and the connections to it.
    pub(crate) fn open(count: usize) -> Result<(Connections, Self), BadValue> {
        Self::try_open(count).map_err(|error| {
            let rule = format!("cannot open {count} connections to a sink on loopback: {error}");
            BadValue { option: "--threads", value: count.to_string(), rule }
        })
    }

    fn try_open(count: usize) -> io::Result<(Connections, Self)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let origin = Instant::now();
        let mut near = Vec::with_capacity(count);
        let mut far = Vec::with_capacity(count);
        for _ in 0..count {
            let stream = connect(&[address])?;
            let accepted = accept(&listener, stream.local_addr()?)?;
            far.push(thread::Builder::new().spawn(move || receive(accepted, origin))?);
            near.push(Wire::new(stream));
        }
        Ok((Connections(near), Self(far)))
    }

    /// Waits for the end of all connections, and returns all arrivals, in no order.
    ///
    /// It adds broken connections to `failures`.
    pub(crate) fn close(self, failures: &mut Vec<String>) -> Vec<Event> {
        let mut arrivals = Vec::new();
        for (number, connection) in self.0.into_iter().enumerate() {
            match connection.join().expect("the sink reports its errors") {
                Ok(mut events) => arrivals.append(&mut events),
                Err(error) => failures.push(format!("the sink lost connection {number}: {error}")),
            }
        }
        arrivals
    }
}

/// Accepts the connection from this address, and drops any other.
fn accept(listener: &TcpListener, from: SocketAddr) -> io::Result<TcpStream> {
    loop {
        let (stream, peer) = listener.accept()?;
        if peer == from {
            return Ok(stream);
        }
    }
}

/// Counts the newlines and bytes of each arrival, until the connection ends.
fn receive(mut stream: TcpStream, origin: Instant) -> io::Result<Vec<Event>> {
    let mut arrivals = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(arrivals),
            Ok(length) => {
                let nanos = origin.elapsed().as_nanos() as u64;
                let records = buffer[..length].iter().filter(|byte| **byte == b'\n').count();
                arrivals.push(Event { nanos, amounts: [records as u64, length as u64] });
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
