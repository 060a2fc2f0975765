//! The README and the book: every example in them runs as a doctest of this module.

macro_rules! pages {
    ($($name:ident: $path:literal,)*) => {$(
        #[doc = include_str!(concat!("../../", $path))]
        pub struct $name;
    )*};
}

pages! {
    Readme: "README.md",
    Introduction: "docs/src/introduction.md",
    GettingStarted: "docs/src/getting-started.md",
    Hunting: "docs/src/how-to/hunting.md",
    Replaying: "docs/src/how-to/replaying.md",
    Sweeps: "docs/src/how-to/sweeps.md",
    Exploring: "docs/src/explanation/exploring.md",
    Proving: "docs/src/how-to/proving.md",
    Names: "docs/src/reference/names.md",
    Hosts: "docs/src/reference/hosts.md",
    Links: "docs/src/reference/links.md",
    Sockets: "docs/src/reference/sockets.md",
    Tls: "docs/src/reference/tls.md",
    OtherCrates: "docs/src/reference/other-crates.md",
    Errors: "docs/src/reference/errors.md",
    ErrorsOfSockets: "docs/src/reference/errors-of-sockets.md",
    Cancellation: "docs/src/reference/cancellation.md",
    Determinism: "docs/src/reference/determinism.md",
    Loop: "docs/src/reference/loop.md",
    Ticks: "docs/src/reference/ticks.md",
    Benchmarks: "docs/src/reference/benchmarks.md",
    Glossary: "docs/src/reference/glossary.md",
    Architecture: "docs/architecture.md",
    Outside: "docs/src/explanation/outside.md",
    PriorArt: "docs/src/explanation/prior-art.md",
}
