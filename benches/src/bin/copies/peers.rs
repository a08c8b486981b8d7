//! Owns the same copies by `pv -L` and `trickle`, where they are installed. Never paces by itself.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tollgate::io::{Payer, ThrottledRead};
use tollgate::{Limit, TokenBucket};

pub(crate) fn run(seconds: u64) {
    println!("copies of what {seconds} s of the rate are: rate reached, of the limit");
    println!(
        "| limit | tollgate, /dev/zero to /dev/null | `pv -q -L`, the same | tollgate, socket | `trickle -s -d wget`, socket |"
    );
    println!("|---|---|---|---|---|");
    for (name, rate) in [("1MiB/s", 1_u64 << 20), ("100MiB/s", 100 << 20), ("1GiB/s", 1 << 30)] {
        let bytes = rate * seconds;
        let times = [ours(rate, bytes), pv(rate, bytes), our_socket(rate, bytes), trickle(rate, bytes)];
        let [ours, pv, socket, trickle] = times.map(|took| match took {
            Some(took) => format!("{:.4}", bytes as f64 / (rate as f64 * took.as_secs_f64())),
            None => "not there".to_owned(),
        });
        println!("| {name} | {ours} | {pv} | {socket} | {trickle} |");
    }
}

/// A payer that begins without a token.
fn payer(rate: u64) -> Payer {
    let bucket = TokenBucket::new(Limit::per_second(rate).empty()).expect("a good limit");
    Payer::blocking().and(Arc::new(bucket), 1)
}

fn copy(mut from: impl Read, mut to: impl Write) -> io::Result<Duration> {
    let (start, mut buffer) = (Instant::now(), vec![0; 64 << 10]);
    loop {
        let read = from.read(&mut buffer)?;
        if read == 0 {
            return Ok(start.elapsed());
        }
        to.write_all(&buffer[..read])?;
    }
}

fn ours(rate: u64, bytes: u64) -> Option<Duration> {
    let zero = File::open("/dev/zero").ok()?;
    let null = OpenOptions::new().write(true).open("/dev/null").ok()?;
    copy(ThrottledRead::new(zero.take(bytes), payer(rate)), null).ok()
}

fn pv(rate: u64, bytes: u64) -> Option<Duration> {
    let (rate, size) = (rate.to_string(), bytes.to_string());
    let mut command = Command::new("pv");
    command.args(["-q", "-L", &rate, "-S", "-s", &size, "/dev/zero"]).stdout(Stdio::null());
    let start = Instant::now();
    let status = command.status().ok()?;
    status.success().then(|| start.elapsed())
}

/// Serves so many bytes to one client, behind the head of a response, and says where.
fn serve(bytes: u64) -> io::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        let (mut connection, _) = listener.accept()?;
        // The request, whatever it is: what is left unread would reset the connection.
        let _ = connection.read(&mut [0; 4096])?;
        write!(connection, "HTTP/1.0 200 OK\r\nContent-Length: {bytes}\r\n\r\n")?;
        copy(io::repeat(7).take(bytes), connection)
    });
    Ok(port)
}

fn our_socket(rate: u64, bytes: u64) -> Option<Duration> {
    let mut connection = TcpStream::connect(("127.0.0.1", serve(bytes).ok()?)).ok()?;
    connection.write_all(b"GET / HTTP/1.0\r\n\r\n").ok()?;
    copy(ThrottledRead::new(connection, payer(rate)), io::sink()).ok()
}

/// By `wget`, which reads its socket as `trickle` expects it.
fn trickle(rate: u64, bytes: u64) -> Option<Duration> {
    let kilobytes = (rate >> 10).to_string();
    let address = format!("http://127.0.0.1:{}/", serve(bytes).ok()?);
    let mut command = Command::new("timeout");
    command.args(["60", "trickle", "-s", "-d", &kilobytes, "wget", "-q", "-O", "/dev/null", &address]);
    let start = Instant::now();
    let status = command.stderr(Stdio::null()).status().ok()?;
    status.success().then(|| start.elapsed())
}
