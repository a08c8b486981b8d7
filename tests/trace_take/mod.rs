//! Owns the replay of model `take`: every row through every way to ask a bucket, and what may
//! differ.

use std::time::Duration;

use tollgate::bucket::Handle;
use tollgate::clock::{ManualClock, Monotonic, Time};
use tollgate::{Clock, MultiBucket, Never, Refused, TokenBucket};

use crate::Tally;
use crate::trace_format::{Asked, Measure, NANO, Recording, Row, Scale, Take};

/// These amounts in one stream, nothing in the others.
fn only<const N: usize>(stream: usize, amount: u64) -> [u64; N] {
    std::array::from_fn(|i| if i == stream { amount } else { 0 })
}

/// A bucket at any time that the replay wants.
pub(crate) trait Bucket<const N: usize> {
    fn take_at(&self, now: Time, amounts: [u64; N]) -> Result<(), Refused<N>>;
    fn put_back_at(&self, now: Time, amounts: [u64; N]);
    fn available_at(&self, now: Time) -> [u64; N];
    fn wait_at(&self, now: Time, amounts: [u64; N]) -> Result<Option<Duration>, Never>;

    fn fits_at(&self, now: Time, amounts: [u64; N]) -> bool {
        self.wait_at(now, amounts) == Ok(Some(Duration::ZERO))
    }
}

impl<C: Clock> Bucket<1> for TokenBucket<C> {
    fn take_at(&self, now: Time, [n]: [u64; 1]) -> Result<(), Refused> {
        self.at(now).try_take(n).map(drop)
    }

    fn put_back_at(&self, now: Time, [n]: [u64; 1]) {
        self.at(now).put_back(n);
    }

    fn available_at(&self, now: Time) -> [u64; 1] {
        [self.at(now).available()]
    }

    fn wait_at(&self, now: Time, [n]: [u64; 1]) -> Result<Option<Duration>, Never> {
        self.at(now).wait_for(n)
    }
}

impl<const N: usize, C: Clock> Bucket<N> for MultiBucket<N, C> {
    fn take_at(&self, now: Time, amounts: [u64; N]) -> Result<(), Refused<N>> {
        self.at(now).try_take(amounts).map(drop)
    }

    fn put_back_at(&self, now: Time, amounts: [u64; N]) {
        self.at(now).put_back(amounts);
    }

    fn available_at(&self, now: Time) -> [u64; N] {
        self.at(now).available()
    }

    fn wait_at(&self, now: Time, amounts: [u64; N]) -> Result<Option<Duration>, Never> {
        self.at(now).wait_for(amounts)
    }
}

/// The verbs under test, which find out by themselves what time it is.
pub(crate) trait Verbs<const N: usize> {
    fn try_take(&mut self, amounts: [u64; N]) -> Result<(), Refused<N>>;
    fn available(&self) -> [u64; N];
    fn wait_for(&self, amounts: [u64; N]) -> Result<Option<Duration>, Never>;
}

impl<C: Clock> Verbs<1> for &TokenBucket<C> {
    fn try_take(&mut self, [n]: [u64; 1]) -> Result<(), Refused> {
        TokenBucket::try_take(self, n).map(drop)
    }

    fn available(&self) -> [u64; 1] {
        [TokenBucket::available(self)]
    }

    fn wait_for(&self, [n]: [u64; 1]) -> Result<Option<Duration>, Never> {
        TokenBucket::wait_for(self, n)
    }
}

impl<const N: usize, C: Clock> Verbs<N> for &MultiBucket<N, C> {
    fn try_take(&mut self, amounts: [u64; N]) -> Result<(), Refused<N>> {
        MultiBucket::try_take(self, amounts).map(drop)
    }

    fn available(&self) -> [u64; N] {
        MultiBucket::available(self)
    }

    fn wait_for(&self, amounts: [u64; N]) -> Result<Option<Duration>, Never> {
        MultiBucket::wait_for(self, amounts)
    }
}

impl<const N: usize, C: Clock, const S: usize> Verbs<N> for Handle<'_, N, C, S> {
    fn try_take(&mut self, amounts: [u64; N]) -> Result<(), Refused<N>> {
        Handle::try_take(self, amounts).map(drop)
    }

    fn available(&self) -> [u64; N] {
        Handle::available(self)
    }

    fn wait_for(&self, amounts: [u64; N]) -> Result<Option<Duration>, Never> {
        Handle::wait_for(self, amounts)
    }
}

