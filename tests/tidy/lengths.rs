//! A file is short enough to be read at once.

use crate::source::{File, tree};
use crate::{assert_none, the_one};

/// A file has at most so many lines.
const LINES_MAX: usize = 600;
/// Half of the files of the product have at most so many.
const MEDIAN_MAX: usize = 250;
/// A page that a newcomer reads first has at most so many.
const FRONT_PAGE_MAX: usize = 120;

fn violations(files: &[File]) -> Vec<String> {
    let mut out = Vec::new();
    let lines_of = |file: &File| file.text.lines().count();
    for file in files.iter().filter(|file| file.is_rust()) {
        let lines = lines_of(file);
        if lines > LINES_MAX {
            out.push(format!("{}: {lines} lines, at most {LINES_MAX}: take it apart by subject", file.path));
        }
    }
    for page in files.iter().filter(|file| ["README.md", "CONTRIBUTING.md"].contains(&file.path.as_str())) {
        if lines_of(page) > FRONT_PAGE_MAX {
            out.push(format!("{}: {} lines, at most {FRONT_PAGE_MAX}", page.path, lines_of(page)));
        }
    }
    let mut lengths: Vec<usize> = files.iter().filter(|file| file.is_product()).map(lines_of).collect();
    lengths.sort_unstable();
    if let Some(median) = lengths.get(lengths.len() / 2)
        && *median > MEDIAN_MAX
    {
        out.push(format!("half of all files have more than {median} lines, at most {MEDIAN_MAX}"));
    }
    out
}

#[test]
fn files_are_short() {
    assert_none(&violations(&tree()));
}

#[test]
fn a_long_file_is_found() {
    let long = "\n".repeat(LINES_MAX + 1);
    assert!(the_one(&violations(&[File::new("a/tests/it/b.rs", &long)])).contains("take it apart"));
    assert_none(&violations(&[File::new("a/tests/it/b.rs", &long[1..])]));
}

#[test]
fn a_long_front_page_and_a_high_median_are_found() {
    assert!(the_one(&violations(&[File::new("README.md", &"\n".repeat(121))])).contains("at most 120"));
    let file = File::new("a/src/b.rs", &"\n".repeat(251));
    assert!(the_one(&violations(&[file])).contains("half of all files"));
}
