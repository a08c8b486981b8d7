//! Owns the texts of the scripts. Never a call of one.

use super::lines::Form;

/// A script that runs on the engine.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Script {
    /// Shows the head.
    Look,
    /// Rewrites the head, or a state, if it is as it was read.
    Swap,
    /// One trip: takes tokens, gives some back.
    Ask(Form),
}

impl Script {
    /// All scripts.
    pub(crate) const ALL: [Self; 4] = [Self::Look, Self::Swap, Self::Ask(Form::Native), Self::Ask(Form::Wide)];

    /// The text, as EVAL takes it.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Look => concat!(include_str!("scripts/server.lua"), include_str!("scripts/look.lua")),
            Self::Swap => concat!(include_str!("scripts/server.lua"), include_str!("scripts/swap.lua")),
            Self::Ask(Form::Native) => concat!(
                include_str!("scripts/server.lua"),
                include_str!("scripts/ask.lua"),
                include_str!("scripts/native.lua"),
                include_str!("scripts/keep.lua")
            ),
            Self::Ask(Form::Wide) => concat!(
                include_str!("scripts/server.lua"),
                include_str!("scripts/ask.lua"),
                include_str!("scripts/wide.lua"),
                include_str!("scripts/keep.lua")
            ),
        }
    }
}
