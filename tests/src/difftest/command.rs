//! The command line of the two commands, `difftest` and `difftest-net`: that of `interp.py`, and comparing.

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use super::{Language, NotFound, Program, compare_fresh, compare_one};

/// The first seed whose programs are not among the stored ones, for all of the generators.
const SEED_FIRST: &str = "100001";

fn usage(language: Language) -> String {
    let name = match language {
        Language::Core => "difftest",
        Language::Network => "difftest-net",
    };
    format!(
        "usage: {name} PROG.json                 print the trace
       {name} --batch DIR OUTDIR        run every DIR/*.json, write OUTDIR/NAME.trace
       {name} --fresh COUNT [--seed N]  compare fresh programs with a live CPython 3.13
       {name} --compare PROG.json       the same with one program; print a small one that differs too"
    )
}

type Done = Result<ExitCode, Box<dyn Error>>;

/// Runs the command of a language with the arguments of the process.
///
/// Ends with 1 if a program differs, with 2 if it was called wrongly or there is no CPython 3.13.
pub fn run_command(language: Language) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let out = &mut std::io::stdout().lock();
    let done = match words[..] {
        ["--batch", from, to] => run_batch(Path::new(from), Path::new(to)),
        ["--fresh", count] => fresh(language, count, SEED_FIRST, out),
        ["--fresh", count, "--seed", seed] => fresh(language, count, seed, out),
        ["--compare", program] => compare(language, Path::new(program), out),
        [program] if !program.starts_with('-') => run_one(Path::new(program), out),
        _ => Err(usage(language).into()),
    };
    done.unwrap_or_else(|error| {
        eprintln!("{error}");
        ExitCode::from(2)
    })
}

fn read(path: &Path) -> Result<Program, Box<dyn Error>> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(Program::from_json(&text).map_err(|error| format!("{}: {error}", path.display()))?)
}

fn text(lines: &[String]) -> String {
    lines.join("\n") + "\n"
}

fn run_one(path: &Path, out: &mut impl Write) -> Done {
    out.write_all(text(&read(path)?.run()).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn run_batch(from: &Path, to: &Path) -> Done {
    std::fs::create_dir_all(to).map_err(|error| format!("{}: {error}", to.display()))?;
    let entries = from.read_dir().map_err(|error| format!("{}: {error}", from.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, std::io::Error>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    for path in paths {
        let name = path.file_stem().ok_or("a program's file has a name")?;
        let trace = text(&read(&path)?.run());
        std::fs::write(to.join(name).with_extension("trace"), trace)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn fresh(language: Language, count: &str, seed: &str, out: &mut impl Write) -> Done {
    let (Ok(count), Ok(seed)) = (count.parse(), seed.parse()) else { return Err(usage(language).into()) };
    let differing = compare_fresh(language, seed, count, out).map_err(words)?;
    Ok(ExitCode::from(u8::from(differing > 0)))
}

fn compare(language: Language, path: &Path, out: &mut impl Write) -> Done {
    let program = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let differs = compare_one(language, &program, out).map_err(words)?;
    Ok(ExitCode::from(u8::from(differs)))
}

fn words(not_found: NotFound) -> String {
    not_found.to_string()
}
