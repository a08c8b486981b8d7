//! Owns what is advertised of the streams of a limit, made once for all requests under the same
//! limits. Never what a request got.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tollgate::Limit;
use tollgate_http::{Name, Policy, Unit};

/// One policy for each stream, under these limits.
pub(crate) type Policies = Arc<[Policy]>;

/// What was advertised last. Readers neither lock nor wait.
#[derive(Debug, Default)]
pub(crate) struct Advertised(ArcSwap<Vec<Policies>>);

/// As many tiers, and limits of single keys, are remembered.
const MOST: usize = 32;

impl Advertised {
    /// The policies of streams of these names and units, under these limits.
    pub(crate) fn of(&self, limits: &[Limit], names: &[Name], units: &[Unit]) -> Policies {
        let are = |policies: &&Policies| policies.iter().map(Policy::limit).eq(limits.iter().copied());
        let known = self.0.load();
        if let Some(policies) = known.iter().find(are) {
            return Arc::clone(policies);
        }
        let streams = limits.iter().zip(names).zip(units);
        let policies: Policies =
            streams.map(|((limit, name), unit)| Policy::of(name.clone(), *limit).unit(unit.clone())).collect();
        // Two that add one at once may lose one, and the next request makes it again. So may those
        // that come beyond the most: then all are forgotten.
        let rest = if known.len() < MOST { &known[..] } else { &[] };
        self.0.store(Arc::new([rest, &[Arc::clone(&policies)]].concat()));
        policies
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_advertised_follows_the_limits_and_is_made_once_for_each() {
        let (names, units) = ([Name::new("client").unwrap()], [Unit::Requests]);
        let advertised = Advertised::default();
        let of = |rate| advertised.of(&[Limit::per_second(rate)], &names, &units);
        let first = of(1);
        assert_eq!(first[0].to_string(), r#""client";q=1;w=1"#);
        assert!(Arc::ptr_eq(&first, &of(1)));
        let other = of(2);
        assert_eq!(other[0].to_string(), r#""client";q=2;w=1"#);
        assert!(Arc::ptr_eq(&first, &of(1)) && Arc::ptr_eq(&other, &of(2)));
    }

    #[test]
    fn a_thousand_limits_of_single_keys_are_advertised_right_and_do_not_pile_up() {
        let (names, units) = ([Name::new("client").unwrap()], [Unit::Requests]);
        let advertised = Advertised::default();
        for rate in 1..1000 {
            let policies = advertised.of(&[Limit::per_second(rate)], &names, &units);
            assert_eq!(policies[0].limit(), Limit::per_second(rate));
            assert!(advertised.0.load().len() <= MOST);
        }
    }
}
