//! Limits costs that are fractions of a token, such as 0.25, by counting in thousandths.
//!
//! Amounts are whole tokens. So choose the smallest cost that matters as the token of the bucket:
//! here a thousandth. Multiply the rate, the capacity and each cost by 1000. Nothing is rounded
//! after that. A cost with more decimals is rounded up, so a bucket never gives too much.
//!
//! ```text
//! cargo run --example fractional_tokens
//! ```

#[path = "common/command.rs"]
mod command;

use std::process::ExitCode;
use std::time::Duration;

use tollgate::clock::ManualClock;
use tollgate::{Limit, TokenBucket};

use command::Usage;

/// A whole token, in the tokens of the bucket.
const TOKEN: f64 = 1000.0;

/// A cost in thousandths, rounded up.
///
/// The product of a cost with three decimals may be off by a hair, so it is rounded to a millionth
/// of a thousandth first.
fn thousandths(cost: f64) -> u64 {
    ((cost * TOKEN * 1e6).round() / 1e6).ceil() as u64
}

const USAGE: Usage = Usage::plain("Limits costs that are fractions of a token, by counting in thousandths.");

fn main() -> ExitCode {
    command::run(&USAGE, command::no_arguments, |()| take())
}

fn take() -> Result<(), Box<dyn std::error::Error>> {
    // 2.5 tokens a second, of which 4 at once. The suffix `k` is the factor of the recipe.
    let limit: Limit = "2.5k/s burst 4k".parse()?;
    let bucket = TokenBucket::with_clock(limit, ManualClock::new())?;
    for cost in [0.25, 1.0, 0.1, 0.2, 2.45, 0.001] {
        let n = thousandths(cost);
        match bucket.try_take(n) {
            Ok(granted) => println!("{cost}: granted, {} left", granted.remaining() as f64 / TOKEN),
            Err(refused) => println!("{cost}: {refused}"),
        }
    }
    assert_eq!(bucket.available(), 0, "the first five are 4 exactly");
    assert_eq!(bucket.wait_for(thousandths(0.25))?, Some(Duration::from_millis(100)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_with_three_decimals_is_exact_and_others_are_rounded_up() {
        for cost in 0..1_000_000 {
            assert_eq!(thousandths(f64::from(cost) / 1000.0), u64::from(cost as u32));
        }
        assert_eq!([0.25, 0.0001, 1.0005, 0.1 + 0.2].map(thousandths), [250, 1, 1001, 300]);
    }

    #[test]
    fn the_example_runs() {
        take().unwrap();
    }
}