/// A caller that reads a clock itself and supplies the time: the verbs of `at(now)`.
pub(crate) struct Supplied<'b, B, C> {
    pub(crate) bucket: &'b B,
    pub(crate) clock: C,
}

impl<const N: usize, B: Bucket<N>, C: Clock> Verbs<N> for Supplied<'_, B, C> {
    fn try_take(&mut self, amounts: [u64; N]) -> Result<(), Refused<N>> {
        self.bucket.take_at(self.clock.now(), amounts)
    }

    fn available(&self) -> [u64; N] {
        self.bucket.available_at(self.clock.now())
    }

    fn wait_for(&self, amounts: [u64; N]) -> Result<Option<Duration>, Never> {
        self.bucket.wait_at(self.clock.now(), amounts)
    }
}

pub(crate) fn replay_take(recording: &Recording) -> Result<Tally, String> {
    match recording.header.streams.len() {
        1 => {
            let take = Take::read(recording)?;
            let mut differences = through_token_bucket(&take)?;
            differences.extend(through_multi_bucket(&take)?);
            Tally::of(&take.file, take.rows.len(), &differences)
        }
        2 => replay_streams::<2>(recording),
        3 => replay_streams::<3>(recording),
        4 => replay_streams::<4>(recording),
        5 => replay_streams::<5>(recording),
        6 => replay_streams::<6>(recording),
        7 => replay_streams::<7>(recording),
        8 => replay_streams::<8>(recording),
        n => Err(format!("{}:1: {n} streams; a MultiBucket has 1 to 8", recording.file)),
    }
}

fn replay_streams<const N: usize>(recording: &Recording) -> Result<Tally, String> {
    let take = Take::<N>::read(recording)?;
    Tally::of(&take.file, take.rows.len(), &through_multi_bucket(&take)?)
}

fn through_token_bucket(take: &Take<1>) -> Result<Vec<u64>, String> {
    let hand = ManualClock::new();
    let [limit] = take.limits;
    if !take.clock_regresses {
        return through_verbs(take, &hand, || &hand, || TokenBucket::with_clock(limit, &hand).unwrap());
    }
    with_raw_times(take, &hand, || TokenBucket::with_clock(limit, &hand).unwrap())?;
    let newest = || Monotonic::new(&hand);
    through_verbs(take, &hand, newest, || TokenBucket::with_clock(limit, newest()).unwrap())
}

fn through_multi_bucket<const N: usize>(take: &Take<N>) -> Result<Vec<u64>, String> {
    let hand = ManualClock::new();
    if !take.clock_regresses {
        return through_handle_and_verbs(take, &hand, || &hand);
    }
    with_raw_times(take, &hand, || MultiBucket::with_clock(take.limits, &hand).unwrap())?;
    through_handle_and_verbs(take, &hand, || Monotonic::new(&hand))
}

fn through_handle_and_verbs<const N: usize, C: Clock>(
    take: &Take<N>,
    hand: &ManualClock,
    clock: impl Fn() -> C,
) -> Result<Vec<u64>, String> {
    let build = || MultiBucket::with_clock(take.limits, clock()).unwrap();
    let mut differences = through_verbs(take, hand, &clock, build)?;
    hand.set(take.t0);
    let bucket = build();
    differences.push(agree(take, hand, &bucket, &mut bucket.handle().unwrap())?);
    Ok(differences)
}

/// Through the bucket's own clock, and with the time supplied by the caller.
fn through_verbs<const N: usize, B: Bucket<N>, C: Clock>(
    take: &Take<N>,
    hand: &ManualClock,
    clock: impl Fn() -> C,
    build: impl Fn() -> B,
) -> Result<Vec<u64>, String>
where
    for<'b> &'b B: Verbs<N>,
{
    hand.set(take.t0);
    let bucket = build();
    let clocked = agree(take, hand, &bucket, &mut &bucket)?;
    hand.set(take.t0);
    let bucket = build();
    let supplied = agree(take, hand, &bucket, &mut Supplied { bucket: &bucket, clock: clock() })?;
    Ok(vec![clocked, supplied])
}

/// Replays all rows, and says how many decisions differed by a nanosecond of accrual.
fn agree<const N: usize>(
    take: &Take<N>,
    hand: &ManualClock,
    bucket: &impl Bucket<N>,
    verbs: &mut impl Verbs<N>,
) -> Result<u64, String> {
    let mut differences = 0;
    let mut now = take.t0;
    for row in &take.rows {
        hand.set(row.t);
        now = now.max(row.t);
        let step = Step { take, row, bucket, now };
        if let Some(asked) = row.asked {
            differences += u64::from(step.decide(asked, verbs)?);
        }
        step.holds(verbs.available() == bucket.available_at(now), || {
            "the verb sees another time than the newest".into()
        })?;
        step.check_levels()?;
    }
    Ok(differences)
}

