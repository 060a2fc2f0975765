//! The tree as text: every file that belongs to the project, and Rust code without its comments and literals.

use std::fs;
use std::path::Path;

/// The folders that hold the project. What else lies beside them is not ours.
const FOLDERS: [&str; 7] = ["docs", "net", "runtime", "scenarios", "sim", "tests", ".ci"];
/// Files that are built or generated lie here.
const LEFT_OUT: [&str; 2] = ["docs/book/", "/target/"];

/// A file of the tree.
pub struct File {
    /// Its path from the root, with `/`.
    pub path: String,
    pub text: String,
}

impl File {
    pub fn new(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned() }
    }

    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    pub fn is_markdown(&self) -> bool {
        self.path.ends_with(".md")
    }

    /// The name of its folder's crate: `runtime` of `runtime/src/tick.rs`.
    pub fn folder(&self) -> &str {
        self.path.split("/src/").next().unwrap_or("")
    }

    /// A file of a library or binary, not of its tests.
    pub fn is_product(&self) -> bool {
        self.is_rust() && self.path.contains("/src/") && !self.path.starts_with("tests/")
    }
}

/// Every file of the project that is text.
pub fn tree() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests' folder lies in the root");
    let mut files = Vec::new();
    for entry in fs::read_dir(root).expect("the root can be read").flatten() {
        if entry.path().is_file() {
            add(root, &entry.path(), &mut files);
        }
    }
    for folder in FOLDERS {
        walk(root, &root.join(folder), &mut files);
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    files
}

fn walk(root: &Path, folder: &Path, files: &mut Vec<File>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.path() {
            path if path.is_dir() => walk(root, &path, files),
            path => add(root, &path, files),
        }
    }
}

fn add(root: &Path, path: &Path, files: &mut Vec<File>) {
    let inside = path.strip_prefix(root).expect("the walk starts at the root");
    let inside = inside.to_string_lossy().replace('\\', "/");
    if LEFT_OUT.iter().any(|left_out| inside.contains(left_out)) {
        return;
    }
    if let Ok(text) = fs::read_to_string(path) {
        files.push(File { path: inside, text });
    }
}

/// Rust code with comments and literals blanked: each of their characters is a space, so lines keep their numbers.
pub fn code_of(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < characters.len() {
        let end = end_of_blank(&characters, at);
        if end == at {
            out.push(characters[at]);
            at += 1;
            continue;
        }
        out.extend(characters[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
        at = end;
    }
    out
}

/// Where the comment or literal that begins here ends; here, if none does.
fn end_of_blank(text: &[char], at: usize) -> usize {
    let starts = |prefix: &str| prefix.chars().enumerate().all(|(i, c)| text.get(at + i) == Some(&c));
    let find = |from: usize, end: &str| {
        let end: Vec<char> = end.chars().collect();
        let found = (from..text.len()).find(|i| text[*i..].starts_with(&end));
        found.map_or(text.len(), |i| i + end.len())
    };
    if starts("//") {
        return find(at, "\n").max(at + 2) - usize::from(find(at, "\n") < text.len());
    }
    if starts("/*") {
        return find(at + 2, "*/");
    }
    let in_word = at > 0 && (text[at - 1].is_alphanumeric() || text[at - 1] == '_');
    if (starts("r\"") || starts("r#")) && !in_word {
        let hashes = text[at + 1..].iter().take_while(|c| **c == '#').count();
        if text.get(at + 1 + hashes) == Some(&'"') {
            return find(at + 2 + hashes, &format!("\"{}", "#".repeat(hashes)));
        }
    }
    if starts("\"") {
        let mut i = at + 1;
        while i < text.len() && text[i] != '"' {
            i += 1 + usize::from(text[i] == '\\');
        }
        return (i + 1).min(text.len());
    }
    // A character, not a lifetime: it closes after one character or an escape.
    if starts("'\\") {
        return find(at + 3, "'");
    }
    if starts("'") && text.get(at + 2) == Some(&'\'') {
        return at + 3;
    }
    at
}

/// The code without its inner test modules.
pub fn without_tests(code: &str) -> &str {
    code.split("#[cfg(test)]").next().unwrap_or(code)
}

/// The identifiers of some code, with their lines, from 1.
pub fn identifiers(code: &str) -> impl Iterator<Item = (usize, &str)> {
    code.lines().enumerate().flat_map(|(index, line)| {
        line.split(|c: char| !c.is_alphanumeric() && c != '_')
            .filter(|word| word.starts_with(|c: char| c.is_alphabetic() || c == '_'))
            .map(move |word| (index + 1, word))
    })
}

#[test]
fn comments_and_literals_are_blanked() {
    let text = "let a = \"x // y\"; // todo\nlet c = '\\''; /* b */ let r = r#\"d\"#; fn f<'a>() {}\n";
    let code = code_of(text);
    let words: Vec<&str> = identifiers(&code).map(|found| found.1).collect();
    assert_eq!(words, ["let", "a", "let", "c", "let", "r", "fn", "f", "a"]);
    assert_eq!(code.lines().count(), text.lines().count());
}

#[test]
fn the_tree_is_found() {
    let tree = tree();
    assert!(tree.iter().any(|file| file.path == "runtime/src/tick.rs"));
    assert!(tree.iter().any(|file| file.path == "Cargo.toml"));
    assert!(tree.iter().all(|file| !file.path.contains("/target/")));
}
