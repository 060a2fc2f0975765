//! What a step touched, and which touches may be swapped.
//!
//! Two steps of different lanes are *independent* if they may be swapped without anybody seeing it: no object was touched
//! by both in ways that conflict. Waking tasks is no touch: the ready queue's order is what a strategy explores.

/// How a step touched an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Touch {
    /// Looked at it.
    Read,
    /// Changed it, in a way that everybody may see.
    Write,
    /// Gave a permit back that nobody waited for.
    Release,
    /// Took a permit, and left some.
    Take,
    /// Set a flag, whoever else does.
    Set,
    /// Put an item into a queue that was neither empty nor full, nor became so.
    Put,
    /// Got an item from a queue that was neither empty nor full, nor became so.
    Get,
}

impl Touch {
    /// All kinds.
    pub const ALL: [Touch; 7] =
        [Touch::Read, Touch::Write, Touch::Release, Touch::Take, Touch::Set, Touch::Put, Touch::Get];

    /// A change, or a mere look if nothing changes.
    #[inline]
    pub fn write_if(changes: bool) -> Touch {
        if changes { Touch::Write } else { Touch::Read }
    }

    /// What two touches of one object by one step come to.
    #[inline]
    pub fn and(self, other: Touch) -> Touch {
        if self == other { self } else { Touch::Write }
    }

    /// Does it matter which of two touches of one object comes first?
    #[inline]
    pub fn conflicts(self, other: Touch) -> bool {
        !matches!(
            (self, other),
            (Touch::Read, Touch::Read)
                | (Touch::Release | Touch::Take, Touch::Release | Touch::Take)
                | (Touch::Set, Touch::Set)
                | (Touch::Put, Touch::Get)
                | (Touch::Get, Touch::Put)
        )
    }
}

impl Touch {
    /// As [`conflicts`](Touch::conflicts), for proofs: it also says so of the pairs that commute only where they stood.
    ///
    /// A put and a get commute while the queue is neither empty nor full, a permit given back and one taken while some are
    /// left. Move either past several of the other kind, and it may find none: [`conflicts`](Touch::conflicts) speaks of
    /// neighbours, as they were in the run in which they were seen. All other pairs commute wherever they stand.
    #[inline]
    pub fn conflicts_anywhere(self, other: Touch) -> bool {
        let only_there = matches!(
            (self, other),
            (Touch::Put, Touch::Get)
                | (Touch::Get, Touch::Put)
                | (Touch::Release, Touch::Take)
                | (Touch::Take, Touch::Release)
        );
        only_there || self.conflicts(other)
    }
}

/// An object that a step touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Touched {
    /// A hash that names the object in every run.
    pub object: u64,
    /// How: the strongest of the step's touches of it.
    pub touch: Touch,
}

/// Do two footprints conflict? Both are in the order of their objects, each object once.
pub fn conflict(one: &[Touched], other: &[Touched]) -> bool {
    let (mut one, mut other) = (one.iter().peekable(), other.iter().peekable());
    while let (Some(left), Some(right)) = (one.peek(), other.peek()) {
        match left.object.cmp(&right.object) {
            std::cmp::Ordering::Less => drop(one.next()),
            std::cmp::Ordering::Greater => drop(other.next()),
            std::cmp::Ordering::Equal if left.touch.conflicts(right.touch) => return true,
            std::cmp::Ordering::Equal => {
                one.next();
                other.next();
            }
        }
    }
    false
}