/// One row, against a bucket that has replayed all before it, at the newest time seen.
pub(crate) struct Step<'a, const N: usize, B> {
    pub(crate) take: &'a Take<N>,
    pub(crate) row: &'a Row<N>,
    pub(crate) bucket: &'a B,
    pub(crate) now: Time,
}

impl<const N: usize, B: Bucket<N>> Step<'_, N, B> {
    /// Asks the bucket what the recorded one was asked. `true` if it answers otherwise and may.
    pub(crate) fn decide(&self, asked: Asked<N>, verbs: &mut impl Verbs<N>) -> Result<bool, String> {
        self.decide_if(asked, self.doubtful(asked.amounts), verbs)
    }

    /// The same where the caller knows whether a nanosecond of accrual decides it.
    pub(crate) fn decide_if(&self, asked: Asked<N>, doubtful: bool, verbs: &mut impl Verbs<N>) -> Result<bool, String> {
        let Asked { amounts, ok, .. } = asked;
        let announced = verbs.wait_for(amounts);
        match verbs.try_take(amounts) {
            Ok(()) => {
                let announced_so = announced == Ok(Some(Duration::ZERO));
                self.holds(announced_so, || format!("granted after announcing {announced:?}"))
            }
            Err(refused) => self.check_refusal(amounts, refused, announced),
        }?;
        match (announced, ok) {
            (Ok(Some(Duration::ZERO)), true) | (Err(_), false) => Ok(false),
            (Ok(Some(wait)), false) if !wait.is_zero() => self.check_wait(amounts, wait).map(|()| false),
            (Ok(_), false) => self.follow_refusal(asked, doubtful).map(|()| true),
            (Ok(_), true) => self.follow_grant(asked).map(|()| true),
            (Err(never), true) => Err(self.differs(&format!("refused: {never}"))),
        }
    }

    /// Whether a stream has the tokens only just: an inexact one, which did not have them a
    /// nanosecond ago.
    pub(crate) fn doubtful(&self, amounts: [u64; N]) -> bool {
        let past = |slop: Duration| Time::from_nanos(self.now.as_nanos().saturating_sub(slop.as_nanos() as u64));
        self.take.measures.iter().enumerate().any(|(i, measure)| {
            let one = only(i, amounts[i]);
            self.bucket.fits_at(self.now, one) && !self.bucket.fits_at(past(measure.slop), one)
        })
    }

    /// The recorded one refused what this bucket granted: undone if a nanosecond of accrual decided
    /// it.
    fn follow_refusal(&self, asked: Asked<N>, doubtful: bool) -> Result<(), String> {
        self.holds(doubtful && self.is_on_the_boundary(asked), || "granted what was refused".into())?;
        self.bucket.put_back_at(self.now, asked.amounts);
        Ok(())
    }

    /// The recorded one granted what this bucket refused: done if a nanosecond of accrual decided
    /// it.
    ///
    /// Each stream is debited at the instant at which it has the tokens. One that has them now is
    /// debited now: if it is full, it would forfeit what accrues until later.
    fn follow_grant(&self, asked: Asked<N>) -> Result<(), String> {
        self.holds(self.is_on_the_boundary(asked), || "refused what was granted".into())?;
        for (i, measure) in self.take.measures.iter().enumerate() {
            let one = only(i, asked.amounts[i]);
            let wait = self.bucket.wait_at(self.now, one).unwrap_or(Some(Duration::MAX));
            let taken = wait <= Some(measure.slop) && self.bucket.take_at(self.now.after(wait.unwrap()), one).is_ok();
            self.holds(taken, || format!("refused what was granted: stream {i} lacks it for {wait:?}"))?;
        }
        Ok(())
    }

    /// What the recording itself says about it, if it has a slack (to three digits): no more than
    /// what some inexact stream accrues in a nanosecond.
    fn is_on_the_boundary(&self, asked: Asked<N>) -> bool {
        let within = |measure: &Measure, slack: f64| {
            let accrual = measure.slop.as_nanos() as f64 * measure.scale.nano as f64;
            slack.abs() * measure.scale.token as f64 <= 1.001 * accrual
        };
        asked.slack.is_none_or(|slack| self.take.measures.iter().any(|measure| within(measure, slack)))
    }

    /// A refusal says what `wait_for` said before it, names the right stream, and its wait is the
    /// shortest that helps.
    fn check_refusal(
        &self,
        amounts: [u64; N],
        refused: Refused<N>,
        announced: Result<Option<Duration>, Never>,
    ) -> Result<(), String> {
        let truthful = match refused {
            Refused::Closed | Refused::Cancelled => false,
            Refused::Never(never) => {
                let capacity = self.take.limits.map(|limit| limit.capacity);
                let stream = (0..N).find(|i| amounts[*i] > capacity[*i]);
                let told = |stream| Never { stream, requested: amounts[stream], capacity: capacity[stream] };
                announced == Err(never) && stream.map(told) == Some(never)
            }
            Refused::NotYet(refusal) => {
                let (stream, wait) = (refusal.stream(), refusal.wait());
                announced == Ok(wait)
                    && self.bucket.wait_at(self.now, only(stream, amounts[stream])) == Ok(wait)
                    && wait.is_none_or(|wait| {
                        !wait.is_zero()
                            && self.bucket.fits_at(self.now.after(wait), amounts)
                            && !self.bucket.fits_at(self.now.after(wait - NANO), amounts)
                    })
            }
        };
        self.holds(truthful, || format!("untrue refusal: {refused:?} after announcing {announced:?}"))
    }

    /// The wait is what the recorded levels say, as exactly as they do.
    fn check_wait(&self, amounts: [u64; N], wait: Duration) -> Result<(), String> {
        let recorded = |sign: i128| {
            let waits = self.take.measures.iter().enumerate().map(|(i, measure)| {
                let missing = measure.scale.tokens(amounts[i]) - measure.scale.level(self.row.available[i]);
                measure.scale.wait(if amounts[i] == 0 { 0 } else { missing + sign * measure.uncertainty() })
            });
            waits.max().unwrap_or(0)
        };
        let (least, most) = (recorded(-1), recorded(1));
        let holds = (least..=most).contains(&wait.as_nanos());
        self.holds(holds, || format!("refused for {wait:?}, where {least} to {most} ns are missing"))
    }

    /// Each stream holds what was recorded.
    pub(crate) fn check_levels(&self) -> Result<(), String> {
        let whole = self.bucket.available_at(self.now);
        for (i, measure) in self.take.measures.iter().enumerate() {
            let Measure { scale, .. } = *measure;
            let (least, most) = level(self.bucket, self.now, i, scale);
            let recorded = scale.level(self.row.available[i]);
            let (low, high) = (recorded - measure.uncertainty(), recorded + measure.uncertainty());
            let holds = high >= least && low <= most && self.bucket.fits_at(self.now, only(i, whole[i]));
            self.holds(holds, || {
                format!("stream {i} holds {least} to {most}, not {low} to {high}, in 1/{} of a token", scale.token)
            })?;
        }
        Ok(())
    }

    fn holds(&self, claim: bool, what: impl Fn() -> String) -> Result<(), String> {
        if claim { Ok(()) } else { Err(self.differs(&what())) }
    }

    fn differs(&self, what: &str) -> String {
        let Row { line, t, asked, available } = self.row;
        let asked = match asked {
            None => "a query".into(),
            Some(Asked { amounts, ok: true, .. }) => format!("{amounts:?} granted"),
            Some(Asked { amounts, ok: false, .. }) => format!("{amounts:?} refused"),
        };
        format!(
            "{}:{line}: {t:?}, newest {:?}: {what}\n  recorded: {asked}, {available:?} left\n  here: {:?} left of {:?}",
            self.take.file,
            self.now,
            self.bucket.available_at(self.now),
            self.take.limits,
        )
    }
}

