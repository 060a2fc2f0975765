//! Edits of a program's text, as people make them: what a token must survive.
//!
//! They work on the text of a scenario's file, line by line, and know the few forms in which programs are registered and
//! tasks are started there.

/// A way to edit a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edit {
    /// The program starts one more task, which has nothing to do with the others.
    AddedTask,
    /// Every task gives way once before it begins.
    AddedSuspension,
    /// Ten lines are inserted above everything.
    MovedLines,
}

impl Edit {
    pub(super) const ALL: [Edit; 3] = [Edit::AddedTask, Edit::AddedSuspension, Edit::MovedLines];

    /// What was done, for people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Edit::AddedTask => "an unrelated task added",
            Edit::AddedSuspension => "one more suspension in each task",
            Edit::MovedLines => "ten lines inserted above",
        }
    }

    /// The edited text; none if the file has nothing of the kind.
    pub(super) fn of(self, text: &str) -> Option<String> {
        match self {
            Edit::AddedTask => add_task(text),
            Edit::AddedSuspension => add_suspensions(text),
            Edit::MovedLines => move_lines(text),
        }
    }
}

const GIVES_WAY: &str = "counterpoint::sleep(std::time::Duration::ZERO).await?;";

fn add_task(text: &str) -> Option<String> {
    let programs: Vec<&str> = [".program(", ".program_in_world("]
        .iter()
        .flat_map(|call| text.split(call).skip(1))
        .filter_map(called_first)
        .collect();
    let task = format!(
        "let _unrelated = counterpoint::create_task(async {{ for _ in 0..3 {{ {GIVES_WAY} }} \
         Ok::<(), counterpoint::Error>(()) }});"
    );
    insert_into(text, &programs, &task)
}

fn add_suspensions(text: &str) -> Option<String> {
    let mut started: Vec<&str> = Vec::new();
    for call in ["create_task(", "gather((", ".start(", "gather((0..", "asks.push("] {
        for rest in text.split(call).skip(1) {
            // Every function that is named in the call: `gather((a(x), b(y)))` starts two.
            started.extend(called(arguments_of(rest, call.matches('(').count())));
        }
    }
    insert_into(text, &started, GIVES_WAY)
}

/// Lines between the header and the code: comments of a module must come first.
fn move_lines(text: &str) -> Option<String> {
    let code = text.lines().position(|line| !line.starts_with("//!"))?;
    let lines: Vec<&str> = text.lines().collect();
    let (header, rest) = lines.split_at(code);
    let inserted = ["// A remark that was not there when the token was made."; 10];
    let all: Vec<&str> = header.iter().chain(&[""]).chain(&inserted).chain(rest).copied().collect();
    Some(all.join("\n") + "\n")
}

/// The name of the function that an argument names or calls first: `buggy)`, `move || buggy(n))`, `|world| run(world))`.
fn called_first(argument: &str) -> Option<&str> {
    let argument = argument.trim_start().trim_start_matches("move").trim_start();
    let argument = match argument.strip_prefix('|') {
        Some(parameters) => parameters.split_once('|')?.1.trim_start(),
        None => argument,
    };
    let end = argument.find(|letter: char| !(letter.is_alphanumeric() || letter == '_'))?;
    (end > 0).then(|| &argument[..end])
}

/// The text up to where so many brackets that are open are closed.
fn arguments_of(text: &str, mut open: usize) -> &str {
    let end = text.find(|letter| {
        match letter {
            '(' => open += 1,
            ')' => open -= 1,
            _ => {}
        }
        open == 0
    });
    &text[..end.unwrap_or(text.len())]
}

/// The names that are called in a text, or handed over alone.
fn called(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|letter: char| !(letter.is_alphanumeric() || letter == '_'));
    words.filter(|word| word.starts_with(|first: char| first.is_ascii_lowercase()))
}

/// Inserts a line at the start of each of these `async` functions.
fn insert_into(text: &str, functions: &[&str], line: &str) -> Option<String> {
    let (mut out, mut waits_for_body, mut inserted) = (String::new(), false, false);
    for source in text.lines() {
        let named = source.trim_start().trim_start_matches("pub ").strip_prefix("async fn ");
        if let Some(name) = named.and_then(|rest| rest.split(['(', '<']).next()) {
            waits_for_body = functions.contains(&name);
        }
        out.push_str(source);
        out.push('\n');
        if waits_for_body && source.trim_end().ends_with('{') {
            (waits_for_body, inserted) = (false, true);
            out.push_str(line);
            out.push('\n');
        }
    }
    inserted.then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAM: &str = "\
//! A header.

fn scenario() -> Scenario {
    Scenario::new(\"a\", \"b\").program(move || buggy(3)).fixed(fixed)
}

async fn teller(balance: u32) -> Result<()> {
    deposit(balance).await
}

async fn buggy(
    count: u32,
) -> Result<()> {
    create_task(teller(count)).await
}

async fn fixed() -> Result<()> {
    Ok(())
}
";

    #[test]
    fn a_task_is_added_to_the_program_and_to_nothing_else() {
        let edited = Edit::AddedTask.of(PROGRAM).expect("there is a program");
        assert_eq!(edited.matches("_unrelated").count(), 1);
        assert!(edited.contains(") -> Result<()> {\nlet _unrelated"), "{edited}");
    }

    #[test]
    fn each_task_gives_way_once_more() {
        let edited = Edit::AddedSuspension.of(PROGRAM).expect("there is a task");
        assert_eq!(edited.matches(GIVES_WAY).count(), 1);
        assert!(
            edited.contains("async fn teller(balance: u32) -> Result<()> {\ncounterpoint::sleep"),
            "{edited}"
        );
    }

    #[test]
    fn ten_lines_come_below_the_header() {
        let edited = Edit::MovedLines.of(PROGRAM).expect("every file has lines");
        assert_eq!(edited.lines().count(), PROGRAM.lines().count() + 11);
        assert!(edited.starts_with("//! A header.\n\n// A remark"), "{edited}");
    }

    #[test]
    fn a_program_may_be_registered_in_several_forms() {
        assert_eq!(called_first("buggy)"), Some("buggy"));
        assert_eq!(called_first("move || buggy(setters))"), Some("buggy"));
        assert_eq!(called_first("|world| order_in(world, ship))"), Some("order_in"));
    }
}
