//! Owns the generations of fields, each read as allowances. Never a precedence.

use std::collections::{HashMap, HashSet};
use std::slice;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName};

use crate::answer::headers::{POLICY, RATE_LIMIT};
use crate::client::allowance::Allowance;
use crate::client::times;
use crate::structured::field::{dictionary, joined, list};
use crate::structured::item::{Item, Value};

/// Reads `RateLimit` and `RateLimit-Policy`, of any draft.
///
/// | drafts | `RateLimit` | `RateLimit-Policy` |
/// |---|---|---|
/// | to -07 | `limit=100, remaining=50, reset=5` | `100;w=60` |
/// | -08 to -11 | `"x";r=50;t=5` | `"x";q=100;w=60` |
/// | announced | `"x";a=50;w=5;c=100` | `"x";q=100;w=60` |
pub(crate) fn ietf(fields: &HeaderMap) -> Option<Vec<Allowance>> {
    let mut allowances = limits(fields).filter(|allowances| !allowances.is_empty())?;
    let policies = policies(fields);
    // A server may name very many.
    let mut by_name = HashMap::new();
    for policy in &policies {
        by_name.entry(policy.name.as_deref()).or_insert(policy);
    }
    for allowance in &mut allowances {
        match by_name.get(&allowance.name.as_deref()) {
            Some(&own) if allowance.name.is_some() => complete(allowance, slice::from_ref(own)),
            // Only a field of the old form, which is one allowance, has no name.
            _ if allowance.name.is_none() => complete(allowance, &policies),
            _ => {}
        }
    }
    let named: HashSet<_> = allowances.iter().map(|allowance| allowance.name.as_deref()).collect();
    let is_other = |policy: &Allowance| !named.contains(&policy.name.as_deref());
    let others: Vec<_> = policies.iter().filter(|policy| is_other(policy)).cloned().collect();
    allowances.extend(others);
    Some(allowances)
}

/// Reads `RateLimit-Policy` alone: what is allowed, and not what is left.
pub(crate) fn policies_alone(fields: &HeaderMap) -> Option<Vec<Allowance>> {
    Some(policies(fields)).filter(|policies| !policies.is_empty())
}

/// Reads three fields with one value each.
pub(crate) fn triple(fields: &HeaderMap, names: &[HeaderName; 3], made_at: SystemTime) -> Option<Vec<Allowance>> {
    let [limit, remaining, reset] = names;
    let items = |name| list(&joined(fields, name)?);
    let limits = items(limit).unwrap_or_default();
    let mut allowance = Allowance {
        quota: limits.first().and_then(|item| item.value.whole()),
        // Some servers write 598.0.
        available: items(remaining).and_then(|items| items.iter().filter_map(|item| item.value.whole()).min()),
        reset: times::reset(fields, reset, made_at),
        ..Allowance::default()
    };
    if allowance == Allowance::default() {
        return None;
    }
    // The window stands in the limit itself, `100, 100;w=60`, or in the policy.
    let mut policies: Vec<_> = limits.iter().filter_map(policy).collect();
    policies.extend(self::policies(fields));
    complete(&mut allowance, &policies);
    Some(vec![allowance])
}

/// The items of `RateLimit`.
fn limits(fields: &HeaderMap) -> Option<Vec<Allowance>> {
    let text = joined(fields, &RATE_LIMIT)?;
    if let Some(items) = list(&text) {
        return Some(items.iter().filter_map(limit).collect());
    }
    let entries = dictionary(&text)?;
    let entry = |name: &str| entries.iter().rev().find(|(key, _)| key == name).map(|(_, item)| &item.value);
    Some(vec![Allowance {
        available: Some(entry("remaining")?.count()?),
        reset: entry("reset").and_then(times::span),
        quota: entry("limit").and_then(Value::count),
        ..Allowance::default()
    }])
}

fn limit(item: &Item) -> Option<Allowance> {
    Some(Allowance {
        name: Some(item.value.text()?.to_owned()),
        available: Some(item.count(&["r", "a"])?),
        reset: item.count(&["t", "w"]).map(Duration::from_secs),
        quota: item.count(&["c"]),
        ..Allowance::default()
    })
}

/// The items of `RateLimit-Policy`.
fn policies(fields: &HeaderMap) -> Vec<Allowance> {
    let items = joined(fields, &POLICY).and_then(|text| list(&text));
    items.unwrap_or_default().iter().filter_map(policy).collect()
}

fn policy(item: &Item) -> Option<Allowance> {
    let (name, quota) = match &item.value {
        Value::Text(name) => (Some(name.clone()), item.count(&["q"])?),
        value => (None, value.count()?),
    };
    Some(Allowance {
        name,
        quota: Some(quota),
        // A window of 0 is none.
        window: item.count(&["w"]).filter(|&window| window > 0).map(Duration::from_secs),
        unit: item.parameter("qu").and_then(Value::text).filter(|&unit| unit != "requests").map(str::to_owned),
        burst: item.count(&["tollgate-burst"]),
        ..Allowance::default()
    })
}

/// Adds what the policy of the same name says; if there are no names, that of the same quota.
fn complete(allowance: &mut Allowance, policies: &[Allowance]) {
    let own = policies.iter().find(|policy| {
        let same_quota = allowance.quota.is_none() || policy.quota == allowance.quota;
        policy.name == allowance.name && (policy.name.is_some() || same_quota && policy.window.is_some())
    });
    if let Some(own) = own.cloned() {
        let quota = own.quota.or(allowance.quota);
        *allowance = Allowance { available: allowance.available, reset: allowance.reset, quota, ..own };
    }
}