/// The least and the most that a stream holds, in units of `scale`.
///
/// The bucket shows its level in whole tokens; the time to the next one tells the fraction, to what
/// accrues in a nanosecond.
pub(crate) fn level<const N: usize>(bucket: &impl Bucket<N>, now: Time, stream: usize, scale: Scale) -> (i128, i128) {
    let next = bucket.available_at(now)[stream] + 1;
    match bucket.wait_at(now, only(stream, next)) {
        Err(Never { capacity, .. }) => (scale.tokens(capacity), scale.tokens(capacity)),
        Ok(wait) => {
            let least = scale.tokens(next) - scale.nano * wait.unwrap().as_nanos() as i128;
            (least, least + scale.nano - 1)
        }
    }
}

/// The times as they were read, which go back: an old `now` gains nothing.
fn with_raw_times<const N: usize, B: Bucket<N>>(
    take: &Take<N>,
    hand: &ManualClock,
    build: impl Fn() -> B,
) -> Result<(), String>
where
    for<'b> &'b B: Verbs<N>,
{
    hand.set(take.t0);
    keeps_the_bound(take, &grants_of(take, hand, &mut &build()))?;
    hand.set(take.t0);
    let bucket = build();
    grants_nothing_extra(take, hand, &bucket, &mut &bucket)
}

