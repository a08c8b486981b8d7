//! Owns a cursor over the text of a field. Never skips what it cannot read.

use crate::structured::item::{Item, Value};

/// A cursor over printable ASCII. A method that answers `None` has found a fault: the whole field
/// is then void.
pub(crate) struct Reader<'t> {
    rest: &'t [u8],
}

impl<'t> Reader<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { rest: text.trim_matches(' ').as_bytes() }
    }

    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    fn next(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    /// Takes this byte, if it is next.
    fn accept(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.next();
        }
        found
    }

    /// Takes bytes as long as they are of one class.
    fn take_while(&mut self, class: impl Fn(u8) -> bool) -> &'t [u8] {
        let end = self.rest.iter().position(|&byte| !class(byte)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// Goes on to the next member of a list; `Some(false)` at the end.
    pub(crate) fn next_member(&mut self) -> Option<bool> {
        let space = |byte| matches!(byte, b' ' | b'\t');
        self.take_while(space);
        match self.next() {
            None => Some(false),
            Some(b',') => {
                self.take_while(space);
                Some(true)
            }
            Some(_) => None,
        }
    }

    /// Reads an item or an inner list, with its parameters.
    pub(crate) fn member(&mut self) -> Option<Item> {
        if !self.accept(b'(') {
            return self.item();
        }
        loop {
            self.take_while(|byte| byte == b' ');
            if self.accept(b')') {
                return Some(Item { value: Value::Other, parameters: self.parameters()? });
            }
            self.item()?;
            if !matches!(self.peek()?, b' ' | b')') {
                return None;
            }
        }
    }

    /// Reads a member of a dictionary.
    pub(crate) fn entry(&mut self) -> Option<(String, Item)> {
        let key = self.key()?;
        let item = if self.accept(b'=') {
            self.member()?
        } else {
            Item { value: Value::Other, parameters: self.parameters()? }
        };
        Some((key, item))
    }

    fn item(&mut self) -> Option<Item> {
        Some(Item { value: self.value()?, parameters: self.parameters()? })
    }

    fn parameters(&mut self) -> Option<Vec<(String, Value)>> {
        let mut parameters = Vec::new();
        while self.accept(b';') {
            self.take_while(|byte| byte == b' ');
            let key = self.key()?;
            let value = if self.accept(b'=') { self.value()? } else { Value::Other };
            parameters.push((key, value));
        }
        Some(parameters)
    }

    fn key(&mut self) -> Option<String> {
        self.peek().filter(|first| matches!(first, b'a'..=b'z' | b'*'))?;
        let rest = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b'*');
        Some(text_of(self.take_while(rest)))
    }

    fn value(&mut self) -> Option<Value> {
        match self.peek()? {
            b'-' | b'0'..=b'9' => self.number(),
            b'"' => self.string(),
            b'A'..=b'Z' | b'a'..=b'z' | b'*' => Some(Value::Text(text_of(self.take_while(is_of_token)))),
            b':' => self.bytes(),
            b'?' => {
                self.next();
                matches!(self.next()?, b'0' | b'1').then_some(Value::Other)
            }
            b'@' => {
                self.next();
                matches!(self.number()?, Value::Integer(_)).then_some(Value::Other)
            }
            b'%' => self.display_string(),
            _ => None,
        }
    }

    /// Reads an integer of at most 15 digits, or a decimal of at most 12 before and 3 after the
    /// point.
    fn number(&mut self) -> Option<Value> {
        let sign = if self.accept(b'-') { -1 } else { 1 };
        let digit = |byte: u8| byte.is_ascii_digit();
        let whole = self.take_while(digit);
        if whole.is_empty() || whole.len() > 15 {
            return None;
        }
        if !self.accept(b'.') {
            return Some(Value::Integer(sign * number_of(whole)));
        }
        let decimals = self.take_while(digit);
        if whole.len() > 12 || decimals.is_empty() || decimals.len() > 3 {
            return None;
        }
        let thousandths = number_of(decimals) * 10_i64.pow(3 - decimals.len() as u32);
        Some(Value::Decimal(sign * (number_of(whole) * 1000 + thousandths)))
    }

    fn string(&mut self) -> Option<Value> {
        self.next();
        let mut text = String::new();
        loop {
            match self.next()? {
                b'"' => return Some(Value::Text(text)),
                b'\\' => text.push(self.next().filter(|escaped| matches!(escaped, b'"' | b'\\'))?.into()),
                printable @ b' '..=b'~' => text.push(printable.into()),
                _ => return None,
            }
        }
    }

    /// Reads bytes in base64, of which the letters are checked and no more.
    fn bytes(&mut self) -> Option<Value> {
        self.next();
        self.take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='));
        (self.next()? == b':').then_some(Value::Other)
    }

    fn display_string(&mut self) -> Option<Value> {
        self.next();
        if self.next()? != b'"' {
            return None;
        }
        let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f').then(|| (byte as char).to_digit(16))?;
        let mut decoded = Vec::new();
        loop {
            match self.next()? {
                b'"' => return String::from_utf8(decoded).is_ok().then_some(Value::Other),
                b'%' => decoded.push((digit(self.next()?)? * 16 + digit(self.next()?)?) as u8),
                printable @ b' '..=b'~' => decoded.push(printable),
                _ => return None,
            }
        }
    }
}

fn is_of_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/".contains(&byte)
}

/// Of bytes that are ASCII.
fn text_of(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

/// Of at most 15 digits.
fn number_of(digits: &[u8]) -> i64 {
    digits.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0'))
}
