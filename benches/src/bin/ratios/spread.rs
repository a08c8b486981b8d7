//! Owns the summary of many samples: a median and its quartiles. It never drops a sample.

/// Samples in ascending order.
pub(crate) struct Spread(Vec<f64>);

impl FromIterator<f64> for Spread {
    fn from_iter<I: IntoIterator<Item = f64>>(samples: I) -> Self {
        let mut samples: Vec<f64> = samples.into_iter().collect();
        samples.sort_by(f64::total_cmp);
        Self(samples)
    }
}

impl Spread {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn median(&self) -> Option<f64> {
        self.at(0.5)
    }

    pub(crate) fn quartiles(&self) -> Option<[f64; 2]> {
        Some([self.at(0.25)?, self.at(0.75)?])
    }

    /// Interpolates between two samples.
    fn at(&self, share: f64) -> Option<f64> {
        let place = share * self.0.len().checked_sub(1)? as f64;
        let [below, above] = [place.floor() as usize, place.ceil() as usize].map(|i| self.0[i]);
        Some(below + (above - below) * place.fract())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_an_even_number_lies_between_two() {
        let spread: Spread = [4.0, 1.0, 3.0, 2.0].into_iter().collect();
        assert_eq!(spread.median(), Some(2.5));
        assert_eq!(spread.quartiles(), Some([1.75, 3.25]));
    }

    #[test]
    fn nothing_has_no_middle() {
        assert_eq!(Spread::from_iter([]).median(), None);
    }
}
