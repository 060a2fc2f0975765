//! What can be gathered: tuples of different awaitables, arrays and vectors of one type.

use super::gathering::GatherWatch;
use crate::{Awaitable, Error, Future, Result};

/// What an awaitable results in.
type Output<A> = <A as Awaitable>::Output;

/// What [`gather`](crate::gather()) takes: a tuple of up to twelve awaitables, an array or `Vec` of one type, or a
/// collection of your own, whose results are put together as you like.
///
/// # Examples
/// ```
/// use counterpoint_runtime as asyncio;
/// use asyncio::{Future, GatherWatch, Gatherable};
///
/// /// Counts the votes.
/// struct Votes(Vec<Future<bool>>);
///
/// impl Gatherable for Votes {
///     type Output = usize;
///     type All = usize;
///     type Children = Vec<Future<bool>>;
///
///     fn ensure_futures(self, watch: &mut GatherWatch) -> Vec<Future<bool>> {
///         self.0.ensure_futures(watch)
///     }
///
///     fn collect(children: &Vec<Future<bool>>) -> usize {
///         children.iter().filter(|vote| vote.peek(|yes| *yes) == Some(true)).count()
///     }
///
///     fn collect_all(children: &Vec<Future<bool>>) -> usize {
///         Self::collect(children)
///     }
/// }
///
/// asyncio::run(async {
///     let votes = [true, false, true].map(|vote| asyncio::ensure_future(async move { Ok(vote) }));
///     assert_eq!(asyncio::gather(Votes(votes.to_vec())).await?, 2);
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
pub trait Gatherable {
    /// The results in the order given: a tuple, an array or a `Vec`, as was given.
    type Output: 'static;
    /// The same with a `Result` for each.
    type All: 'static;
    /// The children's futures.
    type Children: 'static;

    /// Makes tasks of the coroutines, in order, and shows each to `watch` before the next is made.
    #[track_caller]
    fn ensure_futures(self, watch: &mut GatherWatch) -> Self::Children;

    /// Reads the results of children that have all succeeded.
    fn collect(children: &Self::Children) -> Self::Output;

    /// Reads the results and errors of children that have all ended.
    fn collect_all(children: &Self::Children) -> Self::All;
}

#[track_caller]
fn begin<A: Awaitable>(child: A, watch: &mut GatherWatch) -> Future<Output<A>> {
    let child = child.ensure_future();
    watch.child(&child);
    child
}

fn item<A: Awaitable>(child: &Future<Output<A>>) -> Output<A> {
    A::claim(child).expect("the children of a gather that succeeds have succeeded")
}

/// The item of a child under `return_exceptions`. A cancelled child's stored cancellation is left to whoever
/// awaits the child: asyncio makes a new one here, with an empty message if none was given.
fn item_or_error<A: Awaitable>(child: &Future<Output<A>>) -> Result<Output<A>> {
    if child.cancelled() {
        return Err(Error::cancelled_with(child.cancel_message().unwrap_or_default()));
    }
    A::claim(child)
}

impl<A: Awaitable> Gatherable for Vec<A> {
    type Output = Vec<Output<A>>;
    type All = Vec<Result<Output<A>>>;
    type Children = Vec<Future<Output<A>>>;

    #[track_caller]
    fn ensure_futures(self, watch: &mut GatherWatch) -> Self::Children {
        let mut children = Vec::with_capacity(self.len());
        for child in self {
            children.push(begin(child, watch));
        }
        children
    }

    fn collect(children: &Self::Children) -> Self::Output {
        children.iter().map(item::<A>).collect()
    }

    fn collect_all(children: &Self::Children) -> Self::All {
        children.iter().map(item_or_error::<A>).collect()
    }
}

impl<A: Awaitable, const N: usize> Gatherable for [A; N] {
    type Output = [Output<A>; N];
    type All = [Result<Output<A>>; N];
    type Children = [Future<Output<A>>; N];

    #[track_caller]
    fn ensure_futures(self, watch: &mut GatherWatch) -> Self::Children {
        self.map(|child| begin(child, watch))
    }

    fn collect(children: &Self::Children) -> Self::Output {
        children.each_ref().map(item::<A>)
    }

    fn collect_all(children: &Self::Children) -> Self::All {
        children.each_ref().map(item_or_error::<A>)
    }
}

macro_rules! tuples {
    ($($A:ident $index:tt),+) => {
        impl<$($A: Awaitable),+> Gatherable for ($($A,)+) {
            type Output = ($(Output<$A>,)+);
            type All = ($(Result<Output<$A>>,)+);
            type Children = ($(Future<Output<$A>>,)+);

            #[track_caller]
            fn ensure_futures(self, watch: &mut GatherWatch) -> Self::Children {
                ($(begin(self.$index, watch),)+)
            }

            fn collect(children: &Self::Children) -> Self::Output {
                ($(item::<$A>(&children.$index),)+)
            }

            fn collect_all(children: &Self::Children) -> Self::All {
                ($(item_or_error::<$A>(&children.$index),)+)
            }
        }
    };
}

tuples!(A0 0);
tuples!(A0 0, A1 1);
tuples!(A0 0, A1 1, A2 2);
tuples!(A0 0, A1 1, A2 2, A3 3);
tuples!(A0 0, A1 1, A2 2, A3 3, A4 4);
tuples!(A0 0, A1 1, A2 2, A3 3, A4 4, A5 5);
tuples!(A0 0, A1 1, A2 2, A3 3, A4 4, A5 5, A6 6);
tuples!(A0 0, A1 1, A2 2, A3 3, A4 4, A5 5, A6 6, A7 7);
tuples!(A0 0, A1 1, A2 2, A3 3, A4 4, A5 5, A6 6, A7 7, A8 8);
tuples!(A0 0, A1 1, A2 2, A3 3, A4 4, A5 5, A6 6, A7 7, A8 8, A9 9);
tuples!(A0 0, A1 1, A2 2, A3 3, A4 4, A5 5, A6 6, A7 7, A8 8, A9 9, A10 10);
tuples!(
    A0 0, A1 1, A2 2, A3 3, A4 4, A5 5, A6 6, A7 7, A8 8, A9 9, A10 10, A11 11
);
