//! Owns what a gRPC response says of limits: its status, and when to come back. Never writes one.

use std::time::Duration;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::{HeaderMap, HeaderValue};

const RESOURCE_EXHAUSTED: u32 = 8;
const UNAVAILABLE: u32 = 14;

const RETRY_INFO: &[u8] = b"type.googleapis.com/google.rpc.RetryInfo";

const ANY_PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// What a gRPC response without a body says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct GrpcRefusal {
    pub(crate) wait: Option<Duration>,
    /// Whether the server asks not to retry.
    pub(crate) is_final: bool,
}

/// Reads a refusal; `None` if the response is none, or no gRPC response that has only trailers.
pub(crate) fn refusal(fields: &HeaderMap) -> Option<GrpcRefusal> {
    let code: u32 = text(fields.get("grpc-status")?)?.parse().ok()?;
    let pushback = fields.get("grpc-retry-pushback-ms").map(|value| text(value).and_then(|text| text.parse().ok()));
    let details = fields.get("grpc-status-details-bin").and_then(retry_info);
    let wait = details.or_else(|| pushback.flatten().map(Duration::from_millis));
    // What is no number, or negative, forbids a retry.
    let is_final = pushback == Some(None::<u64>);
    let is_refusal = code == RESOURCE_EXHAUSTED || code == UNAVAILABLE && wait.is_some();
    is_refusal.then_some(GrpcRefusal { wait, is_final })
}

fn text(value: &HeaderValue) -> Option<&str> {
    Some(value.to_str().ok()?.trim())
}

/// Reads the delay of a `RetryInfo` among the details of `google.rpc.Status`.
fn retry_info(value: &HeaderValue) -> Option<Duration> {
    let status = GeneralPurpose::new(&STANDARD, ANY_PADDING).decode(value.as_bytes().trim_ascii()).ok()?;
    let details = Message(&status).all(3)?;
    let delay = |any: &[u8]| {
        let is_retry_info = Message(any).last(1)? == Some(RETRY_INFO);
        let info = Message(any).last(2)?.filter(|_| is_retry_info)?;
        let delay = Message(Message(info).last(1)??);
        let seconds = u64::try_from(delay.number(1)? as i64).ok()?;
        let nanos = u32::try_from(delay.number(2)?).ok().filter(|&nanos| nanos < 1_000_000_000)?;
        Some(Duration::new(seconds, nanos))
    };
    details.into_iter().filter_map(delay).max()
}

/// An encoded message of protobuf.
#[derive(Clone, Copy)]
struct Message<'a>(&'a [u8]);

enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Other,
}

impl<'a> Message<'a> {
    /// Takes the next field; `None` at the end, or at a fault.
    fn next(&mut self) -> Option<(u64, Value<'a>)> {
        let tag = self.varint()?;
        let value = match tag & 7 {
            0 => Value::Number(self.varint()?),
            1 => self.take(8).map(|_| Value::Other)?,
            2 => {
                let length = self.varint()?;
                Value::Bytes(self.take(usize::try_from(length).ok()?)?)
            }
            5 => self.take(4).map(|_| Value::Other)?,
            _ => return None,
        };
        Some((tag >> 3, value))
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// Returns all fields; `None` if the message has a fault.
    fn fields(mut self) -> Option<Vec<(u64, Value<'a>)>> {
        let mut fields = Vec::new();
        while !self.0.is_empty() {
            fields.push(self.next()?);
        }
        Some(fields)
    }

    /// Returns all values of a field that holds bytes.
    fn all(self, field: u64) -> Option<Vec<&'a [u8]>> {
        let bytes = |(number, value)| match value {
            Value::Bytes(bytes) if number == field => Some(bytes),
            _ => None,
        };
        Some(self.fields()?.into_iter().filter_map(bytes).collect())
    }

    fn last(self, field: u64) -> Option<Option<&'a [u8]>> {
        Some(self.all(field)?.pop())
    }

    /// Returns the last value of a field that holds a number; 0 is the default.
    fn number(self, field: u64) -> Option<u64> {
        let number = |(number, value)| match value {
            Value::Number(value) if number == field => Some(value),
            _ => None,
        };
        Some(self.fields()?.into_iter().filter_map(number).next_back().unwrap_or(0))
    }
}
