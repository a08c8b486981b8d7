//! Owns columns of text under their heads. Never the text in them.

/// Rows of cells; the first cell of each names the row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Table {
    pub(crate) head: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// The space between two columns.
const GAP: usize = 2;

fn width(text: &str) -> usize {
    text.chars().count()
}

impl Table {
    /// Writes the table in lines of at most `most` characters, where a single column fits.
    ///
    /// An empty head is left out.
    /// Columns that do not fit stand in a further table, below, with the same rows.
    pub(crate) fn write(&self, most: usize) -> String {
        let column = |at: usize| {
            let cells = self.rows.iter().map(|row| row.get(at).map_or(0, |cell| width(cell)));
            cells.max().unwrap_or(0).max(self.head.get(at).map_or(0, |cell| width(cell)))
        };
        let first = column(0);
        let (mut text, mut from) = (String::new(), 1);
        while from < self.head.len().max(2) {
            let (mut to, mut used) = (from, first);
            while to < self.head.len() && (to == from || used + GAP + column(to) <= most) {
                used += GAP + column(to);
                to += 1;
            }
            if from > 1 {
                text.push('\n');
            }
            let head = Some(&self.head).filter(|head| head.iter().any(|cell| !cell.is_empty()));
            for row in head.into_iter().chain(&self.rows) {
                let name = row.first().map_or("", String::as_str);
                let mut line = format!("{name:<first$}");
                for at in from..to {
                    let cell = row.get(at).map_or("", String::as_str);
                    line.push_str(&format!("{:GAP$}{cell:>1$}", "", column(at)));
                }
                text.push_str(line.trim_end());
                text.push('\n');
            }
            from = to.max(from + 1);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let row = |cells: &[&str]| cells.iter().map(|cell| cell.to_string()).collect::<Vec<_>>();
        Table { head: row(&["", "A", "BB"]), rows: vec![row(&["rate", "1000/s", "5"]), row(&["µ", "2", "70"])] }
    }

    #[test]
    fn columns_end_below_one_another() {
        assert_eq!(table().write(80), "           A  BB\nrate  1000/s   5\nµ          2  70\n");
    }

    #[test]
    fn columns_that_do_not_fit_stand_below() {
        assert_eq!(table().write(12), "           A\nrate  1000/s\nµ          2\n\n      BB\nrate   5\nµ     70\n");
    }
}
