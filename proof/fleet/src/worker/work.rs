//! Owns the life of a worker: it joins, obeys its standard input, and says its numbers. Never
//! decides what befalls it.

use std::io::BufRead;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

use tollgate_redis::{Away, FleetBucket, FleetFigures};

use super::load::{self, Counts};
use super::orders::Orders;
use crate::Outcome;
use crate::judge::diary::Diary;

/// Works until the standard input ends.
///
/// # Errors
///
/// That it cannot join, or cannot write.
pub fn work(orders: &Orders) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let fleet = runtime.block_on(join(orders))?;
    println!("ready");
    let (counts, is_done) = (Arc::new(Counts::default()), Arc::new(AtomicBool::new(false)));
    let mut threads: Vec<JoinHandle<Outcome<()>>> = Vec::new();
    for line in std::io::stdin().lock().lines() {
        match line?.as_str() {
            "go" => {
                threads = load::start(orders, &fleet, runtime.handle(), &counts, &is_done)?;
                threads.push(note_returns(orders, &fleet, &is_done)?);
            }
            "halt" => {
                // ORDERING: Relaxed. The threads are joined, which orders the rest.
                is_done.store(true, Relaxed);
                for thread in threads.drain(..) {
                    thread.join().map_err(|_| "a thread panicked")??;
                }
            }
            "figures" => println!("figures {}", said(&fleet.figures(), &counts)),
            "close" => {
                runtime.block_on(fleet.close());
                println!("closed {}", said(&fleet.figures(), &counts));
            }
            other => return Err(format!("no order {other:?}").into()),
        }
    }
    Ok(())
}

async fn join(orders: &Orders) -> Outcome<FleetBucket<1>> {
    let engine = load::engine(orders)?;
    let joining = FleetBucket::join(&engine, orders.name.as_str(), [orders.limit]).when_away(Away::Refuse);
    let joining = joining.term(orders.term);
    let joining = if orders.creates { joining.create() } else { joining };
    Ok(joining.connect().await?)
}

/// Notes what was given back, as the figures say it.
fn note_returns(
    orders: &Orders,
    fleet: &FleetBucket<1>,
    is_done: &Arc<AtomicBool>,
) -> Outcome<JoinHandle<Outcome<()>>> {
    let mut diary = Diary::begin(&orders.folder.join(format!("returned-{}", orders.member)))?;
    let (fleet, is_done) = (fleet.clone(), Arc::clone(is_done));
    Ok(std::thread::spawn(move || {
        let mut noted = fleet.figures().returned[0];
        // ORDERING: Relaxed, as above.
        while !is_done.load(Relaxed) {
            let returned = fleet.figures().returned[0];
            diary.note(returned - noted)?;
            diary.flush()?;
            noted = returned;
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }))
}

fn said(figures: &FleetFigures<1>, counts: &Counts) -> String {
    let FleetFigures { granted: [granted], used: [used], returned: [returned], lost: [lost], held: [held], .. } =
        *figures;
    let (taken, decided) = counts.read();
    format!(
        "granted={granted} used={used} returned={returned} lost={lost} held={held} trips={} refused={} epoch={} \
         revision={} away-ms={} taken={taken} decided={decided}",
        figures.trips,
        figures.refused,
        figures.epoch,
        figures.revision,
        figures.away.as_millis()
    )
}
