//! Owns one fleet on an engine beside its exact model: what is done next, and whether both say the
//! same. Never sends anything.

use std::collections::BTreeMap;
use std::time::Duration;

use super::dice::Dice;
use super::model::{Asked, FOREVER, Line as ModelLine, Master, Reply as ModelReply, Said};
use crate::master::answer::{Answer, Verdict};
use crate::master::ask::Ask;
use crate::master::flow::{Flow, Goal, Next};
use crate::master::line::Line;
use crate::master::lines::{Form, Lines};
use crate::master::reply::Reply;
use crate::master::script::Script;
use crate::master::seat::{Request, Seat};
use crate::master::terms::Terms;

/// Keys of a lane: the bucket's own state, and those of two clients.
const KEYS: [Option<&[u8]>; 3] = [None, Some(b"1"), Some(b"2")];

/// What is sent for a lane in one round trip.
pub(super) struct Sent {
    /// Keys that are copied first, with the names of their copies.
    pub(super) copies: Vec<(Vec<u8>, Vec<u8>)>,
    pub(super) request: Request,
    /// The engine's clock, and who it is.
    pub(super) now: u64,
    pub(super) fence: String,
}

/// What an ask is compared with: what the model said, and how long a rewritten state lives.
struct Expected<const N: usize> {
    said: ModelReply<N>,
    rewritten: Option<u64>,
}

/// One fleet on an engine, and its model.
pub(super) struct Lane<const N: usize> {
    dice: Dice,
    seat: Seat<N>,
    model: Master<N>,
    /// The engine's content at an earlier time, and the model's.
    earlier: Option<(String, Master<N>)>,
    now: u64,
    generation: u64,
    name: String,
    copies: Vec<(Vec<u8>, Vec<u8>)>,
    /// What goes on, with the request that is to be sent.
    flow: Option<(Flow<N>, Request)>,
    expected: Option<Expected<N>>,
    /// What was done last, for those who read of a disagreement.
    history: Vec<String>,
    level: [i64; N],
    epoch: u64,
    /// Asks that both answered alike.
    pub(super) agreed: u64,
    /// What they were about.
    pub(super) tally: Tally,
}

/// How often something was met.
pub(super) type Tally = BTreeMap<&'static str, u64>;

fn model_lines<const N: usize>(terms: &Terms<N>) -> [ModelLine; N] {
    std::array::from_fn(|i| {
        let rate = terms.limits[i].rate;
        let period = u64::try_from(rate.period().as_nanos()).expect("a period is below 2^64 ns");
        ModelLine { tokens: rate.tokens(), period, capacity: terms.limits[i].capacity, debt: terms.debts[i] }
    })
}

