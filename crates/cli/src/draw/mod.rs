//! Owns how figures are drawn: as text and as SVG. Never what they say.
//!
//! * `amount`, `span`: numbers of tokens and times, as people read them
//! * `axis`: where the ticks of a drawing stand
//! * `look`: what the reader's terminal can show
//! * `table`: columns under their heads
//! * `frame`: the axes around a drawing of text
//! * `lines`, `bars`: the two kinds of drawing, as text
//! * `svg`: both kinds, as SVG

pub(crate) mod amount;
pub(crate) mod axis;
pub(crate) mod bars;
mod frame;
pub(crate) mod lines;
pub(crate) mod look;
pub(crate) mod span;
pub(crate) mod svg;
pub(crate) mod table;
