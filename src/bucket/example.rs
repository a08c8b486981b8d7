//! Owns how the examples of the verbs begin. It is no part of any answer.

/// How the examples begin.
macro_rules! bucket_of {
    ($limit:literal) => {
        concat!(
            "use std::time::Duration;\nuse tollgate::clock::ManualClock;\n",
            "use tollgate::{Bucket, Limit, TokenBucket};\n",
            "let bucket = TokenBucket::with_clock(",
            $limit,
            ", ManualClock::new())?;"
        )
    };
    ($one:literal, $two:literal) => {
        concat!(
            "use std::time::Duration;\nuse tollgate::clock::ManualClock;\n",
            "use tollgate::{Bucket, Limit, MultiBucket};\n",
            "let limits = [",
            $one,
            ", ",
            $two,
            "];\nlet bucket = MultiBucket::with_clock(limits, ManualClock::new())?;"
        )
    };
}

pub(crate) use bucket_of;
