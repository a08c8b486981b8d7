//! What one process of the fleet does.
//!
//! * `orders`: what it is told to do.
//! * `load`: how it takes, on each of its threads.
//! * `work`: joins, obeys its standard input, and says its numbers.

pub mod load;
pub mod orders;
pub mod work;
