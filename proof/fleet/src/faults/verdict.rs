//! Owns what came of a fault, beside what was expected. Never brings one about.

use std::thread::sleep;
use std::time::Duration;

use engines::Kind;

use super::fault::{Allowed, Fault, Form};
use super::stage::{LIMIT, MEMBERS, Stage, TERM};
use super::strike;
use crate::judge::bins::Bins;
use crate::judge::bound::Bound;
use crate::judge::diary;
use crate::member::Member;
use crate::{Outcome, now_ms};

/// Within which all must take again once the engine is back.
const RECOVERY: Duration = Duration::from_secs(1);

/// What came of a fault.
#[derive(Clone, Debug)]
pub struct Verdict {
    fault: Fault,
    fenced: bool,
    /// Tokens above bound B, in the fullest window; 0 if there is room.
    pub over: u64,
    /// The room that the fullest window had.
    pub room: i64,
    /// Tokens that were not used of what the bucket had and what accrued.
    pub under: i64,
    /// Until the last process took again; `None` if one never did.
    pub recovery: Option<Duration>,
    /// Tokens that were lost, by the account.
    pub lost: i128,
    /// How often a token was used that had expired, beyond one for each thread.
    pub expired: u64,
    /// What else is wrong.
    wrong: Vec<String>,
    seconds: f64,
}

/// Runs a fleet before, through and after a fault.
pub(super) fn of(stage: &mut Stage, form: Form, fault: Fault, fenced: bool) -> Outcome<Verdict> {
    strike::prepare(stage, fault)?;
    let begun = now_ms();
    stage.members.iter_mut().try_for_each(Member::go)?;
    sleep(form.before());
    let over = strike::strike(stage, fault)?;
    sleep(form.after());
    let ended = now_ms();
    let is_alive = |member: &Member| Some(member.number()) != over.killed;
    stage.members.iter_mut().filter(|member| is_alive(member)).try_for_each(Member::halt)?;
    let mut wrong = Vec::new();
    let mut lost = 0;
    for member in stage.members.iter_mut().filter(|member| is_alive(member)) {
        let said = member.close()?;
        let number = |name| said.number(name);
        lost += number("lost")?;
        let sum = number("used")? + number("returned")? + number("lost")? + number("held")?;
        if number("granted")? != sum || number("used")? != number("taken")? {
            wrong.push(format!("the account of process {}: {said:?}", member.number()));
        }
    }
    let folder = stage.folder.path();
    let uses = (0..MEMBERS).map(|i| diary::read(folder, &format!("uses-{i}-"))).collect::<Outcome<Vec<_>>>()?;
    let mut all = Bins::default();
    uses.iter().for_each(|uses| all.merge(uses));
    let returned = diary::read(folder, "returned-")?;
    let fullest = Bound::new(LIMIT, TERM).with_threads(MEMBERS as u64).fullest(&all, &returned);

    let first_uses = over.back.iter().flat_map(|back| {
        let alive = uses.iter().enumerate().filter(|(i, _)| Some(*i) != over.killed);
        alive.map(move |(_, uses)| Some(Duration::from_millis(uses.first_from(*back)? - back)))
    });
    let recovery = first_uses.collect::<Option<Vec<_>>>().and_then(|waits| waits.into_iter().max());
    let expired = over.suspended.map_or(0, |(i, from, to)| uses[i].between(from, to).saturating_sub(1));
    let accrued = LIMIT.rate.tokens() as i64 * (ended - begun) as i64 / 1000;
    Ok(Verdict {
        fault,
        fenced,
        over: fullest.over.max(0) as u64,
        room: -fullest.over,
        under: LIMIT.capacity as i64 + accrued - all.between(begun, ended) as i64,
        recovery,
        lost,
        expired,
        wrong,
        seconds: (ended - begun) as f64 / 1000.0,
    })
}

/// The head of the table.
pub(super) fn head(kind: Kind, fenced: bool) -> String {
    let fence = if fenced { "" } else { ", without the fence" };
    let capacity = LIMIT.capacity;
    format!(
        "| {kind}{fence}: {MEMBERS} processes, {}, capacity {capacity} | over B | room left | under C + r * t | lost | \
         recovery | |\n|---|---:|---:|---:|---:|---:|---|",
        LIMIT.rate
    )
}

impl Verdict {
    /// Returns the row of the table.
    pub fn row(&self) -> String {
        let recovery = self.recovery.map_or_else(|| "never".to_owned(), |time| format!("{} ms", time.as_millis()));
        let accrued = LIMIT.capacity as f64 + LIMIT.rate.tokens() as f64 * self.seconds;
        let share = 100.0 * self.under as f64 / accrued;
        let failures = self.failures();
        let verdict = if failures.is_empty() { "as expected".to_owned() } else { failures.join("; ") };
        format!(
            "| {} | {} | {} | {} ({share:.0} %) | {} | {recovery} | {verdict} |",
            self.fault.told(),
            self.over,
            self.room.max(0),
            self.under,
            self.lost
        )
    }

    /// Returns whether all came out as it must.
    pub fn is_as_expected(&self) -> bool {
        self.failures().is_empty()
    }

    /// Returns what did not come out as it must.
    pub fn failures(&self) -> Vec<String> {
        let mut failures = self.wrong.clone();
        if !self.fenced {
            if self.over == 0 {
                failures.push("without the fence the bound must break, and did not".into());
            }
            return failures;
        }
        let most = match self.fault.allowed() {
            Allowed::Nothing => 0,
            Allowed::Capacity => LIMIT.capacity,
            Allowed::RateFor(time) => LIMIT.rate.tokens() * time.as_millis() as u64 / 1000,
        };
        if self.over > most {
            failures.push(format!("{} over the bound, at most {most} may be", self.over));
        }
        if self.recovery.is_none_or(|time| time > RECOVERY) {
            failures.push(format!("not back within {RECOVERY:?}"));
        }
        if self.expired > 0 {
            failures.push(format!("{} tokens used that had expired", self.expired));
        }
        failures
    }
}