/// A grant: when it was decided on, and what it took.
type Grant<const N: usize> = (Time, [u64; N]);

/// What is granted if nobody brings the bucket to where the recording is.
fn grants_of<const N: usize>(take: &Take<N>, hand: &ManualClock, verbs: &mut impl Verbs<N>) -> Vec<Grant<N>> {
    let asked = take.rows.iter().filter_map(|row| Some((row.t, row.asked?.amounts)));
    let granted = asked.filter(|(t, amounts)| {
        hand.set(*t);
        verbs.try_take(*amounts).is_ok()
    });
    granted.collect()
}

/// The bound, in every window: from any grant to any other, in the order of the times on which they
/// were decided.
pub(crate) fn keeps_the_bound<const N: usize>(take: &Take<N>, grants: &[Grant<N>]) -> Result<(), String> {
    let mut grants = grants.to_vec();
    grants.sort_by_key(|(t, _)| *t);
    for (i, Measure { scale, slop, .. }) in take.measures.iter().enumerate() {
        for (first, (from, _)) in grants.iter().enumerate() {
            let mut granted = 0;
            for (to, amounts) in &grants[first..] {
                granted += scale.tokens(amounts[i]);
                let window = (to.since(*from) + *slop).as_nanos() as i128;
                if granted > scale.tokens(take.limits[i].capacity) + scale.nano * window {
                    let granted = granted / scale.token;
                    return Err(format!(
                        "{}: stream {i}: {granted} granted from {from:?} to {to:?}: over the bound",
                        take.file
                    ));
                }
            }
        }
    }
    Ok(())
}

/// Never a grant that was refused.
///
/// This can only be said of two buckets in the same state, and the states part in two ways, both
/// within the bound:
///
/// - An old `now` may be refused what the recorded bucket, at the newest time seen, granted. This
///   one then has more left. So what was granted is taken, at the newest time, where it must be
///   there.
/// - The recorded bucket, when full, forfeits what accrues until the newest time seen, whatever the
///   time of the call. This one forfeits only when tokens are taken, and until the time of that
///   take; a take on an old `now` would leave it with more. So it is made to forfeit before each
///   row, by a take at the newest time that is put back at once.
///
/// After each row the levels are compared, which shows that nothing else parts the states.
pub(crate) fn grants_nothing_extra<const N: usize>(
    take: &Take<N>,
    hand: &ManualClock,
    bucket: &impl Bucket<N>,
    verbs: &mut impl Verbs<N>,
) -> Result<(), String> {
    let mut now = take.t0;
    for row in &take.rows {
        hand.set(row.t);
        now = now.max(row.t);
        let step = Step { take, row, bucket, now };
        forfeit(take, bucket, now);
        if let Some(Asked { amounts, ok, .. }) = row.asked {
            match (verbs.try_take(amounts), ok) {
                (Ok(()), false) => return Err(step.differs("an old time was granted what was refused")),
                (Err(refused), true) => {
                    let caught_up = row.t < now && bucket.take_at(now, amounts).is_ok();
                    step.holds(caught_up, || format!("the newest time was refused what was granted: {refused:?}"))?;
                }
                (Ok(()), true) | (Err(_), false) => {}
            }
        }
        let mut seen = verbs.available().into_iter().zip(bucket.available_at(now));
        step.holds(seen.all(|(old, new)| old <= new), || "an old time sees more than the newest".into())?;
        step.check_levels()?;
    }
    Ok(())
}

/// Full streams write down what they forfeited until now.
fn forfeit<const N: usize>(take: &Take<N>, bucket: &impl Bucket<N>, now: Time) {
    for (i, limit) in take.limits.iter().enumerate() {
        let full = bucket.fits_at(now, only(i, limit.capacity));
        if full && bucket.take_at(now, only(i, 1)).is_ok() {
            bucket.put_back_at(now, only(i, 1));
        }
    }
}
