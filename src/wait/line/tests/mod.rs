//! Owns the proof of the line: an exact model, random runs against it, and an example for each
//! rule.

mod feature;
mod guarantees;
mod model;
mod plan;
mod random;
mod rules;
mod world;
