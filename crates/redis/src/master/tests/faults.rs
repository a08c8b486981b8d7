//! Owns faults that are planted in the scripts, one at a time: each is noticed. Never a sound
//! script.

use std::time::Duration;

use engines::{Kind, Options, Server};

use super::lanes::{self, Fault};

/// Asks until a fault must have shown.
const ASKS: u64 = 12_000;

const fn fault(name: &'static str, from: &'static str, to: &'static str) -> Fault {
    Fault { name, from, to }
}

/// Each is one edit of one place.
const FAULTS: &[Fault] = &[
    // What is read.
    fault("a state of another epoch counts", "if of == epoch or not of then", "if true then"),
    fault("another server is not noticed", "(fence ~= written_by and fence ~= 'none')", "false"),
    fault("a head from the future stays", "or at - now > tolerance then return { 2,", "then return { 2,"),
    fault("a state from the future stays", "local writes = at - now > tolerance", "local writes = false"),
    fault("the tolerance is one off", "local writes = at - now > tolerance", "local writes = at - now >= tolerance"),
    fault("a step back is not kept", "if writes then at = now end", "if writes then at, writes = now, false end"),
    fault("a step back mints", "math.max(0, now - at)", "math.abs(now - at)"),
    fault("a wait forgets the step back", "math.max(0, at - now), math", "0, math"),
    fault("an old revision counts as new", "if revision ~= string.match(terms, '^%d+') then", "if false then"),
    fault("other terms are not noticed", "if terms ~= ARGV[2] then", "if false then"),
    // Native.
    fault("a time is rounded down", "if whole * num < missing then whole = whole + 1 end", ""),
    fault("a time is rounded up too far", "if whole * num < missing then", "if whole * num <= missing then"),
    fault(
        "no cap at the capacity",
        "now_at = math.min(full[i], now_at + num[i] * rest)",
        "now_at = now_at + num[i] * rest",
    ),
    fault("full too early", "if rest >= fill then now_at", "if rest >= fill / 2 then now_at"),
    fault("a deep debt is forgiven", "if now_at < -debt then", "if false then"),
    fault("what comes back is not capped", "if back >= room then now_at = full[i] else", "if false then else"),
    fault("what comes back is not kept", "if back > 0 then\n    writes = true", "if back > 0 then"),
    fault("never begins at the capacity", "if need > capacity[i] then", "if need >= capacity[i] then"),
    fault(
        "a wait is for an empty stream",
        "time_of(least[i] + need * den[i] - now_at, num[i])",
        "time_of(need * den[i] - now_at, num[i])",
    ),
    fault("the last stream is named", "if wait > longest then", "if wait >= longest and wait > 0 then"),
    fault(
        "the shortest wait is told",
        "longest, stream = wait, i end\n  end\nend\n\nlocal code, micros = 4, 0\nif never",
        "longest, stream = math.min(wait, longest == 0 and wait or longest), i end\n  end\nend\n\nlocal code, micros = 4, 0\nif never",
    ),
    fault(
        "more than is wanted",
        "math.max(need, math.min(want, math.floor(",
        "math.max(need, math.max(want, math.floor(",
    ),
    fault(
        "a part of a token",
        "math.floor((level[i] - least[i]) / den[i])",
        "math.ceil((level[i] - least[i]) / den[i])",
    ),
    fault("a grant is not kept", "if tokens > 0 then\n      writes = true", "if tokens > 0 then"),
    fault("paid too early", "math.max(micros, time_of(-level[i], num[i]))", "time_of(-level[i], num[i])"),
    // Wide.
    fault("a borrow is lost", "rest[i], borrow = digit + base, 1 else", "rest[i], borrow = digit + base, 0 else"),
    fault("a carry is lost", "sum[i], carry = digit - base, 1 else", "sum[i], carry = digit - base, 0 else"),
    fault("limbs are compared from below", "for i = 6, 1, -1 do", "for i = 1, 6 do"),
    fault("a product lacks a column", "+ a2 * b3", ""),
    fault("a double is trusted", "> near * 1e-14 then return near", ">= 0 then return near"),
    fault("a digit too large stays", "if less(rest, part) then digit", "if false then digit"),
    fault("a digit too small stays", "if not less(rest, moved) then digit", "if false then digit"),
    fault("a rest is overlooked", "return rest and micros + 1 or micros", "return micros"),
    fault(
        "wide: no cap at the capacity",
        "if less(full[i], now_at) then now_at = full[i] end\n  end\n  local need",
        "end\n  local need",
    ),
    fault("wide: a deep debt is forgiven", "if less(now_at, lowest) then", "if false then"),
    fault("wide: the wanted is not granted", "        tokens = want\n", ""),
    fault("wide: debts are not minded", "reserve and lowest or zero", "zero"),
    // What is kept.
    fault("a young master forgets", "math.max(fills_in, fills - (now - since))", "fills_in"),
    fault(
        "a state is forgotten early",
        "math.max(fills_in, fills - (now - since))",
        "math.min(fills_in, fills - (now - since))",
    ),
    fault("never is summed", "math.min(forever, math.max(fills_in", "math.max(0, math.max(fills_in"),
    fault("a time to live is rounded down", "math.ceil(math.min(forever", "math.floor(math.min(forever"),
    fault("written as of an earlier time", "math.max(at, now), table.concat", "at, table.concat"),
    fault("written as of an earlier clock", "math.max(at, now), table.concat", "now, table.concat"),
    fault("digits are lost", "kept[i] = string.format('%.0f', level[i])", "kept[i] = string.format('%.14g', level[i])"),
];

/// Plants each fault of a part, and says which were not noticed.
async fn noticed(kind: Kind, part: usize, of: usize) {
    let server = Server::start(kind, Options::default()).expect("the engine starts");
    let mut unnoticed = Vec::new();
    for planted in FAULTS.iter().skip(part).step_by(of) {
        let agrees = lanes::agree(&server, 7, ASKS, std::slice::from_ref(planted));
        match tokio::time::timeout(Duration::from_secs(60), agrees).await {
            Ok(Ok(_)) => unnoticed.push(planted.name),
            Ok(Err(how)) => println!("{}: {}", planted.name, how.lines().next().unwrap_or_default()),
            Err(_) => panic!("{}: the engine hangs", planted.name),
        }
        server.cli(&["FLUSHALL"]).expect("the engine answers");
    }
    assert!(unnoticed.is_empty(), "not noticed: {unnoticed:?}");
}

#[tokio::test]
async fn each_planted_fault_is_noticed_on_redis() {
    noticed(Kind::Redis7, 0, 2).await;
}

#[tokio::test]
async fn each_planted_fault_is_noticed_on_valkey() {
    noticed(Kind::Valkey8, 1, 2).await;
}