impl<const N: usize> Lane<N> {
    pub(super) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let terms = dice.terms(1);
        let name = format!("{seed:x}.{N}");
        let mut seat = Seat::new(&name, None, terms).expect("limits that fit");
        seat.fenced = !dice.one_in(8);
        let mut model = Master::new(1);
        model.fenced = seat.fenced;
        Self {
            dice,
            seat,
            model,
            earlier: None,
            now: 1_700_000_000_000_000,
            generation: 0,
            name,
            copies: Vec::new(),
            flow: None,
            expected: None,
            history: Vec::new(),
            level: [0; N],
            epoch: 0,
            agreed: 0,
            tally: Tally::new(),
        }
    }

    /// What is to be sent next.
    pub(super) fn next(&mut self) -> Sent {
        if self.flow.is_none() {
            self.begin();
        }
        let (_, request) = self.flow.as_ref().expect("begun above");
        let fence = format!("f{}", self.model.fence);
        Sent { copies: std::mem::take(&mut self.copies), request: request.clone(), now: self.now, fence }
    }

    /// Keys of another copy of the fleet.
    fn head_of(&mut self) -> String {
        self.generation += 1;
        format!("tollgate:{{{}.{}}}", self.name, self.generation)
    }

    fn begin(&mut self) {
        self.mishap();
        let is_there = self.model.terms().is_some();
        let goal = if self.seat.known.is_empty() && self.dice.one_in(2) && !is_there {
            Goal::Create
        } else if self.seat.known.is_empty() || self.dice.one_in(64) {
            Goal::Join
        } else if self.dice.one_in(24) {
            Goal::Change(self.dice.terms(0))
        } else {
            self.ask()
        };
        self.history.push(format!("{} fence {} {goal:?}", self.now, self.model.fence));
        self.model_does(&goal);
        self.flow = Some(Flow::begin(&self.seat, goal));
    }

    /// Time passes, or is set back; a server is lost or replaced.
    fn mishap(&mut self) {
        let fill = Lines::of(&self.seat.terms, [0; N]).fill();
        let step = self.dice.step(fill);
        self.now = self.now.checked_add_signed(step).filter(|now| (1..1 << 52).contains(now)).unwrap_or(1 << 40);
        if self.dice.one_in(40) {
            // A replica hears of everything until now.
            let copy = self.head_of();
            let own = |head: &str, key: Option<&[u8]>| match key {
                None => format!("{head}:s").into_bytes(),
                Some(key) => [head.as_bytes(), b":k:", key].concat(),
            };
            self.copies.push((self.seat.head.clone().into_bytes(), copy.clone().into_bytes()));
            self.copies.extend(KEYS.map(|key| (own(&self.seat.head, key), own(&copy, key))));
            self.earlier = Some((copy, self.model.clone()));
            self.history.push("copied".to_owned());
        }
        match self.dice.below(200) {
            0 => {
                self.model.lose_state();
                self.seat.head = self.head_of();
                self.earlier = None;
                self.history.push("lost".to_owned());
            }
            1..4 => self.model.promote(self.model.fence + 1),
            4..8 => {
                if let Some((head, model)) = self.earlier.take() {
                    let fence = self.model.fence + 1;
                    (self.seat.head, self.model) = (head, model);
                    self.model.promote(fence);
                    self.history.push("a replica was promoted".to_owned());
                }
            }
            _ => {}
        }
    }

    fn ask(&mut self) -> Goal<N> {
        let lines = Lines::of(&self.seat.terms, [0; N]).lines;
        let (mut need, mut want, mut back) = ([0; N], [0; N], [0; N]);
        for i in 0..N {
            if !self.dice.one_in(3) {
                need[i] = self.dice.need(self.level[i], &lines[i]);
            }
            if !self.dice.one_in(3) {
                want[i] = self.dice.amount(self.level[i], &lines[i]);
            }
            if self.dice.one_in(5) {
                back[i] = self.dice.amount(self.level[i], &lines[i]);
            }
        }
        let key = KEYS[if self.dice.one_in(3) { self.dice.below(3) as usize } else { 0 }];
        let ask = Ask { need, want, back, reserve: self.dice.one_in(2) };
        Goal::Ask { key: key.map(<[u8]>::to_vec), ask }
    }

    /// Has the model do what the engine is to do.
    fn model_does(&mut self, goal: &Goal<N>) {
        let (now, epoch, ours) = (self.now, self.seat.epoch, self.seat.terms);
        let lines = model_lines(&ours);
        match goal {
            Goal::Create => {
                let start = ours.limits.map(|limit| limit.start());
                self.model.create(now, epoch, ours.revision, lines, start);
            }
            Goal::Change(terms) if self.model.terms().is_none() => {
                let terms = crate::master::seat::counted(*terms).expect("limits that fit");
                self.model.join(now, epoch, ours.revision + 1, model_lines(&terms));
            }
            _ => {
                self.model.join(now, epoch, ours.revision, lines);
                if let Some((revision, _)) = self.model.terms().filter(|(revision, _)| *revision < ours.revision) {
                    self.model.change(now, revision, ours.revision, lines);
                }
                if let (Goal::Change(terms), Some((revision, _))) = (goal, self.model.terms()) {
                    self.model.set_limits(now, revision, model_lines(terms));
                }
            }
        }
        self.expected = None;
        if let Goal::Ask { key, ask } = goal {
            let key = key.as_ref().map_or(0, |key| u64::from(key[0]));
            let Ask { need, want, back, reserve } = *ask;
            let rewritten = self.model.rewritten(now, key);
            let said = self.model.ask_key(now, key, &Asked { need, want, back, reserve }).expect("joined above");
            self.expected = Some(Expected { said, rewritten });
        }
    }

    /// Goes on after an answer. `lives` is the time to live that the script has set, if any.
    ///
    /// # Errors
    ///
    /// What both say, if it differs, and what was done before.
    pub(super) fn replied(&mut self, reply: &Reply, lives: &str) -> Result<(), String> {
        let (mut flow, request) = self.flow.take().expect("something was sent");
        let told = flow.replied(&mut self.seat, reply).map_err(|error| self.told(&format!("{error}: {reply:?}")))?;
        if request.script == Script::Swap && !request.args[6].is_empty() {
            let expected = self.expected.as_ref().and_then(|expected| expected.rewritten);
            let expected = expected.map_or(String::new(), |lives| lives.max(1).to_string());
            if lives != expected {
                return Err(self.told(&format!("a rewritten state lives {lives}, not {expected}")));
            }
            *self.tally.entry("a state rewritten").or_default() += 1;
        }
        match told {
            Next::Send(next) if request.script == Script::Swap && next.script == Script::Look => {
                return Err(self.told("a swap failed, and nobody else was there"));
            }
            Next::Send(next) => self.flow = Some((flow, next)),
            Next::Done => self.agree_on_terms()?,
            Next::Answered(answer) => {
                self.agree_on_terms()?;
                self.compare(&answer, lives)?;
                self.agreed += 1;
                self.count(&answer, lives, request.script);
            }
        }
        Ok(())
    }

    fn count(&mut self, answer: &Answer<N>, lives: &str, script: Script) {
        let mut met = |what, is_met: bool| *self.tally.entry(what).or_default() += u64::from(is_met);
        met("wide", script == Script::Ask(Form::Wide));
        met("native", script == Script::Ask(Form::Native));
        met("absent again", lives == "0");
        met("written", !lives.is_empty());
        met("below zero", answer.level.iter().any(|level| *level < 0));
        let lowest = self.seat.terms.debts;
        met("below the lowest", (0..N).any(|i| answer.level[i] < -(lowest[i] as i64)));
        met("in a later epoch", answer.epoch != self.epoch);
        self.epoch = answer.epoch;
        match answer.verdict {
            Verdict::Granted { tokens, after } => {
                met("granted", tokens.iter().any(|tokens| *tokens > 0));
                met("granted ahead", after > Duration::ZERO);
            }
            Verdict::NotYet { stream, wait } => {
                met("not yet", wait < Duration::MAX);
                met("not yet, a later stream", stream > 0);
                met("no wait helps", wait == Duration::MAX);
            }
            Verdict::Never { .. } => met("never", true),
        }
    }

    fn agree_on_terms(&self) -> Result<(), String> {
        let ours = (self.seat.terms.revision, model_lines(&self.seat.terms));
        let same = |(revision, lines): (u64, [ModelLine; N])| {
            // Rates are written in lowest terms.
            let counted = |line: &ModelLine| {
                let period = Duration::from_nanos(line.period);
                let rate = tollgate::Rate::new(line.tokens, period).expect("a period");
                Line::of(tollgate::Limit::new(rate, line.capacity), Some(line.debt))
            };
            revision == ours.0 && lines.iter().map(counted).eq(ours.1.iter().map(counted))
        };
        if self.model.terms().is_some_and(same) { Ok(()) } else { Err(self.told("terms differ")) }
    }

    fn compare(&mut self, answer: &Answer<N>, lives: &str) -> Result<(), String> {
        let span = |micros| if micros == FOREVER { Duration::MAX } else { Duration::from_micros(micros) };
        let Some(Expected { said: ModelReply { epoch, said, level, written }, .. }) = &self.expected else {
            return Err(self.told("an answer without a question"));
        };
        let verdict = match *said {
            Said::Granted { tokens, after } => Verdict::Granted { tokens, after: span(after) },
            Said::NotYet { stream, wait } => Verdict::NotYet { stream, wait: span(wait) },
            Said::Never { stream } => Verdict::Never { stream, capacity: self.seat.terms.limits[stream].capacity },
        };
        let expected = Answer { epoch: *epoch, terms: self.seat.terms, verdict, level: *level };
        let written = written.map_or(String::new(), |lives| lives.to_string());
        self.level = answer.level;
        if (answer, lives) != (&expected, &written) {
            let both = format!("{answer:?} lives {lives:?}\nexpected {expected:?} lives {written:?}");
            return Err(self.told(&both));
        }
        Ok(())
    }

    fn told(&self, what: &str) -> String {
        let last = self.history.len().saturating_sub(12);
        format!("lane {} at {}: {what}\nafter:\n{}", self.name, self.now, self.history[last..].join("\n"))
    }
}
